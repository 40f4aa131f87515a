"""How a drone gets out of the way: where to go, and when the air is clear again. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from fleet.flight.column import VERTICAL_M
from fleet.flight.safety.events import closure, conflict, traffic
from fleet.flight.safety.separation import CLEAR, Room, seen_from, too_near
from fleet.flight.safety.sky import Mover
from fleet.flight.safety.view import View
from missions.energy import ACCELERATION_M_S2

CLEAR_S = 5.0
"""The air must have been clear for so long before the drone goes on."""
LOWEST_M = 15.0
"""Above home: roofs and lamps are below."""
STEP_M = VERTICAL_M + 3.0
"""Gone past another drone's height: what is kept, and what a barometer does not know."""
LEVEL_M = 2.0
"""A height that is this near is the same."""
STAND_S = 12.0
"""A place is good to stand at where nobody comes too near for so long: to climb past another takes
7 s, to sink past it 12 s."""

SOON_S = 2.0
"""A way is judged by what it has brought after this long, where the other is near already."""


class Manoeuvre(NamedTuple):
    """What to do now, at the place where the drone is."""

    altitude_m: float | None
    """Above home, to go to; None: hold the height too."""
    why: str
    place: tuple[float, float] | None = None
    """Where to go (lon, lat); None: stay over this one."""


def manoeuvre(v: View, under_way: Manoeuvre | None = None) -> Manoeuvre | None:
    """Return how the drone gets out of the way; None where nothing is in its way any more.

    A height that it is on its way to already (``under_way``) stands while it is free and does what
    is needed: another that climbs or sinks a little is no reason for another command.

    From a manned aircraft it goes down at once, to the city's refuge height or, where it is
    lower, not at all. From another drone it holds, where that is enough: nobody comes near the
    place at which it stops. Where it is not, it goes above or below the other at once, by the
    way that brings more in the time there is, and is free. Out of what was closed it goes by the
    shortest way, at its height.
    """
    why = traffic.near(v)
    if why is not None:
        return Manoeuvre(_down(v, under_way), why)
    why = conflict.too_near(v)
    own = v.sky.of(v.drone.id)
    if why is None or own is None:
        return _leaves(v, under_way)
    going = _stands(v, own, under_way)
    if going is not None:
        return Manoeuvre(going, why)
    found = conflict.conflicts(v, own)
    if own.height_m is None or not any(_comes(v, own, c.other, _stops(own), 0.0) for c in found):
        return Manoeuvre(None, why)
    return Manoeuvre(_past(v, own, found), why)


def _leaves(v: View, under_way: Manoeuvre | None) -> Manoeuvre | None:
    """Return the shortest way out of what was closed about the drone; to hold, where there is none.

    The place that it is on its way to already stands until it is out.
    """
    words = closure.inside(v)
    if words is None or v.closed is None:
        return None
    if under_way is not None and under_way.place is not None:
        return under_way
    return Manoeuvre(None, words, v.closed.way_out())


def _stands(v: View, own: Mover, under_way: Manoeuvre | None) -> float | None:
    """Return the height that the drone is on its way to, or at, where it is still free."""
    if under_way is None or under_way.altitude_m is None or own.height_m is None:
        return None
    return _free(v, own, (under_way.altitude_m,), v.sky.near(own), None)


def _down(v: View, under_way: Manoeuvre | None) -> float | None:
    refuge, altitude = v.limits.refuge_m, v.telemetry.altitude_m
    own = v.sky.of(v.drone.id)
    going = _stands(v, own, under_way) if own is not None else None
    if going is not None and going <= refuge + STEP_M:
        return going
    if altitude is None or not altitude > refuge + LEVEL_M:
        return None
    if own is None or own.height_m is None:
        return refuge
    others = v.sky.near(own)
    return _free(v, own, (refuge, refuge - STEP_M, refuge + STEP_M), others, refuge)


def _past(v: View, own: Mover, found: list[conflict.Conflict]) -> float | None:
    """Return the height above home to go to, past those in the way; None where none is free.

    The way is taken that is farthest from all of them when the first is near: rather away from
    a height than through it.
    """
    altitude = (own.height_m or 0.0) - v.ground_amsl_m
    levels = [c.other.height_m - v.ground_amsl_m for c in found if c.other.height_m is not None]
    within_s = max(SOON_S, found[0].in_s)

    def apart_m(way: float) -> float:
        rate = v.drone.climb_m_s if way > altitude else -v.drone.descent_m_s
        gone = min(abs(way - altitude), abs(rate) * within_s)
        reached = altitude + math.copysign(gone, rate)
        return min(STEP_M, *(abs(reached - level) for level in levels))

    ways = [level + way for level in levels for way in (STEP_M, -STEP_M)]
    ways.sort(key=lambda way: (-apart_m(way), abs(way - altitude)))
    return _free(v, own, ways, v.sky.near(own), None)


def _free(
    v: View, own: Mover, ways: Iterable[float], others: list[Mover], otherwise: float | None
) -> float | None:
    """Return the first height above home at which nobody is, or comes, too near."""
    for altitude in ways:
        up = altitude + v.ground_amsl_m - (own.height_m or 0.0)
        if LOWEST_M <= altitude <= v.limits.ceiling_m and not any(
            _comes(v, own, other, (0.0, 0.0), up) for other in others
        ):
            return altitude
    return otherwise


def _stops(own: Mover) -> tuple[float, float]:
    """Return how far east and north a drone comes that is told to hold."""
    seconds = own.speed_m_s / ACCELERATION_M_S2 / 2.0
    return seconds * own.velocity_east_m_s, seconds * own.velocity_north_m_s


def _comes(v: View, own: Mover, other: Mover, to: tuple[float, float], up_m: float) -> bool:
    """Whether another is, or comes, too near to a place to stand at: metres from one's own."""
    seen = seen_from(own, other, v.now_s)
    if seen is None:
        return False
    r, spread = seen
    there = r._replace(
        east_m=r.east_m - to[0],
        north_m=r.north_m - to[1],
        up_m=None if r.up_m is None else r.up_m - up_m,
        velocity_east_m_s=r.velocity_east_m_s + own.velocity_east_m_s,
        velocity_north_m_s=r.velocity_north_m_s + own.velocity_north_m_s,
        velocity_up_m_s=0.0,
    )
    if math.hypot(there.velocity_east_m_s, there.velocity_north_m_s) > 0 and there.parting:
        return False
    room = Room(CLEAR.radius_m + spread, CLEAR.half_height_m)
    return too_near(there, room, STAND_S) is not None
