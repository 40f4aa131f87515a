"""Checks of the dock and the weather."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.flight import checks
from fleet.flight.checks import refusals
from fleet.model.states import DoorState, DroneState

Make = Callable[[], Any]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("check", "fields", "words"),
    [
        (checks.DockReady, {"online": False, "reason": "no word"}, "dock: no word"),
        (checks.DockReady, {"door": DoorState.JAMMED}, "door is jammed"),
        (checks.DockReady, {"door": DoorState.CLOSING}, "door is closing"),
        (checks.DockReady, {"clear": False}, "not clear"),
        (checks.DockReady, {"clear": None}, "not clear"),
        (checks.DockReady, {"at": NOW - timedelta(seconds=21)}, "said nothing for 20 s"),
        (checks.DockReady, {"at": None}, "said nothing"),
        (checks.WeatherFit, {"wind_m_s": 12.1}, "wind 12.1 m/s is over the limit of 12 m/s"),
        (checks.WeatherFit, {"wind_m_s": float("nan")}, "over the limit"),
        (checks.WeatherFit, {"rain_mm_h": 4.1}, "rain 4.1 mm/h is over the limit of 4 mm/h"),
        (checks.WeatherFit, {"rain_mm_h": None}, "not known"),
        (checks.TemperatureFit, {"temperature_c": -12}, "is -12 °C; -10 to 45 °C is allowed"),
        (checks.TemperatureFit, {"temperature_c": 47}, "is 47 °C"),
    ],
)
def test_what_the_dock_tells(
    ready: Make, check: type[Any], fields: dict[str, Any], words: str
) -> None:
    assert check().refuses(ready().situation) is None
    spoilt = ready().docked(**fields)
    reason = check().refuses(spoilt)
    assert words in reason
    assert reason in refusals(spoilt)


def test_a_dock_without_a_thermometer_is_no_reason(ready: Make) -> None:
    assert checks.TemperatureFit().refuses(ready().docked(temperature_c=None)) is None


def test_door_free(ready: Make) -> None:
    check = checks.DoorFree()
    assert check.refuses(ready().but(gate_holder="a1")) is None
    assert check.refuses(ready().but(gate_holder="a2")) == "a2 is moving through the dock's door"


def test_nobody_is_in_the_column(ready: Make) -> None:
    check, r = checks.ColumnFree(), ready()
    assert check.refuses(r.but(fliers=[r.flier(0, 0, 40)])) == "a2 is over the dock below 55 m"
    for free in (r.flier(0, 0, 60), r.flier(50, 0, 40), r.flier(0, 0, 0, in_air=False)):
        assert check.refuses(r.but(fliers=[free])) is None


def test_nobody_comes_into_the_column_during_the_climb(ready: Make) -> None:
    """Climbing to 40 m takes 30 s at most: 350 m at 12 m/s, and the 40 m of the column."""
    check, r = checks.ColumnFree(), ready()
    home = r.points((0, 0))
    comes = r.flier(300, 0, 40, mode="MISSION", way=home)
    words = check.refuses(r.but(fliers=[comes]))
    assert words == "a2 may be over the dock below 55 m in 22 s; the climb is over in 30 s"
    near_in_time = r.flier(450, 0, 40, mode="MISSION", way=home)
    assert check.refuses(r.but(fliers=[near_in_time])) is None
    assert "a2" in check.refuses(r.but(fliers=[near_in_time], before_start_s=15.0))
    assert check.refuses(r.but(fliers=[r.flier(450, 0, 40, mode="MISSION")])) is None


def test_column_free(ready: Make) -> None:
    check, r = checks.ColumnFree(), ready()
    lost = r.flier(0, 0, 80, state=DroneState.LOST, unheard_s=30.0)
    words = check.refuses(r.but(fliers=[lost]))
    assert words == "a2 is not heard and may be over the dock"
    assert words in refusals(r.but(fliers=[lost]))
