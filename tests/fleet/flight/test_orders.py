"""Orders in a controller: windows, occurrences, parts of tasks; over restarts, none twice, none lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from fleet.errors import OrderError, OrderUnfit
from fleet.flight.planning import Question, try_out
from fleet.model.order import OccurrenceStatus, Order, OrderRequest, OrderStatus
from fleet.model.records import SortieStatus
from fleet.model.states import DroneState
from missions.planner import Plan
from missions.wishes import Refusal, part_name

Make = Callable[..., Any]
S = DroneState
AREA = {
    "type": "Polygon",
    "coordinates": [[[117.65, 24.51], [117.651, 24.51], [117.651, 24.511], [117.65, 24.51]]],
}
AWAY = [[117.652, 24.512], [117.654, 24.514]]


class Tasks:
    """Gives each part of a task that is not flown to a ready drone, one at a time."""

    def __init__(self, town: Any, parts: int = 1) -> None:
        self._town = town
        self._parts = parts
        self.asked: list[Any] = []
        self.refuses = ""

    async def __call__(self, question: Question) -> Plan:
        self.asked += question.wishes
        ready = [offer for offer in question.offers if offer.ready]
        flying = {sortie.order for sortie in question.flying}
        for wish in question.wishes:
            if self.refuses:
                return Plan(refusals=(Refusal(wish.id, "", self.refuses, "wind"),))
            for part in range(self._parts):
                name = part_name(wish.id, part, self._parts) if wish.task else wish.id
                if ready and name not in wish.done and name not in flying:
                    number = len(self._town.store.sorties) + 1
                    sortie = self._town.planner_sortie(ready[0].id, number)
                    return Plan((replace(sortie, order=name),))
        return Plan()


@pytest.fixture
def make_tasks(make_town: Make) -> Make:
    def make(parts: int = 1, **more: Any) -> Any:
        town = make_town(**more)
        once = town.planner
        town.planner_sortie = once.sortie
        town.planner = Tasks(town, parts)
        return town

    return make


async def order(town: Any, after_s: float = 0, lasts_s: float = 3600, **more: Any) -> Order:
    start = town.clock.now() + timedelta(seconds=after_s)
    window = {"from": start.isoformat(), "until": (start + timedelta(seconds=lasts_s)).isoformat()}
    body = {"kind": "area", "geometry": AREA, "window": window} | more
    taken: Order = await town.controller.desk.submit(OrderRequest.model_validate(body), "wang")
    return taken


def flown(town: Any) -> list[str]:
    done = [r for r in town.store.sorties.values() if r.status is SortieStatus.COMPLETED]
    return sorted(r.sortie.order.partition("#")[2] for r in done)


def became(town: Any, order_id: UUID) -> list[tuple[datetime, OccurrenceStatus]]:
    return [(r.start, r.status) for (o, _), r in sorted(town.store.past_occurrences.items())
            if o == order_id]  # fmt: skip


def status(town: Any, order_id: UUID) -> OrderStatus:
    found: OrderStatus = town.store.all_orders[order_id].status
    return found


async def test_a_task_is_flown_part_by_part_and_then_over(make_tasks: Make) -> None:
    town = make_tasks(parts=3)
    async with town.open():
        made = await order(town)
        await town.until(lambda: status(town, made.id) is OrderStatus.ENDED, 3000)
        assert [name.split("#")[1] for name in flown(town)] == ["0-3", "1-3", "2-3"]
        ((_, what),) = became(town, made.id)
        assert what is OccurrenceStatus.FLOWN
        assert town.store.all_orders[made.id].reason == "flown"
        detail = await town.controller.desk.detail(made.id)
        assert len(detail.sorties) == 3
        assert [past.reason for past in detail.past] == ["in 3 sorties"]


@pytest.mark.long
async def test_nothing_flies_before_its_window(make_tasks: Make) -> None:
    town = make_tasks()
    async with town.open():
        made = await order(town, after_s=600)
        await town.until(lambda: (town.clock.now() - made.created_at).total_seconds() > 590, 900)
        assert (town.planner.asked, town.store.sorties) == ([], {})
        await town.until(lambda: flown(town), 900)


@pytest.mark.long
async def test_what_recurs_is_flown_once_each_time(make_tasks: Make) -> None:
    town = make_tasks()
    async with town.open():
        rule = {"rrule": "FREQ=MINUTELY;INTERVAL=10;COUNT=3"}
        made = await order(town, after_s=60, lasts_s=540, recurrence=rule)
        await town.until(lambda: status(town, made.id) is OrderStatus.ENDED, 4 * 3600)
        assert len(flown(town)) == 3
        assert len(set(flown(town))) == 3
        assert [what for _, what in became(town, made.id)] == [OccurrenceStatus.FLOWN] * 3


async def test_a_window_that_was_missed_is_said(make_tasks: Make) -> None:
    town = make_tasks()
    async with town.open():
        town.planner.refuses = "wind 14 m/s is above the limit"
        made = await order(
            town, lasts_s=120, recurrence={"rrule": "FREQ=MINUTELY;INTERVAL=3;COUNT=2"}
        )
        await town.until(lambda: became(town, made.id), 600)
        (record,) = town.store.past_occurrences.values()
        assert record.status is OccurrenceStatus.MISSED
        assert record.reason == "waits: wind 14 m/s is above the limit"
        shown = town.hub.get("order", str(made.id))
        assert shown.status is OrderStatus.ACTIVE
        assert "missed" in shown.reason
        town.planner.refuses = ""
        await town.until(lambda: status(town, made.id) is OrderStatus.ENDED, 2 * 3600)
        assert [w.value for _, w in became(town, made.id)] == ["missed", "flown"]


@pytest.mark.parametrize(
    "state",
    [
        S.ON_TASK,
        pytest.param(S.OPENING, marks=pytest.mark.long),
        pytest.param(S.LANDING, marks=pytest.mark.long),
    ],
)
async def test_a_controller_that_dies_doubles_and_loses_nothing(
    make_tasks: Make, state: DroneState
) -> None:
    town = make_tasks(parts=2)
    async with town.open():
        made = await order(
            town, recurrence={"rrule": "FREQ=MINUTELY;INTERVAL=15;COUNT=2"}, lasts_s=800
        )
        for _ in range(2):
            await town.reach(state, bound_s=1500)
            await town.kill()
            await town.start_again()
        await town.until(lambda: status(town, made.id) is OrderStatus.ENDED, 4 * 3600)
        names = flown(town)
        assert len(names) == len(set(names)) == 4
        assert [what for _, what in became(town, made.id)] == [OccurrenceStatus.FLOWN] * 2


async def test_what_came_due_with_no_controller_is_missed(make_tasks: Make) -> None:
    town = make_tasks()
    async with town.open():
        made = await order(
            town, after_s=60, lasts_s=60, recurrence={"rrule": "FREQ=HOURLY;COUNT=2"}
        )
        await town.kill()
        dead = town.clock.now()
        await town.until(lambda: (town.clock.now() - dead).total_seconds() > 600, 900)
        await town.start_again()
        await town.until(lambda: became(town, made.id), 60)
        ((_, what),) = became(town, made.id)
        assert what is OccurrenceStatus.MISSED
        assert town.store.sorties == {}


@pytest.mark.long
async def test_a_patrol_comes_home_when_its_window_closes_and_flies_in_the_next(
    make_tasks: Make,
) -> None:
    town = make_tasks()
    async with town.open():
        made = await order(
            town,
            kind="patrol",
            beats=["b1"],
            geometry=None,
            lasts_s=60,
            recurrence={"rrule": "FREQ=MINUTELY;INTERVAL=10;COUNT=2"},
        )
        await town.reach(S.ON_TASK)
        await town.reach(S.RETURNING, bound_s=90)
        assert town.live().reason == "its time has ended"
        assert status(town, made.id) is OrderStatus.ACTIVE
        await town.reach(S.DOCKED, bound_s=900)
        before = len(town.store.sorties)
        await town.until(lambda: len(town.store.sorties) > before, 3600)
        await town.until(lambda: status(town, made.id) is OrderStatus.ENDED, 3600)
        assert [what.value for _, what in became(town, made.id)] == ["flown", "flown"]


async def test_a_pause_calls_home_and_what_was_broken_off_is_flown_again(make_tasks: Make) -> None:
    town = make_tasks()
    async with town.open():
        made = await order(town)
        await town.reach(S.ON_TASK)
        await town.controller.desk.pause(made.id, "wang")
        await town.reach(S.RETURNING, bound_s=5)
        assert town.live().reason == "order paused by wang"
        await town.reach(S.DOCKED, bound_s=900)
        assert flown(town) == []
        assert len(town.store.sorties) == 1
        await town.controller.desk.resume(made.id, "wang")
        await town.until(lambda: status(town, made.id) is OrderStatus.ENDED, 2000)
        assert len(flown(town)) == 1


async def test_a_change_of_priority_leaves_the_drone_its_way(make_tasks: Make) -> None:
    town = make_tasks()
    async with town.open():
        made = await order(town)
        await town.reach(S.ON_TASK)
        await town.controller.desk.change(made.id, {"priority": 5}, "wang")
        await town.until(lambda: status(town, made.id) is OrderStatus.ENDED, 2000)
        assert len(town.store.sorties) == len(flown(town)) == 1


@pytest.mark.long
async def test_a_change_of_place_calls_home_and_flies_anew(make_tasks: Make) -> None:
    town = make_tasks(parts=2)
    async with town.open():
        made = await order(town)
        await town.until(lambda: len(flown(town)) == 1, 1500)
        await town.reach(S.ON_TASK, bound_s=1500)
        await town.controller.desk.change(made.id, {"altitude_m": 50}, "wang")
        await town.reach(S.RETURNING, bound_s=5)
        assert town.live().reason == "its order was changed"
        await town.until(lambda: status(town, made.id) is OrderStatus.ENDED, 4000)
        assert len(flown(town)) == 3  # one before the change, both parts after it


async def test_an_order_that_no_city_has_any_more_ends(make_tasks: Make) -> None:
    town = make_tasks()
    async with town.open():
        made = await order(town, after_s=3600)
        await town.kill()
        gone = made.request.model_copy(update={"geometry": None, "place": "beat:b9"})
        kept = {key: getattr(made, key) for key in Order.model_fields}
        town.store.all_orders[made.id] = Order(**kept | {"request": gone})
        await town.start_again()
        assert status(town, made.id) is OrderStatus.ENDED
        assert "no beat b9" in town.store.all_orders[made.id].reason
        with pytest.raises(OrderError, match="no order"):
            await town.controller.desk.pause(UUID(int=1), "wang")


async def test_two_orders_for_the_same_drone_at_one_hour_are_told_apart_over_a_restart(
    make_tasks: Make,
) -> None:
    """Tried by the real planner; the city has one drone."""
    town = make_tasks()
    town.trier = try_out
    line = {"kind": "route", "geometry": {"type": "LineString", "coordinates": AWAY}}
    day, minutes = 86_400, 300
    async with town.open():
        one = await order(town, day, minutes)
        (flight,) = one.flights
        assert (flight.drone, one.waits) == ("a1", ())
        await town.kill()
        await town.start_again()
        with pytest.raises(OrderUnfit, match=f"taken by orders.*a1 for order {one.id}") as caught:
            await order(town, day, minutes, **line)
        assert (caught.value.field, "(drones)" in str(caught.value)) == ("window", True)
        often = await order(town, 0, minutes, **line, recurrence={"rrule": "FREQ=DAILY;COUNT=3"})
        waits = often.waits[-1]
        assert (waits.constraint, str(one.id) in waits.reason) == ("drones", True)
        await town.controller.desk.cancel(often.id, "wang")
        important = await order(town, day, minutes, **line, priority=5)
        assert important.displaces == (str(one.id),)
        await town.controller.desk.cancel(one.id, "wang")
        await town.controller.desk.cancel(important.id, "wang")
        assert not (await order(town, day, minutes, **line)).waits
