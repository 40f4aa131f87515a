"""What drones that fly have still to fly, and when they are where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from fleet.link.items import NAV_LOITER_TIME, NAV_WAYPOINT, Programme
from fleet.model.states import DroneState
from missions.city import Drone
from missions.conflict import conflict
from missions.energy import Point, PowerModel, Wind, step_cost
from missions.errors import PlanError
from missions.geo import LocalFrame
from missions.sortie import Leg
from missions.trajectory import TimedPoint, Trajectory

if TYPE_CHECKING:  # the planner's process reads ways, and has no drones to keep
    from fleet.flight.mate import Mate
    from fleet.flight.supervisor import Supervisor

S = DroneState
DOUBT_S, DRIFT = 5.0, 0.05
"""A drone may be so much early or late now, and so much more a second."""
STAYS_S = 900.0
"""One that holds is taken to stay for so long."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A place of a way, degrees, metres above home; how fast it is flown to, how long it stays."""

    lon: float
    lat: float
    altitude_m: float
    speed_m_s: float
    hold_s: float = 0.0


def ahead(s: Mate) -> list[Stop]:
    """Return what a drone has still to fly, from where it is; empty where it does not fly."""
    sortie, t, speed = s.answering or s.sortie or s.assigned, s.t, s.drone.cruise_m_s
    if sortie is None or s.out_of_the_air:
        return []
    if not t.in_air:
        return [Stop(*s.pad, 0.0, speed), *_legs(sortie.legs)]
    if t.lon is None or t.lat is None:
        return []
    height = max(0.0, t.altitude_m or 0.0)
    here = Stop(t.lon, t.lat, height, speed)
    if s.state in {S.RETURNING, S.LANDING}:
        return [here, Stop(*s.pad, height, speed)]
    if s.answering is not None:
        return [here, *_legs(sortie.legs[1:])]
    if s.programme is None or s.state in {S.HELD, S.EMERGENCY, S.LOST}:
        return [here, replace(here, hold_s=STAYS_S)]
    return [here, *_rest(s.programme, t.mission_current)]


def way_on(s: Mate) -> list[Stop]:
    """Return what a drone flies that goes on with its mission from where it is."""
    t = s.t
    if s.programme is None or t.lon is None or t.lat is None:
        return []
    here = Stop(t.lon, t.lat, max(0.0, t.altitude_m or 0.0), s.drone.cruise_m_s)
    return [here, *_rest(s.programme, t.mission_current)]


def _rest(plan: Programme, current: int) -> list[Stop]:
    return [
        Stop(item.lon, item.lat, item.z, plan.leg(index).speed_m_s, item.params[0])
        for index, item in enumerate(plan.items)
        if index >= current and item.command in {NAV_WAYPOINT, NAV_LOITER_TIME}
    ]


def _legs(legs: Sequence[Leg]) -> list[Stop]:
    return [
        Stop(w.lon, w.lat, w.altitude_m, leg.speed_m_s, w.hold_s)
        for leg in legs
        for w in leg.waypoints
    ]


def trajectories(
    frame: LocalFrame, drones: Mapping[str, Drone], ways: Mapping[str, Sequence[Stop]], wind: Wind
) -> dict[str, Trajectory]:
    """Return where drones will be, in seconds from now, by what they have still to fly."""
    flown = {drone: way for drone, way in ways.items() if len(way) > 1}
    return {drone: trajectory(frame, drones[drone], way, wind) for drone, way in flown.items()}


def trajectory(frame: LocalFrame, drone: Drone, way: Sequence[Stop], wind: Wind) -> Trajectory:
    """Return where a drone will be on a way that it begins now.

    Against too much wind it stays about where it is.
    """
    try:
        return _trajectory(frame, drone, way, wind)
    except PlanError:
        return _trajectory(frame, drone, [way[0], replace(way[0], hold_s=STAYS_S)], wind)


def _trajectory(frame: LocalFrame, drone: Drone, way: Sequence[Stop], wind: Wind) -> Trajectory:
    model = PowerModel.of(drone)
    points = points_of(frame, way)
    seconds = 0.0
    passed: list[TimedPoint] = [(0.0, points[0].east, points[0].north, points[0].altitude_m)]
    for (a, b), stop in zip(pairwise(points), way[1:], strict=True):
        seconds += step_cost(a, b, stop.speed_m_s, model, wind).duration_s - b.hold_s
        passed.append((seconds, b.east, b.north, b.altitude_m))
        if b.hold_s > 0:
            seconds += b.hold_s
            passed.append((seconds, b.east, b.north, b.altitude_m))
    return Trajectory.of(passed, doubt_s=DOUBT_S, drift=DRIFT)


def meets_going_on(s: Supervisor, mates: Iterable[Mate], wind: Wind) -> str | None:
    """Return a drone that one meets which goes on with its mission now; None where it meets none.

    By both ways in time and height, as they are still to be flown.
    """
    way, frame = way_on(s), s.world.space.frame
    if len(way) < 2:
        return None
    mine = trajectory(frame, s.drone, way, wind)
    for other in mates:
        rest = ahead(other) if other is not s else []
        if len(rest) > 1 and conflict(mine, trajectory(frame, other.drone, rest, wind)):
            return other.drone.id
    return None


def points_of(frame: LocalFrame, way: Sequence[Stop]) -> list[Point]:
    """Return a way in a frame."""
    places = frame.points_to_enu([(stop.lon, stop.lat) for stop in way]).tolist()
    return [
        Point(east, north, stop.altitude_m, stop.hold_s)
        for (east, north), stop in zip(places, way, strict=True)
    ]


def meets_in_time(s: Supervisor, other: Mate, starts_in_s: float) -> bool:
    """Whether a drone that takes off soon with its sortie comes near another at the same time.

    Its climb and its landing are left out, and the climb of a mate in the same dock: there the
    dock's gate keeps them apart.
    """
    way = ahead(other)
    if not other.t.in_air and other.berth == s.berth:
        way = way[1:]
    if s.sortie is None or len(way) < 2:
        return False
    frame, wind = s.world.space.frame, Wind(s.wind_m_s)
    own = _legs(s.sortie.legs)
    climb = step_cost(
        Point(0, 0, 0), Point(0, 0, own[0].altitude_m), s.drone.cruise_m_s, PowerModel.of(s.drone)
    )
    begins_s = starts_in_s + climb.duration_s
    mine = trajectory(frame, s.drone, own, wind).later(begins_s)
    return conflict(mine, trajectory(frame, other.drone, way, wind)) is not None
