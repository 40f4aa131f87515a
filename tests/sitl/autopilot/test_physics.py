"""The body: speeds, accelerations and attitude that are possible."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitl.autopilot.guidance import corner_speed
from sitl.autopilot.physics import Body, Limits, braking_speed
from sitl.autopilot.wind import Wind, WindSpec

LIMITS = Limits(
    acc=3.0, acc_up=4.0, acc_down=3.0, jerk=4.0, yaw_rate=math.radians(60), yaw_acc=math.radians(20)
)


def _calm():
    return Wind(WindSpec(gust_m_s=0.0), 1)


@settings(deadline=None, max_examples=40)
@given(st.floats(-12, 12), st.floats(-12, 12), st.floats(-1.5, 3.0))
def test_acceleration_and_jerk_stay_within_limits(vn, ve, vu):
    body, wind = Body(), _calm()
    previous = (0.0, 0.0)
    for _ in range(2500):
        body.fly(0.02, (vn, ve, vu), 0.0, LIMITS, wind)
        assert math.hypot(body.an, body.ae) <= 3.0 * math.sqrt(2) + 1e-6
        assert abs(body.an - previous[0]) <= 4.0 * 0.02 + 1e-9
        assert abs(body.ae - previous[1]) <= 4.0 * 0.02 + 1e-9
        previous = (body.an, body.ae)
    assert (body.vn, body.ve, body.vu) == pytest.approx((vn, ve, vu), abs=0.15)


def test_it_leans_forward_to_accelerate_and_right_to_go_right():
    body, wind = Body(), _calm()
    for _ in range(40):
        body.fly(0.02, (8.0, 0.0, 0.0), 0.0, LIMITS, wind)
    assert body.pitch < -0.15
    assert abs(body.roll) < 0.01
    body = Body()
    for _ in range(40):
        body.fly(0.02, (0.0, 8.0, 0.0), 0.0, LIMITS, wind)
    assert body.roll > 0.15
    assert abs(body.pitch) < 0.01


def test_yaw_turns_the_short_way_and_stops():
    body, wind = Body(yaw=math.radians(170)), _calm()
    fastest = 0.0
    for _ in range(300):
        body.fly(0.02, (0.0, 0.0, 0.0), math.radians(-170), LIMITS, wind)
        fastest = max(fastest, abs(body.yaw_rate))
        assert abs(math.degrees(body.yaw)) > 165
    assert math.degrees(body.yaw) % 360 == pytest.approx(190, abs=0.5)
    assert fastest <= math.radians(60)


@given(st.floats(0, 500), st.floats(0, 10))
def test_braking_speed_is_what_its_formula_says(distance, final):
    speed = braking_speed(distance, 3.0, 4.0, final)
    assert speed >= final
    if speed > final:
        # v**2 + v * 4 a**2 / j = 2 a d + vf**2
        assert speed**2 + speed * 9.0 == pytest.approx(
            6.0 * distance + final**2, rel=1e-6, abs=1e-6
        )


def test_corners_are_slower_the_sharper_they_are():
    speeds = [corner_speed(0.0, math.radians(a), 1.5, 2.0, 10.0) for a in (0, 30, 90, 150, 180)]
    assert speeds[0] == 10.0
    assert speeds[-1] == 0.0
    assert speeds == sorted(speeds, reverse=True)


def test_wind_has_its_mean_and_its_gusts():
    wind = Wind(WindSpec(mean_m_s=6.0, from_deg=270.0, gust_m_s=1.0, gust_s=2.0), 3)
    easts, norths = [], []
    for _ in range(20_000):
        wind.step(0.1)
        easts.append(wind.east)
        norths.append(wind.north)
    mean = sum(easts) / len(easts)
    assert mean == pytest.approx(6.0, abs=0.15)
    assert math.sqrt(sum((e - mean) ** 2 for e in easts) / len(easts)) == pytest.approx(
        1.0, abs=0.1
    )
    assert sum(norths) / len(norths) == pytest.approx(0.0, abs=0.15)
