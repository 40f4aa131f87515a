"""What the monitor remembers of one drone: how long something has lasted, and means over time."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

FORGOTTEN_S = 10.0
"""What was not asked for so long begins anew: nobody looked, and what was so on the last flight is
not so on this one."""


class Memory:
    """Timers and means of one drone, on a monotonic clock.

    Parameters
    ----------
    monotonic
        The clock, seconds.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._now = monotonic
        self._since: dict[str, tuple[float, float]] = {}
        """Since when, and when it was last asked."""
        self._means: dict[str, _Mean] = {}

    def lasting(self, name: str, seen: bool) -> float:
        """Return for how many seconds something has been seen without a break."""
        if not seen:
            self._since.pop(name, None)
            return 0.0
        now = self._now()
        since, asked = self._since.get(name, (now, now))
        if now - asked > FORGOTTEN_S:
            since = now
        self._since[name] = since, now
        return now - since

    def mean(self, name: str, value: float, over_s: float) -> float | None:
        """Take a value that holds from now on; return the mean of the last ``over_s`` seconds.

        None until it has been told for so long. ``over_s`` of a name never changes.
        """
        mean = self._means.get(name)
        if mean is None:
            mean = self._means[name] = _Mean(over_s)
        return mean.put(self._now(), value)


class _Mean:
    """Mean over time of a value that holds until the next one: a sliding window of its changes."""

    MOST = 64
    """Changes kept; with more in a window they are thinned to that many, evenly in time."""

    def __init__(self, over_s: float) -> None:
        self._over_s = over_s
        self._changes: deque[tuple[float, float]] = deque()
        self._told = -math.inf

    def put(self, now: float, value: float) -> float | None:
        changes = self._changes
        if now - self._told > max(FORGOTTEN_S, self._over_s):
            changes.clear()
        self._told = now
        if not changes or (
            changes[-1][1] != value and now - changes[-1][0] >= self._over_s / self.MOST
        ):
            changes.append((now, value))
        begin = now - self._over_s
        while len(changes) > 1 and changes[1][0] <= begin:
            changes.popleft()
        if changes[0][0] > begin:
            return None
        total, until = 0.0, now
        for at, held in reversed(changes):
            start = max(at, begin)
            total += held * (until - start)
            until = start
        return total / self._over_s
