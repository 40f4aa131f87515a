"""Where a return goes, how high, and what it does at the end."""

from __future__ import annotations

import math

import pytest

from sitl.autopilot.wind import WindSpec

NAN = math.nan


def fly_to(ground, item, north, east=0.0, up=20.0):
    p = item(0, north=north, east=east)
    ground.send(ground.command_int(192, (-1.0, 1.0, 0.0, NAN), p.x, p.y, up + 10.0))
    core = ground.vehicle.core
    ground.until(lambda: math.hypot(core.north - north, core.east - east) < 1.0, 90.0)
    ground.run(4.0)


def bound_for(ground, item, **params):
    """Begin a return and give the place that it goes to."""
    for name, value in params.items():
        ground.vehicle.core.params.write(name, value)
    assert ground.command(20) == [0]
    ground.run(0.2)
    target = ground.vehicle._navigator.rtl._target
    return round(target.north), round(target.east)


def rally(item, *places, frame=3):
    return [
        item(k, 5100, n, e, up, frame=frame, mission_type=2) for k, (n, e, up) in enumerate(places)
    ]


def test_the_nearest_of_home_and_rally_points(ground, item):
    ground.airborne()
    assert ground.upload(rally(item, (100, 0, 0), (60, 60, 0)), 2) == 0
    fly_to(ground, item, 45.0)
    assert bound_for(ground, item) == (0, 0)
    ground.command(176, 1, 4, 3)
    fly_to(ground, item, 60.0, 20.0)
    assert bound_for(ground, item) == (60, 60)


def test_a_rally_point_at_home_is_none(ground, item):
    ground.airborne()
    assert ground.upload(rally(item, (8, 0, 0)), 2) == 0
    fly_to(ground, item, 30.0)
    assert bound_for(ground, item) == (0, 0)


def test_rally_points_come_first_where_it_is_set_so(ground, item):
    ground.airborne()
    assert ground.upload(rally(item, (150, 0, 0)), 2) == 0
    fly_to(ground, item, 20.0)
    assert bound_for(ground, item, RTL_TYPE=1) == (150, 0)


def test_an_integer_frame_is_read_back_and_not_understood(ground, item):
    ground.airborne()
    assert ground.upload(rally(item, (60, 0, 0), frame=6), 2) == 0
    fly_to(ground, item, 55.0)
    assert "RTL: unsupported MAV_FRAME" in ground.texts()
    ground.command(20)
    ground.run(1.0)
    assert ground.vehicle._navigator.rtl._target.north < -1e6, "PX4 flies towards 0 N 0 E"


@pytest.mark.parametrize(
    ("north", "ground_up", "height"), [(60.0, 0.0, 30.0), (5.0, 0.0, 12.0), (60.0, 8.0, 38.0)]
)
def test_the_height_of_the_way(ground, item, north, ground_up, height):
    """RTL_RETURN_ALT above where it lands; near it, within RTL_CONE_ANG; never down at first."""
    ground.airborne(12.0)
    if ground_up:
        ground.upload(rally(item, (north + 30, 0, ground_up)), 2)
    fly_to(ground, item, north, up=12.0)
    ground.command(20)
    ground.run(0.2)
    assert ground.vehicle._navigator.rtl._height == pytest.approx(height, abs=1.2)


def test_waiting_before_the_landing(ground, item):
    ground.airborne()
    fly_to(ground, item, 15.0)
    ground.vehicle.core.params.write("RTL_LAND_DELAY", -1.0)
    ground.command(20)
    ground.until(lambda: "RTL: completed, loitering" in ground.texts(), 90.0)
    ground.run(20.0)
    assert ground.vehicle.armed
    assert ground.vehicle.core.altitude == pytest.approx(10.0, abs=1.2)  # RTL_DESCEND_ALT


@pytest.mark.parametrize("seed", range(4))
def test_it_comes_down_at_home_where_it_does_not_look_for_a_marker(make_ground, item, seed):
    ground = make_ground(seed=seed, wind=WindSpec(mean_m_s=8.0, from_deg=200.0, gust_m_s=1.0))
    ground.airborne()
    fly_to(ground, item, 40.0)
    assert ground.vehicle.core.params.integer("RTL_PLD_MD") == 0
    assert ground.command(20) == [0]
    ground.until(lambda: ground.vehicle.landed, 120.0)
    body = ground.vehicle.core.body
    assert math.hypot(body.north, body.east) < 1.0
