"""What a camera sees, against rays worked out another way."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon, box

from missions.city import CameraSpec
from missions.errors import GeometryError
from missions.footprint import FLATTEST_DEG, footprint, most_speed, swath_m, swept
from missions.sortie import Aim

CAMERA = CameraSpec()


def ray(u: float, v: float, height: float, aim: Aim, heading: float) -> tuple[float, float]:
    """Return where a pixel's ray meets the ground, east and north, by rotations one after another."""
    wide = math.tan(math.radians(CAMERA.hfov_deg / 2))
    high = wide * CAMERA.height_px / CAMERA.width_px
    right, down, ahead = u * wide, -v * high, 1.0
    pitch = math.radians(aim.pitch_deg)
    level = ahead * math.cos(pitch) + down * math.sin(pitch)
    sink = down * math.cos(pitch) - ahead * math.sin(pitch)
    assume(sink > 0.05 * math.hypot(level, right, sink))
    turn = math.radians(heading + aim.yaw_deg)
    k = height / sink
    return (
        k * (level * math.sin(turn) + right * math.cos(turn)),
        k * (level * math.cos(turn) - right * math.sin(turn)),
    )


@settings(max_examples=150, deadline=None)
@given(
    u=st.floats(-1, 1),
    v=st.floats(-1, 1),
    height=st.floats(10, 120),
    pitch=st.floats(-90, -30),
    yaw=st.sampled_from([0.0, -90.0, 90.0, 37.0]),
    heading=st.floats(0, 360),
)
def test_a_picture_holds_what_its_rays_meet_and_no_more(
    u: float, v: float, height: float, pitch: float, yaw: float, heading: float
) -> None:
    aim = Aim(pitch, yaw)
    turn = math.radians(heading)
    step = (0.001 * math.sin(turn), 0.001 * math.cos(turn))
    view = swept([((0.0, 0.0), step)], footprint(CAMERA, height, aim))
    east, north = ray(u, v, height, aim, heading)
    flat = math.degrees(math.atan2(height, math.hypot(east, north)))
    if flat > FLATTEST_DEG + 5:
        assert view.distance(Point(east, north)) < 0.01
    over = ray(1.05 * (1 if u > 0 else -1), v, height, aim, heading)
    assert not view.buffer(-0.02).contains(Point(over))


def test_straight_down_it_is_the_pinhole_by_the_ratio_of_the_picture() -> None:
    wide = CameraSpec(hfov_deg=90, width_px=1600, height_px=900)
    seen = footprint(wide, 50)
    assert swath_m(wide, 50) == pytest.approx(100)
    assert (seen.near_m, seen.far_m) == pytest.approx((-28.125, 28.125))
    assert seen.near_width_m == pytest.approx(seen.far_width_m)


def test_what_is_swept_along_a_straight_track_is_a_rectangle() -> None:
    seen = footprint(CAMERA, 40)
    half, ahead = seen.near_width_m / 2, seen.far_m
    view = swept([((0.0, 0.0), (0.0, 100.0))], seen)
    assert view.symmetric_difference(box(-half, -ahead, half, 100 + ahead)).area < 1e-6
    to_the_left = footprint(CAMERA, 40, Aim(-45.0, -90.0))
    view = swept([((0.0, 0.0), (0.0, 100.0))], to_the_left)
    west, _, east, _ = view.bounds
    assert (west, east) == pytest.approx((-to_the_left.far_m, -to_the_left.near_m))


def test_a_turn_sweeps_what_lies_between() -> None:
    seen = footprint(CAMERA, 40, Aim(-45.0))
    view = swept([((0.0, -50.0), (0.0, 0.0), (50.0, 0.0))], seen)
    middle = (seen.near_m + seen.far_m) / 2
    for degrees in range(0, 91, 5):
        turn = math.radians(degrees)
        assert view.covers(Point(middle * math.sin(turn), middle * math.cos(turn)))


def test_pictures_overlap_up_to_a_speed() -> None:
    seen = footprint(CAMERA, 40)
    assert most_speed(seen, 0.5, 2.0) == pytest.approx(seen.depth_m)
    with pytest.raises(GeometryError, match="forward overlap 1"):
        most_speed(seen, 1, 2.0)


@pytest.mark.parametrize("bad", [(0, -90.0), (-3, -90.0), (40, 20.0), (40, -100.0)])
def test_a_camera_that_sees_no_ground_is_refused(bad: tuple[float, float]) -> None:
    with pytest.raises(GeometryError):
        footprint(CAMERA, bad[0], Aim(bad[1]))


def test_a_flat_view_ends_where_it_is_too_flat() -> None:
    seen = footprint(CAMERA, 40, Aim(-15.0))
    assert seen.far_m == pytest.approx(40 / math.tan(math.radians(FLATTEST_DEG)))
    assert Polygon(seen.corners()).is_valid
