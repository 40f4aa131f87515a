"""Mission, fence and rally items as PX4 stores them, and what it does not store."""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass

MISSION, FENCE, RALLY, ALL = 0, 1, 2, 255
"""MAV_MISSION_TYPE."""

CAPACITY = {MISSION: 10_000, FENCE: 64, RALLY: 32}
"""Most items of each type (PX4 SITL's dataman)."""

ACCEPTED, ERROR, UNSUPPORTED_FRAME, UNSUPPORTED, NO_SPACE = 0, 1, 2, 3, 4
"""MAV_MISSION_RESULT."""

WAYPOINT, LOITER_UNLIM, LOITER_TIME, RTL, LAND, TAKEOFF, LOITER_TO_ALT = 16, 17, 19, 20, 21, 22, 31
DELAY, JUMP, CHANGE_SPEED, LAND_START = 93, 177, 178, 189
ROI_LOCATION, ROI_NEXT, ROI_NONE, ROI = 195, 196, 197, 201
MOUNT_CONTROL, GIMBAL_PITCHYAW, GIMBAL_CONFIGURE = 205, 1000, 1001
POLYGON_IN, POLYGON_OUT, CIRCLE_IN, CIRCLE_OUT, RALLY_POINT = 5001, 5002, 5003, 5004, 5100
FRAME_MISSION = 2
GLOBAL, GLOBAL_RELATIVE = 0, 3
"""The frames of rally points that PX4's return understands; the integer ones it does not."""

_GLOBAL_FRAMES = {0: False, 5: False, 3: True, 6: True}
"""Frames with a position -> whether their altitude is relative to home."""

_POSITION = {WAYPOINT, LOITER_UNLIM, LOITER_TIME, LAND, TAKEOFF, LOITER_TO_ALT, 84, 85}
"""Commands that fly somewhere."""

_WITH_FRAME = (
    _POSITION
    | {ROI_LOCATION, ROI, 80, 4501, 5000, 400, 212}
    | {POLYGON_IN, POLYGON_OUT, CIRCLE_IN, CIRCLE_OUT, RALLY_POINT}
)
"""What PX4 takes in a global frame."""

_WITHOUT_FRAME = (
    {JUMP, 80, ROI, 42600, 211, CHANGE_SPEED, 179, LAND_START, 2003, 203, 204, MOUNT_CONTROL}
    | {
        GIMBAL_PITCHYAW,
        GIMBAL_CONFIGURE,
        532,
        2000,
        2001,
        2500,
        2501,
        200,
        206,
        260,
        214,
        530,
        534,
        3000,
    }
    | {DELAY, RTL, ROI_NEXT, ROI_NONE, 112, 114, 187, 212, 400}
)
"""What PX4 takes in MAV_FRAME_MISSION."""

_ITEM = struct.Struct("<BHB4fiif")


@dataclass(frozen=True, slots=True)
class Item:
    """One item. ``x`` and ``y`` are degrees times 1e7 in a global frame (latitude, longitude)."""

    frame: int
    command: int
    params: tuple[float, float, float, float]
    x: int
    y: int
    z: float
    autocontinue: bool = True

    @property
    def has_position(self) -> bool:
        """Whether the item is a place to fly to."""
        return self.command in _POSITION

    @property
    def relative(self) -> bool:
        """Whether its altitude is above home (else above mean sea level)."""
        return _GLOBAL_FRAMES.get(self.frame, False)

    @property
    def lat(self) -> float:
        """Latitude, degrees."""
        return self.x * 1e-7

    @property
    def lon(self) -> float:
        """Longitude, degrees."""
        return self.y * 1e-7

    def altitude(self, home_amsl: float) -> float:
        """Return its altitude above home, metres."""
        return self.z if self.relative else self.z - home_amsl

    def crc(self, start: int) -> int:
        """Return PX4's check over the item, continued from ``start``: it inverts nothing."""
        packed = _ITEM.pack(
            self.frame, self.command, self.autocontinue, *self.params, self.x, self.y, self.z
        )
        return zlib.crc32(packed, start ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


def refusal(item: Item, mission_type: int) -> int:
    """Return the MAV_MISSION_RESULT with which PX4 takes or refuses an item."""
    if item.frame in _GLOBAL_FRAMES:
        if item.command not in _WITH_FRAME:
            return UNSUPPORTED
        if item.command in (80, ROI) and int(item.params[0]) not in (0, 3):
            return 6  # MAV_MISSION_INVALID_PARAM1
    elif item.frame == FRAME_MISSION:
        if item.command not in _WITHOUT_FRAME:
            return UNSUPPORTED
    else:
        return UNSUPPORTED_FRAME
    fence = POLYGON_IN <= item.command <= CIRCLE_OUT or item.command == RALLY_POINT
    if mission_type == MISSION and fence:
        return ERROR
    polygon = item.command in (POLYGON_IN, POLYGON_OUT)
    if mission_type == FENCE and polygon and round(item.params[0]) < 3:
        return ERROR
    return ACCEPTED


def stored(item: Item) -> Item:
    """Return the item as PX4 gives it back: its frame in integer form, no number it ignores."""
    if item.frame == FRAME_MISSION:
        return item
    frame = 6 if _GLOBAL_FRAMES[item.frame] else 5
    p = item.params
    yaw = p[3] % 360.0 if math.isfinite(p[3]) else p[3]
    kept = {
        WAYPOINT: (p[0], p[1], 0.0, yaw),
        LOITER_UNLIM: (0.0, 0.0, p[2], yaw),
        LOITER_TIME: (p[0], p[1], p[2], p[3]),
        LAND: (0.0, p[1], 0.0, yaw),
        TAKEOFF: (0.0, 0.0, 0.0, yaw),
        LOITER_TO_ALT: (p[0], p[1], 0.0, p[3]),
        POLYGON_IN: (p[0], 0.0, 0.0, 0.0),
        POLYGON_OUT: (p[0], 0.0, 0.0, 0.0),
        CIRCLE_IN: (p[0], 0.0, 0.0, 0.0),
        CIRCLE_OUT: (p[0], 0.0, 0.0, 0.0),
    }.get(item.command, (0.0, 0.0, 0.0, 0.0))
    if item.command in (80, ROI):
        kept = (p[0], 0.0, 0.0, 0.0)
    return Item(frame, item.command, kept, item.x, item.y, item.z, item.autocontinue)
