"""Battery and wind: what a leg and a sortie take, and what must be kept to come home.

The model needs only what a city file says of a drone: power in a hover, power at cruise speed,
capacity. It errs on the side of taking more.

- Ground speed is that of the wind triangle (FAA-H-8083-25C, chapter 16): the drone keeps its air
  speed and turns into the crosswind. A tail wind is not used to fly faster than asked, since a
  multicopter's autopilot holds the ground speed it is told.
- Power between hover and cruise is taken on the straight line between the two; above cruise speed
  it grows with the cube of air speed, as parasite power does (Leishman, Principles of Helicopter
  Aerodynamics, 2nd ed., section 5.4).
- Each leg is flown from a stand to a stand at acceleration ``a``: ``d / v + v / a``, or
  ``2 sqrt(d / a)`` where it is too short to reach ``v`` (any text on kinematics). Autopilots that
  cut corners take less.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from missions.city import Drone
from missions.errors import PlanError
from missions.geo import LocalFrame
from missions.sortie import Leg, SortieEnergy, Waypoint

CLIMB_M_S = 3.0
"""PX4's default MPC_Z_VEL_MAX_UP."""
DESCENT_M_S = 1.5
"""PX4's default MPC_Z_VEL_MAX_DN."""
LANDING_M_S = 0.7
"""PX4's default MPC_LAND_SPEED, over the last 10 m (MPC_LAND_ALT1)."""
LANDING_FROM_M = 10.0
ACCELERATION_M_S2 = 3.0
"""PX4's default MPC_ACC_HOR."""
CLIMB_FACTOR = 1.2
"""Power in a climb over power in a hover: an assumption, not a measurement. Lifting 4 kg at 3 m/s
is 118 W, 28 % of 420 W, of which the better inflow of a climb gives some back."""
SLOWEST_M_S = 1.0
"""A leg that wind slows below this is refused."""


@dataclass(frozen=True, slots=True)
class Wind:
    """Mean wind: speed, and the direction it comes from, degrees clockwise from true north.

    With no direction known every leg is taken to be flown against it.
    """

    speed_m_s: float = 0.0
    from_deg: float | None = None


CALM = Wind()


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


@dataclass(frozen=True, slots=True)
class PowerModel:
    """Power of a drone by its air speed."""

    hover_w: float
    cruise_w: float
    cruise_m_s: float
    capacity_wh: float

    @classmethod
    def of(cls, drone: Drone) -> PowerModel:
        """Return the model of a drone in the city file."""
        battery = drone.battery
        return cls(battery.hover_w, battery.cruise_w, drone.cruise_m_s, battery.capacity_wh)

    def power_w(self, air_speed: float) -> float:
        """Return the electrical power at an air speed in m/s."""
        share = air_speed / self.cruise_m_s
        if share <= 1.0:
            return self.hover_w + (self.cruise_w - self.hover_w) * share
        return self.cruise_w * share**3

    def still_w(self, wind: Wind) -> float:
        """Return the power that holding a place in wind takes, never less than in calm air."""
        return max(self.hover_w, self.power_w(wind.speed_m_s))


def ground_speed(air_speed: float, track_deg: float, wind: Wind) -> float:
    """Return the speed over ground on a track, from the wind triangle.

    ``sqrt(va² - w_cross²) + w_tail``; no more than ``air_speed`` (see the module).

    Raises
    ------
    PlanError
        If the wind leaves less than 1 m/s.
    """
    if wind.from_deg is None:
        cross, tail = 0.0, -wind.speed_m_s
    else:
        angle = math.radians(wind.from_deg - track_deg)
        cross, tail = wind.speed_m_s * math.sin(angle), -wind.speed_m_s * math.cos(angle)
    left = air_speed**2 - cross**2
    speed = math.sqrt(left) + tail if left > 0 else 0.0
    if speed < SLOWEST_M_S:
        raise PlanError(
            f"wind of {wind.speed_m_s:g} m/s leaves {max(speed, 0.0):.1f} m/s over ground on track "
            f"{track_deg:.0f} at {air_speed:g} m/s air speed; at least {SLOWEST_M_S:g} is needed"
        )
    return min(speed, air_speed)


def _air_speed(over_ground: float, track_deg: float, wind: Wind) -> float:
    """Return the air speed that a ground speed on a track takes."""
    if wind.from_deg is None:
        return over_ground + wind.speed_m_s
    angle = math.radians(wind.from_deg - track_deg)
    return math.hypot(
        over_ground + wind.speed_m_s * math.cos(angle), wind.speed_m_s * math.sin(angle)
    )


def _vertical_s(height: float) -> float:
    return height / CLIMB_M_S if height > 0 else -height / DESCENT_M_S


def _level_s(distance: float, speed: float) -> float:
    """Return the time from a stand to a stand over a level distance."""
    if distance < speed**2 / ACCELERATION_M_S2:
        return 2.0 * math.sqrt(distance / ACCELERATION_M_S2)
    return distance / speed + speed / ACCELERATION_M_S2


def step_cost(a: Point, b: Point, speed: float, model: PowerModel, wind: Wind = CALM) -> Cost:
    """Return what it takes to go from ``a`` to ``b``, with the time spent at ``b``.

    Raises
    ------
    PlanError
        If wind does not let the drone go there.
    """
    east, north = b.east - a.east, b.north - a.north
    level, height = math.hypot(east, north), b.altitude_m - a.altitude_m
    vertical = _vertical_s(height)
    seconds, joules = 0.0, 0.0
    if level > 0.1:
        track = math.degrees(math.atan2(east, north)) % 360.0
        over_ground = ground_speed(speed, track, wind)
        # climbing on the way: the slower of the two sets the time
        seconds = max(_level_s(level, over_ground), vertical)
        joules = seconds * model.power_w(_air_speed(over_ground, track, wind))
    else:
        seconds = vertical
        joules = seconds * model.still_w(wind)
    if height > 0:
        joules += vertical * model.hover_w * (CLIMB_FACTOR - 1.0)
    joules += b.hold_s * model.still_w(wind)
    return Cost(seconds + b.hold_s, math.hypot(level, height), joules / 3600.0)


def landing_cost(altitude_m: float, model: PowerModel, wind: Wind = CALM) -> Cost:
    """Return what a descent from a height over the dock to its pad takes."""
    slow = min(altitude_m, LANDING_FROM_M)
    seconds = slow / LANDING_M_S + (altitude_m - slow) / DESCENT_M_S
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
    height = max(transit_altitude_m, here.altitude_m)
    home_point = Waypoint(home[0], home[1], height)
    frame = LocalFrame(*home)
    east, north = frame.to_enu(here.lon, here.lat)
    start = Point(east, north, here.altitude_m)
    up = Point(east, north, height)
    over = Point(0.0, 0.0, home_point.altitude_m)
    speed = model.cruise_m_s
    return (
        step_cost(start, up, speed, model, wind)
        + step_cost(up, over, speed, model, wind)
        + landing_cost(height, model, wind)
    )


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
