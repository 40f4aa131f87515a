"""What files of zones have in common, whatever their format: features, shapes, and what is wrong.

A file is taken whole or not at all: a zone that is misread is worse than one that is not read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from missions.city import Zone
from missions.errors import MissionError
from missions.geo import move
from missions.geojson import Point, Polygon

MOST_FEATURES = 5000
CORNERS = 16
"""Of the polygon around a circle: what a vehicle's fence holds of one zone."""
WIDEST_M = 200_000.0
_MOMENT = TypeAdapter(datetime)


class ZoneFileError(MissionError, ValueError):
    """A file of zones that cannot be used: the feature, the field, and what is wrong."""

    def __init__(self, field: str, reason: str) -> None:
        self.field, self.reason = field, reason
        super().__init__(f"{field}: {reason}")


@dataclass(frozen=True, slots=True)
class ZonesRead:
    """What a file of zones holds.

    Parameters
    ----------
    zones
        What closes air.
    left_out
        What does not, with why.
    """

    zones: tuple[Zone, ...]
    left_out: tuple[str, ...] = ()


def collection(document: object) -> Sequence[Any]:
    """Return the features of a GeoJSON FeatureCollection.

    Raises
    ------
    ZoneFileError
        If it is none, or holds too many.
    """
    whole = mapping(document, "collection")
    if whole.get("type") != "FeatureCollection":
        raise ZoneFileError("type", f"{whole.get('type')!r} is not 'FeatureCollection'")
    features = whole.get("features")
    if not isinstance(features, list):
        raise ZoneFileError("features", "must be a list")
    if len(features) > MOST_FEATURES:
        raise ZoneFileError("features", f"{len(features)} features; at most {MOST_FEATURES}")
    for name in ("validFrom", "validTo", "issued"):
        moment(mapping(whole.get("metadata") or {}, "metadata"), name, "metadata")
    return features


def mapping(value: object, where: str) -> Mapping[str, Any]:
    """Return a JSON object.

    Raises
    ------
    ZoneFileError
        If it is none.
    """
    if not isinstance(value, dict):
        raise ZoneFileError(where, f"must be an object, not {type(value).__name__}")
    return value


def moment(holder: Mapping[str, Any], name: str, where: str) -> datetime | None:
    """Return a date with time and offset; None where it is left out.

    Raises
    ------
    ZoneFileError
        If it is none.
    """
    value = holder.get(name)
    if value is None:
        return None
    try:
        found = _MOMENT.validate_python(value) if isinstance(value, str) else None
    except ValidationError:
        found = None
    if found is None or found.tzinfo is None:
        raise ZoneFileError(f"{where}.{name}", f"{value!r} is no date and time with an offset")
    return found


def polygon(coordinates: object, where: str) -> Polygon:
    """Return a polygon that can be used.

    Raises
    ------
    ZoneFileError
        Where a ring is not closed, crosses itself, goes around a pole, has too many vertices...
    """
    try:
        return Polygon.model_validate({"type": "Polygon", "coordinates": coordinates})
    except ValidationError as error:
        raise broken(error, where) from error


def circle(shape: Mapping[str, Any], radius: object, radius_at: str, where: str) -> Polygon:
    """Return the polygon around a circle about a point, no side of it nearer than the radius.

    Raises
    ------
    ZoneFileError
        If the point or the radius cannot be.
    """
    try:
        middle = Point.model_validate({"type": "Point", "coordinates": shape.get("coordinates")})
    except ValidationError as error:
        raise broken(error, where) from error
    metres = math.nan
    if isinstance(radius, int | float) and not isinstance(radius, bool):
        metres = float(radius)
    if not 1 <= metres <= WIDEST_M:
        raise ZoneFileError(radius_at, f"{radius!r} must be 1 to {WIDEST_M:g} m")
    return around(middle.coordinates, metres)


def around(middle: tuple[float, float], radius_m: float) -> Polygon:
    """Return a polygon of ``CORNERS`` corners around a circle, whose sides touch it."""
    reach = radius_m / math.cos(math.pi / CORNERS)
    ring = [tuple(move(middle, -360.0 * n / CORNERS, reach)) for n in range(CORNERS)]
    return Polygon.model_validate({"type": "Polygon", "coordinates": [[*ring, ring[0]]]})


def broken(error: ValidationError, where: str) -> ZoneFileError:
    """Return what a model found wrong first, with its place in the file."""
    first = error.errors()[0]
    steps = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in first["loc"])
    return ZoneFileError(f"{where}{steps}", first["msg"].removeprefix("Value error, "))
