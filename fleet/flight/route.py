"""Where on its mission a vehicle is, what it has seen, and the way home. Pure."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

from shapely.geometry import LineString, Polygon

from fleet.flight.place import distance_m, speed_m_s
from fleet.flight.policy import Policy
from fleet.link.items import NAV_LOITER_TIME, NAV_WAYPOINT, Programme
from fleet.model.live import Telemetry
from missions.sortie import LegKind

OBSERVING = frozenset(LegKind) - {LegKind.TAKEOFF, LegKind.TRANSIT, LegKind.HOME}


class Follower:
    """Turns the vehicle's current item into legs flown.

    Only a leg that was seen to be flown through counts: on the way home the vehicle is told to
    jump to a late item, and what it jumps over it has not seen.
    """

    def __init__(self, programme: Programme) -> None:
        self._programme = programme
        self._leg: int | None = None

    def resume(self, seen: Container[str]) -> None:
        """Begin after the last leg whose cell is known to have been seen on this sortie.

        For a controller that was away while the vehicle flew on.
        """
        legs = self._programme.sortie.legs
        done = [
            index for index, leg in enumerate(legs) if leg.cell is not None and leg.cell in seen
        ]
        self._leg = done[-1] + 1 if done else 0

    def moved(self, current: int) -> bool:
        """Whether the vehicle flies another leg than at the last update."""
        return self._leg != self._programme.leg_index(current)

    def update(self, current: int) -> list[str]:
        """Take the vehicle's current item; return the cells seen since the last call."""
        leg = self._programme.leg_index(current)
        before, self._leg = self._leg, leg
        if before is None or leg <= before:
            return []
        legs = self._programme.sortie.legs[before:leg]
        return [part.cell for part in legs if part.cell is not None]


def on_task(programme: Programme, current: int) -> bool:
    """Whether the leg being flown observes something: a cell, a site, or what a task is about."""
    return programme.leg(current).kind in OBSERVING


def flown(programme: Programme, telemetry: Telemetry, policy: Policy) -> bool:
    """Whether the vehicle has flown its mission and holds over the dock.

    PX4 says so by an index past the end, but only to who was listening when it happened.
    """
    if telemetry.mission_current > programme.last:
        return True
    if telemetry.mission_current < programme.last:
        return False
    over = distance_m(telemetry, _end(programme))
    return over < policy.over_dock_m and speed_m_s(telemetry) < policy.still_m_s


def homeward(programme: Programme, telemetry: Telemetry, policy: Policy) -> bool:
    """Whether everything is flown but the last way to the dock, and that is near.

    From here on the drone needs its dock: see ``column``.
    """
    home = programme.leg(telemetry.mission_current).kind is LegKind.HOME
    return home and distance_m(telemetry, _end(programme)) < policy.near_dock_m


def _end(programme: Programme) -> tuple[float, float]:
    end = programme.sortie.end
    return end.lon, end.lat


Free = Callable[[Sequence[tuple[float, float, float]]], bool]
"""Whether a way over (lon, lat, height) is open."""


def way_home(programme: Programme, telemetry: Telemetry, free: Free | None = None) -> int:
    """Return the item from which the mission leads home soonest.

    That is the last waypoint which a straight line from here reaches without entering a zone the
    sortie must stay out of; from it on, the mission itself goes around them. Where no line is
    free it is the item being flown.

    Parameters
    ----------
    free
        Says of what the sortie does not know of whether it leaves a way open: the line to that
        item, and the mission from there on.
    """
    rings = [Polygon(ring) for ring in programme.sortie.exclusions]
    if telemetry.lon is None or telemetry.lat is None or (free is None and not rings):
        return programme.last
    here = (telemetry.lon, telemetry.lat)
    current = min(telemetry.mission_current, programme.last)
    rest: list[tuple[float, float, float]] = []
    for index in range(programme.last, current, -1):
        item = programme.items[index]
        if item.command not in {NAV_WAYPOINT, NAV_LOITER_TIME}:
            continue
        rest.insert(0, (item.lon, item.lat, item.z))
        line = LineString([here, (item.lon, item.lat)])
        if any(line.intersects(ring) for ring in rings):
            continue
        if free is None or free([(*here, telemetry.altitude_m or item.z), *rest]):
            return index
    return current
