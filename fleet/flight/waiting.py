"""How a state's handler waits and commands. The rules are watched elsewhere all the while.

A handler runs in a task of its own, which a rule cancels. So a wait needs to look only for what it
waits for, and a command ends where the rule wants it to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog

from fleet.flight.safety import Memory
from fleet.link.clock import Clock

T = TypeVar("T")
log = structlog.get_logger(__name__)


async def together(*works: Coroutine[Any, Any, object]) -> None:
    """Do several things beside each other; the first that fails ends the others, and is raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Waiting:
    """What a handler waits with."""

    def __init__(self, clock: Clock) -> None:
        self.memory = Memory(clock.monotonic)
        self._awake = asyncio.Event()
        self._commanding = 0
        self._errand: asyncio.Task[None] | None = None
        self._errand_at = ""

    def wake(self) -> None:
        """Have whoever waits look again."""
        self._awake.set()

    def lasting(self, name: str, seen: bool) -> float:
        """Return for how many seconds something has been seen without a break."""
        return self.memory.lasting(f"handler: {name}", seen)

    async def until(self, seen: Callable[[], bool], bound_s: float | None = None) -> bool:
        """Wait until something is seen; return False where it is not within the bound."""
        try:
            async with asyncio.timeout(bound_s):
                while not seen():
                    self._awake.clear()
                    await self._awake.wait()
                return True
        except TimeoutError:
            return False

    async def pause(self, seconds: float) -> None:
        """Let a retry wait its time."""
        await asyncio.sleep(seconds)

    async def order(self, work: Coroutine[Any, Any, T]) -> T:
        """Await a command to the vehicle; its mode is about to be ours meanwhile."""
        self._commanding += 1
        try:
            return await work
        finally:
            self._commanding -= 1

    @property
    def commanding(self) -> bool:
        """Whether a command to the vehicle is under way."""
        return self._commanding > 0

    def run_errand(self, work: Coroutine[Any, Any, None], at: str) -> None:
        """Do something at a dock beside what the state does.

        At most one at a time, ended with the keeper.
        """
        if self._errand is None or self._errand.done():
            self._errand, self._errand_at = asyncio.create_task(work), at
            self._errand.add_done_callback(self._errand_done)
        else:
            work.close()

    def _errand_done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("fault in an errand", dock=self._errand_at, exc_info=error)
        self.wake()

    @property
    def errand_at(self) -> str | None:
        """The dock of the errand that is under way, or None."""
        return self._errand_at if self.on_errand else None

    @property
    def on_errand(self) -> bool:
        """Whether an errand is under way."""
        return self._errand is not None and not self._errand.done()

    async def end_errand(self) -> None:
        """Stop the errand, where one is under way."""
        task, self._errand = self._errand, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
