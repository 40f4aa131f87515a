"""Other aircraft: what the vehicle's receiver hears reaches the operator."""

from __future__ import annotations

import pytest

from sitl.autopilot.port import Aircraft

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


async def test_an_aircraft_nearby_is_seen(air):
    there = air.at(500, 0)
    one = Aircraft(
        0x780ABC, "B-7001", there.lon, there.lat, 80.0,
        heading_deg=180.0, speed_m_s=45.0, climb_m_s=-1.0,
    )  # fmt: skip
    air.sim.traffic(one)
    await air.true(lambda: bool(air.link.traffic), 5, "the aircraft is told of")
    (seen,) = air.link.traffic
    assert (seen.icao, seen.callsign) == (one.icao, one.callsign)
    assert seen.lon == pytest.approx(one.lon, abs=1e-6)
    assert seen.lat == pytest.approx(one.lat, abs=1e-6)
    assert seen.altitude_amsl_m == pytest.approx(80.0, abs=0.1)
    assert seen.heading_deg == pytest.approx(180.0, abs=0.1)
    assert seen.speed_m_s == pytest.approx(45.0, abs=0.1)
    assert seen.climb_m_s == pytest.approx(-1.0, abs=0.1)
    assert air.link.telemetry.mode == "HOLD"
