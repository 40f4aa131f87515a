"""What is done beside each other before a take-off, and that nothing takes off before it is all done."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from fleet.errors import DockError, Refused
from fleet.flight.waiting import together
from fleet.flight.word import Word
from fleet.model.call import Call, CallStatus
from fleet.model.records import SortieStatus
from fleet.model.states import DoorState, DroneState

S = DroneState
Make = Callable[..., Any]
DOOR_S = 15.0


def call_at(town: Any) -> Call:
    return Call(
        id="c1", lon=117.655, lat=24.512, kind="fight", priority=5, source="call",
        received_at=town.clock.now(), received_by="li", want=1, on_scene_s=60.0,
    )  # fmt: skip


async def told(town: Any, **fields: object) -> None:
    """Have the vehicle be so, and say so."""
    town.vehicle.set(**fields)
    await asyncio.sleep(0.5)


class Watch:
    """When what happens to a1 and its dock, seconds of the loop."""

    def __init__(self, town: Any, load_s: float = 1.5) -> None:
        self.town = town
        self.at: dict[str, float] = {}
        town.dock._door_s = DOOR_S
        vehicle, load = town.vehicle, town.vehicle.load

        async def slowly(programme: Any) -> None:
            self.mark("loading")
            await asyncio.sleep(load_s)
            await load(programme)
            self.mark("loaded")

        vehicle.load = slowly
        vehicle.listen(self.look)
        town.dock.listen(self.look)

    def mark(self, name: str) -> None:
        self.at.setdefault(name, self.town.clock.monotonic())

    def look(self) -> None:
        truth = self.town.vehicle.truth
        self.mark(f"door {self.town.dock.state.door}")
        for name, so in (("armed", truth.armed), ("up", truth.in_air), ("ready", truth.armable)):
            if so:
                self.mark(name)


async def test_the_plan_is_loaded_while_the_door_opens(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        watch = Watch(town)
        await town.patrol()
        await town.reach(S.ON_WAY)
        at = watch.at
        assert at["loading"] - at["door opening"] < 0.1
        assert at["loaded"] < at["door open"]
        assert 0 <= at["armed"] - at["door open"] < 0.5


async def test_a_drone_that_is_called_waits_for_its_vehicle_behind_an_opening_door(
    make_town: Make,
) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        watch = Watch(town)
        await told(town, armable=False, gps_fix=2)
        asked = town.clock.monotonic()
        await town.controller.calls.take(call_at(town))
        await town.until(lambda: "GPS fix is 2" in town.live().reason, 5)
        assert "opening the dock" in town.live().reason
        await asyncio.sleep(10)
        assert "loaded" in watch.at
        town.vehicle.set(armable=True, gps_fix=3)
        await town.reach(S.ON_WAY, bound_s=60)
        at = watch.at
        assert at["door opening"] - asked < 0.5
        assert at["up"] - asked < DOOR_S + 2.0  # the sum of both was 27 s
        assert at["armed"] >= at["door open"]


async def test_one_whose_vehicle_is_later_than_its_door_leaves_when_it_is_ready(
    make_town: Make,
) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        watch = Watch(town)
        await told(town, armable=False)
        await town.controller.calls.take(call_at(town))
        await town.until(lambda: town.dock.state.door is DoorState.OPEN)
        await asyncio.sleep(3)
        assert (town.state(), "arm" in town.vehicle.commands) == (S.OPENING, False)
        ready = town.clock.monotonic()
        town.vehicle.set(armable=True)
        await town.reach(S.ON_WAY, bound_s=30)
        assert 0 <= watch.at["armed"] - ready < 1.0


@pytest.mark.parametrize("what", ["armable", "load", "door"])
async def test_what_fails_for_good_closes_the_door_and_says_why(make_town: Make, what: str) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        Watch(town)
        if what == "armable":
            await told(town, armable=False)
            words = "autopilot is not ready to arm"
        elif what == "load":
            town.vehicle.refuse["load"] = words = "no space"
        else:
            town.dock.jam = True
            words = "door is jammed"
        call = await town.controller.calls.take(call_at(town))
        await town.reach(S.CLOSING, bound_s=60)
        assert words in town.live().reason
        await town.until(lambda: not call_of(town, call).flying, 5)
        town.controller.supervisors["a1"].holder = "li"  # it is not tried again
        if what == "door":
            town.dock.jam = False
            town.dock.set(door=DoorState.CLOSED)
        await town.reach(S.DOCKED, S.CHARGING, bound_s=120)
        await town.until(lambda: town.dock.state.door is DoorState.CLOSED, 60)
        (record,) = [r for r in town.store.sorties.values() if r.sortie.order == f"call:{call.id}"]
        assert record.status is SortieStatus.ABORTED
        assert words in record.reason
        assert "arm" not in town.vehicle.commands
        assert words in call_of(town, call).sent[0].reason


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda t: t.dock.set(rain_mm_h=9.0), "rain 9 mm/h"),
        (lambda t: t.dock.set(clear=False), "clear is False"),
        (lambda t: t.vehicle.set(gps_fix=1), "GPS fix is 1"),
        (lambda t: t.vehicle.set(battery_percent=5.0), "battery holds"),
    ],
    ids=["rain", "not clear", "gps", "battery"],
)
async def test_every_check_holds_once_more_before_the_motors_start(
    make_town: Make, spoil: Callable[[Any], None], words: str
) -> None:
    """What passed under the closed door, and fails as the door comes open."""
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        Watch(town)
        await town.controller.calls.take(call_at(town))
        await asyncio.sleep(DOOR_S - 0.6)
        assert town.dock.state.door is DoorState.OPENING
        spoil(town)
        await town.reach(S.CLOSING, bound_s=60)
        assert words in town.live().reason
        assert "arm" not in town.vehicle.commands


async def test_what_is_not_of_the_vehicle_keeps_the_door_of_one_that_is_called_shut(
    make_town: Make,
) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        call = await town.controller.calls.take(call_at(town))
        town.dock.set(rain_mm_h=9.0)
        await town.until(lambda: "rain 9 mm/h" in town.live().reason, 5)
        await town.until(lambda: not call_of(town, call).flying, 60)
        assert town.dock.commands == []


def call_of(town: Any, call: Call) -> Call:
    found = next(c for c in town.controller.calls.all() if c.id == call.id)
    assert isinstance(found, Call)
    return found


async def test_one_that_is_called_off_loads_nothing_more_and_closes(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        watch = Watch(town, load_s=30.0)
        await town.controller.calls.take(call_at(town))
        await town.until(lambda: "loading" in watch.at, 5)
        tasks = len(asyncio.all_tasks())
        town.controller.tell("a1", Word("return", "not needed"))
        await town.reach(S.CLOSING, bound_s=2)
        await asyncio.sleep(1)
        assert len(asyncio.all_tasks()) <= tasks - 2  # load, check and door are owned by the state
        await town.until(lambda: town.dock.state.door is DoorState.CLOSED, 60)
        await asyncio.sleep(40)
        assert "loaded" not in watch.at
        assert "arm" not in town.vehicle.commands


@pytest.mark.parametrize("number", range(12))
async def test_whatever_comes_first_it_leaves_only_with_all_of_it(
    make_town: Make, number: int
) -> None:
    chance = random.Random(number)
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        watch = Watch(town, load_s=chance.choice([0.2, 5.0, 14.9, 15.0, 18.0]))
        await told(town, armable=False)
        asked = town.clock.monotonic()
        await town.controller.calls.take(call_at(town))
        await asyncio.sleep(chance.choice([0.1, 7.0, 14.9, 15.0, 19.0]))
        town.vehicle.set(armable=True)
        watch.at.pop("ready", None)
        await town.reach(S.ON_WAY, bound_s=60)
        at = watch.at
        last = max(at["door open"], at["loaded"], at["ready"])
        assert last <= at["armed"] < last + 1.0
        assert at["up"] - asked < last - asked + 2.0
        call = call_of(town, call_at(town))
        await town.until(lambda: call_of(town, call).status is CallStatus.ON_SCENE, 200)


async def test_the_first_that_fails_ends_the_others_and_is_told() -> None:
    ended: list[str] = []

    async def work(name: str, seconds: float, error: Exception | None = None) -> None:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            ended.append(name)
            raise
        if error is not None:
            raise error

    await together(work("a", 1), work("b", 2))
    assert ended == []
    with pytest.raises(DockError, match="jams"):
        await together(work("a", 9), work("b", 1, DockError("jams")), work("c", 2, Refused("x")))
    assert sorted(ended) == ["a", "c"]
    task = asyncio.create_task(together(work("d", 9), work("e", 9)))
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert sorted(ended) == ["a", "c", "d", "e"]
