"""What a pilot asks, and what is kept of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from fleet.errors import Conflict
from fleet.flight.holder import pilot
from fleet.model.command import CommandRecord, CommandStatus, Demand, Kill

_URGENT = frozenset({"return", "hold", "land", "kill"})


@dataclass(frozen=True, slots=True)
class Request:
    """What a pilot asks; ``take_over`` goes with ``take_control``.

    ``actor`` is the pilot's name, ``token`` what it was asked with.
    """

    drone: str
    actor: str
    demand: Demand
    id: UUID = field(default_factory=uuid4)
    reason: str = ""
    take_over: bool = False
    token: UUID | None = None

    @property
    def pilot(self) -> str:
        """What the pilot is known by."""
        return pilot(self.actor, self.token)

    @property
    def urgent(self) -> bool:
        """Whether it is a word of safety, which waits for no database."""
        return urgent(self.demand)


def urgent(demand: Demand) -> bool:
    """Whether a demand is a word of safety: return, hold, land, kill."""
    return demand.action in _URGENT


class Answer(NamedTuple):
    """What became of a request; ``confirm`` is the word with which it has to be asked again."""

    record: CommandRecord
    confirm: str | None = None


def plain(demand: Demand) -> dict[str, Any]:
    """Return a demand as it is kept; the word of a confirmation is nobody else's business."""
    kept = demand.model_dump(mode="json", exclude={"confirm"})
    if isinstance(demand, Kill):
        kept["confirmed"] = demand.confirm is not None
    return kept


def same(request: Request, drone: str, actor: str, demand: dict[str, Any]) -> None:
    """Hold a repetition to what was asked with its id the first time.

    Raises
    ------
    Conflict
        If it is something else.
    """
    if (request.drone, request.actor, plain(request.demand)) != (drone, actor, demand):
        raise Conflict(
            f"command {request.id} was {demand.get('action')!r} for {drone} by {actor}; "
            "another command needs an id of its own"
        )


def answered(
    record: CommandRecord, status: CommandStatus, words: str, at: datetime
) -> CommandRecord:
    """Return a command with its answer."""
    return record.model_copy(update={"status": status, "answer": words, "answered_at": at})


def in_words(record: CommandRecord) -> str:
    """Return who asked what, in one line."""
    given = {k: v for k, v in record.demand.items() if k != "action" and v is not None}
    numbers = ", ".join(f"{name} {_short(value)}" for name, value in given.items())
    words = f"{record.demand['action']} by {record.actor}" + (f" ({numbers})" if numbers else "")
    return f"{words}: {record.reason}" if record.reason else words


def _short(value: object) -> object:
    return round(value, 7) if isinstance(value, float) else value  # 1 cm of longitude
