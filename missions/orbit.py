"""A circle around a place, as waypoints, and what of it may be flown. Metres."""

from __future__ import annotations

import math

from shapely.geometry import LineString

from missions.cover import Shut
from missions.errors import GeometryError, PlanError
from missions.tracks import Metres, Track, length_m

SAGITTA_M = 0.8
"""A chord is nowhere nearer to the middle than the radius less this."""
FEWEST, MOST = 12, 72
"""Waypoints of a turn."""
SMALLEST_M, LARGEST_M = 10.0, 1000.0
SHORTEST_ARC_M = 15.0
"""An arc that is left between zones and is shorter is not worth the way to it."""
SIDEWAYS_M_S2 = 2.0
"""Acceleration towards the middle that keeps the camera level enough."""


def orbit_speed(radius_m: float, cruise_m_s: float) -> float:
    """Return the speed of an orbit: what the turn allows, and no more than cruise speed."""
    return min(cruise_m_s, math.sqrt(SIDEWAYS_M_S2 * radius_m))


def circle(middle: Metres, radius_m: float, start: Metres, *, clockwise: bool) -> Track:
    """Return a circle of waypoints that begins, and ends, where it is nearest to a place.

    Raises
    ------
    GeometryError
        If the radius is out of range.
    """
    if not SMALLEST_M <= radius_m <= LARGEST_M:
        raise GeometryError(
            f"radius {radius_m!r} m of an orbit: allowed are {SMALLEST_M:g} to {LARGEST_M:g} m"
        )
    half = math.acos(1.0 - SAGITTA_M / radius_m)
    count = min(MOST, max(FEWEST, math.ceil(math.pi / half)))
    first = math.atan2(start[1] - middle[1], start[0] - middle[0])
    turn = -2.0 * math.pi / count if clockwise else 2.0 * math.pi / count
    places = [
        (
            middle[0] + radius_m * math.cos(first + turn * index),
            middle[1] + radius_m * math.sin(first + turn * index),
        )
        for index in range(count)
    ]
    return (*places, places[0])


def arcs(ring: Track, shut: Shut) -> list[Track]:
    """Return what may be flown of a circle, in its direction.

    Raises
    ------
    PlanError
        If nothing of it may be flown.
    """
    parts = [p for p in shut.cut([ring]) if LineString(p).length >= SHORTEST_ARC_M]
    if len(parts) > 1 and parts[0][0] == ring[0] and parts[-1][-1] == ring[-1]:
        parts = [*parts[1:-1], (*parts[-1], *parts[0][1:])]  # one arc over the circle's beginning
    if not parts:
        raise PlanError("the whole orbit is closed to flight", "airspace")
    return parts


def orbits(ring: Track, shut: Shut, turns: float) -> tuple[tuple[Track, ...], float]:
    """Return a circle flown some times over, and the share of it that may be flown.

    Where it is cut, an arc that is left alone is flown to and fro; several are flown one after
    the other, with ways around what lies between.

    Raises
    ------
    GeometryError
        If there are no turns.
    PlanError
        If nothing of it may be flown.
    """
    if not 0 < turns <= 100:
        raise GeometryError(f"{turns!r} turns of an orbit: allowed are more than 0, up to 100")
    parts = arcs(ring, shut)
    share = length_m(parts) / length_m([ring])
    if parts == [ring]:
        full, rest = divmod(turns, 1.0)
        steps = len(ring) - 1
        flown = [*ring[:1], *(ring[1:] * int(full)), *ring[1 : 1 + math.ceil(rest * steps - 1e-9)]]
        return (tuple(flown),), share
    rounds = math.ceil(turns - 1e-9)
    if len(parts) == 1:
        (arc,) = parts
        return tuple(arc if index % 2 == 0 else arc[::-1] for index in range(rounds)), share
    return tuple(part for _ in range(rounds) for part in parts), share
