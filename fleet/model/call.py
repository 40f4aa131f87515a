"""A call: somewhere that a drone is wanted at once, and who was sent there."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fleet.model.words import Words
from missions.fields import Latitude, Longitude

MOST_DRONES = 3
CALL_ID = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$"


class CallRequest(BaseModel):
    """Body of ``POST /api/v1/calls``.

    Where: ``lon`` and ``lat``, or ``place``, the name of a site or a dock of the city.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    id: str | None = Field(
        default=None,
        pattern=CALL_ID,
        description="the call's name, chosen by who asks: sent again with the same, it is the same "
        "call. A new one where it is left out",
    )
    lon: Longitude | None = None
    lat: Latitude | None = None
    place: str | None = Field(default=None, max_length=100, description="id of a site or a dock")
    kind: Words = Field(default="other", min_length=1, max_length=40)
    priority: int = Field(default=5, ge=0, le=9, description="takes drones from lower ones")
    want: int = Field(default=1, ge=1, le=MOST_DRONES, description="drones")
    on_scene_s: float = Field(default=600.0, ge=30, le=7200, description="wanted there so long")
    note: Words = Field(default="", max_length=500)
    source: Literal["sos", "call", "click"] = "call"

    @model_validator(mode="after")
    def _says_where(self) -> CallRequest:
        if (self.lon is None) != (self.lat is None):
            raise ValueError("lon, lat: one without the other; they go together")
        if (self.lon is None) == (self.place is None):
            raise ValueError("lon, lat, place: say where, by lon and lat or by the id of a place")
        return self


class CallStatus(StrEnum):
    """Where a call is."""

    RECEIVED = "received"
    """Nobody has been sent yet."""
    ASSIGNED = "assigned"
    """A drone is on its way."""
    ON_SCENE = "on_scene"
    """A drone is overhead."""
    NOBODY = "nobody"
    """No drone can be sent now; it is tried again when something changes."""
    DONE = "done"
    CANCELLED = "cancelled"


ENDED = frozenset({CallStatus.DONE, CallStatus.CANCELLED})


class SentStatus(StrEnum):
    """How far a drone is that was sent."""

    SENT = "sent"
    THERE = "there"
    LEFT = "left"
    """It was there and has gone."""
    FAILED = "failed"
    """It did not come there."""


class Sent(BaseModel):
    """A drone that was sent to a call."""

    model_config = ConfigDict(frozen=True)

    drone: str
    status: SentStatus = SentStatus.SENT
    at: datetime
    due_at: datetime = Field(description="expected overhead")
    from_dock: bool
    way: tuple[tuple[float, float, float], ...] = Field(
        description="lon, lat, altitude above home; the last is where it hovers"
    )
    stay_s: float = Field(description="what its battery lets it stay")
    ends_at: str = Field(description="dock that it comes home to")
    sortie: str | None = Field(default=None, description="what it flies for the call, from a dock")
    left_order: str | None = Field(default=None, description="whose sortie it left for the call")
    gives_up: str = Field(default="", description="what stays undone for it, in words")
    left_doing: str | None = Field(default=None, description="what it did there: patrol, task...")
    cells: tuple[str, ...] = Field(default=(), description="that it had still to see")
    late: int = Field(default=0, description="how many of them will be overdue")
    worst_s: float = Field(default=0.0, description="by how long at most")
    there_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str = ""

    @property
    def open(self) -> bool:
        """Whether it is on its way or there."""
        return self.status in {SentStatus.SENT, SentStatus.THERE}


class NotSent(BaseModel):
    """Why a drone is not sent: the limit that it would break, and words."""

    model_config = ConfigDict(frozen=True)

    drone: str
    constraint: str = Field(
        description="energy, airspace, altitude, wind, reach, window, fleet or priority"
    )
    reason: str


class Call(BaseModel):
    """A call as it is kept."""

    model_config = ConfigDict(frozen=True)

    id: str
    lon: float
    lat: float
    kind: str
    priority: int
    want: int
    on_scene_s: float
    note: str = ""
    source: Literal["sos", "call", "click", "cad"]
    status: CallStatus = CallStatus.RECEIVED
    reason: str = Field(default="", description="who comes, or why nobody does, in words")
    refused: tuple[NotSent, ...] = Field(
        default=(), description="while nobody can be sent: why, drone by drone"
    )
    received_at: datetime
    received_by: str
    sent: tuple[Sent, ...] = Field(default=(), description="in the order in which they were sent")
    there_at: datetime | None = Field(default=None, description="when the first was overhead")
    ended_at: datetime | None = None
    told_at: datetime | None = Field(
        default=None, description="of the newest word of the CAD that was taken, by its own clock"
    )

    @property
    def open(self) -> bool:
        """Whether it has still to be answered, or is being answered."""
        return self.status not in ENDED

    @property
    def flying(self) -> tuple[Sent, ...]:
        """The drones that are on their way or there."""
        return tuple(sent for sent in self.sent if sent.open)
