"""What the models of a city file are made of: positions, rings, names, and their frozen base.

Positions are ``(longitude, latitude)`` in degrees, WGS-84, in the order GeoJSON uses.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Longitude = Annotated[float, Field(ge=-180, le=180)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Position = tuple[Longitude, Latitude]


def _open_ring(ring: tuple[Position, ...]) -> tuple[Position, ...]:
    """Drop the last corner where it repeats the first, as GeoJSON writes rings."""
    return ring[:-1] if len(ring) > 3 and ring[0] == ring[-1] else ring


Ring = Annotated[tuple[Position, ...], Field(min_length=3), AfterValidator(_open_ring)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,38}$")]


class Model(BaseModel):
    """Base of the city's models: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
