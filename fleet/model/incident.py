"""An incident: detections of one site and kind, folded, that a duty officer and the CAD act on."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from fleet.model.detection import AlarmLevel


class IncidentStatus(StrEnum):
    """Where an incident is."""

    WAITING = "waiting"
    """For an officer."""
    CONFIRMED = "confirmed"
    """By an officer or by the site's policy; queued for the CAD."""
    REPORTED = "reported"
    """Every CAD has acknowledged it."""
    REJECTED = "rejected"
    CLOSED = "closed"


class Incident(BaseModel):
    """One thing that happens at one place."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    site: str
    kind: str
    status: IncidentStatus
    level: AlarmLevel
    value: float
    unit: str
    threshold: float
    lon: float
    lat: float
    opened_at: datetime
    updated_at: datetime
    captured_at: datetime
    image_sha256: str
    detections: int
    version: int
    """Grows with every change that the CAD is told."""
    decided_by: str | None = None
    reason: str = ""
