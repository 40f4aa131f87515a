"""Parallel tracks over a shape, in the direction that is flown soonest with the wind there is.

Shapes and tracks are metres in a ``LocalFrame``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry import MultiPolygon, Polygon, box
from shapely.geometry.base import BaseGeometry

from missions.energy import ACCELERATION_M_S2, CALM, THERE_M, PowerModel, Wind, ground_speed
from missions.errors import GeometryError, PlanError
from missions.tracks import Metres, Track, enter_from, in_turn

CRUMB_M2 = 1e-4
FAN_DEG = 15.0
"""Directions are tried so far apart, besides those of the shape's sides."""


@dataclass(frozen=True, slots=True)
class Flown:
    """How tracks are flown: speed in m/s, the drone's power, the wind."""

    speed_m_s: float
    model: PowerModel
    wind: Wind = CALM


def lawnmower(
    shape: Polygon | MultiPolygon,
    swath: float,
    side_overlap: float = 0.2,
    direction_deg: float | None = None,
) -> tuple[Track, ...]:
    """Return parallel tracks over a shape, in the order and direction to be flown.

    Tracks are evenly spaced by at most ``swath * (1 - side_overlap)``. Every point of the shape is
    within half a swath of a track, square to it. A concave shape, or one with a hole, may have
    several tracks on a line.

    Parameters
    ----------
    shape
        What is to be seen, metres.
    swath
        Width seen across the track, metres.
    side_overlap
        Part of the swath that neighbouring tracks share, 0 to 1.
    direction_deg
        Along which tracks lie, counter-clockwise from east; None: along the longer side of the
        smallest rectangle around the shape.

    Raises
    ------
    GeometryError
        If the shape is empty or a number is out of range.
    """
    spacing = spacing_m(swath, side_overlap)
    if shape.is_empty or shape.area <= 0:
        raise GeometryError("the shape to survey has no area")
    angle = sides_deg(shape)[0] if direction_deg is None else direction_deg
    pivot = shape.centroid
    turned = affinity.rotate(shape, -angle, origin=pivot)
    west, south, east, north = turned.bounds
    count = max(1, math.ceil((north - south) / spacing - 1e-9))
    step = (north - south) / count
    lows = south + step * np.arange(count)
    boxes = [box(west - 1.0, low, east + 1.0, low + step) for low in lows.tolist()]
    bands = shapely.intersection(turned, np.array(boxes))
    pieces, rows = shapely.get_parts(bands, return_index=True)
    pieces, nested = shapely.get_parts(pieces, return_index=True)  # collections hold collections
    rows = rows[nested]
    whole = shapely.area(pieces) > CRUMB_M2
    bounds, rows = shapely.bounds(pieces[whole]), rows[whole]
    lines: list[tuple[Metres, Metres]] = []
    for index in range(count):
        middle = float(lows[index]) + step / 2.0
        spans = sorted((float(b[0]), float(b[2])) for b in bounds[rows == index])
        line = [((a, middle), (b, middle)) for a, b in _merged(spans)]
        lines += [(end, start) for start, end in reversed(line)] if index % 2 else line
    return _turned_back(lines, angle, (pivot.x, pivot.y))


def spacing_m(swath: float, side_overlap: float) -> float:
    """Return the distance of neighbouring tracks.

    Raises
    ------
    GeometryError
        If a number is out of range.
    """
    if not (0 <= side_overlap < 1 and swath > 0):
        raise GeometryError(
            f"swath {swath!r} m must be above 0 and side overlap {side_overlap!r} in 0 to 1"
        )
    return swath * (1.0 - side_overlap)


def _merged(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Join spans that overlap; they are sorted."""
    merged: list[tuple[float, float]] = []
    for low, high in spans:
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _turned_back(
    lines: Iterable[tuple[Metres, Metres]], angle_deg: float, pivot: Metres
) -> tuple[Track, ...]:
    cos, sin = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))

    def back(place: Metres) -> Metres:
        x, y = place[0] - pivot[0], place[1] - pivot[1]
        return pivot[0] + x * cos - y * sin, pivot[1] + x * sin + y * cos

    return tuple((back(a), back(b)) for a, b in lines)


def sides_deg(shape: BaseGeometry) -> tuple[float, float]:
    """Return the directions of the smallest rectangle's sides, the longer first.

    Degrees counter-clockwise from east.

    Raises
    ------
    GeometryError
        If the shape has no area.
    """
    rectangle = shape.minimum_rotated_rectangle
    if not isinstance(rectangle, Polygon):
        raise GeometryError("the shape to survey has no area")
    corners = list(rectangle.exterior.coords)
    sides = [
        (math.hypot(b[0] - a[0], b[1] - a[1]), math.atan2(b[1] - a[1], b[0] - a[0]))
        for a, b in pairwise(corners[:3])
    ]
    sides.sort(key=lambda side: round(side[0], 6), reverse=True)
    return math.degrees(sides[0][1]), math.degrees(sides[1][1])


def fan_deg(shape: BaseGeometry, wind: Wind) -> tuple[float, ...]:
    """Return the directions worth trying for a large shape: of its sides, of the wind, and a fan."""
    sides = sides_deg(shape)
    across = () if wind.from_deg is None else (-wind.from_deg, 90.0 - wind.from_deg)
    fan = np.arange(sides[0], sides[0] + 180.0, FAN_DEG).tolist()
    return tuple(dict.fromkeys(round(a % 180.0, 6) for a in (*sides, *across, *fan)))


def soonest(
    shape: Polygon | MultiPolygon,
    swath: float,
    side_overlap: float,
    directions_deg: Sequence[float],
    flown: Flown,
) -> tuple[Track, ...]:
    """Return the tracks in the direction in which they are flown soonest, turns and wind included.

    Parameters
    ----------
    shape, swath, side_overlap
        As ``lawnmower`` has them.
    directions_deg
        What to choose from; of equals the first.
    flown
        How tracks are flown.

    Raises
    ------
    GeometryError
        As ``lawnmower`` does.
    PlanError
        If wind lets it be flown in none.
    """
    choices = (lawnmower(shape, swath, side_overlap, angle) for angle in directions_deg)
    return _least(choices, lambda tracks: flown_s(tracks, flown))


def soonest_order(
    tracks: Sequence[Track], here: Metres, flown: Flown, *, turned: bool = True
) -> tuple[Track, ...]:
    """Return tracks in the order that is flown soonest, of some: their own, and from one to the next.

    Where closed ground parts them, one side of it so comes before the other.

    Parameters
    ----------
    tracks
        At least one, in an order that would do if nothing were closed.
    here
        Where the drone comes from.
    flown
        How they are flown.
    turned
        Whether they may be flown backwards.

    Raises
    ------
    PlanError
        If wind lets them be flown in no order.
    """
    orders = [enter_from(tracks, here) if turned else tuple(tracks)]
    ends = [end for track in (tracks[0], tracks[-1]) for end in (track[0], track[-1])]
    for first in sorted({here, *ends}, key=lambda end: math.dist(end, here)):
        orders.append(tuple(in_turn(tracks, first, turned=turned)))
    return _least(orders, lambda order: flown_s(((here,), *order), flown))


def _least(
    choices: Iterable[tuple[Track, ...]], seconds: Callable[[tuple[Track, ...]], float]
) -> tuple[Track, ...]:
    """Return what takes least, of equals the first; refuse as the last does if wind allows none."""
    best: tuple[float, tuple[Track, ...]] | None = None
    refused: PlanError | None = None
    for choice in choices:
        try:
            takes = seconds(choice)
        except PlanError as error:
            refused = error
            continue
        if best is None or takes < best[0] - 1e-6:
            best = takes, choice
    if best is None:
        raise refused or GeometryError("there is nothing to choose tracks from")
    return best[1]


def flown_s(tracks: Iterable[Track], flown: Flown) -> float:
    """Return how long tracks take, flown one after the other, straight between them.

    At a steady speed through the air: the directions in which that takes least are those in which
    one that holds its ground speed draws least.

    Raises
    ------
    PlanError
        If wind does not let the drone fly one.
    """
    places = [place for track in tracks for place in track]
    return sum(_straight_s(a, b, flown) for a, b in pairwise(places))


def _straight_s(a: Metres, b: Metres, flown: Flown) -> float:
    east, north = b[0] - a[0], b[1] - a[1]
    distance = math.hypot(east, north)
    if distance <= THERE_M:
        return 0.0
    heading = math.degrees(math.atan2(east, north)) % 360.0
    speed = ground_speed(flown.speed_m_s, heading, flown.wind)
    top = min(speed, math.sqrt(distance * ACCELERATION_M_S2))
    steady = max(0.0, distance - speed**2 / ACCELERATION_M_S2)
    return 2.0 * top / ACCELERATION_M_S2 + steady / speed
