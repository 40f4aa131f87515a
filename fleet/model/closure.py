"""A closure: airspace that is closed for a time by a person, or by a file that was read in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from fleet.model.words import Words
from missions.city import HeightReference, Zone
from missions.geojson import Point, Polygon

MOST_CORNERS = 500
"""Of a closure: a vehicle is fenced by 64 in all, and a city by few more."""


class ClosureRequest(BaseModel):
    """Body of ``POST /api/v1/zones/closures``: a polygon, or a circle about a point."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True
    )

    geometry: Annotated[Point | Polygon, Field(discriminator="type")]
    radius_m: float | None = Field(default=None, ge=5, le=20_000, description="of a circle")
    name: Words = Field(default="", max_length=100)
    floor_m: float = Field(default=0, ge=-500, le=100_000)
    floor_reference: HeightReference = "agl"
    ceiling_m: float = Field(default=10_000, gt=-500, le=100_000)
    ceiling_reference: HeightReference = "agl"
    since: AwareDatetime | None = Field(default=None, alias="from", description="left out: now")
    until: AwareDatetime
    reason: Words = Field(min_length=1, max_length=500)

    @model_validator(mode="after")
    def _shape(self) -> ClosureRequest:
        if isinstance(self.geometry, Point) != (self.radius_m is not None):
            raise ValueError("radius_m: a point has one, and a polygon has none")
        if isinstance(self.geometry, Polygon):
            corners = sum(len(ring) for ring in self.geometry.coordinates)
            if corners > MOST_CORNERS:
                raise ValueError(f"geometry: {corners} vertices; at most {MOST_CORNERS}")
        if self.since is not None and self.since >= self.until:
            raise ValueError(
                f"from: {self.since.isoformat()} is not before until {self.until.isoformat()}"
            )
        return self


class Closure(BaseModel):
    """A closure as it is kept. It is in force at the hours of its zone, until it has ended."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    kind: Literal["closure", "import"]
    zone: Zone
    reason: str
    created_at: datetime
    created_by: str
    until: datetime | None = None
    """It ends by itself then."""
    ended_at: datetime | None = None
    ended_by: str | None = None
