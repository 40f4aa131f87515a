"""A strip along a line, such as a river with its banks: passes that see all of it.

Metres in a ``LocalFrame``. Left and right are as seen along the line.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from shapely.geometry import LineString
from shapely.geometry.base import BaseGeometry

from missions.errors import GeometryError
from missions.footprint import Footprint
from missions.lawnmower import spacing_m
from missions.tracks import Metres, Track

LEFT_DEG = -90.0
"""Yaw of a camera that looks to the left of the nose."""


def strip(line: Sequence[Metres], width: float) -> BaseGeometry:
    """Return the ground within half a width of a line, square at its ends.

    Raises
    ------
    GeometryError
        If the line has no length or the strip no width.
    """
    return _axis(line, width).buffer(width / 2.0, cap_style="flat")


def _axis(line: Sequence[Metres], width: float) -> LineString:
    axis = LineString(line) if len(line) > 1 else None
    if axis is None or axis.length <= 0 or not width > 0:
        raise GeometryError(f"corridor of {len(line)} points, {width!r} m wide: nothing to fly")
    return axis


def passes(
    line: Sequence[Metres], width: float, swath: float, side_overlap: float = 0.2
) -> tuple[Track, ...]:
    """Return passes along a line for a camera that looks straight down, flown to and fro.

    They are parallel to the line and evenly spaced over the width, both banks included. On the
    inner side of sharp bends there may be gaps.

    Raises
    ------
    GeometryError
        If there is nothing to fly or a number is out of range.
    """
    axis = _axis(line, width)
    count = max(1, math.ceil(width / spacing_m(swath, side_overlap) - 1e-9))
    offsets = [width / count * (index + 0.5) - width / 2.0 for index in range(count)]
    found = [track for offset in offsets if (track := _beside(axis, offset)) is not None]
    return tuple(track if i % 2 == 0 else track[::-1] for i, track in enumerate(found))


def bank_passes(
    line: Sequence[Metres], width: float, seen: Footprint, side_overlap: float = 0.2
) -> tuple[Track, ...]:
    """Return passes along both banks with the camera to the left of the nose, over the water.

    Up along the right bank and back along the left, so the water is to the left all the way. Each
    pass stands off as far as the camera's picture begins ahead of it; where one picture does not
    reach the middle there are several on each side, farther in.

    Parameters
    ----------
    line, width
        The middle of the strip, and how wide it is from bank to bank.
    seen
        The ground in a picture, whatever its yaw.

    Raises
    ------
    GeometryError
        If there is nothing to fly or a number is out of range.
    """
    axis = _axis(line, width)
    half = width / 2.0
    count = max(1, math.ceil(half / spacing_m(seen.depth_m, side_overlap) - 1e-9))
    found: list[Track] = []
    for index in range(count):
        off = half + seen.near_m - index * half / count
        right, left = _beside(axis, -off), _beside(axis, off)
        found += [right] if right is not None else []
        found += [left[::-1]] if left is not None else []
    if not found:
        raise GeometryError("the corridor has no pass that can be flown")
    return tuple(found)


def _beside(axis: LineString, offset: float) -> Track | None:
    """Return the line at an offset to the left, in the line's direction; None where there is none."""
    if abs(offset) < 1e-9:
        return tuple((float(x), float(y)) for x, y in axis.coords)
    curve = axis.offset_curve(offset, quad_segs=4)
    parts = [p for p in getattr(curve, "geoms", [curve]) if p.length > 0]
    parts.sort(key=lambda part: axis.project(part.interpolate(0.5, normalized=True)))
    places = [(float(x), float(y)) for part in parts for x, y in part.coords]
    return tuple(places) if len(places) > 1 else None
