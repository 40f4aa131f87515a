"""Whether two that fly on as they do come too near, and when. Pure.

Both are taken to keep their speed over ground. In height that holds for a short while only: a
drone that climbs to its layer stops there, and the layers are no farther apart than what is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from fleet.flight.column import VERTICAL_M
from fleet.flight.safety.sky import Mover
from missions.airspace import KEEP_M

LOOK_AHEAD_S = 6.5
"""Two that stand 4 m above each other are worst to part: to climb past takes PX4 (3 m/s) 6.2 s, to
sink away (1.5 m/s) as long."""
LEVELS_OFF_S = 2.0
"""Rates of climb count for so long: PX4 comes from 3 m/s to rest in 1 s."""
NOISE_M = 3.0
"""Two places known by GPS and barometer may be measured this much nearer than they are planned."""
SPEED_NOISE_M_S = 0.5
SPREAD_M_S = 2.0
"""One that is not heard may be this much farther off, each second, from where it was going."""
SPREAD_MOST_M = 60.0
STRAIGHT_S = 5.0
"""It is taken to have gone straight on for so long, and then to be about there."""
FORGOTTEN_S = 60.0
"""Then it counts no more: the way that its plan and its layer keep it out of has to do."""


class Room(NamedTuple):
    """A flat cylinder about a drone, metres."""

    radius_m: float
    half_height_m: float


KEPT = Room(KEEP_M - NOISE_M, VERTICAL_M - NOISE_M)
CLEAR = Room(KEEP_M + NOISE_M, VERTICAL_M - NOISE_M / 2)
"""Of a drone that has given way, so that it does not waver at the edge."""


class Relative(NamedTuple):
    """One seen from another: metres, m/s; up is positive. ``up_m`` None: height not known."""

    east_m: float
    north_m: float
    up_m: float | None
    velocity_east_m_s: float
    velocity_north_m_s: float
    velocity_up_m_s: float

    @property
    def distance_m(self) -> float:
        """Horizontal distance."""
        return math.hypot(self.east_m, self.north_m)

    @property
    def parting(self) -> bool:
        """Whether the horizontal distance grows, by more than speeds are known."""
        outward = self.east_m * self.velocity_east_m_s + self.north_m * self.velocity_north_m_s
        return outward > SPEED_NOISE_M_S * self.distance_m


def too_near(
    r: Relative, room: Room, ahead_s: float, levels_off_s: float = math.inf
) -> float | None:
    """Return in how many seconds one is within the other's room; None where not within ``ahead_s``.

    Parameters
    ----------
    r
        The one from the other.
    room
        Its border is outside.
    ahead_s
        How far it is looked ahead.
    levels_off_s
        For how long the rate of climb lasts.
    """
    level = _crossing(r.east_m, r.north_m, r.velocity_east_m_s, r.velocity_north_m_s, room.radius_m)
    if level is None:
        return None
    for since, until, up, rate in _heights(r, ahead_s, levels_off_s):
        begin, end = _between(up, rate, room.half_height_m)
        first = max(level[0], since, since + begin)
        if first < min(level[1], since + end) and first <= until:
            return first
    return None


def _heights(
    r: Relative, ahead_s: float, levels_off_s: float
) -> tuple[tuple[float, float, float, float], ...]:
    """Return the stretches of time in which the height changes evenly: from, to, height, rate."""
    if r.up_m is None:
        return ((0.0, ahead_s, 0.0, 0.0),)
    if levels_off_s >= ahead_s:
        return ((0.0, ahead_s, r.up_m, r.velocity_up_m_s),)
    after = r.up_m + levels_off_s * r.velocity_up_m_s
    return ((0.0, levels_off_s, r.up_m, r.velocity_up_m_s), (levels_off_s, ahead_s, after, 0.0))


def _crossing(
    x: float, y: float, vx: float, vy: float, radius: float
) -> tuple[float, float] | None:
    """Return when a point moving evenly is within a circle about the origin: from, to."""
    speed2, outward, beyond = vx * vx + vy * vy, x * vx + y * vy, x * x + y * y - radius * radius
    if speed2 < 1e-12:
        return (-math.inf, math.inf) if beyond < 0 else None
    root2 = outward * outward - speed2 * beyond
    if not root2 > 0:
        return None
    root = math.sqrt(root2)
    return (-outward - root) / speed2, (-outward + root) / speed2


def _between(up: float, rate: float, half: float) -> tuple[float, float]:
    """Return when a height that changes evenly is within ``half`` of 0: from, to."""
    if abs(rate) < 1e-9:
        return (-math.inf, math.inf) if abs(up) < half else (math.inf, -math.inf)
    a, b = (-half - up) / rate, (half - up) / rate
    return (a, b) if a < b else (b, a)


def seen_from(own: Mover, other: Mover, now_s: float) -> tuple[Relative, float] | None:
    """Return another drone as it is now, from one's own, and how far off that may be, metres.

    None where it has not been heard for too long to say anything.
    """
    away_s = max(0.0, now_s - other.heard_s)
    if away_s > FORGOTTEN_S:
        return None
    gone_s = min(away_s, STRAIGHT_S)
    up = None if own.height_m is None or other.height_m is None else other.height_m - own.height_m
    # where it does not fly straight on any more, it may fly anywhere: its spread says how far
    moves = 1.0 if away_s < STRAIGHT_S else 0.0
    relative = Relative(
        other.east_m + gone_s * other.velocity_east_m_s - own.east_m,
        other.north_m + gone_s * other.velocity_north_m_s - own.north_m,
        up,
        moves * other.velocity_east_m_s - own.velocity_east_m_s,
        moves * other.velocity_north_m_s - own.velocity_north_m_s,
        moves * other.velocity_up_m_s - own.velocity_up_m_s,
    )
    return relative, min(SPREAD_MOST_M, SPREAD_M_S * max(0.0, away_s - 1.0))


def may_meet(own: Mover, others: Iterable[Mover], room: Room) -> list[Mover]:
    """Return those that ``conflict`` need be asked about: a rough sieve, for many others.

    Each may have come 5 s nearer unheard, and come as much nearer in what is looked ahead.
    """
    east, north, speed = own.east_m, own.north_m, own.speed_m_s
    height = math.nan if own.height_m is None else own.height_m
    near = room.radius_m + SPREAD_MOST_M + LOOK_AHEAD_S * speed
    level = room.half_height_m + LEVELS_OFF_S * abs(own.velocity_up_m_s)
    per_speed = LOOK_AHEAD_S + STRAIGHT_S
    return [
        o
        for o in others
        # a height that is not known compares as false, and so is looked at
        if not abs(o.height_or_nan - height) > level + LEVELS_OFF_S * abs(o.velocity_up_m_s)
        and abs(o.east_m - east) < (reach := near + per_speed * o.speed_m_s)
        and abs(o.north_m - north) < reach
    ]


def conflict(own: Mover, other: Mover, now_s: float, room: Room = KEPT) -> float | None:
    """Return in how many seconds another drone comes too near; None where it does not.

    Two that are each in their own dock's column are kept apart by their gates, and two that are
    near but part need nothing.
    """
    if own.in_column and other.in_column:
        return None
    seen = seen_from(own, other, now_s)
    if seen is None:
        return None
    relative, spread = seen
    if relative.parting:
        return None
    wide = Room(room.radius_m + spread, room.half_height_m)
    return too_near(relative, wide, LOOK_AHEAD_S, LEVELS_OFF_S)
