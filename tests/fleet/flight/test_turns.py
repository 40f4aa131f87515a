"""A more urgent step ends whatever a drone's keeper waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from fleet.errors import OrderError
from fleet.flight.adoption import Step
from fleet.flight.turns import FAULT_PAUSE_S, Due, Turns
from fleet.flight.word import Word
from fleet.model.states import DroneState

S = DroneState
Make = Callable[..., Any]


class Life:
    """A life of two kinds of waiting, with a judge that says what it is told."""

    def __init__(self) -> None:
        self.entered: list[Due] = []
        self.wanted: Due | None = None
        self.enter_s = 0.0
        self.faults: list[Exception] = []
        self.error: Exception | None = None
        self.works = 0
        self.turns = Turns(self.enter, self.work, lambda: self.wanted, self.faults.append)

    async def enter(self, due: Due) -> None:
        await asyncio.sleep(self.enter_s)
        self.entered.append(due)
        if due == self.wanted:
            self.wanted = None

    async def work(self) -> Step:
        self.works += 1
        if self.error is not None:
            raise self.error
        await asyncio.get_running_loop().create_future()
        raise AssertionError


@pytest.fixture
async def life() -> Any:
    one = Life()
    task = asyncio.create_task(one.turns.run())
    await asyncio.sleep(1)
    yield one
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


RETURN = Due(Step(S.RETURNING), 5, "battery")
LOST = Due(Step(S.LOST), 9, "link")


async def test_a_step_ends_what_is_waited_for_in_the_same_moment(life: Life) -> None:
    life.wanted = RETURN
    before = asyncio.get_running_loop().time()
    assert life.turns.look()
    while not life.entered:
        await asyncio.sleep(0)
    assert life.entered == [RETURN]
    assert asyncio.get_running_loop().time() == before


async def test_while_a_step_is_entered_only_a_higher_one_takes_its_place(life: Life) -> None:
    life.enter_s = 10
    life.wanted = RETURN
    life.turns.look()
    await asyncio.sleep(1)
    assert not life.turns.look(), "the same rank is patient"
    life.wanted = LOST
    assert life.turns.look()
    await asyncio.sleep(20)
    assert life.entered == [LOST]


async def test_a_step_that_is_still_wanted_when_entered_is_not_worked_on_first(life: Life) -> None:
    life.wanted = RETURN
    life.turns.look()
    life.wanted = LOST
    works = life.works
    await asyncio.sleep(0.5)
    assert life.entered == [RETURN, LOST]
    assert life.works == works + 1


async def test_a_fault_is_told_and_tried_again_and_a_step_does_not_wait_for_it(life: Life) -> None:
    life.error = ZeroDivisionError()
    life.wanted = RETURN
    life.turns.look()
    await asyncio.sleep(2.5 * FAULT_PAUSE_S)
    assert life.faults == [life.error] * 3
    life.wanted = LOST
    assert life.turns.look()
    await asyncio.sleep(0.1)
    assert life.entered == [RETURN, LOST]


HANGS: dict[str, tuple[DroneState, Callable[[Any, Any], None]]] = {
    "the link": (S.RETURNING, lambda town, hang: setattr(town.vehicle, "fly_to_item", hang)),
    "the dock": (S.RETURNING, lambda town, hang: setattr(town.dock, "open", hang)),
    "the store": (S.ON_WAY, lambda town, hang: setattr(town.store, "record_visit", hang)),
}


@pytest.mark.parametrize("what", list(HANGS))
async def test_whatever_hangs_a_lost_link_is_seen_in_the_same_moment(
    make_town: Make, what: str
) -> None:
    state, hang = HANGS[what]
    town = make_town()
    hanging = asyncio.Event()

    async def never(*_: object) -> None:
        hanging.set()
        await asyncio.get_running_loop().create_future()

    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        hang(town, never)
        if state is S.RETURNING:
            await town.controller.command("a1", "return", "wang")
        await town.until(hanging.is_set)
        town.vehicle.silent = True
        await town.until(lambda: not town.vehicle.telemetry.connected)
        await town.reach(S.LOST, bound_s=0.2)


async def test_a_database_that_hangs_delays_a_reaction_by_a_tenth_of_a_second(
    make_town: Make,
) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        go_on = asyncio.Event()
        save = town.store.save_drone

        async def hang(record: Any) -> None:
            await go_on.wait()
            await save(record)

        town.store.save_drone = hang
        before = town.clock.monotonic()
        await town.controller.command("a1", "return", "wang")
        await town.until(lambda: "item" in town.vehicle.commands)
        assert town.clock.monotonic() - before < 0.25  # of which the test looks each 0.1 s
        written = len(town.store.history)
        await town.controller.command("a1", "hold", "wang")
        await town.reach(S.HELD, bound_s=0.3)
        assert len(town.store.history) == written
        go_on.set()
        await town.until(lambda: len(town.store.history) == written + 2, 5)
        assert [r.state for r in town.store.history[-2:]] == [S.RETURNING, S.HELD]


async def test_a_word_is_answered_when_the_vehicle_was_seen_to_do_it(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        keeper = town.controller.supervisors["a1"]
        loop = asyncio.get_running_loop()
        for action, state in (("hold", S.HELD), ("resume", S.ON_TASK), ("return", S.RETURNING)):
            answer = loop.create_future()
            keeper.tell(Word(action, f"{action} by wang", None, answer))
            assert await asyncio.wait_for(answer, 5)
            await town.reach(state, bound_s=1)
        late, later = loop.create_future(), loop.create_future()
        town.vehicle.mute.add("hold")
        keeper.tell(Word("hold", "hold by wang", None, late))
        await town.reach(S.HELD, bound_s=1)
        with pytest.raises(Exception, match="no answer"):
            await asyncio.wait_for(late, 5)
        town.vehicle.mute.clear()
        town.vehicle.silent = True
        await town.reach(S.LOST, bound_s=20)
        keeper.tell(Word("return", "return by wang", None, later))
        with pytest.raises(OrderError, match="a later word came: hold by li"):
            keeper.tell(Word("hold", "hold by li"))
            await asyncio.wait_for(later, 5)


async def test_a_fault_in_the_monitor_is_shown_and_stops_nothing(
    make_town: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = make_town()

    def fault(_view: Any) -> Any:
        raise ZeroDivisionError("by a wind of 0")

    async with town.open():
        await town.patrol()
        await town.reach(S.ON_WAY)
        with monkeypatch.context() as broken:
            broken.setattr("fleet.flight.supervisor.judge", fault)
            await town.until(lambda: "fault in the safety monitor" in str(town.live().warnings), 1)
            await town.reach(S.ON_TASK)
        await town.until(lambda: town.live().warnings == (), 1)
        await town.until(lambda: town.state() is S.DOCKED and town.at_home())


async def test_much_news_is_judged_together_and_soon(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        keeper = town.controller.supervisors["a1"]
        judged, judge = 0, keeper._turns._judge

        def count() -> Any:
            nonlocal judged
            judged += 1
            return judge()

        keeper._turns._judge = count
        for _ in range(100):  # a second of it
            keeper.pulse()
            await asyncio.sleep(0.01)
        assert 9 <= judged <= 21
