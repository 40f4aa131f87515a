"""What could not wait for the store: written in order, each until the store takes it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import structlog

from fleet.errors import StoreError
from fleet.store.database import Transaction

SIZE = 1000
PAUSE_S, LAST_PAUSE_S = 0.2, 10.0
"""A store that does not take one is asked again for ever, at most so far apart."""
Work = Callable[[Transaction], Awaitable[None]]
log = structlog.get_logger(__name__)


class Backlog:
    """Writes one after the other, beside whoever put them there.

    Parameters
    ----------
    write
        Opens a write transaction, bounded in time.
    """

    def __init__(self, write: Callable[[], AbstractAsyncContextManager[Transaction]]) -> None:
        self._write = write
        self._left: deque[tuple[Work, asyncio.Future[None]]] = deque()
        self._task: asyncio.Task[None] | None = None

    def put(self, work: Work) -> asyncio.Future[None]:
        """Hand over a write; return what is done once it is committed.

        Where ``SIZE`` wait already it is left out, and said so.
        """
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if len(self._left) >= SIZE:
            log.error("the store takes nothing, and no more is kept for it", waiting=SIZE)
            return written
        self._left.append((work, written))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return written

    async def close(self, bound_s: float) -> None:
        """Wait within a bound until all is written; what is not then is lost, and said so."""
        if self._task is None or self._task.done():
            return
        await asyncio.wait({self._task}, timeout=bound_s)
        if not self._task.done():
            log.error("not written: the store does not take it", left=len(self._left))
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=1.0)

    async def _run(self) -> None:
        pause = PAUSE_S
        while self._left:
            work, written = self._left[0]
            try:
                async with self._write() as tx:
                    await work(tx)
            except StoreError as error:
                log.warning("a write waits for the store", error=str(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, LAST_PAUSE_S)
                continue
            except Exception:  # one that cannot be written must not keep back the others
                log.exception("fault in a write")
            pause = PAUSE_S
            self._left.popleft()
            if not written.done():
                written.set_result(None)
