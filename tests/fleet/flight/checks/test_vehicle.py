"""Checks of the vehicle."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from fleet.flight import checks
from fleet.flight.checks import refusals

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
