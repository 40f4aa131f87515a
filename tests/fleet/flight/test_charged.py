"""What a battery holds where vehicle and dock have ceased to tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.flight.charged import charged_percent
from fleet.model.live import DockLive, Telemetry
from missions.charge import percent_after
from missions.city import Battery, Drone

AT = datetime(2026, 1, 1, tzinfo=UTC)
DRONE = Drone(
    id="a1", dock="d1", system_id=1, mavlink="udpin://0.0.0.0:1", battery=Battery(charge_min=35)
)


def heard(percent: float | None, minutes: float = 0.0, **fields: Any) -> Telemetry:
    at = AT + timedelta(minutes=minutes)
    return Telemetry(at=at, battery_percent=percent, **fields)


def dock(charging: float | None, minutes: float = 0.0, *, inside: bool = True) -> DockLive:
    at = AT + timedelta(minutes=minutes)
    told = {} if charging is None else {"a1": charging}
    return DockLive(id="d1", charging=told, occupants=("a1",) if inside else (), at=at)


def after(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


def test_a_vehicle_that_is_heard_is_believed() -> None:
    assert charged_percent(DRONE, heard(40.0, connected=True), dock(55.0, 9), after(10)) == 40


def test_the_charge_goes_on_where_both_are_silent() -> None:
    assert charged_percent(DRONE, heard(40.0), dock(None), after(10)) == pytest.approx(60)
    assert charged_percent(DRONE, heard(None), dock(50.0, 5), after(10)) == pytest.approx(60)


def test_the_latest_word_counts() -> None:
    assert charged_percent(DRONE, heard(40.0, 0), dock(55.0, 9), after(10)) == pytest.approx(57)
    assert charged_percent(DRONE, heard(40.0, 9), dock(55.0, 0), after(10)) == pytest.approx(42)


def test_one_that_is_not_in_the_dock_is_not_charged() -> None:
    assert charged_percent(DRONE, heard(40.0), dock(None, inside=False), after(10)) == 40


def test_what_was_never_told_is_not_known() -> None:
    assert charged_percent(DRONE, heard(None, connected=True), dock(None), after(10)) is None


@given(st.floats(0, 100), st.floats(-10, 600))
def test_it_is_the_charge_of_the_planner(percent: float, minutes: float) -> None:
    held = charged_percent(DRONE, heard(percent), dock(None), after(minutes))
    expected = percent_after(DRONE.battery, percent, max(0.0, 60 * minutes))
    assert held is not None
    assert held == pytest.approx(expected, abs=1e-3)
    assert held >= percent - 1e-9
