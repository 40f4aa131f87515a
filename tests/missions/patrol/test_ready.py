"""When a drone can leave or answer a call, and how many can be in the air for good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from missions.charge import percent_after, seconds_to
from missions.energy import CALM, Wind
from missions.ground import Ground
from missions.patrol.ready import (
    LEAVE_PERCENT,
    READY_PERCENT,
    able,
    answers_s,
    docks_ready_s,
    leaves,
    standing,
    sustained,
    usable_s,
)
from missions.picture import Doing

Make = Callable[..., Any]
PERCENT = st.floats(0, 100)
QUICK = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="session")
def ground(town: Make) -> Ground:
    return town(1)


@QUICK
@given(PERCENT)
def test_what_a_docked_drone_waits_for_is_its_charge(
    ground: Ground, docked: Make, percent: float
) -> None:
    drone, battery = docked(ground, "v0", percent), ground.drones["v0"].battery
    since = answers_s(ground, drone)
    assert since == 0.0 or percent_after(battery, percent, since) == pytest.approx(READY_PERCENT)
    assert (since == 0.0) == (percent >= READY_PERCENT) == ("v0" in standing(ground, [drone]))
    ready_s, held = leaves(ground, drone)
    assert held == pytest.approx(percent_after(battery, percent, ready_s))
    assert ready_s == 0.0 or held == pytest.approx(LEAVE_PERCENT)


def test_one_in_the_air_counts_from_its_landing(ground: Ground, flying: Make) -> None:
    drone = replace(flying(ground, "v0", (0.0, 0.0)), ends_in_s=500.0)
    battery = ground.drones["v0"].battery
    kept = ground.city.limits.reserve_percent
    assert answers_s(ground, drone) == pytest.approx(
        500 + max(0.0, seconds_to(battery, kept, READY_PERCENT))
    )
    assert leaves(ground, drone)[0] == pytest.approx(500 + seconds_to(battery, kept, LEAVE_PERCENT))
    assert not standing(ground, [drone])


def test_a_dock_answers_when_its_first_drone_does(ground: Ground, docked: Make) -> None:
    full, empty = docked(ground, "v0"), docked(ground, "v1", 10.0)
    assert docks_ready_s(ground, [full, empty]) == {"k0": 0.0}
    assert docks_ready_s(ground, [full, empty], but=["v0"]) == {"k0": answers_s(ground, empty)}
    assert docks_ready_s(ground, [full, empty], but=["v0", "v1"]) == {}


@pytest.mark.parametrize("change", [{"doing": Doing.OUT}, {"reason": "held by a pilot"}])
def test_one_that_cannot_fly_does_not_count(
    ground: Ground, docked: Make, change: dict[str, Any]
) -> None:
    drone = replace(docked(ground, "v0"), **change)
    assert not able(drone)
    assert docks_ready_s(ground, [drone]) == {}
    assert standing(ground, [drone]) == set()


@given(st.integers(0, 300))
@QUICK
def test_so_many_in_the_air_that_the_others_have_charged_when_they_land(
    ground: Ground, count: int
) -> None:
    most = sustained(ground, count, 60.0, CALM)
    assert most <= count
    flies = usable_s(ground, "v0", LEAVE_PERCENT, 60.0, CALM)
    charges = seconds_to(
        ground.drones["v0"].battery, ground.city.limits.reserve_percent, LEAVE_PERCENT
    )
    assert abs(most - count * flies / (flies + charges)) <= 0.5 or (most, count) == (1, 1)


def test_a_fuller_battery_and_a_lower_layer_fly_longer(ground: Ground) -> None:
    def usable(percent: float, height: float) -> float:
        return usable_s(ground, "v0", percent, height, Wind(4.0, None))

    assert usable(100, 60) > usable(80, 60) > usable(80, 100)
    assert usable(ground.city.limits.reserve_percent, 60) < 0
