"""LANDING_TARGET: where the marker is, by where the vehicle was when it was seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymavlink.dialects.v20 import development as mav

from fleet.link.landing_target import LATE_S, Track, landing_target
from fleet.link.port import LandingTarget
from fleet.model.live import Telemetry

START = datetime(2026, 1, 1, tzinfo=UTC)
METRES = st.floats(-500, 500)


def at(seconds: float, north: float | None, east: float = 0.0, down: float = -10.0) -> Telemetry:
    when = START + timedelta(seconds=seconds)
    return Telemetry(at=when, local_north_m=north, local_east_m=east, local_down_m=down)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@given(METRES, METRES, st.floats(0.01, 0.99))
def test_between_two_places_it_was_on_the_line(a: float, b: float, share: float) -> None:
    track = Track()
    track.add(at(0, a))
    track.add(at(1, b))
    place = track.at(after(share))
    assert place is not None
    assert place[0] == pytest.approx(a + share * (b - a), abs=1e-3)
    assert place[2] == -10.0


def test_a_sighting_of_just_now_takes_the_last_place_and_an_old_one_none() -> None:
    track = Track()
    assert track.at(START) is None
    for step in range(3):
        track.add(at(step, float(step)))
    assert track.at(after(2.2)) == (2.0, 0.0, -10.0)
    assert track.at(after(-0.2)) == (0.0, 0.0, -10.0)
    assert track.at(after(2.1 + LATE_S)) is None
    assert track.at(after(-0.1 - LATE_S)) is None


def test_places_of_before_a_restart_are_forgotten() -> None:
    track = Track()
    track.add(at(0, 5.0))
    track.add(at(1, None))
    assert track.at(after(0.5)) is None


def test_a_clock_that_is_set_back_begins_anew() -> None:
    track = Track()
    track.add(at(3600, 5.0))
    track.add(at(0, 6.0))
    track.add(at(1, 8.0))
    assert track.at(after(0.5)) == (7.0, 0.0, -10.0)
    assert track.at(after(3600)) is None


def test_the_marker_is_told_in_the_autopilots_frame() -> None:
    target = LandingTarget(START, 3.0, -4.0, 12.0)
    message = landing_target(target, (10.0, 20.0, -12.0))
    assert (message.x, message.y, message.z) == (13.0, 16.0, 0.0)
    assert (message.frame, message.position_valid) == (mav.MAV_FRAME_LOCAL_NED, 1)
    assert message.distance == 13.0


async def test_one_that_cannot_be_placed_is_left_out(scripted) -> None:
    async with scripted() as (vehicle, link):
        local = mav.MAVLink_local_position_ned_message
        link.show_target(LandingTarget(link.telemetry.at, 1.0, 2.0, 3.0))
        vehicle.say(local(vehicle.boot_ms + 20, 100.0, 50.0, -20.0, 0.0, 0.0, 0.0))
        await link._seen.until(lambda t: t.local_north_m is not None, "placed", 5)
        link.show_target(LandingTarget(link.telemetry.at, 1.0, 2.0, 3.0))
        shown = [m for m in vehicle.heard if m.get_type() == "LANDING_TARGET"]
        await vehicle.hears(lambda: any(m.get_type() == "LANDING_TARGET" for m in vehicle.heard))
        shown = [m for m in vehicle.heard if m.get_type() == "LANDING_TARGET"]
        assert [(m.x, m.y, m.z) for m in shown] == [(101.0, 52.0, -17.0)]
