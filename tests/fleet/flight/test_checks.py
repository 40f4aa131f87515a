"""Each check by itself, and that the table asks them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.flight import checks
from fleet.flight.checks import Situation, refusals
from fleet.flight.policy import Policy
from fleet.model.live import DockLive, Telemetry
from fleet.model.states import DoorState
from missions.city import Battery, Drone, Limits
from missions.sortie import Leg, LegKind, Sortie, SortieEnergy, Waypoint

PAD = (117.65, 24.51)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def good() -> Situation:
    leg = Leg(LegKind.TAKEOFF, (Waypoint(*PAD, 40.0),), 10.0)
    return Situation(
        drone=Drone(
            id="a1",
            dock="d1",
            system_id=1,
            mavlink="udpin://0.0.0.0:1",
            battery=Battery(capacity_wh=100),
        ),
        pad=PAD,
        sortie=Sortie("s", "o", "a1", "d1", *PAD, 40.0, (leg,), SortieEnergy(1, 1, 30, 25, 100)),
        telemetry=Telemetry(
            at=NOW,
            connected=True,
            lon=PAD[0],
            lat=PAD[1],
            home_lon=PAD[0],
            home_lat=PAD[1],
            gps_fix=3,
            battery_percent=90.0,
            armable=True,
            landed_state="ON_GROUND",
        ),
        dock=DockLive(
            id="d1", online=True, door=DoorState.CLOSED, clear=True, wind_m_s=2, rain_mm_h=0, at=NOW
        ),
        gate_holder=None,
        neighbours={},
        limits=Limits(),
        policy=Policy(),
        now=NOW,
    )


def told(**fields: Any) -> Callable[[Situation], Situation]:
    return lambda s: replace(s, telemetry=s.telemetry.model_copy(update=fields))


def docked(**fields: Any) -> Callable[[Situation], Situation]:
    return lambda s: replace(s, dock=s.dock.model_copy(update=fields))


def high(s: Situation) -> Situation:
    leg = Leg(LegKind.SURVEY, (Waypoint(*PAD, 130.0),), 10.0)
    return replace(s, sortie=replace(s.sortie, legs=(*s.sortie.legs, leg)))


def over(altitude: float) -> Callable[[Situation], Situation]:
    def spoil(s: Situation) -> Situation:
        other = s.telemetry.model_copy(update={"in_air": True, "altitude_m": altitude})
        return replace(s, neighbours={"a1": s.telemetry, "a2": other})

    return spoil


BAD: list[tuple[type[Any], Callable[[Situation], Situation], str]] = [
    (checks.LinkUp, told(connected=False), "no link"),
    (checks.OnItsPad, told(armed=True), "armed or in the air"),
    (checks.OnItsPad, told(in_air=True), "armed or in the air"),
    (checks.OnItsPad, told(lat=24.5102), "22 m from its dock; 10 m is allowed"),
    (checks.GpsAndHome, told(gps_fix=2), "GPS fix is 2; 3 (3D) is needed"),
    (checks.GpsAndHome, told(home_lon=None), "no home position"),
    (checks.GpsAndHome, told(home_lat=24.5102), "home is 22 m from the dock"),
    (checks.BatteryForSortie, told(battery_percent=None), "not known"),
    (
        checks.BatteryForSortie,
        told(battery_percent=54.0),
        "holds 54 Wh; sortie and reserve take 55 Wh",
    ),
    (checks.DockReady, docked(online=False, reason="dock is offline"), "dock: dock is offline"),
    (checks.DockReady, docked(door=DoorState.JAMMED), "door is jammed"),
    (checks.DockReady, docked(door=DoorState.CLOSING), "door is closing"),
    (checks.DockReady, docked(clear=False), "not clear"),
    (checks.DockReady, docked(clear=None), "not clear"),
    (checks.DockReady, docked(at=NOW - timedelta(seconds=21)), "said nothing for 20 s"),
    (checks.DockReady, docked(at=None), "said nothing"),
    (checks.WeatherFit, docked(wind_m_s=12.1), "wind 12.1 m/s is over the limit of 12 m/s"),
    (checks.WeatherFit, docked(rain_mm_h=4.1), "rain 4.1 mm/h is over the limit of 4 mm/h"),
    (checks.WeatherFit, docked(rain_mm_h=None), "not known"),
    (checks.UnderCeiling, high, "waypoint at 130 m; 0 to 120 m is allowed"),
    (checks.Armable, told(armable=False), "not ready to arm"),
    (checks.ColumnFree, over(40.0), "a2 is over the dock below 55 m"),
    (checks.DoorFree, lambda s: replace(s, gate_holder="a2"), "a2 is moving through"),
]


def test_a_sound_situation_passes() -> None:
    assert refusals(good()) == []
    assert refusals(replace(good(), gate_holder="a1")) == []
    assert refusals(over(60.0)(good())) == []


@pytest.mark.parametrize(("check", "spoil", "words"), BAD)
def test_each_check_refuses_what_it_is_for(
    check: type[Any], spoil: Callable[[Situation], Situation], words: str
) -> None:
    reason = check().refuses(spoil(good()))
    assert reason is not None
    assert words in reason
    assert reason in refusals(spoil(good()))


def test_every_reason_is_told() -> None:
    spoilt = docked(wind_m_s=99.0)(told(gps_fix=0, armable=False)(good()))
    assert len(refusals(spoilt)) == 3
