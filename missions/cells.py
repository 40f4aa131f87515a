"""The cells of a beat: parts that are each seen as one.

Shapes are metres in the city's frame unless a name says lon/lat.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

from shapely.geometry import Polygon, box
from shapely.geometry.base import BaseGeometry

from missions.city import Beat, City
from missions.geo import LocalFrame
from missions.tracks import Metres

SLIVER = 0.15
"""A piece of less than this part of a full cell is joined to a neighbour."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A part of a beat that is seen as one.

    ``shape`` is in metres in the city's frame, ``ring`` the same in (lon, lat), not closed.
    """

    id: str
    beat: str
    shape: Polygon = field(repr=False)
    ring: tuple[tuple[float, float], ...] = field(repr=False)
    center: Metres
    area_m2: float
    radius_m: float
    """From the middle to the farthest corner."""


def city_frame(city: City) -> LocalFrame:
    """Return the city's local frame."""
    return LocalFrame(*city.city.origin)


@lru_cache(maxsize=16)
def city_cells(city: City) -> tuple[Cell, ...]:
    """Return the cells of every beat, in the order of the beats."""
    frame = city_frame(city)
    return tuple(cell for beat in city.beats for cell in beat_cells(beat, frame))


def beat_cells(beat: Beat, frame: LocalFrame) -> tuple[Cell, ...]:
    """Cut a beat to square cells, clipped at its border.

    The grid stands at the south-west corner of the beat's bounds; the cell in row 3 from the
    south, column 5 from the west is ``<beat>/r3c5``. Where the border cuts a square in several
    pieces the largest has that name and the others ``r3c5b``, ``r3c5c`` ... A piece smaller than
    15 % of a full cell is joined to the neighbour with the longest common border, so no ground is
    lost: the areas of the cells add up to the area of the beat. Only a piece with no neighbour
    stays small.

    Raises
    ------
    GeometryError
        If the beat's ring cannot be used.
    """
    area = frame.polygon(beat.area)
    pieces = _cut(area, beat.cell_m)
    _join_slivers(pieces, SLIVER * beat.cell_m**2)
    cells = []
    for name, shape in pieces.items():
        middle = shape.representative_point()
        cells.append(
            Cell(
                f"{beat.id}/{name}",
                beat.id,
                shape,
                frame.ring(shape),
                (middle.x, middle.y),
                shape.area,
                max(math.dist((middle.x, middle.y), corner) for corner in shape.exterior.coords),
            )
        )
    return tuple(cells)


def _polygons(shape: BaseGeometry) -> list[Polygon]:
    """Return the polygons of a shape, the largest first, without crumbs below 1 cm²."""
    parts = [part for part in getattr(shape, "geoms", [shape]) if isinstance(part, Polygon)]
    parts = [part for part in parts if part.area > 1e-4]
    return sorted(parts, key=lambda part: (-part.area, part.bounds))


def _cut(area: Polygon, edge: float) -> dict[str, Polygon]:
    west, south, east, north = area.bounds
    pieces: dict[str, Polygon] = {}
    for row in range(math.ceil((north - south) / edge)):
        for column in range(math.ceil((east - west) / edge)):
            x, y = west + column * edge, south + row * edge
            parts = _polygons(area.intersection(box(x, y, x + edge, y + edge)))
            for index, part in enumerate(parts):
                suffix = "" if index == 0 else _letters(index)
                pieces[f"r{row}c{column}{suffix}"] = part
    return pieces


def _letters(index: int) -> str:
    """Return b, c, ... z, then b1, c1, ..."""
    turn, letter = divmod(index - 1, 25)
    return "bcdefghijklmnopqrstuvwxyz"[letter] + (str(turn) if turn else "")


def _join_slivers(pieces: dict[str, Polygon], smallest: float) -> None:
    """Join small pieces to neighbours, the smallest first."""
    alone: set[str] = set()
    while True:
        small = [(p.area, n) for n, p in pieces.items() if p.area < smallest and n not in alone]
        if not small:
            return
        name = min(small)[1]
        piece = pieces[name]
        borders = [
            (piece.intersection(other).length, n) for n, other in pieces.items() if n != name
        ]
        length, neighbour = max(borders, default=(0.0, ""))
        joined = pieces[neighbour].union(piece) if length > 1e-6 else None
        if isinstance(joined, Polygon):
            pieces[neighbour] = joined
            del pieces[name]
        else:
            alone.add(name)
