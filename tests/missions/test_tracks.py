"""Tracks are entered near, cut at what is closed, and put in turn."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiLineString, box

from missions.lawnmower import lawnmower
from missions.tracks import enter_from, in_turn, length_m, outside


def test_tracks_are_entered_at_the_nearest_of_their_four_ends() -> None:
    tracks = lawnmower(box(0, 0, 400, 100), 40, 0)
    for corner in ((0, 0), (400, 0), (0, 100), (400, 100)):
        ways = enter_from(tracks, corner)
        assert math.dist(ways[0][0], corner) < 20
        assert {frozenset(t) for t in ways} == {frozenset(t) for t in tracks}


metres = st.integers(-200, 200).map(float)
places = st.tuples(metres, metres)


@settings(max_examples=80, deadline=None)
@given(st.lists(places, min_size=2, max_size=8))
def test_what_is_left_of_a_track_is_outside_and_all_there_is(
    track: list[tuple[float, float]],
) -> None:
    line, closed = LineString(track), box(-60, -60, 60, 60)
    if line.length < 1:
        return
    parts = outside(tuple(track), closed)
    for part in parts:
        assert LineString(part).intersection(closed.buffer(-1e-6)).length < 1e-6
    rest = line.difference(closed)
    flown = MultiLineString(parts) if parts else LineString()
    assert rest.difference(flown.buffer(1e-6)).length <= 1.0 * len(track)


def test_parts_of_a_bent_track_keep_its_order_and_direction() -> None:
    track = ((-100.0, 0.0), (0.0, 100.0), (100.0, 0.0), (200.0, 0.0))
    first, second = outside(track, box(-10, -200, 10, 200))
    assert first[0] == track[0]
    assert math.dist(first[-1], (-10, 90)) < 1e-6
    assert math.dist(second[0], (10, 90)) < 1e-6
    assert second[1:] == track[2:]


def test_tracks_are_flown_from_the_nearest_end_to_the_next() -> None:
    far, near = ((500.0, 0.0), (300.0, 0.0)), ((100.0, 0.0), (10.0, 0.0))
    assert in_turn([far, near], (0.0, 0.0)) == [near[::-1], far[::-1]]
    assert length_m([far, near]) == 290
