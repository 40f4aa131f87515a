"""What flying takes from the battery."""

from __future__ import annotations

import pytest

from missions.city import Battery
from sitl.autopilot.battery import BatteryModel

SPEC = Battery(capacity_wh=274, hover_w=420, cruise_w=380)


def test_hover_and_cruise_power_are_the_specs():
    model = BatteryModel(SPEC, 12.0)
    assert model.flight_power(0.0, 0.0) == pytest.approx(420)
    assert model.flight_power(12.0, 0.0) == pytest.approx(380)
    assert model.flight_power(20.0, 0.0) > 500
    assert model.flight_power(0.0, 3.0) > 450 > 420 > model.flight_power(0.0, -1.5)


def test_a_hover_lasts_as_long_as_capacity_over_power():
    model = BatteryModel(SPEC, 12.0)
    seconds = 0
    while model.percent > 0:
        model.step(1.0, armed=True, flying=True, airspeed=0.0, climb=0.0)
        seconds += 1
    assert seconds == pytest.approx(3600 * 274 / 420, abs=2)


def test_voltage_falls_with_charge_and_under_load():
    model = BatteryModel(SPEC, 12.0)
    full = model.voltage_v
    model.step(1.0, armed=True, flying=True, airspeed=0.0, climb=0.0)
    loaded = model.voltage_v
    model.set_percent(10.0)
    assert full > loaded > model.voltage_v > 40.0
    assert model.current_a == pytest.approx(420 / model.voltage_v)


def test_px4s_drain_stops_at_its_floor():
    model = BatteryModel(SPEC, 12.0)
    model.drain_s, model.floor_percent = 60.0, 50.0
    for _ in range(300):
        model.step(0.1, armed=True, flying=True, airspeed=0.0, climb=0.0)
    assert model.percent == pytest.approx(50.0, abs=0.2)
    for _ in range(300):
        model.step(0.1, armed=True, flying=True, airspeed=0.0, climb=0.0)
    assert model.percent == pytest.approx(50.0, abs=0.2)


def test_charge_ends_at_full():
    model = BatteryModel(SPEC, 12.0)
    model.set_percent(99.9)
    model.charging_w = 500.0
    for _ in range(100):
        model.step(1.0, armed=False, flying=False, airspeed=0.0, climb=0.0)
    assert model.percent == 100.0
