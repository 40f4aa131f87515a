"""Battery to come home."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.flight.place import come_home_percent, distance_m
from fleet.model.live import Telemetry
from missions.city import Drone
from missions.geo import LocalFrame

PAD = (117.65, 24.51)
FRAME = LocalFrame(*PAD)
DRONE = Drone(id="a1", dock="d1", system_id=1, mavlink="udpin://0.0.0.0:1")


def at(east: float) -> Telemetry:
    lon, lat = FRAME.to_lonlat(east, 0.0)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Telemetry(at=now, lon=lon, lat=lat, altitude_m=50.0, battery_percent=80.0)


@given(st.floats(0, 4000), st.floats(0, 4000), st.floats(0, 8), st.floats(0, 8))
def test_farther_and_windier_takes_no_less(a: float, b: float, w: float, v: float) -> None:
    near, far = sorted((a, b))
    calm, windy = sorted((w, v))
    least = come_home_percent(DRONE, at(near), PAD, 50.0, calm)
    most = come_home_percent(DRONE, at(far), PAD, 50.0, windy)
    assert least <= most + 1e-6


def test_three_kilometres_take_about_what_the_power_says() -> None:
    """3 km at 12 m/s and 380 W are 26.4 Wh of 274; landing from 50 m takes some 40 s of 420 W."""
    takes = come_home_percent(DRONE, at(3000.0), PAD, 50.0, 0.0)
    assert takes == pytest.approx(100 * (26.4 + 4.8) / 274, abs=1.0)


def test_a_wind_that_cannot_be_flown_against_means_now() -> None:
    assert math.isinf(come_home_percent(DRONE, at(1000.0), PAD, 50.0, 14.0))


def test_no_position_is_infinitely_far() -> None:
    nowhere = at(0.0).model_copy(update={"lon": None})
    assert math.isinf(distance_m(nowhere, PAD))
