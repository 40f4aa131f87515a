"""Fence geometry against shapely."""

from __future__ import annotations

import math

import shapely
from hypothesis import assume, given
from hypothesis import strategies as st

from sitl.autopilot.fence import Circle, Fence, inside_ring
from sitl.autopilot.items import CIRCLE_OUT, POLYGON_IN, POLYGON_OUT, Item

LON, LAT = 117.65, 24.51
offset = st.floats(-0.05, 0.05)


def _star(radii):
    n = len(radii)
    return tuple(
        (
            LON + r * math.cos(2 * math.pi * i / n),
            LAT + r * math.sin(2 * math.pi * i / n),
        )
        for i, r in enumerate(radii)
    )


@given(st.lists(st.floats(0.005, 0.04), min_size=3, max_size=20), offset, offset)
def test_inside_ring_agrees_with_shapely(radii, dx, dy):
    ring = _star(radii)
    polygon = shapely.Polygon(ring)
    point = shapely.Point(LON + dx, LAT + dy)
    assume(polygon.is_valid and polygon.exterior.distance(point) > 1e-9)
    assert inside_ring(ring, point.x, point.y) == polygon.contains(point)
    assert inside_ring(ring[::-1], point.x, point.y) == polygon.contains(point)


def _items(ring, command):
    return [
        Item(5, command, (float(len(ring)), 0, 0, 0), round(lat * 1e7), round(lon * 1e7), 0.0)
        for lon, lat in ring
    ]


def test_any_inclusion_and_no_exclusion():
    left = [
        (LON - 0.02, LAT),
        (LON - 0.01, LAT),
        (LON - 0.01, LAT + 0.01),
        (LON - 0.02, LAT + 0.01),
    ]
    right = [(x + 0.03, y) for x, y in left]
    hole = [(LON + 0.014, LAT + 0.004), (LON + 0.016, LAT + 0.004), (LON + 0.015, LAT + 0.006)]
    fence = Fence(_items(left, POLYGON_IN) + _items(right, POLYGON_IN) + _items(hole, POLYGON_OUT))
    assert fence.allows(LON - 0.015, LAT + 0.005)
    assert fence.allows(LON + 0.012, LAT + 0.005)
    assert not fence.allows(LON + 0.015, LAT + 0.005)
    assert not fence.allows(LON, LAT + 0.005)


def test_exclusion_alone_allows_the_rest():
    circle = Item(5, CIRCLE_OUT, (100.0, 0, 0, 0), round(LAT * 1e7), round(LON * 1e7), 0.0)
    fence = Fence([circle])
    assert not fence.allows(LON, LAT)
    assert fence.allows(LON + 0.01, LAT)
    assert bool(fence)
    assert not Fence()
    assert Fence().allows(LON, LAT)


def test_circle_is_metric():
    circle = Circle(LON, LAT, 1000.0, True)
    assert circle.contains(LON + 999 / 101_300, LAT)
    assert not circle.contains(LON, LAT + 1001 / 110_770)
