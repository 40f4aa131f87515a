"""Pictures made from the last packets."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pymavlink.dialects.v20 import development as mav

from fleet.link.clock import SystemClock
from fleet.link.frames import Tally, split_datagram
from fleet.link.gatekeeper import Gatekeeper
from fleet.link.mavsdk_telemetry import STALE_S, Slots
from fleet.link.wire import GLOBAL_POSITION_INT, WIND_COV, message_id

AT = datetime(2026, 7, 1, tzinfo=UTC)
SHARED = Path(__file__).parents[3].parent / "shared" / "px4"
NO_QUATERNION = [float("nan")] * 4


class Heard:
    """What a tap has heard."""

    heard_at: datetime | None = AT
    connected = True

    def __init__(self) -> None:
        self.packets: dict[int, bytes] = {}

    def latest(self, msgid: int) -> bytes | None:
        return self.packets.get(msgid)

    def hear(self, *messages) -> None:
        for message in messages:
            raw = bytes(message.pack(mav.MAVLink(None, 1, 1)))
            self.packets[message_id(raw)] = raw


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def slots(heard: Heard) -> Slots:
    return Slots(SystemClock(), heard)


def test_nothing_heard_is_nothing_known(heard: Heard, slots: Slots) -> None:
    heard.heard_at, heard.connected = None, False
    picture = slots.picture()
    assert not picture.connected
    assert (picture.mode, picture.lon, picture.battery_percent) == ("UNKNOWN", None, None)


def test_every_field_is_what_the_autopilot_says(heard: Heard, slots: Slots) -> None:
    heard.hear(
        mav.MAVLink_heartbeat_message(2, 12, 81 | 128, 0x04040000, 4, 3),
        mav.MAVLink_sys_status_message(0, 0, 0x10000000, 500, 48_100, -1, 77, 0, 0, 0, 0, 0, 0),
        mav.MAVLink_gps_raw_int_message(0, 4, 0, 0, 0, 0, 0, 0, 0, 17),
        mav.MAVLink_global_position_int_message(
            1, 245_100_000, 1_176_500_000, 60_500, 50_250, 300, -400, 50, 9_000
        ),
        mav.MAVLink_local_position_ned_message(1, 10.5, -3.25, -50.0, 3.0, -4.0, 0.5),
        mav.MAVLink_attitude_message(1, math.radians(10), math.radians(-20), 0, 0, 0, 0),
        mav.MAVLink_extended_sys_state_message(0, 2),
        mav.MAVLink_home_position_message(
            245_000_000, 1_176_000_000, 10_000, 0, 0, 0, NO_QUATERNION, 0, 0, 0
        ),
        mav.MAVLink_mission_current_message(3, 12, 3, 1),
        mav.MAVLink_wind_cov_message(0, 3.0, 4.0, 0, 0, 0, 0, 0, 0),
    )
    picture = slots.picture()
    assert (picture.at, picture.connected) == (AT, True)
    assert (picture.mode, picture.armed, picture.failsafe) == ("MISSION", True, False)
    assert (picture.armable, picture.battery_percent, picture.battery_voltage_v) == (True, 77, 48.1)
    assert (picture.gps_fix, picture.satellites) == (4, 17)
    assert (picture.lat, picture.lon) == (24.51, 117.65)
    assert (picture.altitude_m, picture.altitude_amsl_m) == (50.25, 60.5)
    assert picture.heading_deg == 90
    assert (picture.velocity_north_m_s, picture.velocity_east_m_s) == (3.0, -4.0)
    assert picture.velocity_down_m_s == 0.5
    assert (picture.local_north_m, picture.local_east_m, picture.local_down_m) == (
        10.5,
        -3.25,
        -50.0,
    )
    assert picture.roll_deg == pytest.approx(10)
    assert picture.pitch_deg == pytest.approx(-20)
    assert (picture.landed_state, picture.in_air) == ("IN_AIR", True)
    assert (picture.home_lat, picture.home_lon) == (24.5, 117.6)
    assert (picture.mission_current, picture.mission_total) == (3, 12)
    assert picture.wind_m_s == 5.0
    assert picture.wind_from_deg == pytest.approx(233.13, abs=0.01), "from the south-west"


def test_what_the_autopilot_does_not_know_is_none(heard: Heard, slots: Slots) -> None:
    nan = float("nan")
    heard.hear(
        mav.MAVLink_sys_status_message(0, 0, 0, 500, 0xFFFF, -1, -1, 0, 0, 0, 0, 0, 0),
        mav.MAVLink_gps_raw_int_message(0, 0, 0, 0, 0, 0, 0, 0, 0, 255),
        mav.MAVLink_global_position_int_message(1, 0, 0, 0, 0, 0, 0, 0, 0xFFFF),
        mav.MAVLink_local_position_ned_message(1, nan, nan, nan, 0, 0, 0),
        mav.MAVLink_attitude_message(1, nan, nan, 0, 0, 0, 0),
        mav.MAVLink_wind_cov_message(0, nan, nan, 0, 0, 0, 0, 0, 0),
        mav.MAVLink_mission_current_message(0xFFFF, 0xFFFF, 1, 0),
        mav.MAVLink_extended_sys_state_message(0, 77),
    )
    picture = slots.picture()
    assert picture.battery_percent is picture.battery_voltage_v is None
    assert (picture.armable, picture.satellites) == (False, 0)
    assert picture.heading_deg is picture.local_north_m is picture.roll_deg is None
    assert picture.wind_m_s is picture.wind_from_deg is None
    assert (picture.mission_current, picture.mission_total) == (0, 0)
    assert picture.landed_state == "UNKNOWN"


class Hand(SystemClock):
    now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


def test_wind_that_is_not_told_again_is_forgotten(heard: Heard) -> None:
    clock = Hand()
    slots = Slots(clock, heard)
    heard.hear(mav.MAVLink_wind_cov_message(0, 3.0, 4.0, 0, 0, 0, 0, 0, 0))
    assert slots.picture().wind_m_s == 5.0
    clock.now_s += STALE_S[WIND_COV] + 1
    assert slots.picture().wind_m_s is None
    heard.hear(mav.MAVLink_wind_cov_message(0, 6.0, 8.0, 0, 0, 0, 0, 0, 0))
    assert slots.picture().wind_m_s == 10.0


def test_what_a_vehicle_that_is_heard_no_longer_tells_is_forgotten_and_told(heard: Heard) -> None:
    clock = Hand()
    slots = Slots(clock, heard)
    all_told = [
        mav.MAVLink_heartbeat_message(2, 12, 81 | 128, 0x04040000, 4, 3),
        mav.MAVLink_sys_status_message(0, 0, 0x10000000, 500, 48_100, -1, 77, 0, 0, 0, 0, 0, 0),
        mav.MAVLink_gps_raw_int_message(0, 4, 0, 0, 0, 0, 0, 0, 0, 17),
        mav.MAVLink_global_position_int_message(1, 1, 1, 60_500, 50_250, 0, 0, 0, 0),
        mav.MAVLink_local_position_ned_message(1, 1.0, 1.0, -50.0, 0, 0, 0),
        mav.MAVLink_attitude_message(1, 0.1, 0.1, 0, 0, 0, 0),
        mav.MAVLink_extended_sys_state_message(0, 2),
    ]
    heard.hear(*all_told)
    assert slots.picture().lat is not None
    assert slots.troubles == ()
    clock.now_s += 11
    heard.hear(all_told[0])
    picture = slots.picture()
    assert (picture.lat, picture.lon, picture.altitude_m, picture.local_north_m) == (None,) * 4
    assert (picture.battery_percent, picture.armable, picture.roll_deg) == (None, False, None)
    assert (picture.in_air, picture.gps_fix) == (True, 4), "it is not down for being silent"
    assert slots.troubles == (
        "it is heard, and no longer tells its battery, its GPS fix, its position, its attitude, "
        "whether it flies",
    )
    heard.hear(*all_told)
    assert slots.picture().battery_percent == 77
    assert slots.troubles == ()


def test_one_that_is_not_heard_stays_as_it_was_and_has_a_moment_when_it_is_again(
    heard: Heard,
) -> None:
    clock = Hand()
    slots = Slots(clock, heard)
    heard.hear(mav.MAVLink_global_position_int_message(1, 1, 1, 60_500, 50_250, 0, 0, 0, 0))
    slots.picture()
    heard.connected = False
    clock.now_s += 60
    assert slots.picture().lat is not None, "where a lost drone was last is where it is looked for"
    heard.connected = True
    assert slots.picture().lat is not None
    assert slots.troubles == ()
    clock.now_s += 6
    assert slots.picture().lat is None


async def test_a_vehicle_of_which_only_the_heart_beats_is_told_of(
    scripted, until, monkeypatch
) -> None:
    """Over a real socket: its estimator has failed, or its line takes no more."""
    monkeypatch.setitem(STALE_S, GLOBAL_POSITION_INT, 0.5)
    async with scripted() as (vehicle, link):
        await until(link, lambda t: t.lat is not None)
        assert link.troubles == ()
        monkeypatch.setattr(vehicle, "say", only_heartbeats(vehicle.say))
        await until(link, lambda t: t.connected and t.lat is None)
        assert "no longer tells its position" in link.troubles[0]


def only_heartbeats(say):
    return lambda message: say(message) if message.get_type() == "HEARTBEAT" else None


@pytest.mark.parametrize(("lat", "lon"), [(2**31 - 1, 0), (-900_000_001, 0), (0, 1_800_000_001)])
def test_a_place_that_is_none_on_earth_is_none(
    heard: Heard, slots: Slots, lat: int, lon: int
) -> None:
    heard.hear(mav.MAVLink_global_position_int_message(1, lat, lon, 60_500, 50_250, 0, 0, 0, 0))
    picture = slots.picture()
    assert (picture.lat, picture.lon, picture.altitude_m) == (None, None, 50.25)


@pytest.mark.parametrize("status", [5, 6, 8])
def test_a_failsafe_that_acts_is_told(heard: Heard, slots: Slots, status: int) -> None:
    heard.hear(mav.MAVLink_heartbeat_message(2, 12, 81 | 128, 0x05040000, status, 3))
    picture = slots.picture()
    assert picture.failsafe
    assert picture.mode == "RETURN_TO_LAUNCH"


def test_a_mission_flown_to_its_end_shows_one_item_more_than_the_last(
    heard: Heard, slots: Slots
) -> None:
    heard.hear(mav.MAVLink_mission_current_message(9, 10, 3, 1))
    assert slots.picture().mission_current == 9, "on its way to the last"
    heard.hear(mav.MAVLink_mission_item_reached_message(8))
    assert slots.picture().mission_current == 9
    heard.hear(mav.MAVLink_mission_item_reached_message(9))
    assert slots.picture().mission_current == 10
    heard.packets.pop(46)
    heard.hear(mav.MAVLink_mission_current_message(9, 10, 5, 1))
    assert slots.picture().mission_current == 10, "the autopilot says so itself"
    heard.hear(mav.MAVLink_mission_current_message(0, 10, 5, 1))
    assert slots.picture().mission_current == 0, "told to begin again"


@pytest.mark.parametrize("name", ["mission", "linkloss", "battery", "gpsloss", "refusals"])
def test_a_recorded_px4_is_let_through_whole_and_understood(name: str) -> None:
    """Real packets in their real order: none is taken for old, for double or for rubbish."""
    path = SHARED / f"{name}.tlog"
    if not path.exists():
        pytest.skip(f"no recordings at {path.parent}")
    data, at, tally, gate, heard = path.read_bytes(), 0, Tally(), Gatekeeper(1), Heard()
    slots, sent, modes = Slots(SystemClock(), heard), 0, set()
    while at < len(data):
        now = int.from_bytes(data[at : at + 8], "big") / 1e6
        size = 12 + data[at + 9]
        raw = data[at + 8 : at + 8 + size]
        at += 8 + size
        if raw[5] != 1:
            continue
        sent += 1
        for frame in gate.admit(split_datagram(raw, tally), "px4", now):
            heard.packets[frame.message] = frame.raw
            if frame.message == 0:
                modes.add(slots.picture().mode)
    assert tally == Tally()
    assert gate.counters.passed == sent
    assert gate.troubles(now) == ()
    picture = slots.picture()
    assert "UNKNOWN" not in modes
    assert picture.lat is not None
    assert picture.home_lat is not None
    assert picture.local_north_m is not None
    assert picture.battery_percent is not None
    if name == "mission":
        assert {"HOLD", "MISSION", "RETURN_TO_LAUNCH"} <= modes
        assert (picture.armed, picture.landed_state) == (False, "ON_GROUND")
