"""Wind: the estimate that is told, and a return where it is above the limit."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


async def test_the_wind_is_told_in_the_air(air):
    seen = await air.until(lambda t: t.wind_m_s is not None, 10)
    assert seen.wind_m_s < 4.0  # it is calm
    assert seen.wind_from_deg is None or 0 <= seen.wind_from_deg < 360  # none in still air


async def test_above_the_limit_it_waits_a_moment_and_returns(air, moment):
    air.sim.set_parameter("COM_WIND_MAX_ACT", 3)
    air.sim.set_parameter("COM_WIND_MAX", 0.01)  # there is no wind in SIH: any is above this
    try:
        since = air.now()
        await air.until(lambda t: t.failsafe, 15)
        await air.until(lambda t: t.mode == "RETURN_TO_LAUNCH", 20)
        air.took("wind above the limit: return", since, 1, 15)
        await air.said("Failsafe activated", moment, 5)
    finally:
        air.sim.set_parameter("COM_WIND_MAX", -1.0)
    await air.link.hold()
    await air.until(lambda t: t.mode == "HOLD" and not t.failsafe, 10)
