"""The local frame against PROJ's geodesics, rings, and GCJ-02."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from missions import geo
from missions.errors import GeometryError

GEOD = Geod(ellps="WGS84")
ORIGIN = (117.6536, 24.5130)
FRAME = geo.LocalFrame(*ORIGIN)

# PROJ takes what is within 0.7 mm of the origin for the origin
SNAP_M = 1e-3

metres = st.floats(-10_000, 10_000)


@given(east=metres, north=metres)
def test_there_and_back_is_exact_to_a_micrometre(east: float, north: float) -> None:
    back = FRAME.to_enu(*FRAME.to_lonlat(east, north))
    at_origin = math.hypot(east, north) < SNAP_M
    assert math.dist(back, (east, north)) < (SNAP_M if at_origin else 1e-6)


@given(east=metres, north=metres)
def test_distance_and_bearing_from_the_origin_are_those_of_the_geodesic(
    east: float, north: float
) -> None:
    lon, lat = FRAME.to_lonlat(east, north)
    azimuth, _, length = GEOD.inv(*ORIGIN, lon, lat)
    tolerance = SNAP_M if math.hypot(east, north) < SNAP_M else 1e-6
    assert length == pytest.approx(math.hypot(east, north), abs=tolerance)
    if length > 1:
        turn = (azimuth - math.degrees(math.atan2(east, north)) + 180) % 360 - 180
        assert abs(turn) < 1e-5


@given(a=st.tuples(metres, metres), b=st.tuples(metres, metres))
def test_scale_anywhere_is_within_what_the_docstring_says(
    a: tuple[float, float], b: tuple[float, float]
) -> None:
    p, q = FRAME.to_lonlat(*a), FRAME.to_lonlat(*b)
    true = GEOD.inv(*p, *q)[2]
    far = max(math.hypot(*a), math.hypot(*b))
    assert abs(math.dist(a, b) - true) <= true * far**2 / (6 * 6_335_000**2) + 2 * SNAP_M


def test_arrays_are_the_same_as_single_points() -> None:
    points = [(117.60, 24.50), (117.70, 24.55), (117.65, 24.40)]
    array = FRAME.points_to_enu(points)
    assert array.shape == (3, 2)
    np.testing.assert_allclose(array, [FRAME.to_enu(*p) for p in points])
    np.testing.assert_allclose(FRAME.points_to_lonlat(array), points, atol=1e-12)
    assert FRAME.points_to_enu([]).shape == (0, 2)


def test_axes_point_east_and_north() -> None:
    east, north = FRAME.to_enu(ORIGIN[0] + 0.001, ORIGIN[1] + 0.001)
    assert east == pytest.approx(101.3, abs=0.1)
    assert north == pytest.approx(110.8, abs=0.1)


@given(bearing=st.floats(0, 359.9), distance=st.floats(1, 20_000))
def test_move_goes_so_far_on_that_bearing(bearing: float, distance: float) -> None:
    there = geo.move(ORIGIN, bearing, distance)
    assert geo.distance_m(ORIGIN, there) == pytest.approx(distance, abs=1e-6)
    turn = (geo.bearing_deg(ORIGIN, there) - bearing + 180) % 360 - 180
    assert abs(turn) < 1e-4
    assert 0 <= geo.bearing_deg(ORIGIN, there) < 360


@pytest.mark.parametrize("bad", [(181, 0), (0, 91), (math.nan, 0), (0, math.inf)])
def test_a_position_that_is_none_is_refused_by_value(bad: tuple[float, float]) -> None:
    with pytest.raises(GeometryError, match="longitude must be in"):
        geo.position(bad)
    with pytest.raises(GeometryError):
        geo.LocalFrame(*bad)


SQUARE = [(117.65, 24.50), (117.66, 24.50), (117.66, 24.51), (117.65, 24.51)]


def test_polygon_and_area_agree_with_each_other() -> None:
    assert FRAME.polygon(SQUARE).area == pytest.approx(geo.area_m2(SQUARE), rel=1e-5)
    assert geo.area_m2(SQUARE) == pytest.approx(1013 * 1108, rel=2e-3)
    assert geo.area_m2(SQUARE[::-1]) == pytest.approx(geo.area_m2(SQUARE))
    assert len(FRAME.ring(FRAME.polygon(SQUARE))) == 4


@pytest.mark.parametrize(
    ("ring", "said"),
    [
        ([SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]], r"crosses or touches itself near \(117.65"),
        (SQUARE[:2], "has 2 different corners"),
        ([SQUARE[0], SQUARE[1], SQUARE[0]], "has 2 different corners"),
        ([(0.0, 0.0), (1.0, 0.0), (2.0, 0.0)], "crosses or touches itself|has no area"),
        ([(0.0, 0.0), (1.0, 0.0), (math.nan, 1.0)], "not a finite number"),
    ],
)
def test_a_ring_that_cannot_be_used_is_refused(ring: list[tuple[float, float]], said: str) -> None:
    with pytest.raises(GeometryError, match=said):
        FRAME.polygon(ring)


def test_a_closed_ring_is_as_good() -> None:
    assert geo.ring_fault([*SQUARE, SQUARE[0]]) is None


def test_gcj02_of_a_known_place() -> None:
    # Tiananmen: WGS-84 116.39123, 39.90691 is published as GCJ-02 116.39747, 39.90831 (2 m)
    there = geo.wgs84_to_gcj02(116.39123, 39.90691)
    assert geo.distance_m(there, (116.39747, 39.90831)) < 3


@settings(max_examples=200)
@given(lon=st.floats(73, 135), lat=st.floats(4, 53))
def test_gcj02_comes_back_to_a_tenth_of_a_millimetre(lon: float, lat: float) -> None:
    shifted = geo.wgs84_to_gcj02(lon, lat)
    assert 10 < geo.distance_m((lon, lat), shifted) < 2000
    assert geo.distance_m((lon, lat), geo.gcj02_to_wgs84(*shifted)) < 1e-4


def test_gcj02_leaves_the_rest_of_the_world_alone() -> None:
    assert geo.wgs84_to_gcj02(8.5, 47.4) == (8.5, 47.4)
    assert geo.gcj02_to_wgs84(8.5, 47.4) == (8.5, 47.4)
