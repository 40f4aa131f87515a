"""The gimbal's aim, limits and rate."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitl.autopilot.gimbal import NEUTRAL_AFTER_S, RATE, Gimbal, Point


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


def test_only_who_is_in_control_can_let_go_of_it_and_minus_two_is_the_autopilot():
    gimbal, station, other = Gimbal(0.0, (7, 1)), (245, 190), (246, 191)
    gimbal.configure((245.0, 190.0), station)
    gimbal.configure((-3.0, -3.0), other)
    gimbal.configure((-1.0, -1.0), other)
    assert gimbal.owner == station
    gimbal.configure((-3.0, -3.0), station)
    assert gimbal.owner == (0, 0)
    gimbal.configure((-2.0, -2.0), station)
    assert gimbal.owner == (7, 1)


def _flown(ground, item, turn):
    """Have it fly a mission with two items that turn the gimbal, on the way to its waypoint."""
    items = [
        item(0, 22, up=20.0),
        *(item(1 + n, *rest, frame=frame, params=p) for n, (frame, p, *rest) in enumerate(turn)),
        item(3, 16, north=200.0, up=20.0),
    ]
    ground.ready()
    assert ground.upload(items) == 0
    ground.run(0.3)
    assert ground.command(400, 1) == [0]
    assert 0 in ground.command(176, 1, 4, 4)
    ground.until(lambda: ground.vehicle.core.plan.current == 3, 60.0)
    ground.run(4.0)
    before = ground.vehicle.true_pose().gimbal_pitch_deg
    assert 0 in ground.command(176, 1, 4, 3)
    ground.run(NEUTRAL_AFTER_S - 0.1)
    assert ground.vehicle.true_pose().gimbal_pitch_deg == pytest.approx(before, abs=2)
    ground.run(4.0)
    assert ground.vehicle.true_pose().gimbal_pitch_deg == pytest.approx(0, abs=2)
    assert ground.vehicle.core.gimbal.owner == (0, 0)
    assert 0 in ground.command(176, 1, 4, 4)
    ground.run(4.0)
    return before, ground.vehicle.true_pose().gimbal_pitch_deg


def test_a_mission_taken_up_again_turns_it_as_before(ground, item):
    nan = math.nan
    turn = ((2, (-2.0, -2.0, -1.0, -1.0), 1001), (2, (-90.0, 0.0, nan, nan), 1000))
    assert _flown(ground, item, turn) == pytest.approx((-90, -90), abs=1)


def test_but_not_where_it_looked_at_a_point_nor_without_control(ground, item):
    turn = ((2, (-60.0, 0.0, math.nan, math.nan), 1000), (6, (0.0,) * 4, 195, 100.0, 0.0, 0.0))
    before, after = _flown(ground, item, turn)
    assert before < -8
    assert after == pytest.approx(0, abs=1)
