"""What a worker and a controller tell each other over HTTP; the controller's models say the same."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

State = Literal["unwatched", "watching", "off_station", "not_measurable", "blind"]
Position = tuple[Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(ge=-90, le=90)]]


class _Told(BaseModel):
    """What the controller tells; it may know more than we read."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class WaterLevels(_Told):
    """Metres on the station's datum."""

    normal_m: float
    warning_m: float
    danger_m: float


class WaterWatch(_Told):
    """A level to measure."""

    kind: Literal["water"]
    levels: WaterLevels
    hysteresis_m: float = Field(default=0.05, gt=0)
    dwell_s: float = Field(default=3.0, ge=0)


class CrowdLevels(_Told):
    """People per square metre."""

    yellow_per_m2: float = Field(gt=0)
    orange_per_m2: float = Field(gt=0)
    red_per_m2: float = Field(gt=0)


class CrowdWatch(_Told):
    """A density to measure."""

    kind: Literal["crowd"]
    zone: tuple[Position, ...] = Field(min_length=3)
    levels: CrowdLevels
    hysteresis_per_m2: float = Field(default=0.03, gt=0)
    dwell_s: float = Field(default=3.0, ge=0)
    person_height_m: float = Field(default=1.7, gt=0.5, le=2.5)
    model: str | None = None


class MarkerWatch(_Told):
    """A dock's marker to be found under a drone that lands."""

    kind: Literal["marker"]
    marker_id: int = Field(ge=0)
    size_m: float = Field(gt=0, le=5)
    dock: str


class Watch(_Told):
    """One stream to watch, for one site or for a landing (then ``site`` is empty)."""

    key: str = Field(min_length=1, max_length=200)
    site: str = Field(max_length=64)
    source: str = Field(min_length=1, max_length=1024)
    drone: str | None = None
    position: Position
    detector: Annotated[WaterWatch | CrowdWatch | MarkerWatch, Field(discriminator="kind")]
    station_url: str | None = None

    @model_validator(mode="after")
    def _has_its_subject(self) -> Self:
        if isinstance(self.detector, MarkerWatch):
            if self.drone is None:
                raise ValueError("a marker is watched by a drone, and the watch names none")
        elif not self.site:
            raise ValueError(f"a watch for {self.detector.kind} names no site")
        return self


class SiteStatus(BaseModel):
    """Body of ``PUT /api/v1/sites/{id}/status``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: State
    reason: str = Field(default="", max_length=500)
    value: float | None = None
    unit: str = ""
    level: str = "normal"
    confidence: float | None = None
    source: str | None = None
    fps: float | None = None
    frame_at: datetime | None = None
    at: datetime


class Detection(BaseModel):
    """Part ``detection`` of ``POST /api/v1/detections``; the JPEG is the part ``image``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: UUID
    site: str
    kind: Literal["water", "crowd"]
    level: Literal["yellow", "orange", "red"]
    value: float
    unit: str
    threshold: float
    confidence: float = Field(ge=0, le=1)
    captured_at: AwareDatetime
    exceeded_at: AwareDatetime
    lon: float
    lat: float
    source: str
    detector: str
    image_sha256: str
    details: dict[str, Any] = Field(default_factory=dict)


class LandingTarget(BaseModel):
    """Body of ``PUT /api/v1/drones/{id}/landing-target``: the marker from the drone, metres."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    captured_at: AwareDatetime
    north_m: float
    east_m: float
    down_m: float
