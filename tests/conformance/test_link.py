"""A radio that falls silent, and one that does all else that radios do wrong."""

from __future__ import annotations

import pytest

from fleet.link.items import programme
from fleet.link.port import LOST_AFTER_S
from missions.sortie import Leg, LegKind
from sitl.radio import CLEAR, SILENT, Faults

LOSSY_SPEED = 2.0
"""mavsdk sends what was lost again after 0.5 s on the wall, and a vehicle gives up a transfer after 5
simulated seconds without a word: much faster, and every packet lost would be the end of one."""

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


def long_mission(place, seconds):
    """Return legs that take some time close to the pad: four corners, with waits."""
    corners = [place(10, 0, hold=4.0), place(10, 10, hold=4.0), place(0, 10, hold=4.0)]
    many = tuple(corners[k % 3] for k in range(int(seconds / 7) + 1))
    return (Leg(LegKind.SURVEY, many, 4.0, cell="c"),)


@pytest.mark.parametrize("silence_s", [1, 10, 60])
async def test_a_mission_goes_on_while_the_link_is_silent(
    air, make_sortie, place, silence_s, moment
):
    # a controller counts a vehicle as lost by its own clock
    wall = (
        silence_s / air.speed
        if silence_s < LOST_AFTER_S
        else max(LOST_AFTER_S + 1.0, silence_s / air.speed)
    )
    plan = programme(make_sortie(long_mission(place, wall * air.speed + 15)))
    await air.link.load(plan)
    await air.link.start_mission()
    await air.until(lambda t: plan.leg_index(t.mission_current) == 1, 40)
    before = air.link.telemetry.mission_current

    air.radio.be(SILENT)
    await air.pass_s(wall * air.speed)
    assert air.link.telemetry.connected == (silence_s < LOST_AFTER_S)
    assert air.sim.armed
    assert air.sim.mode == "mission", "NAV_DLL_ACT is 0: it goes on"
    air.radio.be(CLEAR)

    since = air.now()
    again = await air.until(lambda t: t.connected, 10)
    air.took(f"heard again after {silence_s} s of silence", since, 0, 5)
    assert again.armed
    seen = await air.until(lambda t: t.mission_current > before, 40)
    assert seen.mission_total == len(plan.items)
    assert not seen.failsafe
    assert await air.link.holds(plan) is None
    await air.link.hold()


async def test_it_returns_by_itself_where_it_is_set_to(air):
    await air.go_to(25, 0)
    # mavsdk's heartbeat comes once a second, whatever the vehicle's time does
    timeout = 8.0 + 2.0 * air.speed
    air.sim.set_parameter("COM_DL_LOSS_T", timeout)
    air.sim.set_parameter("NAV_DLL_ACT", 2)
    try:
        air.radio.be(SILENT)
        since = air.now()
        await air.true(lambda: air.sim.mode == "rtl", 120, "returns")
        waited = air.took("silence to return (NAV_DLL_ACT 2)", since, 0, 130)
        assert timeout + 4 - air.speed < waited < timeout + 12 + 4 * air.speed
        air.radio.be(CLEAR)
        seen = await air.until(lambda t: t.connected and t.mode == "RETURN_TO_LAUNCH", 20)
        assert seen.armed
        await air.pass_s(3.0)
        assert air.link.telemetry.mode == "RETURN_TO_LAUNCH", "until it is told otherwise"
    finally:
        air.radio.be(CLEAR)
        air.sim.set_parameter("NAV_DLL_ACT", 0)
        air.sim.set_parameter("COM_DL_LOSS_T", 10.0 * air.speed)
    await air.link.hold()
    await air.until(lambda t: t.mode == "HOLD" and not t.failsafe, 10)


async def test_a_bad_radio_spoils_no_plan(air, make_sortie, place):
    plan = programme(make_sortie(long_mission(place, 50)))
    speed = air.speed
    if speed > LOSSY_SPEED:
        air.speed = LOSSY_SPEED
        await air.start()
        await air.airborne()
    air.radio.be(
        Faults(
            loss=0.05, duplicate=0.1, reorder=0.05, truncate=0.03,
            delay_s=0.02 / air.speed, jitter_s=0.02 / air.speed,
        )
    )  # fmt: skip
    try:
        since = air.now()
        await air.link.load(plan)
        air.took("load over a bad radio", since, 0, 40 * air.speed)
        assert await air.link.holds(plan) is None
        await air.link.start_mission()
        await air.until(lambda t: plan.leg_index(t.mission_current) == 1, 60)
        await air.link.hold()
        assert air.link.telemetry.connected
        assert air.radio.to_controller.lost > 0
    finally:
        air.radio.be(CLEAR)
        if speed != air.speed:
            air.speed = speed
            await air.start()
