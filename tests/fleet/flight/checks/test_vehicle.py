"""Checks of the vehicle."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fleet.flight import checks
from fleet.flight.checks import refusals
from missions.city import Battery

Make = Callable[[], Any]


@pytest.mark.parametrize(
    ("check", "fields", "words"),
    [
        (checks.LinkUp, {"connected": False}, "no link"),
        (checks.OnItsPad, {"armed": True}, "armed or in the air"),
        (checks.OnItsPad, {"in_air": True}, "armed or in the air"),
        (checks.OnItsPad, {"lat": 24.5102}, "22 m from its dock; 10 m is allowed"),
        (checks.OnItsPad, {"lat": None}, "does not say where it is"),
        (checks.OnItsPad, {"lat": math.nan}, "nan m from its dock"),
        (checks.GpsAndHome, {"gps_fix": 2}, "GPS fix is 2; 3 (3D) is needed"),
        (checks.GpsAndHome, {"satellites": 5}, "GPS is degraded: 5 satellites; 6 are needed"),
        (checks.GpsAndHome, {"home_lat": math.nan}, "home is nan m from the dock"),
        (checks.GpsAndHome, {"home_lon": None}, "no home position"),
        (checks.GpsAndHome, {"home_lat": 24.5102}, "home is 22 m from the dock"),
        (checks.BatteryForSortie, {"battery_percent": None}, "not known"),
        (checks.BatteryForSortie, {"battery_percent": math.nan}, "not known"),
        (
            checks.BatteryForSortie,
            {"battery_percent": 54.0},
            "holds 54 Wh; sortie and reserve take 55 Wh",
        ),
        (checks.Armable, {"armable": False}, "not ready to arm"),
    ],
)
def test_what_the_vehicle_tells(
    ready: Make, check: type[Any], fields: dict[str, Any], words: str
) -> None:
    assert check().refuses(ready().situation) is None
    spoilt = ready().told(**fields)
    reason = check().refuses(spoilt)
    assert words in reason
    assert reason in refusals(spoilt)


def test_link_healthy(ready: Make) -> None:
    trouble = ("a second vehicle with system id 4",)
    assert checks.LinkHealthy().refuses(ready().but(trouble=trouble)) == (
        "link: a second vehicle with system id 4"
    )


def test_parameter_profile(ready: Make) -> None:
    check = checks.ParameterProfile()
    assert check.refuses(ready().but(differences=None)) == (
        "autopilot's parameters are not read yet"
    )
    differ = ready().but(differences=("GF_ACTION is 0; 2 or 3 is needed", "COM_LOW_BAT_ACT is 0"))
    assert check.refuses(differ) == (
        "autopilot's parameters differ: GF_ACTION is 0; 2 or 3 is needed; COM_LOW_BAT_ACT is 0"
    )


@pytest.mark.parametrize(
    ("health", "warm", "words"),
    [
        (100, 25.0, None),
        (80, 25.0, "holds 50 Wh; sortie and reserve take 50 Wh"),
        (100, 0.0, "holds 50 Wh; sortie and reserve take 50 Wh"),
        (100, None, None),
    ],
)
def test_an_aged_or_cold_battery_holds_less(
    ready: Make, health: float, warm: float | None, words: str | None
) -> None:
    battery = Battery(capacity_wh=100, health_percent=health)
    now = ready().situation
    spoilt = replace(
        now,
        drone=now.drone.model_copy(update={"battery": battery}),
        dock=now.dock.model_copy(update={"temperature_c": warm}),
        telemetry=now.telemetry.model_copy(update={"battery_percent": 62.4}),
    )
    found = checks.BatteryForSortie().refuses(spoilt)
    assert found == (None if words is None else f"battery {words}")
