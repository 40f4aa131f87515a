"""The bound is one, and not so wide that it is of no use."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.flight.place import come_home_percent
from fleet.flight.safety.plenty import at_most_percent
from fleet.model.live import Telemetry
from missions.city import Battery, Drone
from missions.energy import Wind
from missions.geo import LocalFrame

PAD = (117.65, 24.51)
FRAME = LocalFrame(*PAD)


@settings(max_examples=300)
@given(
    st.floats(-8000, 8000),
    st.floats(-8000, 8000),
    st.floats(-5, 150),
    st.floats(0, 120),
    st.floats(0, 20),
    st.one_of(st.none(), st.floats(0, 360)),
    st.floats(3, 25),
    st.floats(200, 700),
    st.floats(0.4, 2.0),
    st.floats(0, 2),
    st.floats(1, 8),
    st.one_of(st.none(), st.floats(-10, 40)),
)
def test_coming_home_never_takes_more(
    east: float,
    north: float,
    altitude: float,
    transit: float,
    wind: float,
    wind_from: float | None,
    cruise: float,
    hover_w: float,
    cruise_share: float,
    payload_kg: float,
    vertical: float,
    temperature_c: float | None,
) -> None:
    drone = Drone(
        id="a1",
        dock="d1",
        system_id=1,
        mavlink="udpin://0.0.0.0:1",
        cruise_m_s=cruise,
        climb_m_s=vertical,
        descent_m_s=vertical / 2,
        payload_kg=payload_kg,
        battery=Battery(hover_w=hover_w, cruise_w=hover_w * cruise_share),
    )
    place = FRAME.to_lonlat(east, north)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    told = Telemetry(at=at, lon=place.lon, lat=place.lat, altitude_m=altitude)
    takes = come_home_percent(drone, told, PAD, transit, Wind(wind, wind_from), temperature_c)
    most = at_most_percent(drone, place, altitude, PAD, transit, wind, temperature_c)
    assert takes <= most
    if wind < cruise / 2 and not math.isinf(takes):
        assert most < 5.0 * takes + 15.0
