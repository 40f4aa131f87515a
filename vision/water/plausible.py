"""Whether a river can have come to a level since it was last read.

A boat or a branch before the board makes another line look like the waterline, for as long as it
is there. A river does not jump, so a reading that does is not believed until it has stayed.
"""

from __future__ import annotations

from datetime import datetime

JUMP_M = 0.12
"""Two readings of a still river differ by less than this (hover: 1.1 cm on average, 4 cm at most)."""
RATE_M_S = 0.06
"""Faster than any flood wave on a wide river; the bore of a dam break rises like this."""
STAYS_S = 15.0
"""A jump that has stayed for so long is the river after all (the camera looked away meanwhile)."""


class Plausible:
    """Follows one river's level and says which readings can be its next."""

    def __init__(self) -> None:
        self._at: datetime | None = None
        self._level = 0.0
        self._new_at: datetime | None = None
        self._new_level = 0.0
        self._new_since: datetime | None = None

    def take(self, at: datetime, level_m: float) -> bool:
        """Take a reading; return whether it is believed.

        Parameters
        ----------
        at
            Capture time. A time before the last one starts anew.
        level_m
            Metres on the station's datum.
        """
        if self._at is None or at < self._at or self._reaches(self._at, self._level, at, level_m):
            return self._believe(at, level_m)
        follows = self._new_at is not None and self._reaches(
            self._new_at, self._new_level, at, level_m
        )
        if not follows or self._new_since is None:
            self._new_since = at
        self._new_at, self._new_level = at, level_m
        if (at - self._new_since).total_seconds() >= STAYS_S:
            return self._believe(at, level_m)
        return False

    def _believe(self, at: datetime, level_m: float) -> bool:
        self._at, self._level = at, level_m
        self._new_at = self._new_since = None
        return True

    @staticmethod
    def _reaches(since: datetime, before_m: float, at: datetime, level_m: float) -> bool:
        seconds = (at - since).total_seconds()
        return seconds >= 0 and abs(level_m - before_m) <= JUMP_M + RATE_M_S * seconds
