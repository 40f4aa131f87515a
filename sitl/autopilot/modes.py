"""PX4's flight modes as they stand in a heartbeat."""

from __future__ import annotations

from enum import Enum


class Mode(Enum):
    """A flight mode: PX4's main mode, sub mode, name in STATUSTEXT, and MAV_STANDARD_MODE."""

    MANUAL = (1, 0, "Manual", 0)
    ALTCTL = (2, 0, "Altitude", 0)
    POSCTL = (3, 0, "Position", 1)
    TAKEOFF = (4, 2, "Takeoff", 8)
    HOLD = (4, 3, "Hold", 0)
    MISSION = (4, 4, "Mission", 6)
    RTL = (4, 5, "Return", 5)
    LAND = (4, 6, "Land", 7)
    PRECLAND = (4, 9, "Precision Landing", 0)
    ACRO = (5, 0, "Acro", 0)
    OFFBOARD = (6, 0, "Offboard", 0)
    STABILIZED = (7, 0, "Stabilized", 0)
    ORBIT = (3, 1, "Orbit", 2)
    DESCEND = (4, 6, "Descend", 0)
    """Land without a position; a heartbeat shows it as LAND."""

    # DESCEND shares LAND's numbers, so each value is made distinct by its name

    @property
    def custom_mode(self) -> int:
        """Return the heartbeat's custom_mode."""
        return (self.value[0] << 16) | (self.value[1] << 24)

    @property
    def words(self) -> str:
        """Return PX4's name for it in a STATUSTEXT."""
        return self.value[2]

    @property
    def standard(self) -> int:
        """Return its MAV_STANDARD_MODE."""
        return self.value[3]

    @property
    def slug(self) -> str:
        """Return its name in lower case."""
        return self.name.lower()


AUTO = frozenset(
    {
        Mode.TAKEOFF,
        Mode.HOLD,
        Mode.MISSION,
        Mode.RTL,
        Mode.LAND,
        Mode.PRECLAND,
        Mode.ORBIT,
    }
)
"""Modes that the embedded vehicle can fly; the others need a pilot's sticks or an offboard stream."""

_BY_NUMBERS = {mode.value[:2]: mode for mode in Mode if mode is not Mode.DESCEND}


def from_custom_mode(main: int, sub: int) -> Mode | None:
    """Return the mode of PX4's main and sub mode numbers, or None where there is none."""
    if main == 4 and sub in (1, 0):
        sub = 3
    return _BY_NUMBERS.get((main, sub))


def by_custom_mode(custom_mode: int) -> Mode | None:
    """Return the mode that a heartbeat's custom_mode shows."""
    return from_custom_mode((custom_mode >> 16) & 0xFF, (custom_mode >> 24) & 0xFF)
