"""The camera's gimbal, where the vehicle has one: angles, and a point that is looked at."""

from __future__ import annotations

import math

import pytest

from fleet.link.asking import NoAnswer
from fleet.model.command import LookAtPoint, PointGimbal

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


async def test_it_points_where_it_is_told(air):
    since = air.now()
    try:
        await air.link.point_gimbal(PointGimbal(action="gimbal", pitch_deg=-45.0, yaw_deg=30.0))
    except NoAnswer:
        pytest.skip("this vehicle has no gimbal")
    air.took("gimbal to -45 degrees", since, 0, 8)

    def aimed():
        pose = air.sim.true_pose()
        from_nose = math.remainder(pose.gimbal_yaw_deg - pose.yaw_deg, 360)
        return abs(pose.gimbal_pitch_deg + 45) < 5 and abs(from_nose - 30) < 8

    await air.true(aimed, 10, "gimbal 45 degrees down, 30 to the right of the nose")


async def test_it_keeps_looking_at_a_point(air):
    there = air.at(30, 0)
    await air.link.look_at(LookAtPoint(action="look_at", lon=there.lon, lat=there.lat))

    def aimed():
        pose = air.sim.true_pose()
        down = math.degrees(math.atan2(pose.altitude_m, air.from_m(30, 0)))
        return abs(pose.gimbal_pitch_deg + down) < 6

    since = air.now()
    await air.true(aimed, 10, "gimbal down at the point")
    air.took("gimbal at a point", since, 0, 8)
    await air.go_to(15, 0)
    await air.true(aimed, 10, "and still there from elsewhere")
