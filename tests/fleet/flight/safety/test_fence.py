"""Distances to the fence, against shapely."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon

from fleet.flight.safety import Fence
from missions.geo import LocalFrame

PAD = (117.65, 24.51)
FRAME = LocalFrame(*PAD)
span = st.floats(-900, 900)


def ring(corners: Iterable[Sequence[float]]) -> list[tuple[float, float]]:
    return [FRAME.to_lonlat(e, n) for e, n in corners]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(span, span), min_size=3, max_size=12), st.lists(st.tuples(span, span)))
def test_depth_is_the_distance_to_the_nearest_border(
    corners: list[tuple[float, float]], places: list[tuple[float, float]]
) -> None:
    """However it was asked before: what it remembers changes no answer."""
    middle = (sum(c[0] for c in corners) / len(corners), sum(c[1] for c in corners) / len(corners))
    corners.sort(key=lambda c: math.atan2(c[1] - middle[1], c[0] - middle[0]))
    outer = Polygon(corners)
    if not outer.is_valid or outer.area < 100:
        return
    hole = outer.representative_point().buffer(20.0, quad_segs=2)
    fence = Fence(ring(corners), [ring(list(hole.exterior.coords)[:-1])])
    free = outer.difference(hole)
    for east, north in places:
        here = Point(east, north)
        border = min(outer.exterior.distance(here), hole.exterior.distance(here))
        depth = border if free.contains(here) else -border
        place = FRAME.to_lonlat(east, north)
        for asked in (-5.0, 0.0, 5.0, 60.0):
            if abs(depth - asked) > 1.5:  # the two planes differ by a metre at most
                assert fence.deeper_than(*place, asked) is (depth > asked)
        if abs(depth) > 1.5:
            assert fence.depth_m(*place) == pytest.approx(depth, abs=1.5)


def test_no_fence_is_never_left() -> None:
    fence = Fence((), ())
    assert fence.depth_m(*PAD) == math.inf
    assert fence.deeper_than(*PAD, 1e9)


def test_a_sortie_with_no_fence_has_none(make_sortie: Callable[..., Any]) -> None:
    assert Fence.of(make_sortie(fence=())) is None
    corners = tuple(ring([(-100, -100), (100, -100), (100, 100), (-100, 100)]))
    with_ring, with_hole = (
        Fence.of(make_sortie(fence=corners)),
        Fence.of(make_sortie(fence=(), exclusions=(corners,))),
    )
    assert with_ring is not None
    assert with_hole is not None
    assert with_ring.depth_m(*PAD) == pytest.approx(100.0, rel=1e-3)
    assert with_hole.depth_m(*PAD) == pytest.approx(-100.0, rel=1e-3)


def test_moved_is_where_it_says() -> None:
    fence = Fence(ring([(-100, -100), (100, -100), (100, 100)]))
    east, north = FRAME.to_enu(*fence.moved(*PAD, 30.0, -40.0))
    assert east == pytest.approx(30.0, abs=0.1)
    assert north == pytest.approx(-40.0, abs=0.1)
