"""What the planner is asked: what is known of each drone when it is asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from fleet.flight.planning import Question, ask
from fleet.model.states import DroneState
from missions.policy import Policy as Standing
from missions.policy import Shift

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


async def test_no_patrol_leaves_the_shift_s_reserve(make_town: Make) -> None:
    town = make_town(("a1", "a2"))
    shift = Shift(id="night", airborne=2, reserve=2)
    limits = town.city.limits.model_copy(update={"ready_per_dock": 0})
    update = {"policy": Standing(shifts=(shift,)), "limits": limits}
    town.city = town.city.model_copy(update=update)
    town.planner = ask
    async with town.open():
        for drone in ("a1", "a2"):
            await town.reach(S.DOCKED, drone=drone)
        order = await town.patrol()

        def reason() -> str:
            return next(o.reason for o in town.controller.orders() if o.id == order.id)

        await town.until(lambda: "the shift keeps 2 ready" in reason(), 60)
        assert town.state("a1") is town.state("a2") is S.DOCKED
