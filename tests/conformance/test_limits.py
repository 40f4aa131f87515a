"""The greatest height and distance that the autopilot was given, and leaving them all the same."""

from __future__ import annotations

import pytest

from fleet.errors import Refused
from fleet.model.command import GoTo

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


async def test_nothing_above_the_greatest_height_is_flown_to(air):
    air.sim.set_parameter("GF_MAX_VER_DIST", 22.0)
    try:
        there = air.at(0, 0)
        high = GoTo(action="goto", lon=there.lon, lat=there.lat, altitude_m=30.0)
        with pytest.raises(Refused, match=r"(?i)outside geofence"):
            await air.link.go_to(high)
        assert air.link.telemetry.altitude_m < 22
        assert not air.link.telemetry.failsafe
    finally:
        air.sim.set_parameter("GF_MAX_VER_DIST", 0.0)


async def test_one_that_is_too_far_away_stops_and_says_so(air, moment):
    await air.go_to(20, 0)
    air.sim.set_parameter("GF_MAX_HOR_DIST", 10.0)
    try:
        since = air.now()
        await air.until(lambda t: t.failsafe, 15)
        air.took("too far from home: failsafe", since, 0, 6)
        await air.said("exceeding maximum distance to Home", moment, 5)
        assert air.link.telemetry.mode == "HOLD"  # GF_ACTION 2
        assert air.link.telemetry.armed
    finally:
        air.sim.set_parameter("GF_MAX_HOR_DIST", 0.0)
    await air.link.hold()
    await air.until(lambda t: not t.failsafe, 15)
