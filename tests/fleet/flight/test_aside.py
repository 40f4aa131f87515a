"""A drone that a pilot holds or sends somewhere, or that gets out of others' way."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable
from typing import Any

import pytest

from fleet.errors import LinkError, OrderError, Refused
from fleet.flight.word import Word
from fleet.model.command import GoTo, Orbit
from fleet.model.states import DroneState
from fleet.model.traffic import Aircraft
from missions.geo import LocalFrame

S = DroneState
FRAME = LocalFrame(117.65, 24.51)
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


@pytest.mark.parametrize("word", ["hold", "return"])
async def test_a_pilot_takes_back_a_landing_out_there(make_town: Make, word: str) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        assert await say(town, "land") == "lands here"
        await town.until(lambda: town.vehicle.truth.mode == "LAND" and town.state() is S.EMERGENCY)
        last = town.controller.supervisors["a1"].programme.last if word == "return" else None
        told = {"hold": "holds at", "return": f"flies home, by item {last} of its mission"}
        assert told[word] in await say(town, word)
        assert town.vehicle.truth.mode != "LAND"
        await town.until(lambda: town.state() in {S.HELD, S.RETURNING}, 10)
        await asyncio.sleep(10)
        assert "own decision" not in town.live().reason
        assert town.state() is not S.EMERGENCY
        assert town.vehicle.truth.in_air


async def test_a_landing_that_does_not_let_itself_be_taken_back_is_stood_by(
    make_town: Make,
) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        await say(town, "land")
        town.vehicle.refuse["hold"] = "not now"
        with pytest.raises(Refused, match="not now"):
            await say(town, "hold")
        await town.until(lambda: town.state() is S.EMERGENCY, 10)


async def test_a_pilot_holds_it_on_its_way_down_to_its_dock(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.LANDING, 1500)
        await town.until(lambda: town.vehicle.truth.mode == "RETURN_TO_LAUNCH", 60)
        assert "holds at" in await say(town, "hold")
        assert town.vehicle.truth.mode == "HOLD"
        assert town.state() is S.HELD


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
        assert set(town.vehicle.commands[len(told) :]) <= {"holds", "held_fence"}


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
        with pytest.raises(LinkError, match="a1 is lost: no heartbeat"):  # FAILED, not REFUSED
            await asyncio.wait_for(answer, 30)


async def test_words_without_a_meaning_in_the_state_are_refused(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        with pytest.raises(OrderError, match="a1 is docked; 'goto' is for drones that are"):
            town.controller.tell("a1", Word("goto", "", THERE))


def aircraft(town: Any, north_m: float, altitude_m: float, **fields: Any) -> Aircraft:
    truth = town.vehicle.truth
    lat = truth.lat + north_m / 111_320.0
    return Aircraft(0x780123, "B7012", town.clock.now(), truth.lon, lat, altitude_m, **fields)


async def test_it_goes_down_for_a_manned_aircraft_and_on_when_it_has_gone(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        town.vehicle.traffic = (aircraft(town, 600.0, 120.0),)
        await town.reach(S.AVOIDING, bound_s=0.3)
        assert re.match("aircraft B7012 is [56][0-9]{2} m away, 80 m above", town.live().reason)
        await town.until(lambda: (town.vehicle.truth.altitude_m or 99) < 31)
        assert town.vehicle.commands[-1] == "goto"
        assert town.state() is S.AVOIDING
        assert town.vehicle.commands.count("goto") == 1
        town.vehicle.traffic = ()
        await town.reach(S.ON_WAY, S.ON_TASK, bound_s=8)
        await town.until(lambda: town.vehicle.truth.mode == "MISSION", 1)
        await town.until(lambda: town.state() is S.DOCKED and town.at_home(), 1500)


async def test_one_that_was_coming_home_comes_home_afterwards(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        await town.controller.command("a1", "return", "wang")
        await town.until(lambda: "item" in town.vehicle.commands)
        town.vehicle.traffic = (aircraft(town, 600.0, 120.0),)
        await town.reach(S.AVOIDING, bound_s=0.3)
        town.vehicle.traffic = ()
        await town.reach(S.RETURNING, bound_s=8)
        await town.until(lambda: town.state() in {S.DOCKED, S.CHARGING} and town.at_home(), 1500)


async def test_one_that_was_held_is_held_again(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        await say(town, "hold")
        town.vehicle.traffic = (aircraft(town, 600.0, 120.0),)
        await town.reach(S.AVOIDING, bound_s=0.3)
        town.vehicle.traffic = ()
        await town.reach(S.HELD, bound_s=15)
        assert town.live().reason == "the air is clear; was held before"
        assert town.vehicle.truth.mode == "HOLD"


async def test_the_next_controller_goes_on_with_what_is_out_of_the_way(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        town.vehicle.traffic = (aircraft(town, 600.0, 120.0),)
        await town.until(lambda: town.vehicle.truth.mode == "HOLD")
        await town.kill()
        town.vehicle.traffic = ()
        await town.start_again()
        await town.reach(S.AVOIDING, bound_s=5)
        await town.reach(S.ON_WAY, S.ON_TASK, bound_s=8)
        await town.until(lambda: town.state() is S.DOCKED and town.at_home(), 1500)


async def test_of_two_that_meet_one_gives_way_and_both_come_home(make_town: Make) -> None:
    town = make_town(("a1", "a2"))
    nearest = 1e9

    def look() -> None:
        nonlocal nearest
        one, two = (town.vehicles[d].truth for d in ("a1", "a2"))
        if one.in_air and two.in_air and min(one.altitude_m, two.altitude_m) > 25:
            place = FRAME.to_enu(one.lon, one.lat)
            other = FRAME.to_enu(two.lon, two.lat)
            level = math.dist(place, other)
            if abs(one.altitude_m - two.altitude_m) < 12:
                nearest = min(nearest, level)

    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK, drone="a1")
        await town.reach(S.ON_WAY, drone="a2")
        stop = town.vehicles["a2"].listen(look)
        # a planner's fault: both at one height, one towards the other
        await say(town, "hold")
        await town.until(lambda: (town.vehicles["a2"].truth.altitude_m or 0) > 54)
        truth = town.vehicle.truth
        there = GoTo(action="goto", lon=truth.lon, lat=truth.lat, altitude_m=40.0)
        town.controller.tell("a2", Word("goto", "goto by wang", there))
        await town.reach(S.AVOIDING, drone="a2", bound_s=120)
        assert "a1" in town.live("a2").reason
        await asyncio.sleep(60)
        assert nearest > 15
        for drone in ("a1", "a2"):
            await town.controller.command(drone, "return", "wang")
        await town.until(
            lambda: all(town.state(d) in {S.DOCKED, S.CHARGING} for d in ("a1", "a2")), 2000
        )
        stop()


async def test_one_that_a_pilot_sends_under_a_landing_drone_stays_out_of_its_way(
    make_town: Make,
) -> None:
    """It has not the gate of the column, however slowly it comes."""
    town = make_town(("a1", "a2"))
    one, two = town.vehicles["a1"], town.vehicles["a2"]
    nearest = math.inf

    def look() -> None:
        nonlocal nearest
        a, b = one.truth, two.truth
        if a.in_air and b.in_air and abs(a.altitude_m - b.altitude_m) < 12:
            places = (FRAME.to_enu(t.lon, t.lat) for t in (a, b))
            nearest = min(nearest, math.dist(*places))

    def beside(altitude: float, east: float, speed: float | None = None) -> GoTo:
        lon, lat = FRAME.to_lonlat(east, 0.0)
        return GoTo(action="goto", lon=lon, lat=lat, altitude_m=altitude, speed_m_s=speed)

    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK, drone="a1")
        await town.reach(S.ON_TASK, drone="a2")
        assert "flies to" in await say(town, "goto", beside(15.0, 60.0))
        await town.controller.command("a2", "return", "wang")
        await town.until(lambda: one.truth.altitude_m < 16, 120)
        await town.reach(S.LANDING, drone="a2")
        stop = two.listen(look)
        assert "flies to" in await say(town, "goto", beside(15.0, 0.0, 2.0))
        await town.reach(S.CLOSING, S.CHARGING, drone="a2", bound_s=120)
        stop()
        assert nearest > 24
        await town.controller.command("a1", "return", "wang")
        await town.until(
            lambda: all(town.state(d) in {S.DOCKED, S.CHARGING} for d in ("a1", "a2")), 2000
        )
