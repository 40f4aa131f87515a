from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitl.scene.view import NEAR_M, Attitude, View, rotation

angle = st.floats(-179, 179)


def look(position=(0.0, 0.0, 20.0), heading=0.0, elevation=-30.0) -> View:
    return View(position, Attitude(heading, 0, 0, 0, elevation), 960, 540, 60.0)


def test_the_middle_of_the_picture_is_where_the_axis_meets_the_ground() -> None:
    view = look(heading=90.0, elevation=-45.0)
    pixels, depth = view.project([[20.0, 0.0, 0.0]])
    assert pixels[0] == pytest.approx([479.5, 269.5], abs=1e-6)
    assert depth[0] == pytest.approx(20 * math.sqrt(2))
    assert view.ground_point() == pytest.approx([20.0, 0.0, 0.0], abs=1e-9)


def test_right_is_right_and_far_is_up() -> None:
    view = look()
    (left, right, near, far), _ = view.project([[-1, 30, 0], [1, 30, 0], [0, 20, 0], [0, 50, 0]])
    assert left[0] < 479.5 < right[0]
    assert far[1] < near[1]


def test_the_field_of_view_spans_the_picture() -> None:
    view = look(elevation=0.0)
    edge = 10 * math.tan(math.radians(30))
    pixels, _ = view.project([[edge, 10.0, 20.0]])
    assert pixels[0, 0] == pytest.approx(959.5)


@given(angle, st.floats(-80, 80), st.floats(-60, 60))
def test_the_rotation_is_the_aerospace_one(yaw: float, pitch: float, roll: float) -> None:
    about = [([0, 0, 1], yaw), ([0, 1, 0], pitch), ([1, 0, 0], roll)]
    expected = np.eye(3)
    for axis, turn in about:
        expected = expected @ cv2.Rodrigues(np.array(axis) * math.radians(turn))[0]
    assert rotation(yaw, pitch, roll) == pytest.approx(expected, abs=1e-12)


@given(st.floats(-50, 50), st.floats(5, 80), angle, st.floats(-80, -5), st.floats(-30, 30))
def test_a_plane_is_projected_as_its_points_are(
    x: float, z: float, heading: float, elevation: float, roll: float
) -> None:
    view = View((x, -3.0, z), Attitude(heading, 3.0, roll, 10.0, elevation), 640, 360, 70.0)
    origin, u, v = np.array([1.0, 2.0, 0.0]), np.array([1.0, 0, 0]), np.array([0, 0.6, 0.8])
    for a, b in ((0.0, 0.0), (3.0, 1.0), (-2.0, 5.0)):
        pixels, depth = view.project([origin + a * u + b * v])
        column, row, w = view.plane(origin, u, v) @ [a, b, 1.0]
        assert w == pytest.approx(depth[0], abs=1e-9)
        if depth[0] > NEAR_M:
            assert pixels[0] == pytest.approx([column / w, row / w], rel=1e-6, abs=1e-6)


@given(st.floats(0, 360), st.floats(-60, 10))
def test_an_outline_has_only_what_is_in_front(heading: float, elevation: float) -> None:
    view = look(heading=heading, elevation=elevation)
    outline = view.polygon([[-500, -500, 0], [500, -500, 0], [500, 500, 0], [-500, 500, 0]])
    assert np.isfinite(outline).all()
    if len(outline):
        assert np.abs(outline - [479.5, 269.5]).max() < 960


def test_a_polygon_behind_the_camera_has_no_outline() -> None:
    assert len(look(elevation=0.0).polygon([[-1, -5, 19], [1, -5, 19], [0, -5, 21]])) == 0


def test_an_axis_above_the_horizon_meets_no_ground() -> None:
    assert look(elevation=5.0).ground_point() is None
