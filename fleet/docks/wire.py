"""The docks' MQTT messages, as ARCHITECTURE.md says. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from fleet.model.states import DoorState

ROOT = "skybeat/v1/docks"
Part = Literal["availability", "state", "command", "reply"]
Action = Literal["open", "close"]


class Wire(BaseModel):
    """Base of the messages: a dock newer than this controller may say more, so unknown keys pass."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class StateMessage(Wire):
    """What a dock says of itself."""

    at: AwareDatetime
    door: Literal["closed", "opening", "open", "closing", "jammed"]
    clear: bool
    occupants: tuple[str, ...] = ()
    charging: dict[str, float] = Field(default_factory=dict)
    wind_m_s: float | None = None
    rain_mm_h: float | None = None
    temperature_c: float | None = None

    @property
    def door_state(self) -> DoorState:
        """The door, as the model has it."""
        return DoorState(self.door)


class CommandMessage(Wire):
    """What a dock is told. An ``id`` that was answered is not carried out again."""

    id: UUID
    action: Action
    issued_at: datetime
    expires_at: datetime


class ReplyMessage(Wire):
    """A dock's answer to a command."""

    command: UUID
    result: Literal["accepted", "done", "refused", "failed"]
    reason: str = ""


class Address(NamedTuple):
    """A topic taken apart."""

    dock: str
    part: str


def topic(dock: str, part: Part) -> str:
    """Return the topic of one dock's part; ``+`` for every dock."""
    return f"{ROOT}/{dock}/{part}"


def address(text: str) -> Address | None:
    """Take a topic apart; None where it is none of the docks'."""
    head, _, tail = text.partition(ROOT + "/")
    parts = tail.split("/")
    return Address(*parts) if not head and len(parts) == 2 else None
