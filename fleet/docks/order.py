"""Which of a dock's states is newer, by the dock's own clock. Pure."""

from __future__ import annotations

from datetime import datetime

SET_BACK = 3
"""So many states in a row that are older than the last, each newer than the one before it, mean
that the dock's clock was set back: a dock that was started again, say."""


class Order:
    """Passes states whose time goes forward."""

    def __init__(self) -> None:
        self._last: datetime | None = None
        self._late: list[datetime] = []

    def takes(self, at: datetime) -> bool:
        """Whether a state is the newest so far. The same one again is."""
        if self._last is None or at >= self._last:
            self._late.clear()
            self._last = at
            return True
        if self._late and at <= self._late[-1]:
            self._late.clear()
        self._late.append(at)
        if len(self._late) < SET_BACK:
            return False
        self._late.clear()
        self._last = at
        return True
