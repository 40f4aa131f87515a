"""A detection: what a worker says a camera saw, with the picture it was made from."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

AlarmLevel = Literal["yellow", "orange", "red"]
"""yellow: look at it; orange: act (river at warning level); red: at once (river at danger level)."""


class Detection(BaseModel):
    """Body of ``POST /api/v1/detections`` (the part named ``detection``; the JPEG is ``image``).

    ``id`` is chosen by the worker and stays the same over retries, so a detection that is posted
    twice is stored once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: UUID
    site: str = Field(min_length=1, max_length=64)
    kind: Literal["water", "crowd"]
    level: AlarmLevel
    value: float
    unit: str = Field(max_length=16, description='"m" or "1/m2"')
    threshold: float
    confidence: float = Field(ge=0, le=1)
    captured_at: AwareDatetime = Field(description="capture time of the frame")
    exceeded_at: AwareDatetime = Field(
        description="capture time of the first frame over the threshold"
    )
    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)
    source: str = Field(max_length=256, description="address of the stream, without credentials")
    detector: str = Field(max_length=64, description="name and version")
    image_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    details: dict[str, Any] = Field(default_factory=dict)


class DetectionReceipt(BaseModel):
    """Answer to a posted detection."""

    id: UUID
    incident: UUID
    duplicate: bool
    received_at: datetime
