"""Other aircraft, from what a vehicle's ADS-B receiver tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pymavlink.dialects.v20 import common as mav

from fleet.link.port import TRAFFIC_S
from fleet.link.traffic import MOST, Traffic, amsl_of

AT = datetime(2026, 7, 1, tzinfo=UTC)
ALL = 1 | 2 | 4 | 8 | 16 | 128
PACKER = mav.MAVLink(None, 1, 1)


def adsb(icao: int = 0x780A3B, flags: int = ALL, age: int = 0, lat: float = 24.5) -> bytes:
    message = mav.MAVLink_adsb_vehicle_message(
        icao,
        int(lat * 1e7),
        1176500000,
        0,
        150_250,
        27000,
        6200,
        -250,
        b"B-7421",
        7,
        age,
        flags,
        7000,
    )
    return bytes(message.pack(PACKER))


def test_an_aircraft_is_told_with_all_that_it_tells() -> None:
    traffic = Traffic()
    assert traffic.hear(adsb(age=2), AT, 10.0, None)
    (aircraft,) = traffic.aircraft(10.0)
    assert (aircraft.icao, aircraft.callsign) == (0x780A3B, "B-7421")
    assert (aircraft.lon, aircraft.lat) == (117.65, 24.5)
    assert aircraft.altitude_amsl_m == 150.25
    assert (aircraft.heading_deg, aircraft.speed_m_s, aircraft.climb_m_s) == (270.0, 62.0, -2.5)
    assert aircraft.at == AT - timedelta(seconds=2)


def test_fields_that_are_not_valid_are_not_believed() -> None:
    traffic = Traffic()
    assert traffic.hear(adsb(flags=1 | 2), AT, 1.0, None)
    (aircraft,) = traffic.aircraft(1.0)
    assert (aircraft.callsign, aircraft.heading_deg, aircraft.speed_m_s) == ("", None, 0.0)
    assert not Traffic().hear(adsb(flags=ALL & ~1), AT, 1.0, 80.0), "no place, no aircraft"


def test_one_that_tells_no_altitude_is_taken_to_be_at_ours() -> None:
    traffic = Traffic()
    assert not traffic.hear(adsb(flags=ALL & ~2), AT, 1.0, None)
    assert traffic.hear(adsb(flags=ALL & ~2), AT, 1.0, 88.5)
    assert traffic.aircraft(1.0)[0].altitude_amsl_m == 88.5
    own = mav.MAVLink_global_position_int_message(0, 0, 0, 88_500, 0, 0, 0, 0, 0)
    assert amsl_of(bytes(own.pack(PACKER))) == 88.5
    assert amsl_of(None) is None


@pytest.mark.parametrize("age", [0, 5])
def test_it_ages(age: int) -> None:
    traffic = Traffic()
    traffic.hear(adsb(age=age), AT, 100.0, None)
    assert traffic.aircraft(100.0 - age + TRAFFIC_S)
    assert traffic.aircraft(100.1 - age + TRAFFIC_S) == ()
    assert not traffic.hear(adsb(age=200), AT, 100.0, None)


def test_the_last_word_of_each_counts_and_their_number_is_bounded() -> None:
    traffic = Traffic()
    traffic.hear(adsb(lat=24.5), AT, 1.0, None)
    traffic.hear(adsb(lat=24.6), AT, 2.0, None)
    assert [a.lat for a in traffic.aircraft(2.0)] == [24.6]
    for icao in range(200):
        traffic.hear(adsb(icao), AT, 3.0, None)
    assert len(traffic.aircraft(3.0)) == MOST
    assert traffic.aircraft(3.0)[-1].icao == 199
