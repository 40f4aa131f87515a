"""What to fly to see something: cells of a beat, a lawnmower over a cell, a corridor, a stare.

Shapes and tracks are metres in a ``LocalFrame`` unless a name says lon/lat.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

import shapely
from shapely import affinity
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from missions.city import Beat, CameraSpec, City, Site
from missions.errors import GeometryError, PlanError
from missions.geo import LocalFrame
from missions.sortie import Leg, LegKind, LookAt, Waypoint

SLIVER = 0.15
"""A piece of less than this part of a full cell is joined to a neighbour."""

Metres = tuple[float, float]
Track = tuple[Metres, ...]


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


def swath_m(camera: CameraSpec, altitude_m: float) -> float:
    """Return the width on flat ground that a camera looking straight down sees across the track.

    ``2 h tan(hfov / 2)``: a pinhole with the picture's width across the track.
    """
    if altitude_m <= 0:
        raise GeometryError(f"altitude {altitude_m!r} m: must be above 0 to see the ground")
    return 2.0 * altitude_m * math.tan(math.radians(camera.hfov_deg) / 2.0)


def _spacing(swath: float, side_overlap: float) -> float:
    if not (0 <= side_overlap < 1 and swath > 0):
        raise GeometryError(
            f"swath {swath!r} m must be above 0 and side overlap {side_overlap!r} in 0 to 1"
        )
    return swath * (1.0 - side_overlap)


def lawnmower(
    shape: Polygon | MultiPolygon, swath: float, side_overlap: float = 0.2
) -> tuple[Track, ...]:
    """Return parallel tracks over a shape, in the order and direction to be flown.

    Tracks lie along the longer side of the smallest rectangle around the shape, evenly spaced by
    at most ``swath * (1 - side_overlap)``. Every point of the shape is within half a swath of a
    track. A concave shape may have several tracks on a line.

    Parameters
    ----------
    shape
        What is to be seen, metres.
    swath
        Width seen across the track, metres.
    side_overlap
        Part of the swath that neighbouring tracks share, 0 to 1.

    Raises
    ------
    GeometryError
        If the shape is empty or a number is out of range.
    """
    spacing = _spacing(swath, side_overlap)
    if shape.is_empty or shape.area <= 0:
        raise GeometryError("the shape to survey has no area")
    angle = _long_side_deg(shape)
    pivot = shape.centroid
    turned = affinity.rotate(shape, -angle, origin=pivot)
    west, south, east, north = turned.bounds
    count = max(1, math.ceil((north - south) / spacing - 1e-9))
    step = (north - south) / count
    tracks: list[LineString] = []
    for index in range(count):
        low = south + index * step
        middle = low + step / 2.0
        band = turned.intersection(box(west - 1.0, low, east + 1.0, low + step))
        spans = sorted((p.bounds[0], p.bounds[2]) for p in _polygons(band))
        line = [((a, middle), (b, middle)) for a, b in _merged(spans)]
        if index % 2:
            line = [(end, start) for start, end in reversed(line)]
        tracks.extend(LineString(pair) for pair in line)
    back = [affinity.rotate(track, angle, origin=pivot) for track in tracks]
    return tuple(tuple((float(x), float(y)) for x, y in track.coords) for track in back)


def _merged(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Join spans that overlap; they are sorted."""
    merged: list[tuple[float, float]] = []
    for low, high in spans:
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _long_side_deg(shape: BaseGeometry) -> float:
    """Return the direction of the longer side of the smallest rectangle, degrees from east."""
    rectangle = shape.minimum_rotated_rectangle
    if not isinstance(rectangle, Polygon):
        raise GeometryError("the shape to survey has no area")
    corners = list(rectangle.exterior.coords)
    sides = [
        (math.hypot(b[0] - a[0], b[1] - a[1]), math.atan2(b[1] - a[1], b[0] - a[0]))
        for a, b in pairwise(corners[:3])
    ]
    return math.degrees(max(sides, key=lambda side: round(side[0], 6))[1])


def enter_from(tracks: Sequence[Track], start: Metres) -> tuple[Track, ...]:
    """Return the tracks in the order, of the four possible, that begins nearest to a place."""
    back = tuple(tuple(reversed(track)) for track in reversed(tracks))
    other = tuple(tuple(reversed(track)) for track in tracks)
    other_back = tuple(tracks[::-1])
    ways = (tuple(tracks), back, other, other_back)
    return min(ways, key=lambda way: round(math.dist(way[0][0], start), 3))


def corridor(
    line: Sequence[Metres], width: float, swath: float, side_overlap: float = 0.2
) -> tuple[Track, ...]:
    """Return passes along a line that together see a strip of ``width`` around it.

    Passes are parallel to the line and flown to and fro. Where bends open gaps on their inner
    side the passes are moved closer, four times at most. The strip ends square with the line.

    Raises
    ------
    GeometryError
        If the line has no length or bends too sharply for its width.
    """
    spacing = _spacing(swath, side_overlap)
    axis = LineString(line) if len(line) > 1 else None
    if axis is None or axis.length <= 0 or width <= 0:
        raise GeometryError(f"corridor of {len(line)} points, {width!r} m wide: nothing to fly")
    strip = axis.buffer(width / 2.0, cap_style="flat")
    count = max(1, math.ceil(width / spacing - 1e-9))
    for attempt in range(5):
        passes = _passes(axis, width, count + attempt * 2)
        seen = shapely.union_all([LineString(p).buffer(swath / 2.0 + 1e-3) for p in passes])
        if strip.difference(seen).area <= 1e-6 * strip.area:
            return tuple(p if i % 2 == 0 else p[::-1] for i, p in enumerate(passes))
    raise GeometryError(f"a corridor {width:g} m wide bends too sharply to be covered by passes")


def _passes(axis: LineString, width: float, count: int) -> list[Track]:
    passes: list[Track] = []
    for index in range(count):
        offset = width / count * (index + 0.5) - width / 2.0
        curve = axis.offset_curve(offset) if abs(offset) > 1e-9 else axis
        parts = [p for p in getattr(curve, "geoms", [curve]) if p.length > 0]
        parts.sort(key=lambda p: axis.project(Point(p.coords[0])))
        points = [(float(x), float(y)) for part in parts for x, y in part.coords]
        if points and axis.project(Point(points[0])) > axis.project(Point(points[-1])):
            points.reverse()
        if len(points) > 1:
            passes.append(tuple(points))
    if not passes:
        raise GeometryError("the corridor has no pass that can be flown")
    return passes


def stare_leg(site: Site, hold_s: float, speed_m_s: float) -> Leg:
    """Return the leg on which a drone hovers and watches a site.

    Raises
    ------
    PlanError
        If the site has no place to stare from.
    """
    stare = site.stare
    if stare is None:
        raise PlanError(f"site {site.id!r} has no stare: no drone can watch it")
    return Leg(
        LegKind.STARE,
        (Waypoint(stare.position[0], stare.position[1], stare.altitude_m, hold_s),),
        speed_m_s,
        look_at=LookAt(stare.look_at[0], stare.look_at[1], stare.look_at_altitude_m),
        site=site.id,
    )
