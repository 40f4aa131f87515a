"""Whether a packet changes what is known of a vehicle, and how soon that must be told. Pure."""

from __future__ import annotations

from typing import Final

from fleet.link.wire import (
    ATTITUDE,
    EXTENDED_SYS_STATE,
    GLOBAL_POSITION_INT,
    GPS_RAW_INT,
    HEARTBEAT,
    HOME_POSITION,
    LOCAL_POSITION_NED,
    MISSION_CURRENT,
    MISSION_ITEM_REACHED,
    SYS_STATUS,
    WIND_COV,
    payload,
)

NONE: Final = 0
MOVED: Final = 1
"""The same thing, a little further."""
NOTABLE: Final = 2
"""Something that may be decided upon: a mode, an item, a failsafe, a text, an aircraft."""

MOTION: Final = frozenset({ATTITUDE, GLOBAL_POSITION_INT, LOCAL_POSITION_NED, WIND_COV})
"""Messages each of which is another place."""

DECISIVE: Final[dict[int, tuple[tuple[int, int], ...]]] = {
    HEARTBEAT: ((0, 9),),
    SYS_STATUS: ((8, 12), (30, 31)),  # health of the sensors, percent of the battery
    GPS_RAW_INT: ((28, 29),),  # kind of fix
    MISSION_CURRENT: ((0, 6),),
    MISSION_ITEM_REACHED: ((0, 2),),
    EXTENDED_SYS_STATE: ((0, 2),),
    HOME_POSITION: ((0, 12),),
}
"""By message id, the parts of the payload that may be decided upon."""
_LONGEST = 31


def change(message: int, before: bytes | None, raw: bytes) -> int:
    """Say what a packet whose message is in ``DECISIVE`` changes, given the last one of its kind."""
    if before is None:
        return NOTABLE
    old, new = (payload(r).ljust(_LONGEST, b"\0") for r in (before, raw))
    changed = any(old[begin:end] != new[begin:end] for begin, end in DECISIVE[message])
    return NOTABLE if changed else MOVED
