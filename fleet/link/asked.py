"""One call of mavsdk's that is under way, and what it was answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from fleet.errors import LinkError
from fleet.link.plugins import Plugins
from fleet.link.wire import COMMAND_ACK, fields, message_id

_SILENT = frozenset({"TIMEOUT", "NO_SYSTEM", "CONNECTION_ERROR"})
_OPEN = frozenset({"UNKNOWN"})
"""mavsdk's result where it does not know the vehicle's, which leaves its command to be sent again."""


class Asked:
    """One call of mavsdk's that is under way.

    Attributes
    ----------
    plugins
        What it was made with.
    answer
        What its callback was given, the result first.
    acks
        The MAV_RESULTs of its command that were heard meanwhile, whoever it was that asked.
    cancelled
        Whether mavsdk was told that the vehicle has cancelled it.
    """

    def __init__(self, what: str, command: int | None, plugins: Plugins) -> None:
        self.plugins = plugins
        self.what = what
        self.command = command
        self.answer: asyncio.Future[tuple[Any, ...]] = asyncio.get_running_loop().create_future()
        self.acks: list[int] = []
        self.cancelled = False
        self._ended = False

    def hear(self, frames: Sequence[bytes]) -> None:
        """Take note of acknowledgements."""
        for frame in frames:
            if message_id(frame) == COMMAND_ACK:
                number, result = fields(frame)[:2]
                if number == self.command:
                    self.acks.append(result)

    def end(self, error: LinkError) -> None:
        """Wait for it no more."""
        if not self.answer.done():
            self.answer.set_exception(error)
            self.answer.exception()  # where nobody waits for it, nothing is to be told

    def settle(self, answer: tuple[Any, ...], ended: Callable[[], None]) -> None:
        """Take mavsdk's answer, which may come more than once; tell when it is the last."""
        if not self._ended and (self.cancelled or answer[0].name not in _OPEN):
            self._ended = True
            ended()
        if not self.answer.done():
            self.answer.set_result(answer)

    @property
    def silent(self) -> bool:
        """Whether mavsdk has given up waiting."""
        done = self.answer.done() and self.answer.exception() is None
        return done and self.answer.result()[0].name in _SILENT

    @property
    def in_hand(self) -> bool:
        """Whether mavsdk may still send it."""
        if not self.answer.done() or self.answer.exception() is not None:
            return True
        return self.answer.result()[0].name in _OPEN
