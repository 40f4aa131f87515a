"""A mission in the air: take-off, legs, pause and resume, another leg, its end, a restart."""

from __future__ import annotations

import math

import pytest

from fleet.link.items import programme
from missions.geo import distance_m
from missions.sortie import Leg, LegKind, LookAt

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


async def test_take_off_legs_pause_resume_and_end(ground, make_sortie, place):
    look = LookAt(place(60, 0).lon, place(60, 0).lat, 0.0)
    legs = (
        Leg(LegKind.SURVEY, (place(25, 0), place(25, 15), place(50, 15)), 6.0, cell="c"),
        Leg(LegKind.STARE, (place(20, 10, hold=3.0),), 6.0, look_at=look, site="s"),
    )
    plan = programme(make_sortie(legs))
    link = ground.link
    await link.load(plan)
    since = ground.now()
    await link.arm()
    await link.start_mission()
    await ground.until(lambda t: t.in_air, 20)
    ground.took("arm to in the air", since, 1, 12)
    await ground.until(lambda t: t.altitude_m > 13, 40)
    ground.took("arm to 13 m", since, 9, 26)
    assert link.telemetry.armed
    assert abs(link.telemetry.pitch_deg) < 40

    await ground.until(lambda t: plan.leg_index(t.mission_current) == 1, 40)
    await ground.until(lambda t: ground.from_pad_m() > 8, 40)
    before = link.telemetry.mission_current
    await link.hold()
    since = ground.now()
    await ground.until(lambda t: abs(t.velocity_north_m_s) + abs(t.velocity_east_m_s) < 0.5, 20)
    ground.took("hold to a standstill", since, 0, 9)
    await link.start_mission()
    assert link.telemetry.mission_current == before, "it goes on with the same item"
    await ground.until(lambda t: plan.leg_index(t.mission_current) == 1, 5)

    # a controller that is started anew finds the mission where it is
    seen = link.telemetry.mission_current
    await ground.connect()
    link = ground.link
    again = await ground.until(lambda t: t.mode == "MISSION" and t.mission_total > 0, 15)
    assert again.mission_total == len(plan.items)
    assert again.mission_current >= seen
    assert await link.holds(plan) is None

    await ground.until(lambda t: plan.leg_index(t.mission_current) == 2, 90)

    def looks_at_it():
        """Whether the camera is on the place that the leg looks at."""
        pose = ground.sim.true_pose()
        away = distance_m((pose.lon, pose.lat), (look.lon, look.lat))
        down = math.degrees(math.atan2(pose.altitude_m, away))
        return abs(pose.gimbal_pitch_deg + down) < 6

    await ground.true(looks_at_it, 15, "the mission's own camera work")
    assert plan.leg_index(link.telemetry.mission_current) == 2
    await link.fly_to_item(plan.last)
    assert link.telemetry.mode == "MISSION"
    # at the end of its mission it holds over the dock, by itself
    since = ground.now()
    await ground.until(lambda t: t.mode == "HOLD" and ground.from_pad_m() < 5.0, 60)
    ground.took("last item to hold over the pad", since, 2, 30)
    assert link.telemetry.altitude_m > 12
