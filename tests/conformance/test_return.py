"""Coming back: home, a rally point that is nearer, and landing where it is."""

from __future__ import annotations

import pytest

from fleet.link.items import programme

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


async def test_it_returns_high_enough_and_lands_at_home(air):
    await air.go_to(60, 0)
    highest = 0.0

    def down(t):
        nonlocal highest
        highest = max(highest, t.altitude_m or 0.0)
        return not t.armed and not t.in_air

    since = air.now()
    await air.link.return_to_launch()
    await air.until(down, 120)
    air.took("return from 60 m, landed and disarmed", since, 35, 90)
    assert 28 < highest < 34, "RTL_RETURN_ALT is 30 m"
    # without a marker in sight it lands where it is when it comes within NAV_ACC_RAD of home
    assert air.from_pad_m() < 4.0


async def test_it_returns_to_a_rally_point_that_is_nearer(ground, make_sortie, place):
    plan = programme(make_sortie((), up=8.0, alternates=(place(40, 0, 0.0),)))
    await ground.link.load(plan)
    ground.sim.set_parameter("RTL_RETURN_ALT", 10.0)
    try:
        await ground.link.arm()
        await ground.link.start_mission()
        await ground.until(lambda t: t.mode == "HOLD" and t.in_air, 60)
        await ground.go_to(28, 5, 8)
        since = ground.now()
        await ground.link.return_to_launch()
        await ground.down()
        ground.took("return to a rally point 13 m away", since, 12, 60)
    finally:
        ground.sim.set_parameter("RTL_RETURN_ALT", 30.0)
    assert ground.from_m(40, 0) < 4.0
    await ground.ready()
    await ground.link.load(programme(make_sortie(())))  # without any


async def test_it_lands_where_it_is(air):
    await air.go_to(10, 0, 8)
    since = air.now()
    await air.link.land()
    await air.down()
    air.took("land from 8 m, disarmed", since, 9, 40)
    assert air.from_m(10, 0) < 3.0
