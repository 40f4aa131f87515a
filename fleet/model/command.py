"""What a pilot asks of a drone, and what became of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from missions.fields import Latitude, Longitude


class Part(BaseModel):
    """Base of the requests: frozen, unknown keys and numbers that are none refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Plain(Part):
    """An action that needs nothing more.

    ``return``: home to its dock; ``hold``: stay here; ``resume``: go on with the mission;
    ``land``: down, here.
    """

    action: Literal["return", "hold", "resume", "land"]


class GoTo(Part):
    """Fly to a point and hold there."""

    action: Literal["goto"]
    lon: Longitude
    lat: Latitude
    altitude_m: float = Field(gt=0, description="above home")
    heading_deg: float | None = Field(default=None, ge=0, lt=360)
    speed_m_s: float | None = Field(default=None, gt=0, le=30)


class Orbit(Part):
    """Fly circles about a point, the nose to it."""

    action: Literal["orbit"]
    lon: Longitude
    lat: Latitude
    altitude_m: float = Field(gt=0, description="above home")
    radius_m: float = Field(ge=10, le=500)
    speed_m_s: float = Field(default=4.0, gt=0, le=15)
    clockwise: bool = True


class LookAtPoint(Part):
    """Keep the camera on a point, whatever the drone does."""

    action: Literal["look_at"]
    lon: Longitude
    lat: Latitude
    altitude_m: float = Field(default=0.0, description="above home")


class PointGimbal(Part):
    """Point the camera: pitch -90 is straight down; yaw is from the nose."""

    action: Literal["gimbal"]
    pitch_deg: float = Field(ge=-90, le=30)
    yaw_deg: float = Field(default=0.0, ge=-180, le=180)


class Kill(Part):
    """Stop the motors at once: the drone falls. Asked twice, the second time with the answer's word."""

    action: Literal["kill"]
    confirm: str | None = Field(default=None, description="the word that the first call answered")


class TakeControl(Part):
    """Become the one whose word counts."""

    action: Literal["take_control"]


class ReleaseControl(Part):
    """Give control back to the controller; what the drone does stays until something else is said."""

    action: Literal["release_control"]


Demand = Annotated[
    Plain | GoTo | Orbit | LookAtPoint | PointGimbal | Kill | TakeControl | ReleaseControl,
    Field(discriminator="action"),
]


class CommandStatus(StrEnum):
    """How far a command is."""

    SENT = "sent"
    """On disk, and on its way to the vehicle."""
    DONE = "done"
    """The vehicle was seen to do it."""
    REFUSED = "refused"
    """The vehicle, the state of the drone or a safety rule said no."""
    FAILED = "failed"
    """No answer within the bound, or the controller ended before it was known."""


class CommandRecord(BaseModel):
    """A pilot's command as it is kept; the same id is carried out once, however often it is sent."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    drone: str
    actor: str
    demand: dict[str, Any]
    reason: str = ""
    status: CommandStatus
    answer: str = Field(default="", description="the vehicle's own words, or why it was not sent")
    at: datetime
    answered_at: datetime | None = None
