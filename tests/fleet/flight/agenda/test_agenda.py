"""The plan as it is shown, over a sortie that is flown and one that is to come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from fleet.flight.planning import Question
from fleet.model.call import Call, Sent
from fleet.model.plan import CellSeen, DronePlan, PlanItem
from fleet.model.records import FlownRecord
from fleet.model.states import DroneState
from missions.cells import city_cells
from missions.charge import seconds_to
from missions.wishes import Plan, Scheduled

S = DroneState


def items(town: Any, drone: str = "a1") -> tuple[PlanItem, ...]:
    fact = town.hub.get("plan", drone)
    return fact.items if isinstance(fact, DronePlan) else ()


def only(town: Any, state: str) -> PlanItem:
    (item,) = [item for item in items(town) if item.state == state and item.kind != "charge"]
    return item


async def test_a_sortie_is_shown_while_it_is_flown_and_after(
    make_town: Callable[..., Any],
) -> None:
    town = make_town()
    inner = town.planner

    async def planner(question: Question) -> Plan:
        # as long as the vehicle takes, from lift-off to touch-down
        sorties = (await inner(question)).sorties
        return Plan(tuple(replace(s, energy=replace(s.energy, duration_s=125.0)) for s in sorties))

    town.planner = planner
    async with town.open():
        await town.reach(S.DOCKED)
        order = await town.patrol()
        await town.reach(S.ON_TASK)
        await town.until(lambda: any(i.state == "flying" for i in items(town)), 3)
        expected = only(town, "flying")
        assert (expected.kind, expected.order, expected.sortie) == ("patrol", str(order.id), "a1-1")
        assert (expected.dock, expected.cells) == ("d1", ("b1-a1", "b1-a2"))
        await town.reach(S.CLOSING)
        await town.until(lambda: any(i.state == "flown" for i in items(town)), 30)
        flown = only(town, "flown")
        assert flown.start == expected.start
        # what was expected with half of it flown is what came, but for the dock's door
        assert abs(flown.end - expected.end) < timedelta(seconds=30)
        assert flown.end > flown.start + timedelta(seconds=60)


async def test_what_is_planned_is_shown_until_it_is_flown(make_town: Callable[..., Any]) -> None:
    town = make_town()
    inner = town.planner

    async def planner(question: Question) -> Plan:
        plan = await inner(question)
        start = question.now + timedelta(minutes=30)
        end = start + timedelta(minutes=20)
        later = [Scheduled("a1", "d1", question.wishes[0].id, "patrol", start, end, ("b1-a1",))]
        flown = [
            Scheduled(s.drone, s.dock, s.order, "patrol", question.now, start, (), s.id)
            for s in plan.sorties
        ]
        return Plan(plan.sorties, plan.refusals, (*later, *flown))

    town.planner = planner
    async with town.open():
        await town.reach(S.DOCKED)
        await town.patrol()
        await town.reach(S.ON_TASK)
        await town.until(lambda: len(items(town)) == 2, 3)
        assert [item.state for item in items(town)] == ["flying", "planned"]
        planned = only(town, "planned")
        assert planned.cells == ("b1-a1",)
        assert planned.end - planned.start == timedelta(minutes=20)


async def test_a_drone_that_is_not_full_is_shown_to_charge(make_town: Callable[..., Any]) -> None:
    town = make_town()
    town.vehicle.set(battery_percent=70.0)
    async with town.open():
        await town.reach(S.DOCKED)
        await town.until(lambda: bool(items(town)), 3)
        (charge,) = items(town)
        assert (charge.kind, charge.dock, charge.order) == ("charge", "d1", None)
        percent = town.live().telemetry.battery_percent
        battery = town.city.drones[0].battery
        expected = timedelta(seconds=seconds_to(battery, percent, 99.0))
        assert expected > timedelta(seconds=30.0 * (99.0 - percent)), "slower at the end"
        assert abs(charge.end - town.clock.now() - expected) < timedelta(seconds=20)


async def test_what_was_flown_before_the_start_comes_from_the_store(
    make_town: Callable[..., Any],
) -> None:
    town = make_town()
    now = town.clock.now()
    asked: list[Any] = []

    async def flown_since(since: Any, limit: int) -> list[FlownRecord]:
        asked.append((since, limit))
        hour = timedelta(hours=1)
        soon_old = now - 6 * hour + timedelta(minutes=2)
        return [
            FlownRecord("s2", "a1", "d1", "ferry", None, now - hour, now - hour / 2, ()),
            FlownRecord("s1", "a1", "d1", "o#2", "stare", now - 6 * hour, soon_old, ("c",)),
            FlownRecord("s0", "gone", "d1", "o", "patrol", now - 6 * hour, soon_old, ()),
        ]

    town.store.flown_since = flown_since
    async with town.open():
        await town.until(lambda: len(items(town)) >= 2, 3)
        assert [(i.sortie, i.kind) for i in items(town)][:2] == [("s1", "stare"), ("s2", "ferry")]
        assert asked[0][0] == now - timedelta(hours=6)
        # after six hours it is shown no more
        await town.until(lambda: items(town)[:1] and items(town)[0].sortie == "s2", 200)


async def test_a_cell_is_told_when_it_is_seen(make_town: Callable[..., Any]) -> None:
    town = make_town()
    inner = town.planner
    first, second = (cell.id for cell in city_cells(town.city)[:2])
    named = {"b1-a1": first, "b1-a2": second}

    async def planner(question: Question) -> Plan:
        plan = await inner(question)
        sorties = []
        for sortie in plan.sorties:
            legs = [replace(leg, cell=named.get(leg.cell or "")) for leg in sortie.legs]
            sorties.append(replace(sortie, legs=tuple(legs)))
        return Plan(tuple(sorties))

    town.planner = planner
    async with town.open():
        await town.reach(S.DOCKED)
        cells = town.hub.all("cell")
        assert len(cells) == len(city_cells(town.city))
        assert all(isinstance(c, CellSeen) and c.seen_at is None for c in cells.values())
        assert {c.owed_s for c in cells.values() if isinstance(c, CellSeen)} == {3600.0}
        await town.patrol()
        await town.reach(S.CLOSING)
        seen = {name: at for name, at, _ in town.store.visits}
        assert set(seen) == {first, second}
        told = {c.id: c.seen_at for c in town.hub.all("cell").values() if c.seen_at is not None}
        assert told == seen


async def test_a_call_that_is_answered_from_the_air_lies_over_the_sortie(
    make_town: Callable[..., Any],
) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        await town.patrol()
        await town.reach(S.ON_TASK)
        now = town.clock.now()
        sent = Sent(
            drone="a1", at=now, due_at=now + timedelta(seconds=40), from_dock=False, way=(),
            stay_s=900.0, ends_at="d1",
        )  # fmt: skip
        call = Call(
            id="c-1", lon=117.65, lat=24.51, kind="other", priority=5, want=1, on_scene_s=300.0,
            source="click", received_at=now, received_by="li", sent=(sent,),
        )  # fmt: skip
        open_calls = [call]
        town.controller._agenda._calls = lambda: open_calls
        await town.until(lambda: any(i.kind == "response" for i in items(town)), 3)
        patrol, response = [i for i in items(town) if i.kind != "charge"]
        assert (patrol.kind, patrol.state) == ("patrol", "flying")
        assert (response.state, response.order, response.start) == ("flying", "c-1", now)
        assert response.end == now + timedelta(seconds=340)
        open_calls.clear()
        await town.until(lambda: any(i.state == "flown" for i in items(town)), 3)
        assert only(town, "flown").kind == "response"
        assert only(town, "flown").end <= town.clock.now()
        assert only(town, "flying").kind == "patrol"
