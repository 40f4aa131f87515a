"""A second drone for a call, and reliefs, answered by a controller with fakes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from fleet.flight.policy import Policy
from fleet.flight.response import decision, desk
from fleet.flight.response.book import leaves_at
from fleet.flight.response.decision import Relief
from fleet.flight.response.memory import Forgetful
from fleet.model.call import CallStatus, SentStatus
from fleet.model.states import DroneState
from missions.geo import LocalFrame
from missions.responder.answer import RELIEF_S

S, C = DroneState, CallStatus
FRAME = LocalFrame(117.65, 24.51)
Make = Callable[..., Any]


async def test_a_second_drone_on_request(is_: Make, call_at: Make, make_town: Make) -> None:
    town = make_town(("a1", "a2"))
    async with town.open():
        await town.reach(S.DOCKED, drone="a1")
        await town.reach(S.DOCKED, drone="a2")
        call = await town.controller.calls.take(call_at(town, 500, 0, on_scene_s=600.0))
        await town.until(lambda: is_(town, call).status is C.ON_SCENE, 200)
        more = await town.controller.calls.more(call.id, 1)
        assert more.want == 2
        assert len(more.flying) == 2
        await town.until(
            lambda: all(s.status is SentStatus.THERE for s in is_(town, call).flying), 200
        )
        heights = [town.vehicles[d].truth.altitude_m for d in ("a1", "a2")]
        assert abs(heights[0] - heights[1]) > 13


@pytest.mark.long
async def test_a_call_that_outlasts_a_battery_is_watched_on_by_another(
    away: Make, is_: Make, call_at: Make, make_town: Make
) -> None:
    town = make_town(("a1", "a2"))
    async with town.open():
        await town.reach(S.DOCKED, drone="a1")
        await town.reach(S.DOCKED, drone="a2")
        call = await town.controller.calls.take(call_at(town, 700, 200, on_scene_s=3000.0))
        first = call.sent[0].drone
        await town.until(lambda: is_(town, call).status is C.ON_SCENE, 300)
        since, gaps = town.clock.monotonic(), 0
        while is_(town, call).open and town.clock.monotonic() - since < 2900:
            await asyncio.sleep(5)
            gaps += not any(away(town, drone, call) < 25 for drone in ("a1", "a2"))
        sent = is_(town, call).sent
        assert [one.drone for one in sent][:2] == [first, {"a1": "a2", "a2": "a1"}[first]]
        assert sent[0].reason.startswith("relieved")
        assert gaps == 0


async def test_a_relief_is_asked_for_by_when_the_other_leaves(
    is_: Make, call_at: Make, make_town: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And for what is left of the call then; a first answer is not."""
    asked: list[Relief | None] = []

    def heard(*args: Any) -> Any:
        asked.append(args[-1])
        return decision.decide(*args)

    monkeypatch.setattr(desk, "decide", heard)
    town = make_town(("a1", "a2"), policy=Policy(ready_percent=30.0))
    town.vehicles["a1"].set(battery_percent=45.0)
    async with town.open():
        await town.reach(S.DOCKED, drone="a1")
        town.vehicles["a2"].set(battery_percent=40.0)
        call = await town.controller.calls.take(call_at(town, 600, 0, on_scene_s=1500.0))
        assert asked == [None]
        await town.until(lambda: is_(town, call).status is C.ON_SCENE, 200)
        town.vehicles["a2"].set(battery_percent=100.0)
        await town.until(lambda: len(is_(town, call).flying) == 2, 600)
        relief, now = asked[-1], town.clock.now()
        (first, second), there = is_(town, call).sent, is_(town, call).there_at
        assert relief is not None
        assert 0 < relief.by_s <= RELIEF_S
        leaves_s = (leaves_at(first) - now).total_seconds()
        assert relief.by_s == pytest.approx(leaves_s, abs=15)
        assert relief.on_scene_s == pytest.approx(
            1500.0 - (now - there).total_seconds() - leaves_s, abs=15
        )
        assert second.due_at <= leaves_at(first)


async def test_a_relief_comes_sooner_where_the_battery_sinks_faster(
    is_: Make, call_at: Make, make_town: Make
) -> None:
    """Than was reckoned when the first was sent: wind has risen, or a cell is weak."""
    town = make_town(("a1", "a2"), policy=Policy(ready_percent=30.0))
    async with town.open():
        await town.reach(S.DOCKED, drone="a1")
        await town.reach(S.DOCKED, drone="a2")
        call = await town.controller.calls.take(call_at(town, 600, 0, on_scene_s=1500.0))
        await town.until(lambda: is_(town, call).status is C.ON_SCENE, 200)
        first = is_(town, call).sent[0]
        await asyncio.sleep(20)
        assert len(is_(town, call).flying) == 1
        town.vehicles[first.drone].set(battery_percent=30.0)
        await town.until(lambda: len(is_(town, call).flying) == 2, 20)
        assert leaves_at(first) - town.clock.now() > timedelta(seconds=2 * RELIEF_S)
        await town.until(lambda: is_(town, call).flying[-1].status is SentStatus.THERE, 200)


@pytest.mark.parametrize("dies", [False, True])
async def test_a_relief_whose_drone_is_taken_first_has_the_call_for_itself(
    away: Make, is_: Make, call_at: Make, make_town: Make, dies: bool
) -> None:
    town = make_town(("a1", "a2"), policy=Policy(ready_percent=30.0))
    town.make_more["calls"] = Forgetful()
    town.vehicles["a1"].set(battery_percent=45.0)
    town.vehicles["a2"].set(battery_percent=20.0)
    async with town.open():
        await town.reach(S.DOCKED, drone="a1")
        call = await town.controller.calls.take(call_at(town, 600, 0, on_scene_s=1500.0))
        assert [s.drone for s in call.sent] == ["a1"]
        await town.until(lambda: is_(town, call).status is C.ON_SCENE, 200)
        town.vehicles["a2"].set(battery_percent=100.0)
        await town.until(lambda: len(is_(town, call).flying) == 2, 600)
        await town.reach(S.ON_WAY, drone="a2")
        other = await town.controller.calls.take(
            call_at(town, 620, 60, "c2", priority=9, on_scene_s=60.0)
        )
        assert [s.drone for s in other.flying] == ["a1"]
        if dies:
            await town.kill()
            await asyncio.sleep(0.5)
            await town.start_again()
        await town.until(lambda: is_(town, other).status is C.ON_SCENE, 100)
        await town.until(lambda: is_(town, call).status is C.ON_SCENE, 200)
        # one is enough: neither is another sent, nor is the relief called off, nor a1 sent back
        await town.until(lambda: is_(town, other).status is C.DONE, 200)
        await asyncio.sleep(60)
        assert [s.drone for s in is_(town, call).flying] == ["a2"]
        assert [s.drone for s in is_(town, call).sent] == ["a1", "a2"]
        assert away(town, "a2", call) < 25
