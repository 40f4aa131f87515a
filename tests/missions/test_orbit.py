"""Orbits stay on their radius, and out of what is closed."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, Polygon

from missions.cover import Shut
from missions.errors import GeometryError, PlanError
from missions.orbit import SHORTEST_ARC_M, circle, orbit_speed, orbits

OPEN = Shut(Polygon(), Polygon())
places = st.tuples(st.floats(-300, 300), st.floats(-300, 300))


@settings(max_examples=60, deadline=None)
@given(
    middle=places,
    radius=st.floats(10, 400),
    start=places,
    clockwise=st.booleans(),
    turns=st.floats(0.1, 4),
)
def test_an_orbit_stays_on_its_radius(
    middle: tuple[float, float],
    radius: float,
    start: tuple[float, float],
    clockwise: bool,
    turns: float,
) -> None:
    ring = circle(middle, radius, start, clockwise=clockwise)
    tracks, share = orbits(ring, OPEN, turns)
    assert share == 1
    (track,) = tracks
    for place in track:
        assert math.dist(place, middle) == pytest.approx(radius)
    for a, b in pairwise(track):
        nearest = LineString([a, b]).distance(Point(middle))
        assert nearest >= radius - max(0.8, 0.035 * radius) - 1e-6
        cross = (a[0] - middle[0]) * (b[1] - middle[1]) - (a[1] - middle[1]) * (b[0] - middle[0])
        assert (cross < 0) is clockwise
    if math.dist(start, middle) > 1:
        nearest = min(math.dist(place, start) for place in ring)
        assert math.dist(ring[0], start) == pytest.approx(nearest)
    flown = LineString(track).length / LineString(ring).length
    assert turns - 1e-6 <= flown <= turns + 1 / 12 + 1e-6


@settings(max_examples=60, deadline=None)
@given(radius=st.floats(30, 200), zone=places, size=st.floats(10, 150), turns=st.floats(0.2, 3))
def test_a_cut_orbit_stays_out_and_on_its_radius(
    radius: float, zone: tuple[float, float], size: float, turns: float
) -> None:
    closed = Point(zone).buffer(size)
    shut = Shut(closed, closed)
    ring = circle((0.0, 0.0), radius, (500.0, 0.0), clockwise=True)
    assume(closed.intersects(LineString(ring)))
    longest = max(
        (p.length for p in shapely.get_parts(LineString(ring).difference(closed))), default=0
    )
    if longest < SHORTEST_ARC_M:
        with pytest.raises(PlanError, match="whole orbit"):
            orbits(ring, shut, turns)
        return
    tracks, share = orbits(ring, shut, turns)
    assert 0 < share <= 1
    for track in tracks:
        line = LineString(track)
        assert line.intersection(closed.buffer(-0.01)).length < 1e-6
        assert line.distance(Point(0, 0)) >= radius - max(0.8, 0.035 * radius) - 1e-6
        assert max(math.dist(p, (0, 0)) for p in track) <= radius + 1e-6


@pytest.mark.parametrize(("radius", "turns"), [(5, 1), (2000, 1), (50, 0), (50, -1), (50, 1000)])
def test_numbers_out_of_range_are_refused(radius: float, turns: float) -> None:
    with pytest.raises(GeometryError):
        orbits(circle((0.0, 0.0), radius, (0.0, 0.0), clockwise=True), OPEN, turns)


def test_a_tight_orbit_is_flown_slowly() -> None:
    assert orbit_speed(18, 12) == pytest.approx(6)
    assert orbit_speed(500, 12) == 12
