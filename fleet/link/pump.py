"""Reads all links of a controller in turn, in its event loop, a turn's worth each.

Hundreds of vehicles send tens of thousands of datagrams a second. Waking the event loop for each
would cost more than all that is done with them, so the pump looks at most some hundred times a
second, and takes all that has come; one that floods its port is cut off at a turn's worth, which
is its own loss and not another's.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections import deque
from collections.abc import Callable

PAUSE_S = 0.01
"""Between two looks, while nobody waits for an answer."""
HURRY_S = 0.1
"""For so long after something was asked of a vehicle, every datagram is looked at as it comes."""
SLICE_S = 0.008
"""Most time in one go; the event loop has other work."""
REST = 0.5
"""Of the time that a go took, what others have before the next where more waits: packets that come
faster than they can be read must not keep from going out what would have fewer come."""
LEAST = 8
"""Links read in one go at any rate: on a busy machine the time goes without us."""


class Pump:
    """Calls whoever has something to read. Used in the event loop only, but for ``hurry``.

    Parameters
    ----------
    after
        Called after each look, when something was read.
    """

    def __init__(self, after: Callable[[], None] | None = None) -> None:
        self.after = after
        self._selector = selectors.DefaultSelector()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: deque[selectors.SelectorKey] = deque()
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None
        self._hurry = 0.0

    def add(self, fileno: int, ready: Callable[[], None]) -> None:
        """Call ``ready`` whenever there is something to read."""
        self._selector.register(fileno, selectors.EVENT_READ, ready)
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._watch()

    def remove(self, fileno: int) -> None:
        """Call no more; before the descriptor is closed."""
        if fileno in self._selector.get_map():
            self._selector.unregister(fileno)
        self._waiting = deque(key for key in self._waiting if key.fd != fileno)

    def hurry(self) -> None:
        """Somebody waits for an answer. Called from any thread."""
        self._hurry = time.monotonic() + HURRY_S

    def close(self) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()
        if self._loop is not None:
            self._loop.remove_reader(self._fileno())
        self._loop = None
        self._waiting.clear()
        self._selector.close()

    def _fileno(self) -> int:
        return int(self._selector.fileno())

    def _watch(self) -> None:
        self._timer = None
        if self._loop is not None:
            self._loop.add_reader(self._fileno(), self._look)

    def _look(self) -> None:
        if self._loop is None:
            return
        started = time.monotonic()
        self._timer = None
        if not self._waiting:
            self._waiting.extend(key for key, _ in self._selector.select(0))
        until = started + SLICE_S
        read = 0
        while self._waiting and (read < LEAST or time.monotonic() < until):
            self._waiting.popleft().data()
            read += 1
        if self.after is not None:
            self.after()
        loop: asyncio.AbstractEventLoop | None = self._loop  # whoever was called may have closed
        if loop is None:
            return
        loop.remove_reader(self._fileno())
        if self._waiting:
            self._timer = loop.call_later(REST * (time.monotonic() - started), self._look)
        elif started < self._hurry:
            self._watch()
        else:
            self._timer = loop.call_later(PAUSE_S, self._watch)
