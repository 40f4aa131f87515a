"""Calls, answered by a controller with fakes, in the loop's own time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from fleet.errors import Conflict, NotFound, StoreError
from fleet.flight.policy import Policy
from fleet.flight.response.memory import Forgetful
from fleet.flight.response.release import Release
from fleet.flight.word import Word
from fleet.model.call import Call, CallStatus, SentStatus
from fleet.model.closure import Closure
from fleet.model.command import GoTo
from fleet.model.states import DroneState
from missions.city import Zone
from missions.geo import LocalFrame
from missions.zones import MARGIN_M

S, C = DroneState, CallStatus
FRAME = LocalFrame(117.65, 24.51)
Make = Callable[..., Any]


async def test_a_docked_drone_takes_off_watches_and_comes_home(
    away: Make, is_: Make, call_at: Make, make_town: Make
) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        taken = await town.controller.calls.take(call_at(town, 600, 300))
        assert taken.status is C.ASSIGNED
        (sent,) = taken.sent
        assert (sent.drone, sent.from_dock, sent.ends_at) == ("a1", True, "d1")
        assert "a1 (from its dock) is overhead in" in taken.reason
        await town.until(lambda: is_(town, taken).status is C.ON_SCENE, 200)
        assert away(town, "a1", taken) < 20
        there = town.clock.now()
        assert town.vehicle.commands.count("look_at") == 1
        await town.until(lambda: is_(town, taken).status is C.DONE, 200)
        assert (town.clock.now() - there).total_seconds() == pytest.approx(120, abs=5)
        await town.until(lambda: town.state() is S.DOCKED and town.at_home(), 600)
        assert is_(town, taken).sent[0].status is SentStatus.LEFT


async def test_one_in_the_air_is_diverted_within_a_second_and_goes_on_with_its_mission(
    away: Make,
    is_: Make,
    call_at: Make,
    make_town: Make,
) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        seen = len(town.store.visits)
        asked = town.clock.monotonic()
        taken = await town.controller.calls.take(call_at(town, -200, 200))
        await town.until(lambda: "goto" in town.vehicle.commands, 5)
        assert town.clock.monotonic() - asked < 1.0
        (sent,) = taken.sent
        assert not sent.from_dock
        assert sent.cells == ("b1-a1", "b1-a2")[seen:]
        assert (sent.left_doing, sent.late, sent.worst_s) == ("stare", 0, 0.0)
        assert "unseen" in sent.gives_up
        await town.until(lambda: is_(town, taken).status is C.ON_SCENE, 200)
        assert away(town, "a1", taken) < 20
        assert town.state() is S.HELD
        # what it left is anybody's meanwhile
        keeper = town.controller.supervisors["a1"]
        assert keeper.answering.cells == ()
        await town.until(lambda: is_(town, taken).status is C.DONE, 200)
        assert "goes on with its mission" in town.live().reason or keeper.answering is None
        await town.until(lambda: town.state() is S.ON_TASK, 60)
        await town.until(lambda: town.state() is S.DOCKED and town.at_home(), 1500)
        assert [cell for cell, _, _ in town.store.visits] == ["b1-a1", "b1-a2"]


@pytest.mark.parametrize(("north", "goes_on"), [(240, False), (-300, True)])
async def test_it_goes_on_with_its_mission_only_where_that_is_clear_in_time(
    is_: Make, call_at: Make, make_town: Make, north: float, goes_on: bool
) -> None:
    town = make_town(("a1", "a2"), max_airborne=2)
    async with town.open():
        await town.reach(S.DOCKED, drone="a1")
        town.controller.supervisors["a2"].holder = "li"  # it is for the second call
        await town.patrol()
        await town.reach(S.ON_TASK)
        first = await town.controller.calls.take(call_at(town, -300, 100, on_scene_s=150.0))
        assert first.sent[0].drone == "a1"
        town.controller.supervisors["a2"].holder = None
        other = call_at(town, 50, north, "c2", on_scene_s=900.0)
        second = await town.controller.calls.take(other)
        assert second.sent[0].drone == "a2", second.reason
        await town.until(lambda: is_(town, second).status is C.ON_SCENE, 200)
        assert is_(town, first).open
        assert town.vehicles["a2"].truth.altitude_m == pytest.approx(40, abs=1)
        await town.until(lambda: is_(town, first).status is C.DONE, 400)
        (sent,) = is_(town, first).sent
        if goes_on:
            assert sent.reason.endswith("goes on with its mission")
            await town.reach(S.ON_TASK, bound_s=60)
        else:
            assert sent.reason.endswith("comes home to d1: on its mission it would meet a2")
            await town.reach(S.RETURNING, bound_s=5)


async def test_it_comes_home_where_its_battery_does_not_hold_its_mission(
    is_: Make, call_at: Make, make_town: Make
) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        taken = await town.controller.calls.take(call_at(town, -200, 200))
        await town.until(lambda: is_(town, taken).status is C.ON_SCENE, 200)
        town.vehicle.set(battery_percent=28.0)
        await town.until(lambda: not is_(town, taken).open, 200)
        (sent,) = is_(town, taken).sent
        assert sent.reason.endswith("comes home to d1: its battery does not hold its mission")
        await town.reach(S.RETURNING, bound_s=5)


async def test_a_call_in_airspace_that_was_closed_for_a_time_is_watched_from_beside_it(
    is_: Make, call_at: Make, make_town: Make
) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        call = call_at(town, -200, 200)
        zone = Zone(
            id="fire",
            kind="no_fly",
            area=tuple(
                FRAME.to_lonlat(*p) for p in ((-260, 140), (-140, 140), (-140, 260), (-260, 260))
            ),
        )
        now = town.clock.now()
        closure = Closure(
            id=UUID(int=1),
            kind="closure",
            zone=zone,
            reason="fire",
            created_by="li",
            created_at=now,
        )
        await town.controller.closures.add([closure])
        taken = await town.controller.calls.take(call)
        (sent,) = taken.sent
        east, north = FRAME.to_enu(*sent.way[-1][:2])
        assert max(abs(east + 200), abs(north - 200)) >= 60 + MARGIN_M


@pytest.mark.parametrize("dies", [False, True])
async def test_it_comes_home_at_the_height_that_it_was_sent_at(
    is_: Make, call_at: Make, make_town: Make, monkeypatch: pytest.MonkeyPatch, dies: bool
) -> None:
    monkeypatch.setattr(Release, "_unfit", lambda *_: "for the test")
    town = make_town()
    limits = town.city.limits.model_copy(update={"first_layer_m": 75.0})
    town.city = town.city.model_copy(update={"limits": limits})
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        taken = await town.controller.calls.take(call_at(town, -200, 200))
        await town.until(lambda: is_(town, taken).status is C.DONE, 400)
        await town.reach(S.RETURNING)
        if dies:
            await town.kill()
            await asyncio.sleep(0.5)
            await town.start_again()
            await town.reach(S.RETURNING, bound_s=10)
            keeper = town.controller.supervisors["a1"]
            assert (keeper.layer_m, keeper.answering.cells) == (75, ())
        heights: list[float] = []

        def landing() -> bool:
            truth = town.vehicle.truth
            if math.hypot(*FRAME.to_enu(truth.lon, truth.lat)) > 10:
                heights.append(truth.altitude_m)
            return town.state() is S.LANDING

        await town.until(landing, 200)
        assert len(heights) > 50
        assert min(heights) > 73
        await town.until(lambda: town.state() is S.DOCKED and town.at_home(), 600)


async def test_one_in_the_air_is_reckoned_from_where_it_comes_to_rest(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        keeper = town.controller.supervisors["a1"]
        await town.until(lambda: keeper.t.velocity_north_m_s > 7, 60)
        t = keeper.t
        (now,) = town.controller.calls.fleet()
        on = now.place[1] - FRAME.to_enu(t.lon, t.lat)[1]
        v = math.hypot(t.velocity_north_m_s, t.velocity_east_m_s)
        assert on == pytest.approx(t.velocity_north_m_s * (0.5 + v / 6), abs=0.1)
        assert on > 12


async def test_two_calls_at_once_are_answered_by_two(
    is_: Make, call_at: Make, make_town: Make
) -> None:
    town = make_town(("a1", "a2"))
    async with town.open():
        await town.reach(S.DOCKED, drone="a1")
        await town.reach(S.DOCKED, drone="a2")
        first = await town.controller.calls.take(call_at(town, 500, 0, "c1"))
        second = await town.controller.calls.take(call_at(town, -500, 0, "c2"))
        # of one dock one leaves at a time
        await town.until(lambda: len(is_(town, second).flying) == 1, 120)
        assert {first.sent[0].drone, is_(town, second).sent[0].drone} == {"a1", "a2"}
        for call in (first, second):
            await town.until(lambda call=call: is_(town, call).there_at is not None, 300)


async def test_one_that_is_lost_on_the_way_is_replaced(
    away: Make, is_: Make, call_at: Make, make_town: Make
) -> None:
    town = make_town(("a1", "a2"))
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK, drone="a1")
        await town.reach(S.ON_WAY, S.ON_TASK, drone="a2")
        call = await town.controller.calls.take(call_at(town, -450, 400))
        drone = call.sent[0].drone
        other = {"a1": "a2", "a2": "a1"}[drone]
        await town.until(lambda: town.vehicles[drone].truth.mode == "HOLD", 20)
        town.vehicles[drone].silent = True
        await town.reach(S.LOST, drone=drone, bound_s=30)
        since = town.clock.monotonic()
        await town.until(lambda: any(s.drone == other for s in is_(town, call).flying), 30)
        assert town.clock.monotonic() - since < 1.0
        lost = is_(town, call).sent[0]
        assert lost.status is SentStatus.FAILED
        assert "lost" in lost.reason
        await town.until(lambda: is_(town, call).status is C.ON_SCENE, 300)
        assert away(town, other, call) < 20
        # one that is heard again hovers nowhere for nobody
        town.vehicles[drone].silent = False
        await town.until(lambda: town.state(drone) is S.DOCKED, 600)


async def test_a_more_urgent_call_takes_the_drone_of_another(
    away: Make, is_: Make, call_at: Make, make_town: Make
) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        calls = town.controller.calls
        small = await calls.take(call_at(town, 700, 0, "small", 2))
        await town.reach(S.ON_WAY)
        equal = await calls.take(call_at(town, 0, 600, "equal", 2))
        assert equal.status is C.NOBODY
        assert "priority: a1" in equal.reason
        big = await calls.take(call_at(town, 0, 600, "big", 8))
        assert [s.drone for s in big.flying] == ["a1"]
        assert is_(town, small).sent[0].reason == "taken for call big"
        await town.until(lambda: is_(town, big).status is C.ON_SCENE, 200)
        assert away(town, "a1", big) < 20
        # the others are answered when it is free again
        await town.until(lambda: is_(town, small).there_at is not None, 1500)


async def test_a_pilots_hand_outranks_a_call(is_: Make, call_at: Make, make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        call = await town.controller.calls.take(call_at(town, -300, 300))
        await town.reach(S.HELD)
        keeper = town.controller.supervisors["a1"]
        keeper.holder = "wang"
        lon, lat = FRAME.to_lonlat(200, 100)
        here = GoTo(action="goto", lon=lon, lat=lat, altitude_m=50)
        town.controller.tell("a1", Word("goto", "goto by wang", here))
        await town.until(lambda: not is_(town, call).flying, 10)
        assert is_(town, call).sent[0].reason == "held by wang"
        told = town.vehicle.commands.count("goto")
        await town.until(lambda: is_(town, call).status is C.NOBODY, 30)
        assert "held by wang" in is_(town, call).reason
        assert town.vehicle.commands.count("goto") <= told + 1


async def test_one_that_a_pilot_sends_on_flies_its_mission_again(
    call_at: Make, make_town: Make
) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        await town.controller.calls.take(call_at(town, -300, 300))
        await town.reach(S.HELD)
        keeper = town.controller.supervisors["a1"]
        assert keeper.answering.cells == ()
        keeper.holder = "wang"
        town.controller.tell("a1", Word("resume", "resume by wang"))
        await town.reach(S.ON_WAY, S.ON_TASK, bound_s=30)
        assert keeper.answering is None
        keeper.holder = None


async def test_one_that_a_pilot_flies_counts_as_in_the_air(call_at: Make, make_town: Make) -> None:
    town = make_town(("a1", "a2"), max_airborne=1)
    async with town.open():
        await town.patrol()
        await town.until(lambda: S.ON_TASK in {town.state("a1"), town.state("a2")}, 200)
        for keeper in town.controller.supervisors.values():
            keeper.holder = "wang" if keeper.t.in_air else None
        call = await town.controller.calls.take(call_at(town, -300, 300))
        assert call.status is C.NOBODY, call.reason


async def test_a_call_that_is_closed_lets_its_drone_go(call_at: Make, make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        call = await town.controller.calls.take(call_at(town, 600, 0))
        await town.reach(S.ON_WAY)
        ended = await town.controller.calls.close(call.id, "nothing there", cancelled=True)
        assert ended.status is C.CANCELLED
        await town.reach(S.RETURNING)
        await town.until(lambda: town.state() is S.DOCKED and town.at_home(), 600)
        assert (await town.controller.calls.close(call.id, "again")).reason == "nothing there"
        with pytest.raises(Conflict, match="cancelled already"):
            await town.controller.calls.more(call.id, 1)
        with pytest.raises(NotFound):
            await town.controller.calls.close("other", "x")


async def test_a_recall_ends_the_calls_too(is_: Make, call_at: Make, make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        call = await town.controller.calls.take(call_at(town, 600, 0))
        await town.reach(S.ON_WAY)
        await town.controller.recall_all("storm", "wang")
        assert is_(town, call).status is C.CANCELLED
        await town.until(lambda: town.state() is S.DOCKED and town.at_home(), 600)
        await town.until(lambda: True, 60)
        assert town.state() is S.DOCKED


async def test_the_same_call_twice_is_one(call_at: Make, make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        first = await town.controller.calls.take(call_at(town, 600, 0))
        again = await town.controller.calls.take(call_at(town, 600, 0))
        assert again.id == first.id
        assert len(town.controller.calls.all()) == 1
        with pytest.raises(Conflict, match="needs an id of its own"):
            await town.controller.calls.take(call_at(town, 100, 0))


async def test_nobody_is_sent_where_the_store_does_not_take_the_call(
    call_at: Make, make_town: Make
) -> None:
    town = make_town()

    class Down(Forgetful):
        async def save_call(self, call: Call) -> None:
            raise StoreError("database is locked")

    town.make_more["calls"] = Down()
    async with town.open():
        await town.reach(S.DOCKED)
        with pytest.raises(StoreError):
            await town.controller.calls.take(call_at(town, 600, 0))
        assert town.controller.calls.all() == []


@pytest.mark.parametrize("moment", ["decided", "leaving", "on its way", "there", "diverted"])
async def test_a_controller_that_dies_goes_on_with_its_calls(
    away: Make, is_: Make, call_at: Make, make_town: Make, moment: str
) -> None:
    town = make_town()
    store = Forgetful()
    town.make_more["calls"] = store
    async with town.open():
        if moment == "diverted":
            await town.patrol()
            await town.reach(S.ON_TASK)
        else:
            await town.reach(S.DOCKED)
        call = call_at(town, -500, 200, on_scene_s=200.0)
        if moment == "decided":
            await store.save_call(call)  # and died before it looked at it
        else:
            await town.controller.calls.take(call)
        if moment == "leaving":
            await town.reach(S.OPENING)
        elif moment == "on its way":
            await town.reach(S.ON_WAY)
        elif moment == "there":
            await town.until(lambda: is_(town, call).status is C.ON_SCENE, 300)
        elif moment == "diverted":
            await town.reach(S.HELD)
        await town.kill()
        await town.start_again()
        await town.until(lambda: is_(town, call).there_at is not None, 400)
        assert away(town, "a1", call) < 20
        await town.until(lambda: is_(town, call).status is C.DONE, 400)
        await town.until(lambda: town.state() is S.DOCKED and town.at_home(), 1500)


async def test_nobody_to_send_is_said_and_tried_again_when_one_can(
    is_: Make, call_at: Make, make_town: Make
) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        keeper = town.controller.supervisors["a1"]
        keeper.holder = "wang"
        call = await town.controller.calls.take(call_at(town, 600, 0))
        assert call.status is C.NOBODY, call.reason
        assert call.reason == "nobody can: fleet: a1 (held by wang)"
        assert [(r.drone, r.constraint, r.reason) for r in call.refused] == [
            ("a1", "fleet", "held by wang")
        ]
        keeper.holder = None
        await town.until(lambda: is_(town, call).status is C.ASSIGNED, 5)
        assert is_(town, call).refused == ()


async def test_one_that_is_charging_goes_where_its_battery_will_do(
    is_: Make, call_at: Make, make_town: Make
) -> None:
    town = make_town(policy=Policy(ready_percent=99.0))
    town.vehicle.set(battery_percent=70.0)
    async with town.open():
        await town.reach(S.CHARGING)
        call = await town.controller.calls.take(call_at(town, 400, 0))
        assert call.status is C.ASSIGNED, call.reason
        await town.until(lambda: is_(town, call).status is C.ON_SCENE, 300)
        assert S.CHECKING in town.passed()


async def test_it_comes_home_to_another_dock_where_its_own_is_too_far(
    is_: Make, call_at: Make, make_town: Make
) -> None:
    town = make_town(docks=2)
    async with town.open():
        order = await town.patrol()
        await town.reach(S.ON_TASK)
        call = await town.controller.calls.take(call_at(town, 450, 150, on_scene_s=3000.0))
        # the longest stay is had from the dock beside it
        assert call.sent[0].ends_at == "d2"
        await town.until(lambda: is_(town, call).status is C.ON_SCENE, 300)
        await town.controller.cancel(order.id, "li")  # so that its mission is nobody's any more
        assert town.state() is S.HELD
        await town.controller.calls.close(call.id, "over")
        await town.until(lambda: town.state() is S.DOCKED, 900)
        truth = town.vehicle.truth
        d2 = next(dock.position for dock in town.city.docks if dock.id == "d2")
        assert math.dist(FRAME.to_enu(truth.lon, truth.lat), FRAME.to_enu(*d2)) < 3


async def test_what_the_desk_decides_does_not_wait_for_a_store_that_hangs(
    call_at: Make, make_town: Make
) -> None:
    town = make_town()

    class Slow(Forgetful):
        hangs = False

        async def save_call(self, call: Call) -> None:
            if self.hangs:
                await asyncio.sleep(3600)
            await super().save_call(call)

    store = town.make_more["calls"] = Slow()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        call = call_at(town, -300, 300)
        await store.save_call(call)
        taking = asyncio.create_task(town.controller.calls.take(call_at(town, -300, 310, "c2")))
        await asyncio.sleep(0)
        store.hangs = True
        await taking
        await town.until(lambda: "goto" in town.vehicle.commands, 3)
        store.hangs = False
        await town.until(lambda: store._calls["c2"].status is C.ON_SCENE, 300)
