"""A controller that dies between any two steps of its code leaves nothing undone, undone twice or lost.

Hypothesis chooses what happens; a watchman in the world judges every command that a vehicle gets
and every move that it makes.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fleet.errors import FleetError, OrderUnfit
from fleet.model.order import OrderRequest
from fleet.model.records import SortieStatus
from fleet.model.states import DoorState, DroneState

S = DroneState
ADOPTED_S = 5.0
HOME_S = 3000.0
DRONES = ("a1", "a2", "b1")
SHRINK = "SKYBEAT_SHRINK" in os.environ
"""Shrinking a walk that failed takes minutes: asked for by whoever looks into one."""
POINTS = [
    "", "store write begun", "store write committed", "store read", "dock unsent", "dock sent",
    "dock answered", "vehicle unsent load", "vehicle sent load", "vehicle answered load",
    "vehicle unsent arm", "vehicle sent arm", "vehicle answered arm", "vehicle unsent start",
    "vehicle sent start", "vehicle answered start", "vehicle unsent return", "vehicle sent return",
    "vehicle sent item", "vehicle answered item", "vehicle sent hold", "vehicle sent holds",
    "vehicle unsent disarm", "vehicle",
]  # fmt: skip


class Restarts(RuleBasedStateMachine):
    """What may happen to a city and its controller."""

    make: Callable[[], Any]
    watchman: Callable[[Any], Any]
    counts: dict[str, int]

    def __init__(self) -> None:
        super().__init__()
        self.loop, self.town = type(self).make()
        self.watch = type(self).watchman(self.town)
        self.steps = itertools.count(1)
        self.ordered: dict[Any, str] = {}

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    async def live(self, seconds: float) -> None:
        """Let time pass; docks tell their state."""
        clock, end = self.town.clock, self.town.clock.monotonic() + seconds
        while end - clock.monotonic() > 1e-6:  # the loop's time is a float: nearer it may not come
            self.town.sense()
            self.watch.look_at_all()
            await asyncio.sleep(min(0.5, end - clock.monotonic()))

    # what happens

    @initialize(callbacks=st.integers(0, 400))
    def begin(self, callbacks: int) -> None:
        """Fly, and die once: hypothesis leaves out some rules, and may leave out all kills."""
        self.run(self.town.start())
        self.order()
        self.run(self.live(20.0))
        self.town.life.callbacks_left = callbacks
        self.kill(10.0, 0.0)

    @rule()
    def order(self) -> None:
        request = OrderRequest(kind="patrol", beats=("b1",))
        with suppress(OrderUnfit):  # another is for the same beats
            made = self.ask(lambda: self.town.controller.submit(request, "chen"))
            if made is not None:
                self.ordered[made.id] = "active"

    @precondition(lambda self: len(self.ordered) > 1)
    @rule(which=st.integers(0, 5))
    def cancel(self, which: int) -> None:
        chosen = list(self.ordered)[which % len(self.ordered)]
        self.watch.disturb()
        with suppress(FleetError):
            if self.ask(lambda: self.town.controller.cancel(chosen, "chen")) is not None:
                self.ordered[chosen] = "cancelled"

    @rule()
    def recall(self) -> None:
        self.watch.disturb()
        self.ask(lambda: self.town.controller.recall_all("storm", "chen"))
        if not self.town.life.dead:
            self.ordered = dict.fromkeys(self.ordered, "cancelled")

    @rule(
        drone=st.sampled_from(DRONES), action=st.sampled_from(["return", "hold", "resume", "land"])
    )
    def pilot(self, drone: str, action: Any) -> None:
        if action == "land" and self.town.clock.monotonic() % 3 > 1:
            return  # it ends a drone's day: less often
        self.watch.disturb(drone)
        if action == "land":
            self.watch.told_to_land.add(drone)
        with suppress(FleetError):
            self.ask(lambda: self.town.controller.command(drone, action, "chen"))

    @rule(dock=st.sampled_from(["d1", "d2"]), jam=st.booleans())
    def jam(self, dock: str, jam: bool) -> None:
        self.watch.disturb()
        self.town.docks[dock].jam = jam
        if not jam and self.town.door(dock) is DoorState.JAMMED:
            self.run(self.mend(dock))

    async def mend(self, dock: str) -> None:
        self.town.docks[dock].set(door=DoorState.CLOSED)

    @rule(drone=st.sampled_from(DRONES), seconds=st.sampled_from([1.0, 4.0, 12.0, 40.0]))
    def silence(self, drone: str, seconds: float) -> None:
        self.watch.disturb(drone)
        self.town.vehicles[drone].silent = True
        self.watch.unheard |= {drone} & self.watch._aloft.keys()
        self.run(self.live(seconds))
        self.town.vehicles[drone].silent = False

    @rule(
        drone=st.sampled_from(DRONES),
        what=st.sampled_from(["load", "arm", "start", "item", "hold"]),
    )
    def refuse_for_a_while(self, drone: str, what: str) -> None:
        self.watch.disturb(drone)
        self.town.vehicles[drone].refuse[what] = "not now"
        self.run(self.live(8.0))
        self.town.vehicles[drone].refuse.clear()

    @rule(seconds=st.sampled_from([0.3, 2.0, 7.0, 20.0, 60.0]))
    def wait(self, seconds: float) -> None:
        self.run(self.live(seconds))

    @rule(
        kind=st.sampled_from(POINTS),
        skip=st.integers(0, 3),
        patience=st.sampled_from([10.0, 60.0, 120.0]),
        away=st.sampled_from([0.0, 0.4, 5.0, 30.0, 120.0]),
    )
    def kill_at_a_point(self, kind: str, skip: int, patience: float, away: float) -> None:
        """Have it die at a seam: before a command is sent, after it, before a commit, after it."""
        self.town.life.die_at = (kind, skip)
        self.kill(patience, away)

    @rule(
        callbacks=st.integers(0, 400),
        patience=st.sampled_from([10.0, 60.0]),
        away=st.sampled_from([0.0, 3.0, 20.0]),
        again=st.lists(st.integers(0, 120), max_size=2),
    )
    def kill_after_callbacks(
        self, callbacks: int, patience: float, away: float, again: list[int]
    ) -> None:
        """Have it die between two callbacks, and those after it too, perhaps at their start."""
        self.town.life.callbacks_left = callbacks
        self.kill(patience, away, again)

    def kill(self, patience: float, away: float, again: list[int] | None = None) -> None:
        end = self.town.clock.monotonic() + patience
        while not self.town.life.dead and self.town.clock.monotonic() < end:
            self.run(self.live(0.5))
        self.town.life.dead = True
        self.died()
        for callbacks in again or ():
            self.run(self.start_and_die(callbacks))
            self.died()
        self.run(self.live(away))
        self.run(self.town.start())
        self.adopted()

    async def start_and_die(self, callbacks: int) -> None:
        starting = asyncio.ensure_future(self.town.start(("store read", callbacks // 40)))
        await asyncio.sleep(0)
        self.town.life.callbacks_left = callbacks
        await starting
        await self.live(1.0)
        self.town.life.dead = True

    def died(self) -> None:
        self.counts["kills"] += 1
        words = (self.town.life.points or ["none"])[-1]
        event(f"died after: {words}")

    # what holds

    def ask(self, work: Any) -> Any:
        if self.town.life.dead:
            self.run(self.town.start())
        return self.run(self.town.ask(work))

    def adopted(self) -> None:
        """What flies and is heard has its keeper within 5 s, and is the sortie that it was."""
        self.run(self.live(ADOPTED_S))
        if self.town.life.dead:
            return
        for drone, vehicle in self.town.vehicles.items():
            keeper, truth = self.town.controller.supervisors[drone], vehicle.truth
            if not truth.in_air or not vehicle.telemetry.connected:
                continue
            if keeper.state in {S.UNKNOWN, S.LOST, S.DOCKED, S.CHARGING, S.CHECKING, S.OPENING}:
                self.watch.note(
                    f"{drone} flies, and {ADOPTED_S} s after the start is {keeper.state}"
                )
            flown = self.watch._aloft.get(drone)
            if keeper.sortie is None or keeper.sortie.id != flown:
                self.watch.note(f"{drone} flies {flown} and is taken for {keeper.sortie}")
            if keeper.t.mission_current != vehicle.telemetry.mission_current:
                self.watch.note(f"{drone}: progress {keeper.t.mission_current}, not as told")

    def check(self) -> None:
        stored = self.town.disk.all_orders
        for order, status in self.ordered.items():
            found = stored.get(order)
            if found is None or (status == "cancelled" and found.status == "active"):
                self.watch.note(f"order {order} was answered for as {status} and is {found}")
        assert not self.watch.wrong, "\n".join(self.watch.wrong[:12])

    def check_invariants(self, *args: Any, **more: Any) -> None:
        self.counts["steps"] += 1
        self.check()
        super().check_invariants(*args, **more)

    def teardown(self) -> None:
        """When everything is well again every drone comes home and every sortie is settled."""
        try:
            if not self.watch.wrong:
                self.run(self.come_home())
                self.check()
                self.settled()
        finally:
            self.run(self.town.close())
            self.loop.bury()
            asyncio.set_event_loop(None)

    async def come_home(self) -> None:
        town = self.town
        for name, dock in town.docks.items():
            dock.jam = False
            if town.door(name) is DoorState.JAMMED:
                dock.set(door=DoorState.CLOSED)
        for vehicle in town.vehicles.values():
            vehicle.silent = False
        if town.life.dead:
            await town.start()
        await self.live(20.0)
        await town.ask(lambda: town.controller.recall_all("end of the day", "chen"))
        self.watch.disturb()
        end = town.clock.monotonic() + HOME_S
        while not all(self.is_home(d) for d in DRONES):
            await self.live(1.0)
            if town.clock.monotonic() > end:
                where = {
                    d: (k.state, k.reason, town.vehicles[d].truth)
                    for d, k in town.controller.supervisors.items()
                    if not self.is_home(d)
                }
                doors = {d: town.door(d) for d in town.docks}
                pytest.fail(f"not home after {HOME_S} s: {where}; {doors}")
            if town.clock.monotonic() > end - HOME_S / 2:  # those that hold at a pilot's word
                for drone, keeper in town.controller.supervisors.items():
                    if keeper.state is S.HELD:
                        with suppress(FleetError):
                            await town.ask(
                                lambda d=drone: town.controller.command(d, "return", "c")
                            )

    def is_home(self, drone: str) -> bool:
        keeper, truth = self.town.controller.supervisors[drone], self.town.vehicles[drone].truth
        if truth.in_air or truth.armed:
            return False
        if drone in self.watch.told_to_land and keeper.state is S.EMERGENCY:
            return True
        return keeper.state in {S.DOCKED, S.CHARGING}

    def settled(self) -> None:
        lying = {
            r.sortie
            for r in self.town.disk.by_drone.values()
            if r.state is S.EMERGENCY and r.sortie
        }
        for name, record in self.town.disk.sorties.items():
            if record.status in {SortieStatus.PLANNED, SortieStatus.FLYING} and name not in lying:
                self.watch.note(f"sortie {name} is {record.status} for ever")
            flew = name in self.watch.flights
            if flew and name not in self.watch.cut and record.status is not SortieStatus.COMPLETED:
                self.watch.note(
                    f"sortie {name} met nothing but kills, and {record.status}: {record.reason}"
                )
            if not flew and record.status is SortieStatus.COMPLETED:
                self.watch.note(f"sortie {name} is completed and was never flown")
            if SortieStatus.FLYING in self.town.disk.past[name][1:] and flew:
                self.counts["sorties"] += 1
        for name in self.watch.flights:
            if name not in self.town.disk.sorties:
                self.watch.note(f"flown and not on record: {name}")
        assert not self.watch.wrong, "\n".join(self.watch.wrong[:12])


def run_machine(
    make: Any, watchman: Any, seed_value: int, examples: int, steps: int
) -> dict[str, int]:
    """Run the machine with one seed; print what it did."""

    class Bound(Restarts):
        pass

    Bound.make, Bound.watchman = staticmethod(make), staticmethod(watchman)
    Bound.counts = dict.fromkeys(("steps", "kills", "sorties"), 0)
    began = time.monotonic()
    run_state_machine_as_test(
        seed(seed_value)(Bound),
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, database=None,
            print_blob=True, phases=(Phase.generate, Phase.shrink) if SHRINK else (Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    took = time.monotonic() - began
    print({**Bound.counts, "seed": seed_value, "seconds": round(took, 1)}, flush=True)
    return Bound.counts


def test_a_kill_at_any_point_loses_nothing(mortal_town: Any, watchman: Any) -> None:
    """A short walk with a fixed seed: the same on every machine."""
    counts = run_machine(
        mortal_town,
        watchman,
        seed_value=int(os.environ.get("SKYBEAT_SEED", "1")),
        examples=8,
        steps=12,
    )
    assert counts["kills"] >= 10
    assert counts["sorties"] >= 5


@pytest.mark.long
@pytest.mark.timeout(900)
def test_kills_at_thousands_of_points_lose_nothing(mortal_town: Any, watchman: Any) -> None:
    """A long walk, the same on every machine; ``SKYBEAT_SEED`` takes another."""
    chosen = int(os.environ.get("SKYBEAT_SEED", "991"))
    print(f"SKYBEAT_SEED={chosen}", flush=True)
    examples = int(os.environ.get("SKYBEAT_EXAMPLES", "100"))
    counts = run_machine(mortal_town, watchman, seed_value=chosen, examples=examples, steps=25)
    assert counts["kills"] >= examples
