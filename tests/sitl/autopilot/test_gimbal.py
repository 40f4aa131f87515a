"""The gimbal's aim, limits and rate."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitl.autopilot.gimbal import RATE, Gimbal, Point


def _run(gimbal, seconds, north=0.0, east=0.0, up=50.0, heading=0.0):
    for _ in range(int(seconds / 0.02)):
        before = gimbal.pitch, gimbal.yaw
        gimbal.step(0.02, north, east, up, heading)
        assert abs(gimbal.pitch - before[0]) <= RATE * 0.02 + 1e-9
        assert abs(math.remainder(gimbal.yaw - before[1], math.tau)) <= RATE * 0.02 + 1e-9


@settings(deadline=None, max_examples=40)
@given(st.floats(-500, 500), st.floats(-500, 500), st.floats(0, 40), st.floats(-3.1, 3.1))
def test_it_ends_up_looking_at_the_point(north, east, up, heading):
    gimbal = Gimbal(0.0)
    gimbal.look_at(Point(north, east, up))
    _run(gimbal, 6.0, heading=heading)
    flat = math.hypot(north, east)
    assert gimbal.pitch == pytest.approx(math.atan2(up - 50.0, flat), abs=0.01)
    if flat > 1.0:
        error = math.remainder(gimbal.yaw - math.atan2(east, north), math.tau)
        assert error == pytest.approx(0.0, abs=0.01)


def test_straight_down_takes_as_long_as_its_rate_allows():
    gimbal = Gimbal(0.0)
    gimbal.angles(math.radians(-90), 0.0, lock_yaw=False)
    _run(gimbal, 0.5)
    assert -60 < math.degrees(gimbal.pitch) < -30
    _run(gimbal, 2.0)
    assert math.degrees(gimbal.pitch) == pytest.approx(-90, abs=0.5)


def test_locked_yaw_stays_north_and_free_yaw_follows_the_nose():
    gimbal = Gimbal(0.0)
    gimbal.angles(0.0, 0.0, lock_yaw=True)
    _run(gimbal, 3.0, heading=1.0)
    assert gimbal.yaw == pytest.approx(0.0, abs=0.01)
    gimbal.angles(0.0, 0.0, lock_yaw=False)
    _run(gimbal, 3.0, heading=1.0)
    assert gimbal.yaw == pytest.approx(1.0, abs=0.01)


def test_pitch_is_limited():
    gimbal = Gimbal(0.0)
    gimbal.angles(math.radians(80), 0.0, lock_yaw=False)
    _run(gimbal, 3.0)
    assert math.degrees(gimbal.pitch) == pytest.approx(30, abs=0.5)
