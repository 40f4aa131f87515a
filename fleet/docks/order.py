"""Which of a dock's states is newer, by the dock's own clock. Pure."""

from __future__ import annotations

from datetime import datetime

SET_BACK = 3
"""So many states in a row that are older than the last, each newer than the one before it, mean
that the dock's clock was set back: a dock that was started again, say."""
SET_BACK_S = 8.0
"""And coming over so long: a dock tells its state each 5 s. What was kept on the way while a line was
down, and now comes all at once and late, is old."""


class Order:
    """Passes states whose time goes forward."""

    def __init__(self) -> None:
        self._last: datetime | None = None
        self._late: list[datetime] = []
        self._since_s = 0.0

    def takes(self, at: datetime, now_s: float) -> bool:
        """Whether a state is the newest so far. The same one again is.

        Parameters
        ----------
        at
            The dock's time of it.
        now_s
            Monotonic time at which it comes.
        """
        if self._last is None or at >= self._last:
            self._late.clear()
            self._last = at
            return True
        if self._late and at <= self._late[-1]:
            self._late.clear()
        if not self._late:
            self._since_s = now_s
        self._late.append(at)
        del self._late[:-SET_BACK]
        if len(self._late) < SET_BACK or now_s - self._since_s < SET_BACK_S:
            return False
        self._late.clear()
        self._last = at
        return True
