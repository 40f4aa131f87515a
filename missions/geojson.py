"""Geometry as it is ordered: GeoJSON (RFC 7946) points, lines and polygons that can be flown.

What cannot be used is refused with the number that is wrong, before anything is worked out of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from shapely import get_coordinates
from shapely.geometry import LineString as Line
from shapely.geometry import Polygon as Area
from shapely.geometry.polygon import orient
from shapely.validation import explain_validity

MOST_VERTICES = 5000
"""Of one geometry: no beat, river or road that is flown has more."""
FARTHEST_NORTH = 80.0
"""Degrees, north and south: beyond, a city's local frame and meridians are of no use."""
WIDEST = 5.0
"""Degrees of longitude: what is wider goes around a pole or over the antimeridian."""

LonLat = tuple[float, float]


def heights(coordinates: object, depth: int = 3) -> set[float]:
    """Return the heights that positions of a GeoJSON geometry have, 0 (which programs fill in) not."""
    if not isinstance(coordinates, list | tuple) or depth == 0:
        return set()
    if len(coordinates) == 3 and all(isinstance(item, int | float) for item in coordinates):
        return {float(coordinates[2])} - {0.0}
    return {found for item in coordinates for found in heights(item, depth - 1)}


def _flat(value: object) -> object:
    """Take a position with a height for one without; an order takes those for its altitude."""
    if not isinstance(value, list | tuple):
        raise ValueError(f"{value!r} is no position; write [longitude, latitude]")
    if len(value) not in (2, 3):
        raise ValueError(f"a position has 2 or 3 numbers, not {len(value)}")
    words = [item for item in value if isinstance(item, bool) or not isinstance(item, int | float)]
    if words:
        raise ValueError(f"{words[0]!r} is no number; a position is [longitude, latitude]")
    return tuple(value[:2])


def _on_earth(position: LonLat) -> LonLat:
    lon, lat = position
    if not (math.isfinite(lon) and math.isfinite(lat)):
        raise ValueError(f"{list(position)} is no place: it is not finite")
    if not -180 <= lon <= 180:
        raise ValueError(f"longitude {lon:g} is out of -180 to 180")
    if not -FARTHEST_NORTH <= lat <= FARTHEST_NORTH:
        raise ValueError(
            f"latitude {lat:g} is out of -{FARTHEST_NORTH:g} to {FARTHEST_NORTH:g}: nothing is "
            "flown around the poles"
        )
    return position


Position = Annotated[LonLat, BeforeValidator(_flat), AfterValidator(_on_earth)]


def _few(value: object) -> object:
    """Refuse too many vertices before each of them is looked at."""
    if isinstance(value, list | tuple):
        rings = value if value and isinstance(value[0], list | tuple) else ()
        deep = bool(rings) and bool(rings[0]) and isinstance(rings[0][0], list | tuple)
        count = sum(len(r) for r in value if isinstance(r, list | tuple)) if deep else len(value)
        if count > MOST_VERTICES:
            raise ValueError(f"{count} vertices; at most {MOST_VERTICES}")
    return value


def _not_wide(positions: Sequence[LonLat]) -> None:
    lons = [lon for lon, _ in positions]
    wide = max(lons) - min(lons)
    if wide > WIDEST:
        raise ValueError(
            f"it is {wide:g} degrees of longitude wide; at most {WIDEST:g}: it may not go around a "
            "pole or over the antimeridian"
        )


def _line(line: tuple[LonLat, ...]) -> tuple[LonLat, ...]:
    _not_wide(line)
    if Line(line).length == 0:
        raise ValueError("the line has no length")
    return line


def _rings(rings: tuple[tuple[LonLat, ...], ...]) -> tuple[tuple[LonLat, ...], ...]:
    for number, ring in enumerate(rings):
        if len(ring) < 4 or ring[0] != ring[-1]:
            raise ValueError(
                f"ring {number} is not closed, or has under 4 positions: it has {len(ring)}, and "
                "the last must be like the first"
            )
    _not_wide(rings[0])
    area = Area(rings[0], rings[1:])
    if not area.is_valid:
        raise ValueError(f"the polygon cannot be used: {explain_validity(area)}")
    if area.area == 0:
        raise ValueError("the polygon has no area")
    return rings


class _Geometry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Point(_Geometry):
    """One place."""

    type: Literal["Point"]
    coordinates: Position

    @property
    def vertices(self) -> tuple[LonLat, ...]:
        """The place."""
        return (self.coordinates,)


class LineString(_Geometry):
    """A line of two places or more."""

    type: Literal["LineString"]
    coordinates: Annotated[
        tuple[Position, ...], Field(min_length=2), BeforeValidator(_few), AfterValidator(_line)
    ]

    @property
    def vertices(self) -> tuple[LonLat, ...]:
        """Its places."""
        return self.coordinates


class Polygon(_Geometry):
    """A polygon: an outer ring, and rings that are left out."""

    type: Literal["Polygon"]
    coordinates: Annotated[
        tuple[tuple[Position, ...], ...],
        Field(min_length=1),
        BeforeValidator(_few),
        AfterValidator(_rings),
    ]

    @classmethod
    def of(cls, area: Area) -> Polygon:
        """Return a polygon as GeoJSON: the outer ring counterclockwise."""
        area = orient(area)
        rings = [area.exterior, *area.interiors]
        return cls(
            type="Polygon",
            coordinates=tuple(
                tuple((float(x), float(y)) for x, y in get_coordinates(ring)) for ring in rings
            ),
        )

    @property
    def vertices(self) -> tuple[LonLat, ...]:
        """The places of its outer ring, each once."""
        return self.coordinates[0][:-1]

    @property
    def holes(self) -> tuple[tuple[LonLat, ...], ...]:
        """The places of the rings that are left out."""
        return tuple(ring[:-1] for ring in self.coordinates[1:])


Geometry = Annotated[Point | LineString | Polygon, Field(discriminator="type")]
