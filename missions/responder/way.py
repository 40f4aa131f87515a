"""The exact way of one drone to a call: altitude, route, energy, separation, and the way home."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from shapely.geometry import LineString
from shapely.geometry import Point as Spot
from shapely.geometry.base import BaseGeometry

from missions.airspace import Airspace, Tube
from missions.build import MARGIN_PERCENT, Ground
from missions.city import Drone
from missions.coverage import Metres
from missions.energy import Cost, Point, PowerModel, Wind, landing_cost, step_cost
from missions.errors import PlanError
from missions.picture import DroneNow
from missions.responder.answer import Call, Refused
from missions.responder.place import hover_at

LEVEL_M = 3.0
"""A drone that is so near to an altitude is at it."""
DOCKS_TRIED = 2
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
    out_wh: float
    stay_s: float
    ends_at: str
    tube: Tube


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
    """

    ground: Ground
    airspace: Airspace
    call: Call
    wind: Wind
    now: datetime
    others: dict[str, Tube]
    free_at: Mapping[str, Sequence[str]]
    _places: dict[float, Metres | PlanError] = field(default_factory=dict)
    _homes: dict[tuple[str, float], tuple[Metres, ...] | PlanError] = field(default_factory=dict)

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
        """Return for how long a drone is not yet in the air, seconds: checks and the dock's door."""
        if now.in_air:
            return 0.0
        return self.ground.city.limits.checks_s + self.ground.docks[now.dock].door_s

    def flight(self, now: DroneNow) -> Flight | Refused:
        """Return the soonest flight of a drone that keeps every limit, or why there is none."""
        drone = self.ground.drones[now.id]
        model = PowerModel.of(drone)
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
            meets = next(
                (o for o, t in self.others.items() if o != now.id and flight.tube.meets(t)), None
            )
            if meets is None:
                return flight
            why = Refused(
                now.id, "airspace", f"meets {meets} at {out[-1].altitude_m:g} m and all others"
            )
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
        name, home, back = self._home(now, drone, model, out[-1])
        reserve = self.ground.city.limits.reserve_percent
        spare_wh = model.capacity_wh * (now.battery_percent - MARGIN_PERCENT - reserve) / 100.0
        left_wh = spare_wh - cost.energy_wh - back.energy_wh
        stay_s = math.floor(left_wh * 3600.0 / model.still_w(self.wind))
        if stay_s < self.call.min_stay_s:
            raise _EnergyError(
                f"{now.battery_percent:.0f} % of battery hold {spare_wh:.0f} Wh above a reserve of "
                f"{reserve:g} % and a margin of {MARGIN_PERCENT:g} %; there and home to {name} takes "
                f"{cost.energy_wh + back.energy_wh:.0f} Wh, which leaves {max(stay_s, 0)} s over the "
                f"call; at least {self.call.min_stay_s:g} s are needed"
            )
        limits = self.ground.city
        start_s = 0.0 if now.in_air else limits.limits.checks_s + self.ground.docks[now.dock].door_s
        return Flight(
            out,
            home,
            start_s + cost.duration_s,
            cost.energy_wh,
            stay_s,
            name,
            _tube(now, out, home),
        )

    def _home(
        self, now: DroneNow, drone: Drone, model: PowerModel, over: Point
    ) -> tuple[str, tuple[Point, ...], Cost]:
        """Return the dock that the drone comes home to with the least energy, the way and its cost."""
        best: tuple[Cost, str, tuple[Point, ...]] | None = None
        error: PlanError | None = None
        docks = sorted(
            self.free_at[now.id],
            key=lambda dock: math.dist(self.ground.places[dock], self.call.place),
        )
        tried = 0
        for dock in docks:
            if tried == DOCKS_TRIED:
                break
            try:
                way = tuple(Point(x, y, over.altitude_m) for x, y in self._way_home(dock, over))
                cost = _cost(way, drone.cruise_m_s, model, self.wind)
            except PlanError as failed:
                error = failed
                continue
            tried += 1
            if best is None or cost.energy_wh < best[0].energy_wh:
                best = cost, dock, way
        if best is None:
            raise error or PlanError("no dock can take it")
        cost, dock, way = best
        return dock, way, cost + landing_cost(over.altitude_m, model, self.wind)

    def _way_home(self, dock: str, over: Point) -> tuple[Metres, ...]:
        key = dock, over.altitude_m
        known = self._homes.get(key)
        if known is None:
            try:
                known = self.airspace.route(
                    (over.east, over.north), self.ground.places[dock], over.altitude_m
                )
                self.airspace.check([(x, y, over.altitude_m) for x, y in known])
            except PlanError as error:
                known = error
            self._homes[key] = known
        if isinstance(known, PlanError):
            raise known
        return known


def _tube(now: DroneNow, out: Sequence[Point], home: Sequence[Point]) -> Tube:
    """Return where a flight is, without time."""
    top, start = out[-1].altitude_m, out[0]
    spot: BaseGeometry = Spot(start.east, start.north)
    track = LineString([(p.east, p.north) for p in (*out, *home)])
    end = Spot(home[-1].east, home[-1].north)
    lower = [(spot, 0.0 if not now.in_air else min(start.altitude_m, top)), (end, 0.0)]
    return Tube(now.dock, top, track, track, tuple(lower))


class _EnergyError(PlanError):
    """The battery does not hold it."""

    constraint = "energy"


def refused_by(drone: str, error: PlanError) -> Refused:
    """Return why a drone is not sent, by the limit that was broken."""
    return Refused(drone, str(getattr(error, "constraint", "airspace")), str(error))


def _cost(points: Sequence[Point], speed: float, model: PowerModel, wind: Wind) -> Cost:
    total = Cost()
    for a, b in pairwise(points):
        total += step_cost(a, b, speed, model, wind)
    return total
