"""Two drones that come too near are found, and no others: held against fine sampling."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from missions.conflict import KEEP_M, KEEP_UP_M, Traffic, conflict
from missions.trajectory import Trajectory

GRID_S = 0.1


def _between(low: float, high: float, step: float = 0.5) -> st.SearchStrategy[float]:
    return st.integers(round(low / step), round(high / step)).map(lambda n: n * step)


@st.composite
def ways(draw: st.DrawFn, *, doubt: bool) -> Trajectory:
    """Two to four straight pieces in a box in which many meet and many do not."""
    now = draw(_between(0, 40))
    points = []
    for _ in range(draw(st.integers(2, 5))):
        place = (draw(_between(-150, 150)), draw(_between(-150, 150)), draw(_between(20, 80)))
        points.append((now, *place))
        now += draw(_between(0, 30))
    assume(points[-1][0] > points[0][0])
    late = draw(_between(0, 6)) if doubt else 0.0
    drift = draw(st.sampled_from([0.0, 0.05, 0.3])) if doubt else 0.0
    return Trajectory.of(points, doubt_s=late, drift=drift)


def sampled(a: Trajectory, b: Trajectory) -> tuple[float, float | None]:
    """Return how deep the two are sampled within the cylinder, and when first they are.

    The depth is 1 where they are at one place, 0 at the cylinder's edge, less outside; the moments
    are those at which either may be where it is.
    """
    ta = np.arange(a.start_s, a.end_s + GRID_S, GRID_S).clip(max=a.end_s)
    tb = np.arange(b.start_s, b.end_s + GRID_S, GRID_S).clip(max=b.end_s)
    pa = np.column_stack([np.interp(ta, a.times, a.places[:, i]) for i in range(3)])
    pb = np.column_stack([np.interp(tb, b.times, b.places[:, i]) for i in range(3)])
    da, db = a.doubt_s + a.drift * (ta - a.start_s), b.doubt_s + b.drift * (tb - b.start_s)
    meet = np.abs(ta[:, None] - tb) <= da[:, None] + db + GRID_S * 0.51
    level = np.hypot(pa[:, None, 0] - pb[:, 0], pa[:, None, 1] - pb[:, 1])
    up = np.abs(pa[:, None, 2] - pb[:, 2])
    depth = np.where(meet, 1.0 - np.maximum(level / KEEP_M, up / KEEP_UP_M), -math.inf)
    first = np.maximum((ta - da)[:, None], tb - db)
    inside = depth > 0
    return float(depth.max()), float(first[inside].min()) if inside.any() else None


def _jumps(way: Trajectory) -> bool:
    """Whether it is at two places at one time, which no grid sees."""
    still = (np.diff(way.places, axis=0) == 0).all(axis=1)
    return bool(((np.diff(way.times) == 0) & ~still).any())


def fastest(way: Trajectory) -> float:
    length = np.diff(way.times)
    moved = np.abs(np.diff(way.places, axis=0)) / np.array([KEEP_M, KEEP_M, KEEP_UP_M])
    return float((moved.sum(axis=1)[length > 0] / length[length > 0]).max(initial=0.0))


def _agrees(a: Trajectory, b: Trajectory) -> None:
    assume(not _jumps(a) and not _jumps(b))
    depth, first = sampled(a, b)
    edge = GRID_S * (fastest(a) + fastest(b)) * 1.1 + 1e-4
    assume(abs(depth) > edge)  # what the grid cannot tell
    found = conflict(a, b)
    assert (found is not None) == (depth > 0), (depth, found)
    if found is not None and first is not None:
        assert found.horizontal_m <= KEEP_M
        assert found.vertical_m <= KEEP_UP_M
        assert found.at_s <= first + 2 * GRID_S  # exact: never later than the grid


@settings(max_examples=60, deadline=None)
@given(ways(doubt=False), ways(doubt=False))
def test_it_agrees_with_fine_sampling(a: Trajectory, b: Trajectory) -> None:
    _agrees(a, b)


@settings(max_examples=40, deadline=None)
@given(ways(doubt=True), ways(doubt=True))
def test_it_agrees_with_fine_sampling_where_both_may_be_late(a: Trajectory, b: Trajectory) -> None:
    _agrees(a, b)


@settings(max_examples=40, deadline=None)
@given(
    ways(doubt=True),
    ways(doubt=True),
    st.tuples(_between(-25, 25), _between(-25, 25), _between(-12, 12)),
    st.floats(0, 1.3),
)
def test_one_that_is_late_meets_one_that_comes_early_where_it_was_to_be_gone(
    a: Trajectory, b: Trajectory, aside: tuple[float, float, float], share: float
) -> None:
    gap = share * (a.doubt_at(a.end_s) + b.doubt_s)
    places = b.places - b.places[0] + a.places[-1] + np.array(aside)
    after = Trajectory(b.times - b.start_s + a.end_s + gap, places, b.doubt_s, b.drift)
    _agrees(a, after)
    _agrees(after, a)


@settings(max_examples=40, deadline=None)
@given(ways(doubt=True), ways(doubt=True))
def test_it_says_the_same_of_both_ways_round(a: Trajectory, b: Trajectory) -> None:
    one, other = conflict(a, b), conflict(b, a)
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert one.at_s == pytest.approx(other.at_s, abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(
    ways(doubt=True),
    ways(doubt=True),
    st.tuples(_between(-4000, 4000), _between(-4000, 4000), _between(0, 60)),
    _between(0, 90000),
)
def test_it_says_the_same_elsewhere_and_later(
    a: Trajectory, b: Trajectory, by: tuple[float, float, float], later: float
) -> None:
    def moved(way: Trajectory) -> Trajectory:
        return Trajectory(way.times + later, way.places + np.array(by), way.doubt_s, way.drift)

    one, other = conflict(a, b), conflict(moved(a), moved(b))
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert one.at_s + later == pytest.approx(other.at_s, abs=1e-4)


@settings(max_examples=60, deadline=None)
@given(ways(doubt=True), st.lists(ways(doubt=True), min_size=1, max_size=5))
def test_many_at_once_are_each_as_alone(a: Trajectory, others: list[Trajectory]) -> None:
    traffic = Traffic.of(others)
    alone = {i for i, other in enumerate(others) if conflict(a, other) is not None}
    assert {index for index, _ in traffic.conflicts(a)} == alone
    assert traffic.clear(a) == (not alone)


def line(*points: tuple[float, float, float, float], **more: float) -> Trajectory:
    return Trajectory.of(points, **more)


EAST = line((0, 0, 0, 40), (100, 1000, 0, 40))


def test_two_that_meet_head_on_are_found_when_they_come_within_30_m() -> None:
    found = conflict(EAST, line((0, 1000, 0, 40), (100, 0, 0, 40)))
    assert found is not None
    assert found.at_s == pytest.approx(48.5, abs=1e-4)
    assert (found.east, found.north, found.altitude_m) == pytest.approx((500, 0, 40), abs=1e-3)


@pytest.mark.parametrize(("begins_s", "meets"), [(19.9, True), (20.1, False)])
def test_the_doubt_of_both_counts_where_one_is_to_be_gone_before_the_other_comes(
    begins_s: float, meets: bool
) -> None:
    goes = line((0, 0, 0, 40), (10, 0, 0, 40), doubt_s=5)
    comes = line((begins_s, 0, 0, 40), (begins_s + 10, 0, 0, 40), doubt_s=5)
    assert (conflict(goes, comes) is not None) is meets
    assert (conflict(comes, goes) is not None) is meets


@pytest.mark.parametrize(
    ("other", "meets"),
    [
        (line((0, 1000, 0, 55), (100, 0, 0, 55)), False),  # a layer above
        (line((0, 1000, 0, 54.9), (100, 0, 0, 54.9)), True),
        (line((0, 0, 30, 40), (100, 1000, 30, 40)), False),  # beside it
        (line((0, 0, 29.9, 40), (100, 1000, 29.9, 40)), True),
        (line((20, 500, -500, 40), (120, 500, 500, 40)), False),  # the same place, 20 s later
        (line((20, 500, -500, 40), (120, 500, 500, 40), doubt_s=20), True),
        (line((0, 500, -500, 40), (100, 500, 500, 40)), True),
        (line((0, 500, -500, 100), (50, 500, 0, 40), (51, 500, 10, 100)), True),  # a brief dip
        (line((0, 480, 0, 40), (40, 480, 0, 40)), False),  # gone 5 s before
        (line((0, 480, 0, 40), (46, 480, 0, 40)), True),
    ],
)
def test_true_overlap_alone_counts(other: Trajectory, meets: bool) -> None:
    assert (conflict(EAST, other) is not None) is meets
    assert (conflict(other, EAST) is not None) is meets
