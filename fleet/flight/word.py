"""What a pilot, or the controller itself, wants of a drone, and the answer that is awaited."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

from fleet.errors import LinkError, OrderError
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


_KEEPS = frozenset({S.UNKNOWN, S.LOST, S.TAKING_OFF, S.DOCKED, S.CHARGING})
"""A word that comes in these is kept until the drone can follow it: in a dock it has a sortie that it
has not begun."""
_GOES_ON = frozenset({(S.ON_WAY, S.ON_TASK), (S.ON_TASK, S.ON_WAY), (S.RETURNING, S.LANDING)})
"""Changes over which a word that is being carried out stays so."""
_DOWN = frozenset({S.DOCKED, S.CHARGING, S.CLOSING})


class Wanted:
    """The word that waits to be followed, and the one that is being carried out."""

    def __init__(self, drone: str) -> None:
        self._drone = drone
        self.word: Word | None = None
        self.carrying: Word | None = None
        self.settled = False
        """The word that is carried out was seen done, or has failed: it is not commanded again."""
        self._found = ""

    def overrules(self, mode: str) -> bool:
        """Whether the word that is being carried out is to end a mode that it found."""
        return self.carrying is not None and not self.settled and mode == self._found

    def done(self, words: str) -> None:
        """Answer the word that is being carried out: the vehicle was seen to do it."""
        self.settled = True
        if self.carrying is not None:
            self.carrying.done(words)

    def failed(self, error: Exception) -> None:
        """Answer the word that is being carried out: it was not done."""
        self.settled = True
        if self.carrying is not None:
            self.carrying.failed(error)

    def tell(self, word: Word) -> None:
        """Take a word; it takes the place of one that waits."""
        if self.word is not None:
            self.word.failed(OrderError(f"{self._drone}: a later word came: {word.reason}"))
        self.word = word

    def refuse(self, reason: str) -> None:
        """Answer the word that waits with why it is not followed, and forget it."""
        word, self.word = self.word, None
        if word is not None:
            word.failed(OrderError(f"{self._drone}: {reason}"))

    def enter(self, before: DroneState, state: DroneState, reason: str, mode: str) -> None:
        """Have a word carried out by the state that it led to, and end one that it overrules.

        Parameters
        ----------
        before, state, reason
            The states that are left and entered, and why.
        mode
            What the vehicle does now.
        """
        word, carried = self.word, self.carrying
        overruled = f"{self._drone} is {state}: {reason}"
        if word is not None and state in LEADS_TO[word.action]:
            self.word, self.carrying, self.settled, self._found = None, word, False, mode
            if state in _DOWN:
                word.done(f"called off: {reason}")
        elif state is not before:
            if word is not None and (before not in _KEEPS or state in _DOWN):
                self.word = None
                word.failed(OrderError(overruled))
            if (before, state) not in _GOES_ON:
                self.carrying = None
        if carried is not None and carried is not self.carrying:
            # of one that is not heard nobody knows whether it took the word
            unknown = state is S.LOST
            carried.failed(LinkError(overruled) if unknown else OrderError(overruled))
