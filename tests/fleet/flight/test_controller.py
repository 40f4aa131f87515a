"""Orders, recalls and the planning loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from fleet.errors import OrderError
from fleet.model.order import OrderRequest, OrderStatus
from fleet.model.records import SortieStatus
from fleet.model.states import DroneState
from missions.wishes import Plan, Refusal

S = DroneState
Make = Callable[..., Any]


async def test_an_order_for_what_is_not_there_is_refused(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        with pytest.raises(OrderError, match="no beat b9; beats are b1"):
            await town.controller.submit(OrderRequest(kind="patrol", beats=("b9",)), "pilot")
        with pytest.raises(OrderError, match="no site"):
            await town.controller.submit(OrderRequest(kind="stare", sites=("x",)), "pilot")
        past = town.clock.now() - timedelta(seconds=1)
        with pytest.raises(OrderError, match="has passed"):
            await town.controller.submit(
                OrderRequest(kind="patrol", beats=("b1",), until=past), "pilot"
            )
        assert town.controller.orders() == []


async def test_cancelling_calls_the_drone_home_and_no_other_flies(make_town: Make) -> None:
    town = make_town(limit=5)
    async with town.open():
        order = await town.patrol()
        await town.reach(S.ON_TASK)
        ended = await town.controller.cancel(order.id, "wang")
        assert ended.status is OrderStatus.CANCELLED
        await town.reach(S.RETURNING, bound_s=2)
        assert town.live().reason == "order cancelled by wang"
        await town.reach(S.DOCKED)
        assert list(town.store.sorties) == ["a1-1"]
        with pytest.raises(OrderError, match="is cancelled already"):
            await town.controller.cancel(order.id, "wang")
        with pytest.raises(OrderError, match="no order"):
            await town.controller.cancel(uuid4(), "wang")
        assert town.hub.get("order", str(order.id)) == ended


@pytest.mark.parametrize(
    "state", [S.CHECKING, S.OPENING, S.TAKING_OFF, S.ON_WAY, S.RETURNING, S.LANDING]
)
async def test_recall_in_each_state_ends_at_home(make_town: Make, state: DroneState) -> None:
    town = make_town(limit=9)
    async with town.open():
        await town.reach(S.DOCKED)
        town.vehicle.set(armable=state is not S.CHECKING)  # or checking is over before it is seen
        await town.patrol()
        await town.reach(state)
        await town.controller.recall_all("typhoon", "wang")
        await town.until(lambda: town.state() in {S.DOCKED, S.CHARGING} and town.at_home())
        assert len(town.store.sorties) == 1
        assert all(o.status is OrderStatus.CANCELLED for o in town.controller.orders())


async def test_orders_that_ended_long_ago_are_left_to_the_store(
    make_town: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleet.flight.orders.ENDED_KEPT", 3)
    town = make_town(limit=0)
    async with town.open():
        first = await town.controller.submit(
            OrderRequest(kind="patrol", cells=("b1/r0c0",)), "pilot"
        )
        ended = []
        for _ in range(5):
            order = await town.controller.submit(
                OrderRequest(kind="patrol", cells=("b1/r0c1",)), "pilot"
            )
            ended.append((await town.controller.cancel(order.id, "chen")).id)
        assert [o.id for o in town.controller.orders()] == [first.id, *ended[2:]]
        assert set(town.hub.all("order")) == {str(o.id) for o in town.controller.orders()}
        assert len(town.store.all_orders) == 6
        with pytest.raises(OrderError, match="is cancelled already"):
            await town.controller.cancel(ended[0], "chen")


async def test_an_order_ends_at_its_time(make_town: Make) -> None:
    town = make_town(limit=9)
    async with town.open():
        until = town.clock.now() + timedelta(seconds=60)
        order = await town.controller.submit(
            OrderRequest(kind="patrol", beats=("b1",), until=until), "wang"
        )
        await town.reach(S.ON_TASK)
        await town.reach(S.RETURNING, bound_s=60)
        assert town.live().reason == "its time has ended"
        assert town.store.all_orders[order.id].status is OrderStatus.ENDED


async def test_a_patrol_goes_on_sortie_after_sortie(make_town: Make) -> None:
    town = make_town(limit=3)
    async with town.open():
        await town.patrol()
        await town.until(lambda: len(town.store.sorties) == 3, 3000)
        await town.until(
            lambda: all(r.status is SortieStatus.COMPLETED for r in town.store.sorties.values()),
            900,
        )


async def test_no_more_are_in_the_air_than_allowed(make_town: Make) -> None:
    town = make_town(("a1", "a2", "a3"), max_airborne=1)
    worst = 0

    def count(_record: Any) -> None:
        nonlocal worst
        worst = max(worst, sum(v.truth.in_air for v in town.vehicles.values()))

    town.store.on_state = count
    async with town.open():
        await town.patrol()
        await town.until(lambda: len(town.store.sorties) == 3, 9000)
        assert worst == 1


async def test_commands_that_have_no_meaning_are_refused(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        for action in ("return", "hold", "resume", "land"):
            with pytest.raises(OrderError, match=f"a1 is docked; '{action}'"):
                await town.controller.command("a1", action, "wang")
        with pytest.raises(OrderError, match="no drone 'zz'"):
            await town.controller.command("zz", "hold", "wang")


async def test_stopping_tells_the_drones_nothing(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        told = list(town.vehicle.commands)
        await town.controller.stop()
        await town.until(lambda: town.vehicle.truth.mode == "HOLD")
        assert town.vehicle.commands == told


async def test_a_planner_that_fails_stops_neither_flights_nor_the_next_plan(
    make_town: Make,
) -> None:
    town = make_town()
    plan, failures = town.planner, 3

    async def failing(question: Any) -> Any:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise ZeroDivisionError
        return await plan(question)

    town.controller._dispatch.planner = failing
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        assert failures < 0


async def test_an_order_tells_why_it_is_not_flown(make_town: Make) -> None:
    town = make_town()
    plan, answers = town.planner, "fails"

    async def planner(question: Any) -> Any:
        if answers == "fails":
            raise OrderError("planner has ended")
        if answers == "refuses":
            (wish,) = question.wishes
            refusals = [Refusal(wish.id, f"b{n}", "too far") for n in range(5)]
            return Plan(refusals=tuple(refusals))
        return await plan(question)

    def why() -> str:
        (order,) = town.controller.orders()
        assert town.hub.get("order", str(order.id)) == order
        return str(order.reason)

    town.controller._dispatch.planner = planner
    async with town.open():
        await town.patrol()
        await town.until(lambda: why() == "no plan: planner has ended", 60)
        answers = "refuses"
        told = "waits: b0: too far; b1: too far; b2: too far; and 2 more"
        await town.until(lambda: why() == told, 60)
        answers = "plans"
        await town.until(lambda: why() == "", 60)
        await town.reach(S.ON_WAY)


async def test_an_order_for_which_no_drone_is_ready_says_so(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        (keeper,) = town.controller.supervisors.values()
        keeper.holder = "wang"
        await town.patrol()
        await town.until(lambda: town.controller.orders()[0].reason != "", 60)
        assert town.controller.orders()[0].reason == "waits: no drone is ready"
        keeper.holder = None
        await town.reach(S.ON_WAY)
        assert town.controller.orders()[0].reason == ""


async def test_a_recall_waits_for_no_database(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        go_on = asyncio.Event()
        save = town.store.save_order

        async def hang(order: Any, *more: Any) -> None:
            await go_on.wait()
            await save(order, *more)

        town.store.save_order = hang
        recall = asyncio.create_task(town.controller.recall_all("typhoon", "wang"))
        await town.reach(S.RETURNING, bound_s=0.2)
        assert not recall.done()
        assert [o.status for o in town.controller.orders()] == [OrderStatus.CANCELLED]
        go_on.set()
        await asyncio.wait_for(recall, 1)
        assert {o.status for o in town.store.all_orders.values()} == {OrderStatus.CANCELLED}
