"""How a drone gets out of the way: where to go, and when the air is clear again. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from fleet.flight.column import VERTICAL_M
from fleet.flight.safety.events import conflict, traffic
from fleet.flight.safety.separation import CLEAR, LOOK_AHEAD_S, Room, seen_from, too_near
from fleet.flight.safety.sky import Mover
from fleet.flight.safety.view import View

CLEAR_S = 5.0
"""The air must have been clear for so long before the drone goes on."""
MOVES_M_S = 1.5
"""A drone that is slower holds its place."""
LOWEST_M = 15.0
"""Above home: roofs and lamps are below."""
STEP_M = VERTICAL_M + 3.0
"""Gone past another drone's height: what is kept, and what a barometer does not know."""
LEVEL_M = 2.0
"""A height that is this near is the same."""


class Manoeuvre(NamedTuple):
    """What to do now, at the place where the drone is."""

    altitude_m: float | None
    """Above home, to go to; None: hold the height too."""
    why: str


def manoeuvre(v: View) -> Manoeuvre | None:
    """Return how the drone gets out of the way; None where nothing is in its way any more.

    From a manned aircraft it goes down at once, to the city's refuge height or, where it is
    lower, not at all. From another drone it holds first; where that one comes on, or both are
    too near as they stand, it goes above or below it, by the nearer way that is free of others.
    """
    t = v.telemetry
    altitude = t.altitude_m if t.altitude_m is not None else math.nan
    why = traffic.near(v)
    if why is not None:
        wanted = v.limits.refuge_m
        if not altitude > wanted + LEVEL_M:
            return Manoeuvre(None, why)
        return Manoeuvre(_free(v, (wanted, wanted - STEP_M, wanted + STEP_M), wanted), why)
    why = conflict.too_near(v)
    own = v.sky.of(v.drone.id)
    if why is None or own is None:
        return None
    if math.hypot(own.velocity_east_m_s, own.velocity_north_m_s) > MOVES_M_S:
        return Manoeuvre(None, why)
    heights = [
        c.other.height_m - v.ground_amsl_m
        for c in conflict.conflicts(v, own)
        if c.other.height_m is not None
    ]
    ways = [h + way for h in heights for way in (-STEP_M, STEP_M)]
    ways.sort(key=lambda way: (abs(way - altitude), way))
    return Manoeuvre(_free(v, ways, None), why)


def _free(v: View, ways: Iterable[float], otherwise: float | None) -> float | None:
    """Return the first height above home at which nobody is near."""
    own = v.sky.of(v.drone.id)
    for altitude in ways:
        if LOWEST_M <= altitude <= v.limits.ceiling_m and (
            own is None or not any(_at(own, other, altitude, v) for other in v.sky.near(own))
        ):
            return altitude
    return otherwise


def _at(own: Mover, other: Mover, altitude_m: float, v: View) -> bool:
    """Whether another drone is, or comes, too near to a height over the place of one's own."""
    seen = seen_from(own, other, v.now_s)
    if seen is None:
        return False
    relative, spread = seen
    up = None if other.height_m is None else other.height_m - v.ground_amsl_m - altitude_m
    there = relative._replace(
        up_m=up,
        velocity_east_m_s=relative.velocity_east_m_s + own.velocity_east_m_s,
        velocity_north_m_s=relative.velocity_north_m_s + own.velocity_north_m_s,
        velocity_up_m_s=0.0,
    )
    return (
        too_near(there, Room(CLEAR.radius_m + spread, CLEAR.half_height_m), LOOK_AHEAD_S)
        is not None
    )
