"""No satellites: the vehicle comes down by itself, and goes on when they are back."""

from __future__ import annotations

import pytest

from sitl.autopilot.port import Fault

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


async def test_without_gps_it_descends_until_there_is_gps_again(air, moment):
    await air.go_to(0, 0, 25)
    since = air.now()
    air.sim.set_fault(Fault.GPS)
    try:
        await air.until(lambda t: t.mode == "LAND", 20)
        air.took("GPS lost: descent", since, 3, 12)
        seen = await air.until(lambda t: t.failsafe and t.gps_fix < 3, 5)
        assert seen.armed
        await air.said("Failsafe activated", moment, 5)
        await air.until(lambda t: t.velocity_down_m_s > 0.5, 10)
    finally:
        air.sim.set_fault(Fault.GPS, False)
    since = air.now()
    await air.until(lambda t: t.mode == "HOLD" and not t.failsafe, 30)
    air.took("GPS back: hold", since, 0, 15)
    assert air.link.telemetry.in_air
