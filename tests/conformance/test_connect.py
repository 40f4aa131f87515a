"""Connecting: what a vehicle says of itself, its parameters, and why it would not be armed."""

from __future__ import annotations

import pytest

from fleet.errors import LinkError, Refused
from fleet.link.items import programme
from sitl.autopilot.port import Fault

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


async def test_it_becomes_ready_by_itself_and_stands_at_home(ground):
    seen = ground.link.telemetry
    assert seen.connected
    assert not seen.armed
    assert not seen.in_air
    assert not seen.failsafe
    assert seen.gps_fix >= 3
    assert seen.battery_percent > 50
    assert ground.from_pad_m() < 2.0
    assert abs(seen.altitude_m) < 2.0
    assert abs(seen.roll_deg) < 5
    assert abs(seen.local_north_m) < 3


async def test_its_parameters_are_as_the_profile_says(ground):
    await ground.true(lambda: ground.link.differences is not None, 30, "parameters read")
    assert ground.link.differences == ()


async def test_a_parameter_that_is_not_is_told_to_the_next_controller(ground):
    ground.sim.set_parameter("RTL_LAND_DELAY", -1.0)
    try:
        await ground.connect()
        await ground.true(lambda: ground.link.differences is not None, 30, "parameters read")
        (told,) = ground.link.differences
        assert "RTL_LAND_DELAY is -1" in told
    finally:
        ground.sim.set_parameter("RTL_LAND_DELAY", 0.0)
    await ground.connect()
    await ground.true(lambda: ground.link.differences == (), 30, "set right again")


async def test_arming_is_refused_in_the_autopilots_own_words(ground):
    await ground.link.land()  # a mode that no vehicle takes off in, and mavsdk leaves as it is
    with pytest.raises(Refused, match="Arming denied"):
        await ground.link.arm()
    assert not ground.link.telemetry.armed
    await ground.link.hold()
    await ground.ready()


async def test_arming_without_satellites_is_refused_and_the_reason_told(ground, moment):
    ground.sim.set_fault(Fault.GPS)
    try:
        await ground.until(lambda t: not t.armable and t.gps_fix < 3, 30)
        with pytest.raises(Refused, match="Arming denied: Resolve system health failures first"):
            await ground.link.arm()
        await ground.said("Preflight Fail: GPS fix too low", moment, 15)
        await ground.said("Preflight Fail: Global position estimate required", moment, 15)
        assert not ground.link.telemetry.armed
    finally:
        ground.sim.set_fault(Fault.GPS, False)
    since = ground.now()
    await ground.ready()
    ground.took("satellites back: ready", since, 0, 30)
    await ground.link.arm()
    await ground.link.disarm()


async def test_a_vehicle_that_was_not_armed_does_not_start(ground, make_sortie):
    await ground.link.load(programme(make_sortie(())))
    with pytest.raises(LinkError):
        await ground.link.start_mission()
    assert not ground.link.telemetry.armed
    await ground.link.hold()


async def test_one_that_is_armed_and_told_nothing_disarms_itself(ground):
    await ground.link.arm()
    since = ground.now()
    await ground.until(lambda t: not t.armed, 20)
    ground.took("armed, and nothing follows: disarmed", since, 7, 14)


async def test_disarming_on_the_ground(ground):
    await ground.link.arm()
    await ground.link.disarm()
    assert not ground.link.telemetry.armed
