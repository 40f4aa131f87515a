"""Hearing one vehicle's messages of some kinds for a while, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from fleet.link.dialect import read
from fleet.link.wire import message_id

HEARD = 64
"""Messages kept for one that is slow to read; who asks, asks again for what is lost."""


class Wire(Protocol):
    """The vehicle's packets."""

    def on_frames(self, callback: Callable[[list[bytes]], None]) -> Callable[[], None]:
        """Call back in the event loop with packets of the vehicle; return what ends it."""


class Inbox:
    """Messages that came since it was opened."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Any] = asyncio.Queue(HEARD)

    def put(self, message: Any) -> None:
        """Keep a message; drop it where too many wait."""
        if not self._queue.full():
            self._queue.put_nowait(message)

    async def hear(self, bound_s: float) -> Any | None:
        """Return the next message; None where there is none within ``bound_s`` seconds."""
        try:
            async with asyncio.timeout(bound_s):
                return await self._queue.get()
        except TimeoutError:
            return None


@contextmanager
def hearing(wire: Wire, *kinds: int) -> Iterator[Inbox]:
    """Hear messages of some ids from now on."""
    inbox, wanted = Inbox(), frozenset(kinds)

    def take(frames: Sequence[bytes]) -> None:
        for frame in frames:
            if message_id(frame) in wanted and (message := read(frame)) is not None:
                inbox.put(message)

    stop = wire.on_frames(take)
    try:
        yield inbox
    finally:
        stop()
