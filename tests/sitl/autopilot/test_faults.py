"""What can go wrong with a vehicle, by the simulation's hand and by the autopilot's injection."""

from __future__ import annotations

import math

import pytest

from sitl.autopilot.port import Aircraft, EventKind, Fault
from sitl.autopilot.wind import WindSpec
from sitl.errors import VehicleError

MOTOR, BATTERY, GPS = 101, 100, 4


@pytest.mark.parametrize(
    ("unit", "kind", "which", "answer"),
    [
        (MOTOR, 1, 1, [0]),
        (MOTOR, 0, 0, [0]),
        (MOTOR, 9, 1, [3]),
        (GPS, 1, 0, []),
        (BATTERY, 0, 0, [0]),
        (BATTERY, 1, 2, [3]),
        (103, 1, 0, []),
    ],
)
def test_an_injection_is_answered_as_px4_answers_it(ground, unit, kind, which, answer):
    ground.airborne(10.0)
    assert ground.command(420, unit, kind, which) == answer
    ground.run(2.0)
    assert ground.vehicle.mode == "hold"
    assert ground.vehicle.core.altitude == pytest.approx(10.0, abs=1.0)


def test_an_injection_is_denied_where_it_is_switched_off(make_ground):
    ground = make_ground(params={"SYS_FAILURE_EN": 0})
    ground.ready()
    assert ground.command(420, MOTOR, 1, 1) == [2]


def test_an_injected_empty_battery_ends_in_a_landing(ground):
    ground.airborne(10.0)
    assert ground.command(420, BATTERY, 1, 0) == [0]
    ground.until(lambda: ground.vehicle.mode == "land", 10.0)
    assert "Emergency battery level" in ground.texts()


def test_killed_motors_let_it_fall(ground):
    events = []
    ground.vehicle.on_event(events.append)
    ground.airborne(10.0)
    assert ground.command(400, 0) == [1]  # in the air only by force
    assert ground.command(400, 0, 21196) == [0]
    assert not ground.vehicle.armed
    assert ground.vehicle.landed, "PX4 says so of any vehicle that is disarmed"
    assert ground.vehicle.true_pose().altitude_m > 8.0
    ground.run(0.5)
    assert not ground.vehicle._commander.ready, "it still falls"
    ground.until(lambda: ground.vehicle.true_pose().altitude_m < 0.01, 5.0)
    assert [e.kind for e in events if e.kind is not EventKind.MODE][-1] is EventKind.LANDED
    ground.run(1.0)
    assert ground.vehicle._commander.ready


def test_a_broken_motor_ends_in_a_crash(ground):
    ground.airborne(15.0)
    ground.vehicle.set_fault(Fault.MOTOR)
    ground.until(lambda: not ground.vehicle.armed, 15.0)
    assert ground.vehicle.true_pose().altitude_m < 0.1
    assert not ground.vehicle._commander.ready
    ground.vehicle.set_fault(Fault.MOTOR, False)
    ground.run(0.5)
    assert ground.vehicle._commander.ready


def test_a_silent_link_passes_nothing_either_way(ground):
    ground.airborne(10.0)
    ground.vehicle.set_fault(Fault.LINK)
    before = len(ground.heard)
    assert ground.command(20) == []
    ground.run(3.0)
    assert len(ground.heard) == before
    assert ground.vehicle.mode == "hold"
    ground.vehicle.set_fault(Fault.LINK, False)
    ground.run(1.1)
    assert len(ground.heard) > before


def test_the_wind_is_estimated_and_too_much_of_it_returns(ground):
    ground.airborne(10.0)
    ground.vehicle.core.wind.change(WindSpec(mean_m_s=13.0, from_deg=90.0, gust_m_s=0.5))
    ground.run(25.0)
    told = ground.last("WIND_COV")
    assert told.wind_y == pytest.approx(-13.0, abs=1.5)  # from the east, so to the west
    assert told.wind_x == pytest.approx(0.0, abs=1.0)
    ground.vehicle.set_parameter("COM_WIND_MAX", 12.0)
    ground.run(3.0)
    assert ground.vehicle.mode == "hold", "COM_WIND_MAX_ACT is 0: nothing"
    ground.vehicle.set_parameter("COM_WIND_MAX_ACT", 3)
    ground.run(1.0)
    assert ground.vehicle.core.failsafe
    ground.until(lambda: ground.vehicle.mode == "rtl", 8.0)


def test_without_drag_fusion_there_is_no_wind_estimate(make_ground):
    ground = make_ground(params={"EKF2_DRAG_CTRL": 0})
    ground.airborne(10.0)
    assert ground.all("WIND_COV") == []


def test_other_aircraft_are_told_to_every_link(make_ground):
    ground = make_ground(links=2)
    ground.ready()
    one = Aircraft(0xABC123, "B-7001", 117.7, 24.6, 120.0, 370.0, 50.0, -2.0)
    ground.vehicle.traffic(one)
    ground.run(0.1)
    told = ground.all("ADSB_VEHICLE")
    assert len(told) == 2
    assert (told[0].ICAO_address, told[0].callsign) == (0xABC123, "B-7001")
    assert (told[0].lat, told[0].lon, told[0].altitude) == (246000000, 1177000000, 120000)
    assert (told[0].heading, told[0].hor_velocity, told[0].ver_velocity) == (1000, 5000, -200)


def test_what_a_station_says_of_aircraft_goes_to_all_too(ground, dialect):
    ground.ready()
    ground.send(
        dialect.MAVLink_adsb_vehicle_message(
            7, 245000000, 1176000000, 1, 90000, 0, 0, 0, b"TEST", 1, 1, 31, 0
        )
    )
    ground.run(0.1)
    assert ground.last("ADSB_VEHICLE").ICAO_address == 7


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"callsign": "TOO-LONG-1"}, "at most 8"),
        ({"lat": 91.0}, "not on the earth"),
        ({"lon": math.inf}, "not on the earth"),
    ],
)
def test_an_aircraft_that_is_none_is_refused(ground, wrong, words):
    given = {"icao": 1, "callsign": "A", "lon": 0.0, "lat": 0.0, "altitude_amsl_m": 0.0, **wrong}
    with pytest.raises(VehicleError, match=words):
        ground.vehicle.traffic(Aircraft(**given))


def test_an_unknown_parameter_is_named(ground):
    with pytest.raises(VehicleError, match="NO_SUCH"):
        ground.vehicle.set_parameter("NO_SUCH", 1.0)


def test_a_reposition_beyond_the_greatest_height_is_not_flown(ground, item):
    ground.airborne(10.0)
    ground.vehicle.set_parameter("GF_MAX_VER_DIST", 20.0)
    p = item(0)
    ground.send(ground.command_int(192, (-1.0, 1.0, 0.0, math.nan), p.x, p.y, 45.0))
    assert ground.texts()[-1] == "Reposition is outside geofence"
    ground.run(5.0)
    assert ground.vehicle.core.altitude == pytest.approx(10.0, abs=1.0)


def test_a_speed_that_was_set_holds_for_what_comes(ground, item):
    ground.airborne(10.0)
    assert ground.command(178, 1, 2.0, -1, 0) == [0]
    p = item(0, north=60.0)
    ground.send(ground.command_int(192, (-1.0, 1.0, 0.0, math.nan), p.x, p.y, 20.0))
    ground.run(8.0)
    assert 1.4 < ground.vehicle.core.body.speed < 2.1
    assert ground.command(178, 1, 5.0, -1, 0) == [0]
    ground.run(4.0)
    assert ground.vehicle.core.body.speed > 3.3


def test_it_shows_where_it_is_bound_for(make_ground, item):
    ground = make_ground(quiet=False)
    ground.airborne(10.0)
    p = item(0, north=60.0)
    ground.send(ground.command_int(192, (-1.0, 1.0, 0.0, math.nan), p.x, p.y, 25.0))
    ground.run(0.3)
    shown = ground.last("POSITION_TARGET_GLOBAL_INT")
    assert (shown.lat_int, shown.lon_int) == (pytest.approx(p.x, abs=2), pytest.approx(p.y, abs=2))
    assert shown.alt == pytest.approx(25.0, abs=0.1)
