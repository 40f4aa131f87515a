"""The turns of a drone's life: a step is entered, then its state's work is done, until the next.

Entering and working are one task. Whatever it waits for, a more urgent step ends it at once and is
entered in its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from fleet.flight.adoption import Step

FAULT_PAUSE_S = 5.0


class Due(NamedTuple):
    """A step to be entered. ``row`` names the row of the matrix that wants it."""

    step: Step
    rank: int = 0
    """What a state's own work leads to is 0; only a higher one takes its place while it is
    entered."""
    row: str = ""


class Turns:
    """Takes one turn after the other.

    Parameters
    ----------
    enter
        Enters a step; up to its last wait nothing is changed that may not be done again.
    work
        Does what the state asks; returns what follows.
    judge
        Returns the most urgent step that is wanted now, or None.
    fault
        Is told what either of the first two failed with. They are tried again after a pause.
    """

    def __init__(
        self,
        enter: Callable[[Due], Awaitable[None]],
        work: Callable[[], Awaitable[Step]],
        judge: Callable[[], Due | None],
        fault: Callable[[Exception], None],
    ) -> None:
        self._enter = enter
        self._do = work
        self._judge = judge
        self._fault = fault
        self._turn: asyncio.Task[Step | None] | None = None
        self._diverted: Due | None = None
        self._rank = 0
        self.changing = False
        """A step is being entered, or is about to be."""

    def look(self) -> bool:
        """Ask for the most urgent step; say whether it ends the turn under way."""
        turn = self._turn
        if turn is None:
            return False
        due = self._judge()
        if due is None or due.rank <= self._rank:
            return False
        self._diverted, self._rank = due, due.rank
        turn.cancel()
        return True

    async def run(self) -> None:
        """Take turns for ever."""
        due: Due | None = None
        try:
            while True:
                due = await self._one(due)
        finally:
            self._turn = None

    async def _one(self, due: Due | None) -> Due | None:
        self._diverted = None
        self._rank = due.rank if due is not None else 0
        self._turn = asyncio.create_task(self._take(due))
        try:
            step = await self._turn
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._diverted is None or (task is not None and task.cancelling()):
                raise
            return self._diverted
        if self._diverted is not None:
            return self._diverted
        return None if step is None else Due(step)

    async def _take(self, due: Due | None) -> Step | None:
        try:
            if due is not None:
                self.changing = True
                await self._enter(due)
            self.changing, self._rank = False, 0
            if self.look():
                await asyncio.get_running_loop().create_future()  # is cancelled at once
            step = await self._do()
        except Exception as error:  # noqa: BLE001 - told, and tried again
            self._fault(error)
            await asyncio.sleep(FAULT_PAUSE_S)
            return None
        self.changing = True
        return step
