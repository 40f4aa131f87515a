"""Who has control of a drone: a token, by whose name the pilot is shown. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

_ID = 36
_NAME = 63
"""Of a name so much is kept; two of one beginning are told apart by their tokens."""


def pilot(name: str, token: UUID | None) -> str:
    """Return what a pilot is known by: two tokens of one name are two pilots."""
    return name if token is None else f"{token} {name[:_NAME]}"


def token_of(who: str) -> UUID | None:
    """Return the token of one who is known by ``pilot``; None of a name alone."""
    try:
        return UUID(who[:_ID])
    except ValueError:
        return None


def shown(who: str) -> str:
    """Return the name of one who is known by ``pilot``."""
    return who if token_of(who) is None else who[_ID + 1 :] or who


class Holder(NamedTuple):
    """A pilot who has control, as ``pilot`` has it, and since when."""

    who: str
    since: datetime

    @property
    def name(self) -> str:
        """The pilot's name."""
        return shown(self.who)

    def __str__(self) -> str:
        return f"{self.name} (since {self.since:%H:%M:%S} UTC)"
