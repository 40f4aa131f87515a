"""What the safety monitor makes of what it sees. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from fleet.flight.adoption import Step


class Action(StrEnum):
    """What a row of the matrix does, and the state that comes of it."""

    WARN = "warn"
    """Only told; the drone goes on."""
    REFUSE = "refuse"
    """Not carried out, and the answer says why."""
    ABORT = "abort"
    """On the ground: the sortie ends, the door closes."""
    HOLD = "hold"
    """HELD: stays where it is until a pilot says more."""
    OBEY = "obey"
    """HELD: flies where a pilot sends it, and holds there."""
    RESUME = "resume"
    """ON_WAY: the mission goes on."""
    AVOID = "avoid"
    """AVOIDING: out of the way; goes on by itself when the air is clear."""
    RETURN = "return"
    """RETURNING: comes home to its dock."""
    ALTERNATE = "alternate"
    """RETURNING: comes down at another dock, where its own cannot take it."""
    LAND = "land"
    """EMERGENCY: comes down where it is."""
    STAND_BY = "stand by"
    """EMERGENCY: the autopilot acts by itself and is told nothing."""
    WAIT = "wait"
    """LOST: nothing can be told; taken as it is found when it is heard again."""


class Verdict(NamedTuple):
    """What is to be done now.

    Attributes
    ----------
    step
        The state to go to, or None where the drone may stay in the one it is in.
    rank
        Of the row that decided; 0 where none did.
    row
        Its name; empty where none did.
    warnings
        What every other row that speaks says, in words for an operator, the gravest first.
    action
        Of the row that decided; it stands while the drone is already doing it (``step`` is None).
    """

    step: Step | None = None
    rank: int = 0
    row: str = ""
    warnings: tuple[str, ...] = ()
    action: Action | None = None


QUIET = Verdict()
"""Nothing is to be done, and nothing to be told."""
