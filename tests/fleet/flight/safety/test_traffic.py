"""Which aircraft matter, and which reports are none."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from fleet.model.states import DroneState as S

Make = Callable[[S], Any]


def row(scene: Any) -> str:
    return scene.judge().row  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("east", "north", "amsl", "near"),
    [
        (300.0, 990.0, 75.0, True),
        (300.0, 1010.0, 75.0, False),
        (1290.0, 0.0, 75.0, True),
        (300.0, 0.0, 75.0 + 299.0, True),
        (300.0, 0.0, 75.0 + 301.0, False),
        (300.0, 0.0, 75.0 - 299.0, True),
        (1100.0, 900.0, 75.0, False),
    ],
)
def test_within_a_kilometre_and_three_hundred_metres(
    scene: Make, east: float, north: float, amsl: float, near: bool
) -> None:
    """The drone is 300 m east of its dock, 75 m above the sea."""
    assert row(scene(S.ON_WAY).traffic(east, north, amsl)) == ("traffic" if near else "")


def test_one_that_will_be_near_within_half_a_minute(scene: Make) -> None:
    comes = {"heading_deg": 180.0, "speed_m_s": 60.0}
    assert row(scene(S.ON_WAY).traffic(300.0, 1000 + 60 * 29, 75.0, **comes)) == "traffic"
    assert row(scene(S.ON_WAY).traffic(300.0, 1000 + 60 * 31, 75.0, **comes)) == ""
    assert row(scene(S.ON_WAY).traffic(300.0, 2500.0, 75.0, heading_deg=0.0, speed_m_s=60.0)) == ""
    words = scene(S.ON_WAY).traffic(300.0, 2200.0, 175.0, **comes).judge().step
    assert "2200 m away, 100 m above, nearer in 20 s" in str(words)


def test_one_that_comes_down_into_the_height(scene: Make) -> None:
    sinks = {"climb_m_s": -10.0}
    assert row(scene(S.ON_WAY).traffic(300.0, 500.0, 75.0 + 500.0, **sinks)) == "traffic"
    assert row(scene(S.ON_WAY).traffic(300.0, 500.0, 75.0 + 700.0, **sinks)) == ""
    assert row(scene(S.ON_WAY).traffic(300.0, 500.0, 75.0 + 500.0, climb_m_s=10.0)) == ""


def test_an_old_report_says_nothing(scene: Make) -> None:
    s = scene(S.ON_WAY)
    assert row(s.traffic(300.0, 500.0, 100.0, at=s.now - timedelta(seconds=15.1))) == ""
    s = scene(S.ON_WAY)
    assert row(s.traffic(300.0, 500.0, 100.0, at=s.now - timedelta(seconds=14.0))) == "traffic"


def test_a_report_is_flown_on_to_now(scene: Make) -> None:
    s = scene(S.ON_WAY)
    told = {"at": s.now - timedelta(seconds=10), "heading_deg": 0.0, "speed_m_s": 60.0}
    assert row(s.traffic(300.0, 500.0, 75.0, **told)) == ""  # it is 1100 m to the north by now
    s = scene(S.ON_WAY)
    assert row(s.traffic(300.0, -1500.0, 75.0, **told)) == "traffic"


def test_a_clock_that_is_ahead_is_taken_for_now(scene: Make) -> None:
    s = scene(S.ON_WAY)
    assert row(s.traffic(300.0, 500.0, 75.0, at=s.now + timedelta(seconds=40))) == "traffic"


def test_a_height_that_is_not_told_is_the_drones_own(scene: Make) -> None:
    step = scene(S.ON_WAY).traffic(300.0, 500.0, math.nan).judge().step
    assert "at a height that is not known" in str(step)
    s = scene(S.ON_WAY).fly(altitude_m=None, altitude_amsl_m=None)
    assert row(s.traffic(300.0, 500.0, 5000.0)) == "traffic"


def test_a_place_that_is_none_is_no_aircraft(scene: Make) -> None:
    for place in ({"lon": 0.0, "lat": 0.0}, {"lon": math.nan}, {"lat": 95.0}):
        assert row(scene(S.ON_WAY).traffic(300.0, 500.0, 75.0, **place)) == ""


def test_with_no_heading_it_is_taken_to_come_straight_on(scene: Make) -> None:
    told = {"heading_deg": None, "speed_m_s": 60.0}
    assert row(scene(S.ON_WAY).traffic(300.0, 2500.0, 75.0, **told)) == "traffic"


def test_speeds_that_no_aircraft_has_are_not_believed(scene: Make) -> None:
    for told in ({"speed_m_s": 9e5}, {"speed_m_s": math.nan}, {"climb_m_s": -1e4}):
        assert row(scene(S.ON_WAY).traffic(300.0, 2500.0, 2000.0, **told)) == ""


def test_our_own_drones_are_no_aircraft(scene: Make) -> None:
    """With its own transmitter, or another of ours: at its place, and moving with it."""
    s = scene(S.ON_WAY).fly(velocity_north_m_s=12.0)
    assert row(s.traffic(305.0, 10.0, 80.0, heading_deg=0.0, speed_m_s=12.0)) == ""
    s.other(300.0, 600.0, 60.0, S.ON_TASK)
    assert row(s.traffic(290.0, 600.0, 85.0)) == ""


def test_an_aircraft_over_a_drone_is_not_the_drone(scene: Make) -> None:
    s = scene(S.ON_WAY).fly(velocity_north_m_s=12.0)
    assert row(s.traffic(305.0, 10.0, 150.0, heading_deg=0.0, speed_m_s=12.0)) == "traffic"
    s = scene(S.ON_WAY)
    assert row(s.traffic(305.0, 10.0, 80.0, heading_deg=0.0, speed_m_s=40.0)) == "traffic"


def test_a_drone_that_does_not_know_where_it_is_cannot_tell(scene: Make) -> None:
    assert row(scene(S.ON_WAY).fly(lon=None).traffic(300.0, 500.0, 75.0)) == ""


def test_one_that_got_out_of_the_way_stays_a_little_longer(scene: Make) -> None:
    assert row(scene(S.ON_WAY).traffic(300.0, 1100.0, 75.0)) == ""
    assert row(scene(S.AVOIDING).traffic(300.0, 1100.0, 75.0)) == "traffic"
    assert row(scene(S.AVOIDING).traffic(300.0, 1250.0, 75.0)) == ""


def test_the_soonest_is_named(scene: Make) -> None:
    s = scene(S.ON_WAY).traffic(300.0, 1800.0, 75.0, heading_deg=180.0, speed_m_s=60.0)
    s.traffic(300.0, 900.0, 75.0, icao=0xABCDEF, callsign="  ")
    assert "aircraft ABCDEF is 900 m away" in str(s.judge().step)
