"""The camera's gimbal, where the vehicle has one: angles, and a point that is looked at."""

from __future__ import annotations

import math

import pytest

from fleet.link.asking import NoAnswer
from fleet.link.items import programme
from fleet.model.command import LookAtPoint, PointGimbal
from missions.sortie import Leg, LegKind, LookAt

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


async def test_a_survey_is_flown_with_the_camera_down_also_after_a_hold(
    ground, make_sortie, place, moment
):
    legs = (
        Leg(LegKind.TRANSIT, (place(20, 0),), 6.0),
        Leg(LegKind.SURVEY, (place(40, 0), place(40, 30)), 3.0, cell="c"),
        Leg(LegKind.TRANSIT, (place(20, 30),), 6.0),
    )
    plan = programme(make_sortie(legs))

    def pitch():
        return ground.sim.true_pose().gimbal_pitch_deg

    await ground.link.load(plan)
    assert await ground.link.holds(plan) is None, "nor does its number of the plan differ"
    await ground.link.arm()
    await ground.link.start_mission()
    await ground.until(lambda t: plan.leg_index(t.mission_current) == 1, 60)
    await ground.true(lambda: abs(pitch()) < 6, 5, "level on the way out")
    await ground.until(lambda t: plan.leg_index(t.mission_current) == 2, 60)
    since = ground.now()
    await ground.true(lambda: abs(pitch() + 90) < 6, 8, "down on the survey")
    ground.took("camera down on a survey", since, 0, 6)

    await ground.link.hold()
    since = ground.now()
    await ground.true(lambda: abs(pitch()) < 6, 10, "to the front where the mission is left")
    ground.took("camera to the front in hold", since, 0, 8)
    await ground.link.start_mission()
    since = ground.now()
    await ground.true(lambda: abs(pitch() + 90) < 6, 10, "down again where it is taken up")
    ground.took("camera down after hold", since, 0, 8)
    assert plan.leg_index(ground.link.telemetry.mission_current) == 2
    await ground.until(lambda t: plan.leg_index(t.mission_current) == 3, 60)
    assert abs(pitch() + 90) < 6, "down on the way to the next survey"
    assert [t.text for t in ground.link.texts if t.at >= moment and "denied" in t.text] == []


async def test_it_looks_at_the_site_again_after_a_hold(ground, make_sortie, place):
    site = LookAt(place(40, 30).lon, place(40, 30).lat, 0.0)
    legs = (
        Leg(LegKind.SURVEY, (place(10, 30),), 6.0, cell="c"),
        Leg(LegKind.STARE, (place(20, 30, hold=60.0),), 6.0, look_at=site, site="s"),
    )
    plan = programme(make_sortie(legs))
    down = math.degrees(math.atan2(15, 20))

    def looks():
        return abs(ground.sim.true_pose().gimbal_pitch_deg + down) < 6

    await ground.link.load(plan)
    await ground.link.arm()
    await ground.link.start_mission()
    await ground.until(lambda t: ground.from_m(20, 30) < 2, 90)
    await ground.true(looks, 8, "at the site")
    await ground.link.hold()
    await ground.true(lambda: abs(ground.sim.true_pose().gimbal_pitch_deg) < 6, 8, "to the front")
    await ground.link.start_mission()
    await ground.true(looks, 8, "at the site again")
