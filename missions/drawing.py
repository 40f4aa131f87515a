"""What other programs' files say of a mission: something to fly, where, and how high."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from missions.errors import ExchangeError
from missions.geojson import Geometry, LineString, LonLat, Point, Polygon

DrawingKind = Literal["area", "corridor", "orbit", "stare", "route", "search"]
MOST_BYTES = 5 * 1024 * 1024
"""A file that is larger is not read."""
MOST_DRAWINGS = 200
_GEOMETRY: TypeAdapter[Geometry] = TypeAdapter(Geometry)


@dataclass(frozen=True, slots=True)
class Drawing:
    """One thing to fly. What is None the file does not say."""

    kind: DrawingKind
    geometry: Point | LineString | Polygon
    name: str = ""
    altitude_m: float | None = None
    speed_m_s: float | None = None
    width_m: float | None = None
    radius_m: float | None = None
    turns: float | None = None
    hold_s: float | None = None
    side_overlap: float | None = None


def geometry(where: str, kind: str, coordinates: Any) -> Point | LineString | Polygon:
    """Return a geometry of a file, held against what can be flown.

    Raises
    ------
    ExchangeError
        Naming where it is and what is wrong.
    """
    try:
        return _GEOMETRY.validate_python({"type": kind, "coordinates": coordinates})
    except ValidationError as error:
        raise ExchangeError(where, str(error.errors()[0]["msg"])) from error


def polygon(where: str, ring: Sequence[LonLat]) -> Polygon:
    """Return a polygon from a ring that may be open.

    Raises
    ------
    ExchangeError
        Naming where it is and what is wrong.
    """
    closed = [*ring, *ring[:1]] if ring and ring[0] != ring[-1] else list(ring)
    found = geometry(where, "Polygon", [closed])
    assert isinstance(found, Polygon)
    return found


def check_size(text: str) -> None:
    """Refuse a file that is too large to be read.

    Raises
    ------
    ExchangeError
        With its size.
    """
    if len(text) > MOST_BYTES:
        raise ExchangeError("file", f"{len(text)} characters; at most {MOST_BYTES}")
