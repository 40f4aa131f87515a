"""Checks of the dock and the weather."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.flight import checks
from fleet.flight.checks import refusals
from fleet.model.states import DoorState

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


def test_column_free(ready: Make) -> None:
    check, r = checks.ColumnFree(), ready()
    assert check.refuses(r.but(neighbours={"a2": r.heard(0, 0, 40)})) == (
        "a2 is over the dock below 55 m"
    )
    for free in (r.heard(0, 0, 60), r.heard(50, 0, 40), r.heard(0, 0, 0, in_air=False)):
        assert check.refuses(r.but(neighbours={"a1": r.heard(0, 0, 40), "a2": free})) is None
