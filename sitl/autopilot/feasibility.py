"""The check that PX4 makes of a mission after it has acknowledged it."""

from __future__ import annotations

from collections.abc import Sequence

from sitl.autopilot.fence import Fence
from sitl.autopilot.items import (
    LAND,
    LAND_START,
    RTL,
    TAKEOFF,
    Item,
)

_VTOL = (84, 85, 3000)


def fault(items: Sequence[Item], fence: Fence, *, home_amsl: float, landed: bool) -> str | None:
    """Return PX4's words for why a mission cannot be flown, or None where it can.

    A first waypoint far from home is no fault: the recorded PX4 flew 111 km without a word.

    An empty mission is not valid either, but there are no words for that: it returns "".
    """
    if not items:
        return ""
    if items[0].command == LAND and landed:
        return "Mission rejected: starts with landing\t"
    if any(item.command in _VTOL for item in items):
        return "Mission rejected: Mission contains VTOL items but vehicle is not a VTOL\t"
    return _bad_takeoff(items, home_amsl) or _bad_land_start(items) or _outside(items, fence)


def _bad_takeoff(items: Sequence[Item], home_amsl: float) -> str | None:
    position_seen = False
    for item in items:
        if item.command == TAKEOFF:
            if item.altitude(home_amsl) <= 0.0:
                return "Mission rejected: Takeoff altitude below home altitude!\t"
            if position_seen:
                return "Mission rejected: takeoff not first waypoint item\t"
        position_seen = position_seen or item.has_position
    return None


def _bad_land_start(items: Sequence[Item]) -> str | None:
    starts = [i for i, item in enumerate(items) if item.command == LAND_START]
    if not starts:
        return None
    if len(starts) > 1:
        return "Mission rejected: more than one land start.\t"
    if any(item.command == RTL for item in items[starts[0] :]):
        return "Mission rejected: land start item before RTL item not possible.\t"
    last_land = max((i for i, item in enumerate(items) if item.command == LAND), default=-1)
    return "Mission rejected: invalid land start.\t" if starts[0] > last_land - 1 else None


def _outside(items: Sequence[Item], fence: Fence) -> str | None:
    if fence:
        for i, item in enumerate(items):
            if item.has_position and not fence.allows(item.lon, item.lat):
                return f"Geofence violation for waypoint {i + 1}\t"
    return None
