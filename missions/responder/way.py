"""The exact way of one drone to a call: altitude, route, energy, separation, and the way home."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from missions.airspace import Airspace
from missions.builder import MARGIN_PERCENT
from missions.city import Drone
from missions.conflict import Traffic
from missions.energy import THERE_M, Cost, Point, PowerModel, Wind, step_cost
from missions.errors import PlanError
from missions.gate import waits_s
from missions.ground import Ground
from missions.overhead import sooner_s
from missions.picture import DroneNow
from missions.reach import Home, homes
from missions.responder.answer import Call, Refused
from missions.responder.place import hover_at
from missions.tracks import Metres
from missions.trajectory import TimedPoint, Trajectory
from missions.wind import held_speed

LEVEL_M = 3.0
"""A drone that is so near to an altitude is at it."""
DOUBT_S, DRIFT = 5.0, 0.03
"""A drone may be so much early or late at the start of its way, and so much more a second."""
DOCKS_TRIED = 3
"""The exact way home is looked at for so many docks, those that are the nearest with the wind."""


@dataclass(frozen=True, slots=True)
class Flight:
    """One drone's way to a call and home again.

    Attributes
    ----------
    out
        From where it is to over the call.
    home
        From there to over the dock.
    """

    out: tuple[Point, ...]
    home: tuple[Point, ...]
    eta_s: float
    """Until it is overhead."""
    out_wh: float
    stay_s: float
    ends_at: str
    trajectory: Trajectory


class Others:
    """Where drones are and will be, by drone, in seconds from now."""

    def __init__(self, trajectories: Mapping[str, Trajectory]) -> None:
        self._known = [(tuple(trajectories), Traffic.of(tuple(trajectories.values())))]
        self._sent: set[str] = set()

    def meets(self, own: Trajectory, but: str) -> str | None:
        """Return a drone that one on this trajectory would meet, other than itself; or None."""
        for number, (names, traffic) in enumerate(self._known):
            for name in (names[index] for index in traffic.met(own)):
                if name != but and (number or name not in self._sent):
                    return name
        return None

    def send(self, drone: str, trajectory: Trajectory) -> None:
        """Take a drone from the trajectory it was on, and onto another."""
        self._sent.add(drone)
        self._known.append(((drone,), Traffic.of([trajectory])))


@dataclass
class Scene:
    """A call, where drones may hover for it, and what is known of ways around it.

    Parameters
    ----------
    ground, airspace, call, wind, now
        The city, what is closed in it, the call, the wind, and when.
    others
        Where other drones are and will be, by drone.
    free_at
        Docks at which each drone may end, by drone.
    fleet
        Every drone, now.
    """

    ground: Ground
    airspace: Airspace
    call: Call
    wind: Wind
    now: datetime
    others: Others
    free_at: Mapping[str, Sequence[str]]
    fleet: Sequence[DroneNow] = ()
    _places: dict[float, Metres | PlanError] = field(default_factory=dict)
    _starts: dict[str, float] = field(default_factory=dict)
    _homes: dict[tuple[Metres, Metres, float], tuple[Metres, ...] | PlanError] = field(
        default_factory=dict
    )

    def place(self, altitude_m: float) -> Metres:
        """Return where they hover at an altitude.

        Raises
        ------
        PlanError
            If there is no such place.
        """
        known = self._places.get(altitude_m)
        if known is None:
            try:
                known = hover_at(self.airspace, self.call.place, altitude_m)
            except PlanError as error:
                known = error
            self._places[altitude_m] = known
        if isinstance(known, PlanError):
            raise known
        return known

    def start_s(self, now: DroneNow) -> float:
        """Return for how long a drone is not yet in the air, seconds."""
        if now.in_air:
            return 0.0
        known = self._starts.get(now.dock)
        if known is None:
            known = self._starts[now.dock] = waits_s(self.ground, now.dock, self.fleet)
        return known

    def flight(self, now: DroneNow) -> Flight | Refused:
        """Return the soonest flight of a drone that keeps every limit, or why there is none."""
        drone = self.ground.drones[now.id]
        model = PowerModel.of(drone, now.temperature_c)
        why = Refused(now.id, "airspace", "no altitude is allowed")
        drafts = []
        for altitude in self.ground.layers:
            try:
                drafts.append(self._out(now, drone, model, altitude))
            except PlanError as error:
                why = refused_by(now.id, error)
        for out, cost in sorted(
            drafts, key=lambda draft: (draft[1].duration_s, draft[0][-1].altitude_m)
        ):
            try:
                flight = self._whole(now, drone, model, out, cost)
            except PlanError as error:
                why = refused_by(now.id, error)
                continue
            meets = self.others.meets(flight.trajectory, but=now.id)
            if meets is None:
                return flight
            words = f"meets {meets} at {out[-1].altitude_m:g} m, and no other altitude is free"
            why = Refused(now.id, "airspace", words)
        return why

    def _out(
        self, now: DroneNow, drone: Drone, model: PowerModel, altitude: float
    ) -> tuple[tuple[Point, ...], Cost]:
        """Return the way from a drone to over the call at an altitude, changed to on the spot."""
        here = Point(*now.place, now.altitude_m)
        way = self.airspace.route(now.place, self.place(altitude), altitude)
        at_level = abs(now.altitude_m - altitude) <= LEVEL_M  # the rest it climbs on the way
        points = (here, *(Point(x, y, altitude) for x, y in way[at_level:]))
        self.airspace.check([(p.east, p.north, p.altitude_m) for p in points])
        return points, _cost(points, drone.cruise_m_s, model, self.wind)

    def _whole(
        self, now: DroneNow, drone: Drone, model: PowerModel, out: tuple[Point, ...], cost: Cost
    ) -> Flight:
        """Return the flight with its way home and what its battery leaves for the call.

        Raises
        ------
        PlanError
            If the battery does not hold it.
        """
        reserve = self.ground.city.limits.reserve_percent
        spare_wh = model.capacity_wh * (now.battery_percent - MARGIN_PERCENT - reserve) / 100.0
        stays_wh = self.call.on_scene_s * model.still_w(self.wind) / 3600.0
        most_wh = spare_wh - cost.energy_wh - stays_wh
        found = self._home(now, drone, model, out[-1], most_wh)
        name, back = found.dock, found.cost
        home = tuple(Point(x, y, found.altitude_m) for x, y in found.way)
        left_wh = spare_wh - cost.energy_wh - back.energy_wh
        stay_s = math.floor(left_wh * 3600.0 / model.still_w(self.wind))
        if stay_s < self.call.min_stay_s:
            raise PlanError(
                f"{now.battery_percent:.0f} % of battery hold {spare_wh:.0f} Wh above a reserve of "
                f"{reserve:g} % and a margin of {MARGIN_PERCENT:g} %; there and home to {name} takes "
                f"{cost.energy_wh + back.energy_wh:.0f} Wh, which leaves {max(stay_s, 0)} s over the "
                f"call; at least {self.call.min_stay_s:g} s are needed",
                "energy",
            )
        flies_s = cost.duration_s - self._sooner_s(out, drone, model)
        eta_s = self.start_s(now) + flies_s
        stays_s = min(stay_s, self.call.on_scene_s)
        when = self._passed(now, drone, model, (out, home), stays_s)
        trajectory = Trajectory.of(when, doubt_s=DOUBT_S, drift=DRIFT)
        return Flight(out, home, eta_s, cost.energy_wh, stay_s, name, trajectory)

    def _sooner_s(self, out: Sequence[Point], drone: Drone, model: PowerModel) -> float:
        """Return how much sooner a drone is overhead than it stands there."""
        a, b = out[-2:] if len(out) > 1 else (out[0], out[0])
        east, north = b.east - a.east, b.north - a.north
        if math.hypot(east, north) <= THERE_M:
            return 0.0
        track = math.degrees(math.atan2(east, north)) % 360.0
        speed = held_speed(drone.cruise_m_s, model.top_air_m_s, track, self.wind)
        return sooner_s(math.hypot(east, north), speed)

    def _passed(
        self,
        now: DroneNow,
        drone: Drone,
        model: PowerModel,
        ways: tuple[Sequence[Point], Sequence[Point]],
        stays_s: float,
    ) -> list[TimedPoint]:
        """Return when each point of the way out and the way home is passed.

        Without climb and landing over docks: there the docks' gates keep drones apart.
        """
        seconds = self.start_s(now)
        passed: list[TimedPoint] = []
        for points, then_s in zip(ways, (stays_s, 0.0), strict=True):
            passed.append((seconds, points[0].east, points[0].north, points[0].altitude_m))
            for a, b in pairwise(points):
                seconds += step_cost(a, b, drone.cruise_m_s, model, self.wind).duration_s
                passed.append((seconds, b.east, b.north, b.altitude_m))
            seconds += then_s
        return passed if now.in_air else passed[1:]

    def _home(
        self, now: DroneNow, drone: Drone, model: PowerModel, over: Point, most_wh: float
    ) -> Home:
        """Return the drone's way home.

        To its own dock where that leaves it as long over the call as is wanted (it takes
        ``most_wh`` or less), else to the one that takes the least: so drones do not gather where
        calls are.

        Raises
        ------
        PlanError
            If there is none.
        """
        free = {dock: self.ground.places[dock] for dock in self.free_at[now.id]}
        own = {dock: place for dock, place in free.items() if dock == drone.dock}
        for docks in (own, free):
            ways = homes(
                over, docks, model, self.wind, altitude_m=over.altitude_m, way=self._way_home
            )
            home = next(ways, None)
            if home is not None and (docks is free or home.cost.energy_wh <= most_wh):
                return home
        raise PlanError(
            f"no way home to a dock that can take it: {', '.join(free) or 'none'}", "reach"
        )

    def _way_home(self, start: Metres, dock: Metres, altitude_m: float) -> tuple[Metres, ...]:
        """Return a way home from over the call, worked out once for all drones."""
        key = start, dock, altitude_m
        known = self._homes.get(key)
        if known is None:
            try:
                known = self.airspace.route(start, dock, altitude_m)
                self.airspace.check([(x, y, altitude_m) for x, y in known])
            except PlanError as error:
                known = error
            self._homes[key] = known
        if isinstance(known, PlanError):
            raise known
        return known


def refused_by(drone: str, error: PlanError) -> Refused:
    """Return why a drone is not sent, by the limit that was broken."""
    return Refused(drone, error.constraint, str(error))


def _cost(points: Sequence[Point], speed: float, model: PowerModel, wind: Wind) -> Cost:
    total = Cost()
    for a, b in pairwise(points):
        total += step_cost(a, b, speed, model, wind)
    return total
