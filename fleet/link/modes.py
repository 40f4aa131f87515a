"""PX4's flight modes by the numbers in a heartbeat's ``custom_mode``."""

from __future__ import annotations

HOLD = "HOLD"
MISSION = "MISSION"
RETURN_TO_LAUNCH = "RETURN_TO_LAUNCH"
LAND = "LAND"
ORBIT = "ORBIT"
PRECISION_LAND = "PRECISION_LAND"

_MODES: dict[tuple[int, int], str] = {
    (1, 0): "MANUAL",
    (2, 0): "ALTCTL",
    (3, 0): "POSCTL",
    (3, 1): ORBIT,
    (3, 2): "POSCTL",
    (4, 1): "READY",
    (4, 2): "TAKEOFF",
    (4, 3): HOLD,
    (4, 4): MISSION,
    (4, 5): RETURN_TO_LAUNCH,
    (4, 6): LAND,
    (4, 8): "FOLLOW_ME",
    (4, 9): PRECISION_LAND,
    (4, 10): "TAKEOFF",
    (5, 0): "ACRO",
    (6, 0): "OFFBOARD",
    (7, 0): "STABILIZED",
    (8, 0): "RATTITUDE",
}
"""(main mode, sub mode) of PX4's px4_custom_mode.h; names are mavsdk's where it has one."""

NUMBERS = {name: numbers for numbers, name in reversed(_MODES.items())}
"""The first numbers of each name."""


def mode_name(custom_mode: int) -> str:
    """Return the name of a heartbeat's ``custom_mode``; UNKNOWN where PX4 has no such mode.

    Bits 16 to 23 are the main mode, 24 to 31 the sub mode.
    """
    return _MODES.get((custom_mode >> 16 & 0xFF, custom_mode >> 24 & 0xFF), "UNKNOWN")
