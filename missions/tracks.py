"""Tracks: runs of places flown straight from one to the next, and what of them may be flown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

import shapely
from shapely.geometry import LineString, Point
from shapely.geometry.base import BaseGeometry

Metres = tuple[float, float]
"""East and north in a ``LocalFrame``."""
Track = tuple[Metres, ...]

SHORTEST_M = 1.0
"""What is left of a cut track and is shorter is not flown."""


def enter_from(tracks: Sequence[Track], start: Metres) -> tuple[Track, ...]:
    """Return the tracks in the order, of the four possible, that begins nearest to a place."""
    back = tuple(tuple(reversed(track)) for track in reversed(tracks))
    other = tuple(tuple(reversed(track)) for track in tracks)
    other_back = tuple(tracks[::-1])
    ways = (tuple(tracks), back, other, other_back)
    return min(ways, key=lambda way: round(math.dist(way[0][0], start), 3))


def outside(track: Track, closed: BaseGeometry) -> list[Track]:
    """Return the parts of a track outside some ground, in the order and direction flown."""
    if not closed.intersects(line_or_point(track)):
        return [track]
    parts: list[list[Metres]] = []
    for a, b in pairwise(track):
        if a == b:
            continue
        for start, end in _outside(a, b, closed):
            if parts and parts[-1][-1] == start:
                parts[-1].append(end)
            else:
                parts.append([start, end])
    return [tuple(part) for part in parts if LineString(part).length > SHORTEST_M]


def _outside(a: Metres, b: Metres, closed: BaseGeometry) -> list[tuple[Metres, Metres]]:
    """Return the parts of the straight way between two places outside some ground, in order."""
    rest = shapely.get_parts(LineString([a, b]).difference(closed)).tolist()
    pieces = [track_of(part) for part in rest if not part.is_empty]
    ends = [sorted((piece[0], piece[-1]), key=lambda p: math.dist(p, a)) for piece in pieces]
    return sorted(((p, q) for p, q in ends), key=lambda piece: math.dist(piece[0], a))


def lines_of(shape: BaseGeometry) -> list[LineString]:
    """Return the lines that a shape is made of, those that go on from each other joined."""
    lines = [p for p in shapely.get_parts(shape).tolist() if isinstance(p, LineString)]
    if len(lines) < 2:
        return [line for line in lines if not line.is_empty]
    merged = shapely.line_merge(shapely.union_all(lines))
    return [p for p in shapely.get_parts(merged).tolist() if isinstance(p, LineString)]


def track_of(line: LineString) -> Track:
    """Return a line's places."""
    return tuple((float(x), float(y)) for x, y in line.coords)


def in_turn(tracks: Iterable[Track], start: Metres, *, turned: bool = True) -> list[Track]:
    """Return tracks in the order in which each next one begins nearest.

    Parameters
    ----------
    tracks
        To be flown.
    start
        Where the first is flown to from.
    turned
        Whether they may be flown backwards.
    """
    left, order = list(tracks), []
    while left:
        _, index, back = min(
            (round(math.dist(track[-back], start), 3), index, back)
            for index, track in enumerate(left)
            for back in ((0, 1) if turned else (0,))
        )
        track = left.pop(index)
        order.append(track[::-1] if back else track)
        start = order[-1][-1]
    return order


def length_m(tracks: Iterable[Track]) -> float:
    """Return how long tracks are together."""
    return sum(LineString(track).length for track in tracks if len(track) > 1)


def line_or_point(track: Track) -> BaseGeometry:
    """Return a track as a shape; one that stands still is a point."""
    return LineString(track) if len(set(track)) > 1 else Point(track[0])
