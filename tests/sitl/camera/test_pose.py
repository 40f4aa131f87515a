from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from missions.geo import LocalFrame
from sitl.camera.pose import CameraPose, Lens, attitude, metadata, view
from sitl.scene.view import rotation

FRAME = LocalFrame(117.6536, 24.5130)
LENS = Lens(960, 540, 60.0)


@given(
    st.floats(-40, 40), st.floats(-40, 40), st.floats(0, 360), st.floats(-89, 30), st.floats(0, 360)
)
def test_the_gimbal_looks_where_it_is_told_whatever_the_platform_does(
    roll: float, pitch: float, yaw: float, gimbal_pitch: float, gimbal_yaw: float
) -> None:
    pose = CameraPose(117.66, 24.505, 20.0, roll, pitch, yaw, gimbal_pitch, gimbal_yaw)
    assert attitude(pose).sensor_to_ned() == pytest.approx(
        rotation(gimbal_yaw, gimbal_pitch, 0.0), abs=1e-9
    )


@pytest.mark.parametrize("gimbal_yaw", [0.0, 77.0, 200.0])
def test_straight_down_is_well_defined(gimbal_yaw: float) -> None:
    pose = CameraPose(117.66, 24.505, 20.0, 0.0, 0.0, 30.0, -90.0, gimbal_yaw)
    assert attitude(pose).sensor_to_ned() == pytest.approx(
        rotation(gimbal_yaw, -90.0, 0.0), abs=1e-9
    )


def test_the_view_stands_where_the_vehicle_is() -> None:
    lon, lat = FRAME.to_lonlat(120.0, -40.0)
    seen = view(CameraPose(lon, lat, 52.0, 0, 0, 0, -45.0, 90.0), LENS, FRAME, 10.0)
    assert seen.position == pytest.approx((120.0, -40.0, 42.0), abs=1e-6)
    assert seen.ground_point() == pytest.approx([162.0, -40.0, 0.0], abs=1e-6)


def test_the_vertical_field_of_view() -> None:
    assert LENS.vfov_deg == pytest.approx(35.98, abs=0.01)


def test_the_klv_says_where_the_picture_is_of() -> None:
    lon, lat = FRAME.to_lonlat(0.0, 0.0)
    data = metadata(CameraPose(lon, lat, 40.0, 1, -2, 5, -30.0, 0.0), LENS, FRAME, 10.0, 1, "d")
    at, found = 17, {}
    assert data[16] < 128
    while at < len(data):
        found[data[at]] = data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
    north = 30.0 / np.tan(np.radians(30.0))
    expected = FRAME.to_lonlat(0.0, north)
    assert int.from_bytes(found[23], "big") * 180 / 4294967294 == pytest.approx(
        expected.lat, abs=1e-6
    )
    assert int.from_bytes(found[24], "big") * 360 / 4294967294 == pytest.approx(
        expected.lon, abs=1e-6
    )
    assert int.from_bytes(found[21], "big") * 5e6 / 4294967295 == pytest.approx(60.0, abs=0.01)
