"""Tracks see every point, lie to and fro, and in the direction that is flown soonest."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiLineString, MultiPolygon, Point, Polygon, box

from missions.city import City
from missions.energy import Point as EnergyPoint
from missions.energy import PowerModel, Wind, step_cost
from missions.errors import GeometryError, PlanError
from missions.lawnmower import Flown, fan_deg, flown_s, lawnmower, soonest

Stars = Callable[[float, float], st.SearchStrategy[Polygon]]


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    swath=st.floats(15, 300),
    overlap=st.floats(0, 0.8),
    direction=st.none() | st.floats(-360, 360),
    points=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=20, max_size=20),
)
def test_every_point_of_a_shape_is_within_half_a_swath_of_a_track(
    stars: Stars,
    data: st.DataObject,
    swath: float,
    overlap: float,
    direction: float | None,
    points: list[tuple[float, float]],
) -> None:
    shape = data.draw(stars(60, 400))
    tracks = MultiLineString(
        [t for t in lawnmower(shape, swath, overlap, direction) if t[0] != t[1]]
    )
    west, south, east, north = shape.bounds
    tried = [Point(west + u * (east - west), south + v * (north - south)) for u, v in points]
    tried += [Point(corner) for corner in shape.exterior.coords]
    for point in tried:
        if shape.covers(point):
            assert tracks.distance(point) <= swath / 2 + 1e-6


def test_tracks_lie_along_the_longer_side_and_go_to_and_fro() -> None:
    tracks = lawnmower(box(0, 0, 100, 400), 50, 0.2)
    assert len(tracks) == 3
    for (x0, y0), (x1, y1) in tracks:
        assert abs(x1 - x0) < 1e-6
        assert abs(y1 - y0) == pytest.approx(400)
    for before, after in pairwise(tracks):
        assert math.dist(before[1], after[0]) == pytest.approx(100 / 3)


def test_a_hole_parts_a_track() -> None:
    shape = box(0, 0, 400, 100).difference(box(150, -1, 250, 101))
    assert len(lawnmower(shape, 60, 0)) == 4


def test_a_short_piece_beside_a_long_one_does_not_cut_its_track() -> None:
    shape = MultiPolygon([box(0, 0, 400, 10), box(100, 20, 200, 40)])
    (track,) = lawnmower(shape, 60, 0, 0.0)
    assert sorted(place[0] for place in track) == pytest.approx([0, 400])


@pytest.mark.parametrize("bad", [(0, 0.2), (-5, 0.2), (50, 1), (50, -0.1)])
def test_a_swath_or_overlap_out_of_range_is_refused(bad: tuple[float, float]) -> None:
    with pytest.raises(GeometryError, match="swath"):
        lawnmower(box(0, 0, 100, 100), *bad)
    with pytest.raises(GeometryError, match="no area"):
        lawnmower(Polygon(), 50)


def flown(small: City, wind: Wind) -> Flown:
    return Flown(12.0, PowerModel.of(small.drones[0]), wind)


def heading(tracks: tuple[tuple[tuple[float, float], ...], ...]) -> float:
    (x0, y0), (x1, y1) = tracks[0]
    return math.degrees(math.atan2(y1 - y0, x1 - x0)) % 180


@settings(max_examples=10, deadline=None)
@given(
    data=st.data(),
    speed=st.sampled_from([0.0, 4.0, 8.0]),
    from_deg=st.floats(0, 360),
)
def test_no_direction_of_the_fan_is_flown_sooner(
    small: City, stars: Stars, data: st.DataObject, speed: float, from_deg: float
) -> None:
    shape = data.draw(stars(100, 400))
    how = flown(small, Wind(speed, from_deg))
    directions = fan_deg(shape, how.wind)
    best = flown_s(soonest(shape, 46, 0.2, directions, how), how)
    for direction in directions:
        assert best <= flown_s(lawnmower(shape, 46, 0.2, direction), how) + 1e-6


def test_a_strong_wind_is_crossed(small: City) -> None:
    square = box(0, 0, 400, 400)
    for from_deg in (0.0, 90.0, 180.0, 270.0):
        how = flown(small, Wind(9.0, from_deg))
        tracks = soonest(square, 46, 0.2, fan_deg(square, how.wind), how)
        along = abs((heading(tracks) - (90 - from_deg)) % 180 - 90)
        assert along == pytest.approx(0, abs=20), "tracks lie across the wind"
        into = lawnmower(square, 46, 0.2, 90 - from_deg)
        assert flown_s(tracks, how) < 0.8 * flown_s(into, how)


def test_a_long_shape_is_flown_along_in_calm_air(small: City) -> None:
    shape = box(0, 0, 100, 600)
    how = flown(small, Wind())
    assert heading(soonest(shape, 46, 0.2, fan_deg(shape, how.wind), how)) == pytest.approx(90)


def test_a_storm_lets_no_direction_be_flown(small: City) -> None:
    with pytest.raises(PlanError, match="wind of 20 m/s"):
        how = flown(small, Wind(20.0, 0.0))
        soonest(box(0, 0, 200, 200), 46, 0.2, (0.0, 90.0), how)


@given(
    places=st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), min_size=2, max_size=6),
    speed=st.floats(0, 8),
    from_deg=st.none() | st.floats(0, 360),
)
def test_the_time_is_that_of_one_that_keeps_its_air_speed(
    small: City, places: list[tuple[float, float]], speed: float, from_deg: float | None
) -> None:
    how = flown(small, Wind(speed, from_deg))
    points = [EnergyPoint(*place, 40.0) for place in places]
    model = replace(how.model, top_air_m_s=0.0)
    steps = [step_cost(a, b, how.speed_m_s, model, how.wind) for a, b in pairwise(points)]
    assert flown_s([tuple(places)], how) == pytest.approx(sum(s.duration_s for s in steps))
