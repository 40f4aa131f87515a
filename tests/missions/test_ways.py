"""Shortest ways around closed ground and columns."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, Polygon, box

from missions.ways import HAIR_M, Ways

WALL = box(-10, -100, 10, 100)


def length(way: tuple[tuple[float, float], ...] | None) -> float:
    assert way is not None
    return sum(math.dist(a, b) for a, b in pairwise(way))


def test_a_way_goes_over_the_nearer_corners() -> None:
    assert Ways([WALL]).way((-50, 20), (50, 20)) == ((-50, 20), (-10, 100), (10, 100), (50, 20))
    assert Ways([WALL]).way((-50, 200), (50, 200)) == ((-50, 200), (50, 200))
    assert Ways([]).way((1, 1), (1, 1)) == ((1, 1), (1, 1))


def test_what_is_met_only_on_the_way_around_is_gone_around_too() -> None:
    beside = box(-300, 90, 300, 120)  # in the way only for who goes around the wall's end
    way = Ways([WALL, beside]).way((-50, 20), (50, 20))
    assert way == ((-50, 20), (-10, -100), (10, -100), (50, 20))


def test_closed_ground_is_neither_start_nor_goal_and_a_column_is_both() -> None:
    column = Polygon(Point(0, 0).buffer(40, quad_segs=2))
    assert Ways([column]).way((0, 0), (200, 0)) is None
    assert Ways([column]).way((200, 0), (0, 0)) is None
    ways = Ways([], [column])
    assert ways.way((0, 0), (200, 0)) == ((0, 0), (200, 0))
    assert ways.way((200, 0), (0, 0)) == ((200, 0), (0, 0))
    assert length(ways.way((-200, 0), (200, 0))) > 400


def test_none_leads_out_of_a_closed_yard() -> None:
    yard = [
        box(-50, 40, 50, 50),
        box(-50, -50, 50, -40),
        box(-50, -50, -40, 50),
        box(40, -50, 50, 50),
    ]
    assert Ways(yard).way((0, 0), (200, 0)) is None


@settings(max_examples=80, deadline=None)
@given(
    middles=st.lists(
        st.tuples(st.floats(-300, 300), st.floats(-300, 300), st.floats(20, 90)), max_size=7
    ),
    start=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
    goal=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
)
def test_a_way_crosses_no_column_that_it_does_not_begin_or_end_in(
    middles: list[tuple[float, float, float]], start: tuple[float, float], goal: tuple[float, float]
) -> None:
    columns = [Point(x, y).buffer(r, quad_segs=2) for x, y, r in middles]
    way = Ways([], columns).way(start, goal)
    assert way is not None
    assert (way[0], way[-1]) == (start, goal)
    for column in columns:
        core = column.buffer(-2 * HAIR_M)
        if not any(column.buffer(0.01).covers(Point(end)) for end in (start, goal)):
            assert not any(core.intersects(LineString(leg)) for leg in pairwise(way))
