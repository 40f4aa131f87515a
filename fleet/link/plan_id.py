"""The number by which PX4 knows a plan that it holds: a checksum over its items, told once a second.

It is computed here as PX4 does (``MavlinkMissionManager::crc32_for_mission_item``, 1.15 to 1.18), so
that what a vehicle holds is known without a packet to it. Pure.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import Final

from fleet.link.items import Item
from fleet.link.wire import payload

_ITEM = struct.Struct("<BHB4fiif")
"""Frame, command, whether it goes on by itself, the four parameters, x, y, z."""
_TOLD = struct.Struct("<HHBBI")
"""MISSION_CURRENT as far as its ``mission_id``, which pymavlink's dialect does not have."""
_ALL_ONES: Final = 0xFFFFFFFF
NO_PLAN: Final = 0
"""Of an autopilot that tells none, or holds none."""


def plan_id(items: Iterable[Item]) -> int:
    """Return the number of a list of items, in the order they are uploaded."""
    crc = NO_PLAN
    for item in items:
        raw = _ITEM.pack(item.frame, item.command, 1, *item.params, item.x, item.y, item.z)
        # PX4 begins at 0 and inverts nothing; zlib does both
        crc = zlib.crc32(raw, crc ^ _ALL_ONES) ^ _ALL_ONES
    return crc


def told_id(mission_current: bytes) -> int:
    """Return the mission's number in a whole MISSION_CURRENT frame; ``NO_PLAN`` where it has none."""
    number: int = _TOLD.unpack_from(payload(mission_current).ljust(_TOLD.size, b"\0"))[4]
    return number
