"""The docks' MQTT messages, as ARCHITECTURE.md says. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from fleet.model.states import DoorState

ROOT = "skybeat/v1/docks"
Part = Literal["availability", "state", "command", "reply"]
Action = Literal["open", "close"]


Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
MOST_DRONES = 32
MOST_BYTES = 64 * 1024
"""A dock's message is under a kilobyte; a larger one than this is not read at all."""


class Wire(BaseModel):
    """Base of the messages: a dock newer than this controller may say more, so unknown keys pass."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class StateMessage(Wire):
    """What a dock says of itself."""

    at: AwareDatetime
    door: Literal["closed", "opening", "open", "closing", "jammed"]
    clear: bool
    dock: str | None = None
    """Where a dock says who it is; it must be the topic's."""
    occupants: tuple[Name, ...] = Field(default=(), max_length=MOST_DRONES)
    charging: dict[Name, Annotated[float, Field(ge=0, le=100)]] = Field(
        default_factory=dict, max_length=MOST_DRONES
    )
    wind_m_s: float | None = Field(default=None, ge=0, le=150)
    rain_mm_h: float | None = Field(default=None, ge=0, le=1000)
    temperature_c: float | None = Field(default=None, ge=-90, le=90)

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
    reason: Annotated[str, StringConstraints(max_length=500)] = ""
    dock: str | None = None


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
