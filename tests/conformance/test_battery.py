"""The battery runs down: a warning, a return, a landing where it is."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


async def test_low_is_said_critical_returns_and_emergency_lands(air, moment):
    await air.go_to(30, 0, 20)
    sim, link = air.sim, air.link

    def drain_to(percent):
        sim.set_parameter("SIM_BAT_MIN_PCT", percent)
        sim.set_parameter("SIM_BAT_DRAIN", 15.0)  # seconds from full to empty

    try:
        drain_to(11.0)
        since = air.now()
        await air.said("Low battery", moment, 40)
        air.took("full to low battery", since, 0, 30)
        assert link.telemetry.mode == "HOLD"
        assert not link.telemetry.failsafe

        drain_to(6.0)
        since = air.now()
        await air.until(lambda t: t.failsafe, 20)
        assert link.telemetry.mode == "HOLD"  # COM_FAIL_ACT_T: a pilot may choose something else
        await air.until(lambda t: t.mode == "RETURN_TO_LAUNCH", 20)
        air.took("critical battery to return", since, 4, 20)

        drain_to(3.0)
        since = air.now()
        await air.until(lambda t: t.mode == "LAND", 20)
        air.took("emergency battery to landing", since, 0, 12)
        await air.said("Emergency battery level", moment, 5)
        await air.until(lambda t: t.battery_percent <= 5, 10)
    finally:
        sim.set_parameter("SIM_BAT_MIN_PCT", 50.0)
        sim.set_parameter("SIM_BAT_DRAIN", 60.0)
    await air.down()
    await air.ready()
