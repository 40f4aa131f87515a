"""A survey around what it must not fly over: closed ground, and the columns over docks.

What lies in a dock's column is seen from beside it, and whenever a drone of the dock climbs.
"""

from __future__ import annotations

from collections.abc import Sequence

import shapely
from shapely.geometry import LineString
from shapely.geometry.base import BaseGeometry

from missions.airspace import Airspace
from missions.tracks import SHORTEST_M, Track, lines_of, outside, track_of

MOST_UNSEEN = 0.05
"""Where a column would hide more than this part of a shape, its rim is flown too."""


def around(
    tracks: Sequence[Track],
    shape: BaseGeometry,
    airspace: Airspace,
    altitude_m: float,
    swath_m: float,
) -> tuple[Track, ...]:
    """Return the tracks without what lies over closed ground or docks, and docks' rims instead.

    Parameters
    ----------
    tracks
        Straight tracks over a shape, in the order flown.
    shape
        What is to be seen, metres.
    airspace, altitude_m
        What is closed, and where the docks are.
    swath_m
        Width seen across a track.
    """
    kept_from = airspace.kept_from_at(altitude_m)
    if not kept_from.intersects(shapely.union_all([shape, *map(LineString, tracks)])):
        return tuple(tracks)
    left = [part for track in tracks for part in outside(track, kept_from)]
    for column in airspace.columns:
        hidden = shape.intersection(column)
        if hidden.area <= MOST_UNSEEN * shape.area:
            continue
        seen = [LineString(track).buffer(swath_m / 2.0) for track in left]
        if hidden.difference(shapely.union_all(seen)).area > MOST_UNSEEN * shape.area:
            left += _rim(column, shape, airspace.closed_at(altitude_m))
    return tuple(left)


def _rim(column: BaseGeometry, shape: BaseGeometry, closed: BaseGeometry) -> list[Track]:
    """Return the edge of a column as far as it lies in a shape; all of it where none does."""
    edge = LineString(shapely.get_coordinates(column)).difference(closed)
    within = edge.intersection(shape)
    parts = lines_of(within if within.length > SHORTEST_M else edge)
    return [track_of(part) for part in parts if part.length > SHORTEST_M]
