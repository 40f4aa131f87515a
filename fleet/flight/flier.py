"""Another drone in the air, and how soon it may be over a dock with nobody telling it anything. Pure.

A controller may die while a drone climbs out of its dock, and then keeps nobody out of that column
of air. PX4 alone goes on with its mission, and holds at its end; it returns by itself when its
battery is critical; in any other mode it stays where it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from fleet.flight.column import RADIUS_M, is_in
from fleet.flight.place import distance_m
from fleet.flight.safety.flat import Flat
from fleet.model.live import Telemetry
from fleet.model.states import DroneState
from missions.sortie import Waypoint

S = DroneState
Position = tuple[float, float]

LOW_PERCENT = 15.0
"""A battery below this may have its vehicle return by itself: BAT_CRIT_THR and what a minute takes."""
OFF_THE_GROUND_S = 16.0
OFF_THE_GROUND_M = 14.0
"""PX4 (SIH, measured) is 14 to 16 s from the start to 14 m; then it climbs by MPC_Z_V_AUTO_UP."""
CLIMB_SPARE_S = 5.0
ROUNDED_M = 1.0
"""A way planned around the dock lies on the column's edge, but for rounding."""
_COMES = frozenset({S.RETURNING, S.LANDING})
_ACTS_ALONE = frozenset({S.EMERGENCY, S.UNKNOWN})
_DESCENDS = frozenset({"RETURN_TO_LAUNCH", "PRECISION_LAND", "LAND"})


@dataclass(frozen=True, slots=True)
class Flier:
    """A drone that is in the air, or may be.

    Attributes
    ----------
    drone, state, telemetry
        Who it is, its keeper's state, its last word.
    speed_m_s
        The fastest that it flies over ground.
    pads
        Docks (lon, lat) that it is bound for, or that its own return leads to.
    way
        What is left of its mission, from where it is going now; ``hold_s`` is the least that it
        stays.
    unheard_s
        Since its last word; None where it is heard, infinite where it never was.
    """

    drone: str
    state: DroneState
    telemetry: Telemetry
    speed_m_s: float
    pads: frozenset[Position] = frozenset()
    way: tuple[Waypoint, ...] = ()
    unheard_s: float | None = None

    @property
    def descends(self) -> bool:
        """Whether it comes down at the end of its way, or may, with nobody telling it so."""
        low = self.telemetry.battery_percent
        return (
            self.unheard_s is not None
            or self.state in _ACTS_ALONE
            or self.telemetry.mode in _DESCENDS
            or (low is not None and low < LOW_PERCENT)
        )


def climb_s(altitude_m: float, climb_m_s: float) -> float:
    """Return how long a drone may need from the start of its motors up to a height, seconds."""
    return OFF_THE_GROUND_S + max(0.0, altitude_m - OFF_THE_GROUND_M) / climb_m_s + CLIMB_SPARE_S


def comes_s(flier: Flier, pad: Position, top_m: float) -> float:
    """Return how soon a drone may be over a pad below a height, seconds; infinite where it stays away.

    The soonest: in a straight line where the way is not known, and faster than it may be.
    """
    t, unheard_s = flier.telemetry, flier.unheard_s
    if is_in(t, pad, top_m):
        return 0.0
    soonest = min(_by_mission(flier, pad, top_m), _straight(flier, pad, top_m))
    if unheard_s is None or math.isinf(soonest):
        return soonest
    return max(0.0, soonest - unheard_s)


def _straight(f: Flier, pad: Position, top_m: float) -> float:
    lower = (f.telemetry.altitude_m or 0.0) < top_m
    if pad not in f.pads or not (f.descends or (f.state in _COMES and lower)):
        return math.inf
    if f.telemetry.lon is None:
        return 0.0
    return max(0.0, distance_m(f.telemetry, pad) - RADIUS_M) / f.speed_m_s


def _by_mission(f: Flier, pad: Position, top_m: float) -> float:
    t = f.telemetry
    flies = t.mode == "MISSION" or f.unheard_s is not None
    if not flies:
        return math.inf
    plane = Flat.at(pad)
    places = [plane.to(w.lon, w.lat) for w in f.way]
    heights = [w.altitude_m for w in f.way]
    if t.lon is None or t.lat is None:  # somewhere on its way, nobody knows how far
        low = (min(pair) < top_m for pair in pairwise(heights))
        over = (_nearest_m(a, b) < RADIUS_M for a, b in pairwise(places))
        return 0.0 if any(map(all, zip(low, over, strict=True))) else math.inf
    places, heights = [plane.to(t.lon, t.lat), *places], [t.altitude_m or 0.0, *heights]
    passed_s = 0.0
    for n, (a, b) in enumerate(pairwise(places)):
        if min(heights[n], heights[n + 1]) < top_m and _nearest_m(a, b) < RADIUS_M - ROUNDED_M:
            return passed_s + max(0.0, math.hypot(*a) - RADIUS_M) / f.speed_m_s
        passed_s += math.dist(a, b) / f.speed_m_s + f.way[n].hold_s
    return math.inf


def _nearest_m(a: Position, b: Position) -> float:
    """Return how near the straight way between two places comes to the plane's origin."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length2 = dx * dx + dy * dy
    part = min(1.0, max(0.0, -(a[0] * dx + a[1] * dy) / length2)) if length2 > 0 else 0.0
    return math.hypot(a[0] + part * dx, a[1] + part * dy)
