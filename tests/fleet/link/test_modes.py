"""PX4's modes by number."""

from __future__ import annotations

import pytest
from mavsdk.plugins.telemetry.telemetry import FlightMode

from fleet.link.modes import NUMBERS, mode_name


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_every_name_has_numbers_that_mean_it(name: str) -> None:
    main, sub = NUMBERS[name]
    assert mode_name(main << 16 | sub << 24) == name


def test_names_are_mavsdks_where_it_has_one() -> None:
    own = {"ORBIT", "PRECISION_LAND"}
    assert set(NUMBERS) - own <= {mode.name for mode in FlightMode}


def test_numbers_of_heartbeats_of_px4() -> None:
    assert mode_name(84148224) == "RETURN_TO_LAUNCH"
    assert mode_name(67371008) == "MISSION"
    assert mode_name(50593792) == "HOLD"
    assert mode_name(0xFFFFFFFF) == "UNKNOWN"
