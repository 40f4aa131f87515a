"""An override is for one drone, one take-off and ten minutes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fleet.flight.overrides import VALID_S, Overrides
from fleet.model.states import DroneState


def test_it_ends_with_the_take_off_or_the_time() -> None:
    overrides = Overrides()
    assert overrides.of("u1", 0.0) == frozenset()
    overrides.grant("u1", frozenset({"temperature-fit"}), 100.0)
    assert overrides.of("u1", 100.0 + VALID_S - 0.1) == {"temperature-fit"}
    assert overrides.of("u2", 100.0) == frozenset()
    assert overrides.of("u1", 100.0 + VALID_S) == frozenset()
    overrides.spend("u1")
    overrides.spend("u1")
    assert overrides.of("u1", 100.0) == frozenset()


def test_a_later_one_takes_the_place_of_an_earlier() -> None:
    overrides = Overrides()
    overrides.grant("u1", frozenset({"temperature-fit"}), 0.0)
    overrides.grant("u1", frozenset({"operator-present"}), 10.0)
    assert overrides.of("u1", VALID_S + 5.0) == {"operator-present"}


async def test_a_drone_takes_off_once_past_what_was_overridden(
    make_town: Callable[..., Any],
) -> None:
    town = make_town(limit=3)
    async with town.open():
        await town.reach(DroneState.DOCKED)
        town.dock.set(temperature_c=48.0)
        await town.patrol()
        await town.reach(DroneState.CHECKING)
        await town.reach(DroneState.DOCKED)
        assert "temperature is 48 °C" in town.live().reason
        overrides = town.controller.overrides
        overrides.grant("a1", frozenset({"temperature-fit"}), town.clock.monotonic())
        await town.reach(DroneState.ON_WAY)
        assert overrides.of("a1", town.clock.monotonic()) == frozenset()  # one take-off
        await town.until(lambda: town.state() is DroneState.DOCKED, 2000.0)
        await town.until(lambda: "temperature is 48 °C" in town.live().reason, 600.0)
        assert town.passed().count(DroneState.TAKING_OFF) == 1
