"""A drone that a pilot holds or sends somewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from fleet.errors import OrderError, Refused
from fleet.flight.word import Word
from fleet.model.command import GoTo, Orbit
from fleet.model.states import DroneState

S = DroneState
Make = Callable[..., Any]
THERE = GoTo(action="goto", lon=117.651, lat=24.511, altitude_m=50.0)
CIRCLE = Orbit(action="orbit", lon=117.651, lat=24.511, altitude_m=50.0, radius_m=30.0)


async def say(town: Any, action: Any, demand: Any = None) -> str:
    answer = asyncio.get_running_loop().create_future()
    town.controller.tell("a1", Word(action, f"{action} by wang", demand, answer))
    async with asyncio.timeout(10):
        return str(await answer)


async def test_a_pilot_sends_it_somewhere_stops_it_and_lets_it_go_on(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        assert await say(town, "goto", THERE) == "flies to 24.511000, 117.651000 at 50 m"
        assert town.state() is S.HELD
        assert town.live().reason == "goto by wang"
        assert town.passed()[-1] is S.HELD
        await town.until(lambda: (town.vehicle.truth.altitude_m or 0) > 41)
        assert "holds at" in await say(town, "hold")
        assert town.vehicle.commands[-2:] == ["goto", "goto"]
        told = len(town.vehicle.commands)
        stopped = (town.vehicle.truth.lon, town.vehicle.truth.lat)
        await asyncio.sleep(30)
        assert (town.vehicle.truth.lon, town.vehicle.truth.lat) == pytest.approx(stopped, abs=2e-5)
        assert len(town.vehicle.commands) == told
        assert "circles at 30 m" in await say(town, "orbit", CIRCLE)
        await town.until(lambda: town.vehicle.truth.mode == "ORBIT")
        assert "holds at" in await say(town, "hold")
        assert town.vehicle.truth.mode == "HOLD"
        assert "flies its mission" in await say(town, "resume")
        assert town.vehicle.truth.mode == "MISSION"
        await town.until(lambda: town.state() is S.DOCKED and town.at_home(), 1500)


async def test_what_the_vehicle_refuses_is_answered_and_not_tried_again(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        town.vehicle.refuse["orbit"] = "radius too small"
        with pytest.raises(Refused, match="radius too small"):
            await say(town, "orbit", CIRCLE)
        await town.until(lambda: town.vehicle.truth.mode == "HOLD", 10)
        await asyncio.sleep(30)
        assert town.vehicle.commands.count("orbit") == 1
        assert town.state() is S.HELD


async def test_a_drone_in_circles_is_left_in_them_by_the_next_controller(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        await say(town, "orbit", CIRCLE)
        await town.kill()
        told = list(town.vehicle.commands)
        await town.start_again()
        await town.reach(S.HELD)
        await asyncio.sleep(30)
        assert town.live().reason == "found flying in circles"
        assert set(town.vehicle.commands[len(told) :]) <= {"holds"}


async def test_a_word_that_is_overruled_is_answered_with_what_overrules_it(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        town.vehicle.stuck = True
        hang = asyncio.get_running_loop().create_future()
        town.vehicle.go_to = lambda _target: hang
        answer = asyncio.get_running_loop().create_future()
        town.controller.tell("a1", Word("goto", "goto by wang", THERE, answer))
        await town.reach(S.HELD)
        town.vehicle.silent = True
        with pytest.raises(OrderError, match="a1 is lost: no heartbeat"):
            await asyncio.wait_for(answer, 30)


async def test_words_without_a_meaning_in_the_state_are_refused(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        with pytest.raises(OrderError, match="a1 is docked; 'goto' is for drones that are"):
            town.controller.tell("a1", Word("goto", "", THERE))
