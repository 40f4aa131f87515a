"""What the planner is asked: what is known of each drone when it is asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from fleet.flight.planning import Question
from fleet.model.states import DroneState

S = DroneState
Make = Callable[..., Any]


async def test_the_planner_hears_how_cold_the_dock_is(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)

        def told() -> float | None:
            keepers = town.controller.supervisors.values()
            question = Question(town.city, town.clock.now(), (), keepers, {})
            return question.offers[0].temperature_c

        town.dock.set(temperature_c=None)
        assert told() is None
        town.dock.set(temperature_c=-4.0)
        assert told() == -4.0


async def test_the_planner_hears_what_has_been_charged_since_anybody_told(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        (keeper,) = town.controller.supervisors.values()
        town.vehicle.set(battery_percent=40.0)
        await town.until(lambda: keeper.t.battery_percent == 40.0)
        town.vehicle.silent = True
        await town.until(lambda: not keeper.t.connected, 30)
        town.dock.set(occupants=("a1",), charging={}, online=False)
        at = keeper.t.at

        def told(minutes: float) -> float:
            now = at + timedelta(minutes=minutes)
            return Question(town.city, now, (), (keeper,), {}).offers[0].battery_percent

        assert told(0) == pytest.approx(40)
        assert told(10) == pytest.approx(60)
