"""Words that come while something else about a call is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from fleet.errors import Conflict
from fleet.flight.carried import Carried
from fleet.flight.response.memory import Forgetful
from fleet.model.call import Call, CallStatus
from fleet.model.states import DroneState
from missions.geo import LocalFrame

S, C = DroneState, CallStatus
FRAME = LocalFrame(117.65, 24.51)
Make = Callable[..., Any]


class Slow(Forgetful):
    """A store that takes its time."""

    takes_s = 0.0

    async def save_call(self, call: Call) -> None:
        await asyncio.sleep(self.takes_s)
        await super().save_call(call)

    async def call(self, call_id: str) -> Call | None:
        await asyncio.sleep(self.takes_s)
        return await super().call(call_id)


@pytest.mark.parametrize("flies", [False, True])
async def test_a_call_that_ends_while_it_is_decided_sends_nobody(
    is_: Make, call_at: Make, make_town: Make, flies: bool
) -> None:
    town = make_town()
    store = town.make_more["calls"] = Slow()
    async with town.open():
        if flies:
            await town.patrol()
            await town.reach(S.ON_TASK)
        else:
            await town.reach(S.DOCKED)
        store.takes_s = 0.5
        taking = asyncio.create_task(town.controller.calls.take(call_at(town, 600, 0)))
        calls = town.controller.calls
        await town.until(lambda: any(call.flying for call in calls.all()), 5)
        (call,) = calls.all()  # it is decided, and is being written
        ended = await town.controller.calls.close(call.id, "an error", cancelled=True)
        assert ended.status is C.CANCELLED
        await taking
        await asyncio.sleep(100)
        assert is_(town, call).status is C.CANCELLED
        assert "goto" not in town.vehicle.commands
        assert flies or "arm" not in town.vehicle.commands


async def test_the_same_call_twice_at_the_same_time_is_one(
    is_: Make, call_at: Make, make_town: Make
) -> None:
    town = make_town(("a1", "a2"))
    store = town.make_more["calls"] = Slow()
    async with town.open():
        await town.reach(S.DOCKED, drone="a1")
        await town.reach(S.DOCKED, drone="a2")
        store.takes_s = 0.05
        take, call = town.controller.calls.take, call_at(town, 600, 0)
        first = asyncio.create_task(take(call))
        await asyncio.sleep(0.04)
        again = asyncio.create_task(take(call))
        elsewhere = asyncio.create_task(take(call_at(town, 0, 500)))
        await asyncio.gather(first, again)
        with pytest.raises(Conflict, match="needs an id of its own"):
            await elsewhere
        await town.until(lambda: is_(town, call).there_at is not None, 300)
        assert len(is_(town, call).sent) == 1
        left = [name for name, vehicle in town.vehicles.items() if "arm" in vehicle.commands]
        assert left == [is_(town, call).sent[0].drone]


async def test_a_change_that_is_written_slowly_leaves_what_becomes_of_the_call_meanwhile(
    is_: Make,
    call_at: Make,
    make_town: Make,
) -> None:
    town = make_town(("a1", "a2"))
    store = town.make_more["calls"] = Slow()
    async with town.open():
        await town.reach(S.DOCKED, drone="a1")
        await town.reach(S.DOCKED, drone="a2")
        call = await town.controller.calls.take(call_at(town, 600, 0))
        (sent,) = call.sent
        await town.reach(S.ON_WAY, drone=sent.drone)
        store.takes_s = 90.0
        changing = asyncio.create_task(town.controller.calls.change(call.id, note="with a knife"))
        await town.until(lambda: is_(town, call).there_at is not None, 150)
        there = is_(town, call).there_at
        await changing
        store.takes_s = 0.0
        now = is_(town, call)
        assert (now.note, now.there_at, len(now.sent)) == ("with a knife", there, 1)
        assert now.sent[0].there_at == there
        await town.until(lambda: store._calls[call.id] == is_(town, call), 5)


async def test_two_that_ask_for_one_more_get_two(is_: Make, call_at: Make, make_town: Make) -> None:
    town = make_town()
    store = town.make_more["calls"] = Slow()
    async with town.open():
        await town.reach(S.DOCKED)
        call = await town.controller.calls.take(call_at(town, 600, 0))
        store.takes_s = 0.3
        await asyncio.gather(*(town.controller.calls.more(call.id, 1) for _ in range(2)))
        assert is_(town, call).want == 3


async def test_a_call_that_ends_stays_ended_whatever_is_written_meanwhile(
    is_: Make, call_at: Make, make_town: Make
) -> None:
    town = make_town()
    store = town.make_more["calls"] = Slow()
    async with town.open():
        await town.reach(S.DOCKED)
        call = await town.controller.calls.take(call_at(town, 600, 0))
        await town.reach(S.ON_WAY)
        store.takes_s = 0.5
        changing = asyncio.create_task(town.controller.calls.change(call.id, note="more"))
        await asyncio.sleep(0.1)
        await town.controller.calls.close(call.id, "over", cancelled=True)
        with pytest.raises(Conflict, match="cancelled already"):
            await changing
        await asyncio.sleep(5)
        assert is_(town, call).status is C.CANCELLED
        assert store._calls[call.id].status is C.CANCELLED


@pytest.mark.parametrize("at_s", [0.0, 0.1, 1.0, 5.0, 8.0, 8.5, 12.0, 40.0])
async def test_a_call_that_is_cancelled_at_any_moment_lets_its_drone_go_home(
    is_: Make, call_at: Make, make_town: Make, at_s: float
) -> None:
    town = make_town()
    town.dock._door_s = 8.0
    async with town.open():
        await town.reach(S.DOCKED)
        call = await town.controller.calls.take(call_at(town, 600, 300))
        await asyncio.sleep(at_s)
        await town.controller.calls.close(call.id, "an error", cancelled=True)
        await town.until(lambda: town.state() is S.DOCKED and town.at_home(), 300)
        await asyncio.sleep(60)
        assert town.state() is S.DOCKED
        ended = is_(town, call)
        assert (ended.status, ended.there_at) == (C.CANCELLED, None)


@pytest.mark.parametrize("at_s", [0.1, 2.0, 6.0])
@pytest.mark.parametrize("what", ["dies", "is not heard"])
async def test_what_comes_between_on_its_way_back_to_its_mission_leaves_it_on_that_way(
    is_: Make, call_at: Make, make_town: Make, what: str, at_s: float
) -> None:
    town = make_town()
    town.make_more["calls"] = Forgetful()
    broken: list[Any] = []
    load = town.vehicle.load_fence

    async def load_fence(items: Any) -> None:
        truth, fence = town.vehicle.truth, Carried.read(items)
        if fence is None or not fence.guard.deeper_than(truth.lon, truth.lat, 0.0):
            broken.append(truth)
        await load(items)

    town.vehicle.load_fence = load_fence
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        call = await town.controller.calls.take(call_at(town, -700, 200, on_scene_s=60.0))
        await town.until(lambda: not is_(town, call).open, 400)
        await asyncio.sleep(at_s)
        assert (town.state(), town.vehicle.truth.mode) == (S.ON_WAY, "HOLD")
        if what == "dies":
            await town.kill()
            await town.start_again()
        else:
            town.vehicle.silent = True
            await town.reach(S.LOST, bound_s=10)
            town.vehicle.silent = False
        await town.until(lambda: town.vehicle.truth.mode == "MISSION", 60)
        await town.until(lambda: town.state() is S.DOCKED and town.at_home(), 1500)
        assert [cell for cell, _, _ in town.store.visits] == ["b1-a1", "b1-a2"]
        assert broken == []


async def test_one_that_was_lost_on_its_way_to_a_call_is_called_home_also_after_a_restart(
    is_: Make,
    call_at: Make,
    make_town: Make,
) -> None:
    town = make_town()
    town.make_more["calls"] = Forgetful()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        call = await town.controller.calls.take(call_at(town, -700, 200))
        await town.reach(S.HELD)
        town.vehicle.silent = True
        await town.until(lambda: not is_(town, call).flying, 20)
        await town.kill()
        town.vehicle.silent = False
        await town.start_again()
        await town.reach(S.RETURNING, bound_s=60)
        assert town.live().reason == "what it left its mission for has ended"
        await town.until(lambda: is_(town, call).there_at is not None, 1500)


async def test_one_that_a_pilot_sent_on_flies_its_own_mission_also_after_a_restart(
    call_at: Make,
    make_town: Make,
) -> None:
    town = make_town()
    town.make_more["calls"] = Forgetful()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        await town.controller.calls.take(call_at(town, -200, 200))
        await town.reach(S.HELD)
        keeper = town.controller.supervisors["a1"]
        await town.until(lambda: keeper.answering is not None, 10)
        keeper.holder = "li"
        await asyncio.sleep(5)
        await town.controller.command("a1", "resume", "li")
        await town.reach(S.ON_WAY, bound_s=10)
        await town.kill()
        await town.start_again()
        await town.reach(S.ON_WAY, S.ON_TASK, bound_s=30)
        assert town.controller.supervisors["a1"].answering is None


async def test_of_calls_that_wait_the_most_urgent_has_the_drone_that_is_let_go(
    is_: Make, call_at: Make, make_town: Make
) -> None:
    """Whichever came first, and was tried last; of equal ones the older."""
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        keeper = town.controller.supervisors["a1"]
        keeper.holder = "wang"
        calls = []
        for name, priority in (("small", 2), ("late", 8), ("as late", 8)):
            call = call_at(town, 600, 0, name, priority, on_scene_s=60.0)
            calls.append(await town.controller.calls.take(call))
            await asyncio.sleep(3)
        assert all(call.status is C.NOBODY for call in calls)
        keeper.holder = None
        order: list[str] = []

        def seen() -> bool:
            found = [call.id for call in calls if is_(town, call).sent and call.id not in order]
            order.extend(found)
            return len(order) == 3

        await town.until(seen, 1200)
        assert order == ["late", "as late", "small"]
