"""Circles: radius, speed, sense, where the nose looks, and what is refused."""

from __future__ import annotations

import math

import pytest

NAN = math.nan


def orbit(ground, radius=20.0, speed=4.0, facing=NAN, north=30.0, up=30.0):
    x, y = round((24.513 + north / 110_770.0) * 1e7), round(117.6471e7)
    ground.send(ground.command_int(34, (radius, speed, facing, NAN), x, y, up))
    return [m.result for m in ground.all("COMMAND_ACK") if m.command == 34][-1]


def angle(ground, north=30.0):
    core = ground.vehicle.core
    return math.atan2(core.east, core.north - north)


@pytest.mark.parametrize(("radius", "sense"), [(20.0, 1), (-20.0, -1)])
def test_the_sign_of_the_radius_is_the_sense(ground, radius, sense):
    ground.airborne(20.0)
    assert orbit(ground, radius) == 0
    ground.run(12.0)
    turned, before = 0.0, angle(ground)
    for _ in range(500):
        ground.tick()
        now = angle(ground)
        turned, before = turned + math.remainder(now - before, 2 * math.pi), now
        core = ground.vehicle.core
        assert abs(math.hypot(core.north - 30.0, core.east) - 20.0) < 2.5
    assert turned * sense > 1.0
    assert abs(math.remainder(core.body.yaw - (now + math.pi), 2 * math.pi)) < 0.3


def test_it_tells_of_the_circle_only_while_it_flies_one(ground):
    ground.airborne(20.0)
    ground.run(1.0)
    assert ground.all("ORBIT_EXECUTION_STATUS") == []
    orbit(ground, -25.0)
    ground.run(2.0)
    told = ground.last("ORBIT_EXECUTION_STATUS")
    assert told.radius == -25.0
    assert told.frame == 0
    assert told.x * 1e-7 == pytest.approx(24.513 + 30.0 / 110_770.0, abs=1e-6)
    assert told.z == pytest.approx(30.0, abs=0.1)
    ground.command(176, 1, 4, 3)
    ground.run(0.5)
    before = len(ground.all("ORBIT_EXECUTION_STATUS"))
    ground.run(1.0)
    assert len(ground.all("ORBIT_EXECUTION_STATUS")) == before


def test_a_small_circle_is_flown_slowly(ground):
    ground.airborne(20.0)
    orbit(ground, 8.0, 12.0)
    ground.run(25.0)
    circle = ground.vehicle._navigator.orbit.circle
    assert circle.speed == pytest.approx(4.0)  # sqrt(2 m/s2 * 8 m)
    assert ground.vehicle.core.body.speed < 4.2


def test_a_radius_beyond_the_limit_is_acknowledged_and_stops_it(ground):
    ground.airborne(20.0)
    orbit(ground)
    ground.run(10.0)
    assert orbit(ground, 2000.0) == 0
    assert ground.texts()[-1] == "Orbit radius limit exceeded"
    ground.run(8.0)
    assert ground.vehicle.mode == "orbit"
    assert ground.vehicle.core.body.speed < 0.3


def test_it_can_look_along_the_way(ground):
    ground.airborne(20.0)
    orbit(ground, facing=3.0)
    ground.run(15.0)
    core = ground.vehicle.core
    course = math.atan2(core.body.ve, core.body.vn)
    assert abs(math.remainder(core.body.yaw - course, 2 * math.pi)) < 0.4


def test_what_is_not_said_stays_as_it_was(ground):
    ground.airborne(20.0)
    orbit(ground, 15.0, 3.0)
    ground.run(2.0)
    nan = NAN
    ground.send(ground.command_int(34, (nan, 2.0, nan, nan), 2**31 - 1, 2**31 - 1, nan))
    circle = ground.vehicle._navigator.orbit.circle
    assert (circle.radius, circle.speed, circle.clockwise) == (15.0, 2.0, True)
    assert circle.north == pytest.approx(30.0, abs=0.1)
