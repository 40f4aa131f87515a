"""What a pilot, or the controller itself, wants of a drone, and the answer that is awaited."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

from fleet.model.command import Demand
from fleet.model.states import DroneState

S = DroneState
Action = Literal["return", "hold", "resume", "land", "goto", "orbit"]

LEADS_TO: dict[Action, frozenset[DroneState]] = {
    "return": frozenset({S.RETURNING, S.DOCKED, S.CLOSING}),
    "hold": frozenset({S.HELD}),
    "resume": frozenset({S.ON_WAY}),
    "land": frozenset({S.EMERGENCY}),
    "goto": frozenset({S.HELD}),
    "orbit": frozenset({S.HELD}),
}
"""States in which each word is carried out."""


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """What is wanted of a drone, and why.

    Parameters
    ----------
    action
        What.
    reason
        Why and by whom, in words for an operator.
    demand
        The pilot's request, where the action needs more than its name.
    answer
        Takes what the vehicle answered, once it was seen to do it; or the error, where it was not.
    """

    action: Action
    reason: str
    demand: Demand | None = None
    answer: asyncio.Future[str] | None = None

    def done(self, words: str) -> None:
        """Answer that the vehicle was seen to do it; the first answer counts."""
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(words)

    def failed(self, error: Exception) -> None:
        """Answer that it was not done."""
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(error)
