"""Searches are those of the manual, and cover what they say."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point

from missions.city import CameraSpec
from missions.errors import GeometryError
from missions.footprint import footprint, swept
from missions.search import detected, expanding_square, sector, spacing_for, sweep_width_m

SEEN = footprint(CameraSpec(), 40)


def legs(track: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
    """Return length and heading of each leg."""
    return [
        (math.dist(a, b), math.degrees(math.atan2(b[0] - a[0], b[1] - a[1])) % 360)
        for a, b in pairwise(track)
    ]


def test_an_expanding_square_has_legs_of_1_1_2_2_3_3_spacings() -> None:
    entry, *track = legs(expanding_square((0.0, 0.0), 100, 40, heading_deg=90))
    assert entry == pytest.approx((20, 90))
    assert [round(length / 40) for length, _ in track][:8] == [1, 1, 2, 2, 3, 3, 4, 4]
    assert [round(heading) % 360 for _, heading in track][:5] == [90, 180, 270, 0, 90]


@settings(max_examples=8, deadline=None)
@given(
    radius=st.floats(40, 300),
    share=st.floats(0.3, 1.0),
    heading=st.floats(0, 360),
    middle=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
)
def test_an_expanding_square_sees_all_around(
    radius: float, share: float, heading: float, middle: tuple[float, float]
) -> None:
    widest = (SEEN.near_width_m + SEEN.depth_m) / 2  # the corner of a turn is seen from the next
    track = expanding_square(middle, radius, share * widest, heading)
    disc = Point(middle).buffer(radius)
    assert disc.difference(swept([track], SEEN)).area <= 1.0, "square metres"


def test_a_sector_search_goes_through_the_middle_three_times_and_turns_120_degrees() -> None:
    track = sector((10.0, 20.0), 300, heading_deg=30)
    flown = legs(track)
    assert [length for length, _ in flown] == pytest.approx([300] * 9)
    assert track[0] == track[3] == track[6] == track[9] == (10.0, 20.0)
    headings = [heading for _, heading in flown]
    turns = [round((b - a) % 360) for a, b in pairwise(headings)]
    assert turns == [120, 120, 0, 120, 120, 0, 120, 120], "right, and straight through the middle"
    again = legs(sector((10.0, 20.0), 300, heading_deg=30, patterns=2))
    assert again[9][1] == pytest.approx(60), "the second begins 30 degrees on"


@given(probability=st.floats(0.05, 0.97), detection=st.floats(0.1, 1.0))
def test_the_spacing_gives_the_probability_asked_for(probability: float, detection: float) -> None:
    swath = SEEN.near_width_m
    width = sweep_width_m(swath, detection)
    spacing = spacing_for(width, probability, swath)
    assert spacing <= swath
    assert detected(width, spacing) >= probability - 1e-9
    if spacing < swath:
        assert detected(width, spacing) == pytest.approx(probability)


def test_koopman_s_curve() -> None:
    # coverage 1 finds 63 %, coverage 0.5 finds 39 %: the random-search curve
    assert detected(40, 40) == pytest.approx(0.632, abs=0.001)
    assert detected(20, 40) == pytest.approx(0.393, abs=0.001)


@pytest.mark.parametrize(("radius", "spacing"), [(0, 10), (100, 0), (-5, 10), (5000, 10)])
def test_a_search_that_is_none_is_refused(radius: float, spacing: float) -> None:
    with pytest.raises(GeometryError):
        expanding_square((0.0, 0.0), radius, spacing)


def test_other_numbers_out_of_range_are_refused() -> None:
    for bad in (0.0, 1.0, 2.0):
        with pytest.raises(GeometryError, match="probability"):
            spacing_for(30, bad, 40)
    with pytest.raises(GeometryError, match="detection"):
        sweep_width_m(40, 1.5)
    with pytest.raises(GeometryError, match="patterns"):
        sector((0.0, 0.0), 100, patterns=9)
