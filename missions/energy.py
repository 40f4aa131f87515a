"""Battery and wind: what a leg and a sortie take, and what must be kept to come home.

The model errs on the side of taking more.

- Power is ``power``'s, speeds in wind are ``wind``'s: a leg takes the time of one that holds its
  ground speed as far as its airframe can. In a head wind that draws more; one that keeps its air
  speed, or can do more than its file says, draws another sum. A leg takes the greatest of these.
  What a tail wind would save is not counted on, since it may drop.
- Each leg is flown from a stand to a stand at acceleration ``a``: ``d / v + v / a``, or
  ``2 sqrt(d / a)`` where it is too short to reach ``v`` (any text on kinematics). While it gains
  and loses speed it takes the mean power of the speeds between, and what leaning takes. Autopilots
  that cut corners take less.
- A climb takes the work against gravity on top; a descent gives nothing back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from missions.geo import LocalFrame
from missions.power import CLIMB_M_S, DESCENT_M_S, GRAVITY_M_S2, PowerModel
from missions.sortie import Leg, SortieEnergy, Waypoint
from missions.wind import CALM, SLOWEST_M_S, Wind, air_speeds, ground_speed, held_speed

__all__ = [
    "ACCELERATION_M_S2",
    "CALM",
    "CLIMB_M_S",
    "DESCENT_M_S",
    "LANDING_FROM_M",
    "LANDING_M_S",
    "LEAN",
    "SLOWEST_M_S",
    "THERE_M",
    "Cost",
    "Point",
    "PowerModel",
    "Wind",
    "come_home_cost",
    "ground_speed",
    "landing_cost",
    "legs_cost",
    "longest_hold_s",
    "path_cost",
    "relief_drones",
    "sortie_energy",
    "step_cost",
    "way_home_cost",
]

THERE_M = 0.1
"""What is so near is there."""
LANDING_M_S = 0.7
"""PX4's default MPC_LAND_SPEED, over the last 10 m (MPC_LAND_ALT1)."""
LANDING_FROM_M = 10.0
ACCELERATION_M_S2 = 3.0
"""PX4's default MPC_ACC_HOR."""
LEAN = (1.0 + (ACCELERATION_M_S2 / GRAVITY_M_S2) ** 2) ** 0.75
"""Power of one that leans to gain or lose speed over one that does not: its rotors push with
``m sqrt(g² + a²)``, and power goes with the 1.5th power of that (see ``power``)."""


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a path, metres in a local frame, and the time spent there."""

    east: float
    north: float
    altitude_m: float
    hold_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What a path takes."""

    duration_s: float = 0.0
    distance_m: float = 0.0
    energy_wh: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        """Return the cost of both, one after the other."""
        return Cost(
            self.duration_s + other.duration_s,
            self.distance_m + other.distance_m,
            self.energy_wh + other.energy_wh,
        )


def _vertical_s(height: float, model: PowerModel) -> float:
    return height / model.climb_m_s if height > 0 else -height / model.descent_m_s


def _run(
    distance: float, track: float, speed: float, steady_w: float, model: PowerModel, wind: Wind
) -> tuple[float, float]:
    """Return the seconds and joules from a stand to a stand over a level distance."""
    top = min(speed, math.sqrt(distance * ACCELERATION_M_S2))
    ramps_s = 2.0 * top / ACCELERATION_M_S2
    steady_s = max(0.0, distance - speed**2 / ACCELERATION_M_S2) / speed
    ramp_w = model.mean_w(0.0, top)
    if wind.speed_m_s > 0.0:
        # against it air speeds are higher; with it they stay low, which takes more, too
        _, fast = air_speeds(top, track, wind)
        against_w = model.mean_w(min(wind.speed_m_s, fast), fast)
        ramp_w = max(ramp_w, against_w, model.mean_w(0.0, max(0.0, top - wind.speed_m_s)))
    return ramps_s + steady_s, ramps_s * LEAN * ramp_w + steady_s * steady_w


def step_cost(a: Point, b: Point, speed: float, model: PowerModel, wind: Wind = CALM) -> Cost:
    """Return what it takes to go from ``a`` to ``b``, with the time spent at ``b``.

    Raises
    ------
    PlanError
        If wind does not let the drone go there.
    """
    east, north = b.east - a.east, b.north - a.north
    level, height = math.hypot(east, north), b.altitude_m - a.altitude_m
    vertical = _vertical_s(height, model)
    seconds = joules = 0.0
    if level > THERE_M:
        track = math.degrees(math.atan2(east, north)) % 360.0
        seconds, joules = _level(level, track, speed, model, wind)
    # climbing on the way: the slower of the two sets the time
    joules += max(0.0, vertical - seconds) * model.still_w(wind)
    seconds = max(seconds, vertical)
    joules += b.hold_s * model.still_w(wind)
    energy_wh = joules / 3600.0 + model.climb_wh(max(0.0, height))
    return Cost(seconds + b.hold_s, math.hypot(level, height), energy_wh)


def _level(
    distance: float, track: float, speed: float, model: PowerModel, wind: Wind
) -> tuple[float, float]:
    """Return the seconds of a level way, and its joules (see the module)."""
    by_air = ground_speed(speed, track, wind)
    seconds, joules = _run(distance, track, by_air, model.power_w(speed), model, wind)
    if wind.speed_m_s <= 0.0:
        return seconds, joules
    held = held_speed(speed, model.top_air_m_s, track, wind)
    for over_ground in (speed, held) if held < speed else (held,):
        most_w = model.most_w(*air_speeds(over_ground, track, wind))
        seconds, keeps_ground = _run(distance, track, over_ground, most_w, model, wind)
        joules = max(joules, keeps_ground)
    return seconds, joules


def landing_cost(altitude_m: float, model: PowerModel, wind: Wind = CALM) -> Cost:
    """Return what a descent from a height over the dock to its pad takes."""
    slow = min(altitude_m, LANDING_FROM_M)
    seconds = slow / LANDING_M_S + (altitude_m - slow) / model.descent_m_s
    return Cost(seconds, altitude_m, seconds * model.still_w(wind) / 3600.0)


def path_cost(points: Sequence[tuple[Point, float]], model: PowerModel, wind: Wind = CALM) -> Cost:
    """Return what a path from the pad and back to it takes.

    Parameters
    ----------
    points
        Each point with the speed in m/s to reach it at; the first and the last are over the pad.
        Take-off to the first and landing from the last are part of the cost.
    """
    if not points:
        return Cost()
    first, last = points[0][0], points[-1][0]
    total = step_cost(Point(first.east, first.north, 0.0), first, points[0][1], model, wind)
    for (a, _), (b, speed) in pairwise(points):
        total += step_cost(a, b, speed, model, wind)
    return total + landing_cost(last.altitude_m, model, wind)


def legs_cost(
    legs: Sequence[Leg], home: tuple[float, float], model: PowerModel, wind: Wind = CALM
) -> Cost:
    """Return what the legs of a sortie take, from the pad at ``home`` (lon, lat) and back to it."""
    frame = LocalFrame(*home)
    points = []
    for leg in legs:
        for w in leg.waypoints:
            east, north = frame.to_enu(w.lon, w.lat)
            points.append((Point(east, north, w.altitude_m, w.hold_s), leg.speed_m_s))
    return path_cost(points, model, wind)


def come_home_cost(
    here: Waypoint,
    home: tuple[float, float],
    transit_altitude_m: float,
    model: PowerModel,
    wind: Wind = CALM,
) -> Cost:
    """Return what it takes to come home from a place: climb, straight flight, landing.

    Parameters
    ----------
    here
        Where the drone is; altitude above home.
    home
        The dock (lon, lat).
    transit_altitude_m
        Height flown at on the way; the drone does not descend for it.

    Raises
    ------
    PlanError
        If wind does not let the drone come home.
    """
    frame = LocalFrame(*home)
    east, north = frame.to_enu(here.lon, here.lat)
    start = Point(east, north, here.altitude_m)
    return way_home_cost(start, ((east, north), (0.0, 0.0)), transit_altitude_m, model, wind)


def way_home_cost(
    here: Point,
    way: Sequence[tuple[float, float]],
    transit_altitude_m: float,
    model: PowerModel,
    wind: Wind = CALM,
) -> Cost:
    """Return what it takes to come home on a way: climb, the way, landing.

    Parameters
    ----------
    here
        Where the drone is.
    way
        East and north from there to over the dock, both included.
    transit_altitude_m
        Height flown at on the way; the drone does not descend for it.

    Raises
    ------
    PlanError
        If wind does not let the drone come home.
    """
    height = max(transit_altitude_m, here.altitude_m)
    points = [Point(east, north, height) for east, north in way]
    total = step_cost(here, replace(here, altitude_m=height, hold_s=0.0), 1.0, model, wind)
    for a, b in pairwise(points):
        total += step_cost(a, b, model.cruise_m_s, model, wind)
    return total + landing_cost(height, model, wind)


def sortie_energy(
    cost: Cost, model: PowerModel, battery_percent: float, reserve_percent: float
) -> SortieEnergy:
    """Return a sortie's energy: what it takes, the reserve on top, what the battery holds."""
    return SortieEnergy(
        duration_s=cost.duration_s,
        distance_m=cost.distance_m,
        needed_wh=cost.energy_wh,
        reserve_wh=model.capacity_wh * reserve_percent / 100.0,
        available_wh=model.capacity_wh * battery_percent / 100.0,
    )


def longest_hold_s(
    cost: Cost,
    model: PowerModel,
    battery_percent: float,
    reserve_percent: float,
    wind: Wind = CALM,
) -> float:
    """Return how long a drone can hover on a sortie that takes ``cost`` without the hover.

    Zero where the battery does not even hold the rest.
    """
    left_wh = model.capacity_wh * (battery_percent - reserve_percent) / 100.0 - cost.energy_wh
    return max(0.0, left_wh * 3600.0 / model.still_w(wind))


def relief_drones(usable_s: float, charge_s: float) -> int:
    """Return how many drones watch a place without a break, taking turns.

    Parameters
    ----------
    usable_s
        For how long one is there on a battery: without the ways, above the reserve.
    charge_s
        From when it leaves until it is there again: the ways and the charge.

    Raises
    ------
    ValueError
        If the time over the place is not above 0, or the other is negative.
    """
    if not usable_s > 0.0 or not 0.0 <= charge_s < math.inf:
        raise ValueError(
            f"{usable_s:g} s over the place and {charge_s:g} s to come back; the first must be "
            "above 0, the second finite and at least 0"
        )
    return math.ceil((usable_s + charge_s) / usable_s)
