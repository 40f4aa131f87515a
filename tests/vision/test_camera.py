"""Pixel to ground and back, and the conventions of the angles."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from missions.geo import LocalFrame, bearing_deg, distance_m, move
from vision.camera import Intrinsics, Pose, View, rotation
from vision.errors import GeometryError
from vision.klv import Metadata

HERE = (117.648, 24.51)


def pose(**changes: float) -> Pose:
    values = {
        "lon": HERE[0], "lat": HERE[1], "altitude_amsl_m": 60.0, "centre_elevation_m": 10.0,
        "heading_deg": 0.0, "pitch_deg": 0.0, "roll_deg": 0.0, "hfov_deg": 60.0,
        "sensor_azimuth_deg": 0.0, "sensor_elevation_deg": -45.0, "sensor_roll_deg": 0.0,
    } | changes  # fmt: skip
    made = Pose.from_metadata(Metadata(datetime(2026, 1, 1, tzinfo=UTC), **values))
    assert made is not None
    return made


def centre(view: View) -> np.ndarray:
    return np.array([[view.camera.cx, view.camera.cy]])


@given(heading=st.floats(0, 359.9), azimuth=st.floats(0, 359.9), down=st.floats(10, 85))
def test_the_centre_lies_where_heading_and_gimbal_point(
    heading: float, azimuth: float, down: float
) -> None:
    view = View.of(
        pose(heading_deg=heading, sensor_azimuth_deg=azimuth, sensor_elevation_deg=-down),
        960,
        540,
        LocalFrame(*HERE),
    )
    spot = tuple(view.to_ground(centre(view))[0])
    assert distance_m(HERE, spot) == pytest.approx(
        50 / np.tan(np.radians(down)), rel=1e-4, abs=0.01
    )
    off = (bearing_deg(HERE, spot) - heading - azimuth + 180) % 360 - 180
    assert abs(off) < 0.1


@given(
    heading=st.floats(0, 360), pitch=st.floats(-25, 25), roll=st.floats(-25, 25), azimuth=st.floats(0, 360),
    down=st.floats(20, 90), twist=st.floats(0, 360), u=st.floats(0, 959), v=st.floats(0, 539),
)  # fmt: skip
def test_pixel_to_ground_and_back(
    heading: float,
    pitch: float,
    roll: float,
    azimuth: float,
    down: float,
    twist: float,
    u: float,
    v: float,
) -> None:
    there = pose(
        heading_deg=heading, pitch_deg=pitch, roll_deg=roll, sensor_azimuth_deg=azimuth,
        sensor_elevation_deg=-down, sensor_roll_deg=twist,
    )  # fmt: skip
    view = View.of(there, 960, 540)
    ground = view.to_ground(np.array([[u, v]]))
    if np.isfinite(ground).all() and distance_m(HERE, tuple(ground[0])) < 5000:
        assert view.to_pixels(ground)[0] == pytest.approx([u, v], abs=0.05)


def test_right_is_east_and_up_is_far_when_facing_north() -> None:
    view = View.of(pose(), 960, 540)
    middle, right, up = view.to_plane(centre(view) + np.array([[0, 0], [100, 0], [0, -100]]))
    assert right[0] > middle[0]
    assert right[1] == pytest.approx(middle[1], abs=0.01)
    assert up[1] > middle[1]


def test_right_wing_down_turns_the_picture_counter_clockwise() -> None:
    # the camera rolls clockwise, so a thing on the right of the picture rises in it
    straight, rolled = (
        View.of(pose(), 960, 540),
        View.of(pose(roll_deg=10.0, sensor_elevation_deg=0.0), 960, 540),
    )
    level = View.of(pose(sensor_elevation_deg=0.0), 960, 540)
    far_east_of_north = np.array([move(HERE, 20.0, 2000.0)])
    assert rolled.to_pixels(far_east_of_north)[0][1] < level.to_pixels(far_east_of_north)[0][1] - 20
    assert straight.camera == rolled.camera


def test_nose_up_is_the_same_as_gimbal_up() -> None:
    assert rotation(0, 10, 0) @ rotation(0, -30, 0) == pytest.approx(rotation(0, -20, 0))


def test_sky_has_no_ground() -> None:
    view = View.of(pose(sensor_elevation_deg=0.0), 960, 540)
    ground = view.to_ground(np.array([[480.0, 10.0], [480.0, 500.0]]))
    assert np.isnan(ground[0]).all()
    assert np.isfinite(ground[1]).all()


def test_what_is_behind_has_no_pixel() -> None:
    view = View.of(pose(), 960, 540)
    assert np.isnan(view.to_pixels(np.array([move(HERE, 180.0, 500.0)]))).all()


def test_ground_sample_distance_of_a_straight_down_view() -> None:
    view = View.of(pose(sensor_elevation_deg=-90.0), 960, 540)
    assert view.metres_per_pixel((480, 270)) == pytest.approx(50 / view.camera.fx, rel=1e-6)
    assert view.depression_deg((479.5, 269.5)) == pytest.approx(90)


def test_footprint_of_a_straight_down_view_is_the_picture() -> None:
    view = View.of(pose(sensor_elevation_deg=-90.0), 960, 540, LocalFrame(*HERE))
    points = view.footprint()
    width = 960 * 50 / view.camera.fx
    assert np.ptp(points[:, 0]) == pytest.approx(width, rel=1e-3)
    assert np.ptp(points[:, 1]) == pytest.approx(width * 540 / 960, rel=1e-3)


def test_footprint_over_the_horizon_ends_at_its_range() -> None:
    view = View.of(pose(sensor_elevation_deg=0.0), 960, 540, LocalFrame(*HERE))
    assert np.linalg.norm(view.footprint(range_m=700), axis=1).max() == pytest.approx(700, rel=1e-6)


def test_height_moves_a_pixel_up() -> None:
    view = View.of(pose(), 960, 540)
    spot = view.to_ground(centre(view))
    feet, head = view.to_pixels(spot)[0], view.to_pixels(spot, 1.7)[0]
    assert head[1] < feet[1] - 5
    assert head[0] == pytest.approx(feet[0], abs=0.01)


def test_sees() -> None:
    view = View.of(pose(), 960, 540)
    assert view.sees(move(HERE, 0.0, 50.0))
    assert not view.sees(move(HERE, 180.0, 50.0))
    assert not view.sees(move(HERE, 90.0, 50.0))


@pytest.mark.parametrize(
    "arguments", [(0, 540, 60), (960, -1, 60), (960, 540, 0), (960, 540, 180), (960, 540, 60, 200)]
)
def test_impossible_cameras_are_refused(arguments: tuple[float, ...]) -> None:
    with pytest.raises(GeometryError):
        Intrinsics.from_fov(*arguments)  # type: ignore[arg-type]


def test_a_camera_in_the_ground_is_refused() -> None:
    with pytest.raises(GeometryError, match="over the ground"):
        View.of(pose(altitude_amsl_m=9.0), 960, 540)


def test_half_a_pose_is_none() -> None:
    assert Pose.from_metadata(Metadata(heading_deg=1.0, lat=1.0, lon=1.0)) is None
