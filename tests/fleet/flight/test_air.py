"""What goes wrong in the air: battery, dock, link, autopilot, pilots."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fleet.errors import OrderError
from fleet.model.records import SortieStatus
from fleet.model.states import DoorState, DroneState

S = DroneState
Make = Callable[..., Any]


async def fly(town: Any, *states: DroneState) -> None:
    await town.reach(S.DOCKED)
    await town.patrol()
    await town.reach(*(states or (S.ON_TASK,)))


async def test_battery_at_the_reserve_brings_it_home(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await fly(town)
        town.vehicle.set(battery_percent=25.0)
        await town.reach(S.RETURNING, bound_s=2)
        assert "battery 25 %" in town.live().reason
        await town.reach(S.CLOSING)
        assert "item" in town.vehicle.commands
        await town.until(town.at_home)
        assert town.store.sorties["a1-1"].status is SortieStatus.ABORTED
        assert [cell for cell, _, _ in town.store.visits] == []


async def test_a_long_way_home_is_begun_before_the_reserve(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await fly(town)
        town.vehicle.set(battery_percent=60.0)
        town.dock.set(wind_m_s=11.9)  # under the limit, and all but too strong to come home
        await town.reach(S.RETURNING, bound_s=30)
        assert "coming home takes" in town.live().reason


@pytest.mark.parametrize("state", [S.TAKING_OFF, S.ON_WAY, S.ON_TASK, S.RETURNING, S.LANDING])
async def test_link_loss_in_each_state_keeps_the_sortie(make_town: Make, state: DroneState) -> None:
    town = make_town()
    async with town.open():
        await fly(town, state)
        town.vehicle.silent = True
        await town.reach(S.LOST, bound_s=60)
        assert "no heartbeat since" in town.live().reason or state is S.TAKING_OFF
        assert town.controller.supervisors["a1"].sortie is not None
        told = list(town.vehicle.commands)
        await town.until(lambda: town.vehicle.truth.mode == "HOLD", 400)
        assert town.vehicle.commands == told
        town.vehicle.silent = False
        await town.until(lambda: S.CLOSING in town.passed() and town.at_home())


async def test_a_lost_drone_in_the_air_finds_its_dock_open(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await fly(town)
        await town.until(lambda: town.dock.state.door is DoorState.CLOSED)
        town.vehicle.silent = True
        await town.reach(S.LOST)
        await town.until(lambda: town.dock.state.door is DoorState.OPEN, 60)
        town.vehicle.set(mode="RETURN_TO_LAUNCH")  # NAV_DLL_ACT=2
        await town.until(lambda: not town.vehicle.truth.armed)
        town.dock.set(occupants=("a1",))
        await town.until(lambda: town.dock.state.door is DoorState.CLOSED, 60)
        assert town.state() is S.LOST
        town.vehicle.silent = False
        await town.reach(S.DOCKED)


async def test_a_drone_lost_in_its_dock_leaves_the_door_shut(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        town.vehicle.silent = True
        await town.reach(S.LOST)
        town.vehicle.silent = False
        await town.reach(S.DOCKED)
        assert town.dock.commands == []


async def test_autopilot_that_returns_by_itself_is_followed_home(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await fly(town)
        town.vehicle.say("Critical battery, return advised")
        town.vehicle.set(mode="RETURN_TO_LAUNCH")
        await town.reach(S.EMERGENCY, bound_s=3)
        assert town.live().reason == (
            "autopilot returns by its own decision: Critical battery, return advised"
        )
        await town.until(lambda: town.dock.state.door is DoorState.OPEN, 30)
        await town.reach(S.CLOSING)
        await town.until(town.at_home)
        assert "return" not in town.vehicle.commands


async def test_autopilot_that_lands_away_stays_an_emergency_with_the_place(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await fly(town)
        town.vehicle.set(mode="LAND")
        await town.reach(S.EMERGENCY)
        await town.until(lambda: "m from its dock" in town.live().reason)
        assert town.store.sorties["a1-1"].status is SortieStatus.FLYING
        town.vehicle.set(lat=24.51, lon=117.65)  # carried home
        await town.reach(S.DOCKED)
        assert town.store.sorties["a1-1"].status is SortieStatus.ABORTED


async def test_gps_loss_is_an_emergency(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await fly(town)
        town.vehicle.set(gps_fix=1)
        await town.reach(S.EMERGENCY, bound_s=5)
        assert "GPS fix is 1" in town.live().reason


async def test_a_storm_calls_it_home(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await fly(town)
        town.dock.set(rain_mm_h=9.0)
        await town.reach(S.RETURNING, bound_s=15)
        assert "rain 9 mm/h" in town.live().reason


async def test_the_wind_of_the_last_flight_does_not_keep_it_from_the_next(make_town: Make) -> None:
    town = make_town(limit=2)
    async with town.open():
        await fly(town)
        town.dock.set(wind_m_s=13.0)
        await town.reach(S.RETURNING, bound_s=30)
        await town.reach(S.CLOSING)
        town.vehicle.set(battery_percent=40.0)
        town.dock.set(wind_m_s=2.0)
        await town.reach(S.CHARGING)
        await asyncio.sleep(600.0)
        town.vehicle.set(battery_percent=90.0)
        await town.reach(S.OPENING)
        await town.reach(S.ON_WAY, S.CLOSING)
        assert town.state() is S.ON_WAY, town.live().reason


async def test_a_dock_that_does_not_open_is_asked_again(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await fly(town)
        town.dock.refuse = "motor overheated"
        await town.reach(S.RETURNING)
        await town.until(
            lambda: (
                "waits for its dock: dock d1: open refused: motor overheated" in town.live().reason
            )
        )
        await town.until(lambda: town.dock.commands.count("open") >= 4)
        assert town.vehicle.truth.mode == "HOLD"
        assert (town.vehicle.truth.altitude_m or 0) > 30
        town.dock.refuse = ""
        await town.reach(S.CLOSING)
        await town.until(town.at_home)


async def test_a_dock_that_never_opens_is_landed_on_when_the_battery_says_so(
    make_town: Make,
) -> None:
    town = make_town()
    async with town.open():
        await fly(town)
        town.dock.jam = True
        await town.reach(S.RETURNING)
        town.vehicle.set(battery_percent=20.0)
        town.vehicle.drain_percent_s = 0.1
        await town.reach(S.EMERGENCY)
        assert "lands on its dock as it is, battery" in town.live().reason
        await town.until(lambda: not town.vehicle.truth.armed)
        assert (town.vehicle.truth.battery_percent or 0) > 0
        assert town.vehicle.commands[-1] == "return"
        assert town.vehicle.truth.lat == 24.51


async def test_a_door_that_closes_under_a_landing_drone_stops_it(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await fly(town, S.LANDING)
        await town.until(lambda: town.vehicle.truth.mode == "RETURN_TO_LAUNCH")
        town.dock.set(door=DoorState.CLOSED)
        await town.reach(S.RETURNING, bound_s=5)
        assert "hold" in town.vehicle.commands
        await town.reach(S.CLOSING)
        await town.until(town.at_home)


async def test_a_dock_that_falls_silent_under_a_landing_drone_stops_it(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await fly(town, S.LANDING)
        town.silence_dock()
        town.vehicle.set(altitude_m=80.0)  # high enough to hear nothing of it for so long
        await town.until(lambda: "hold" in town.vehicle.commands, 60)
        assert town.vehicle.truth.altitude_m > 5
        await town.reach(S.CLOSING)  # asked again to open, it is heard again


async def test_a_return_that_is_refused_is_tried_again_then_an_emergency(make_town: Make) -> None:
    town = make_town()
    town.vehicle.refuse["return"] = "Return not available"
    async with town.open():
        await fly(town, S.LANDING)
        await town.reach(S.EMERGENCY)
        assert town.vehicle.commands.count("return") == 3
        assert "Return not available" in town.live().reason


async def test_a_pilot_holds_resumes_and_returns(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await fly(town)
        await town.controller.command("a1", "hold", "wang")
        await town.reach(S.HELD, bound_s=2)
        assert town.live().reason == "hold by wang"
        await town.until(lambda: town.vehicle.truth.mode == "HOLD", 5)
        await town.controller.command("a1", "resume", "wang")
        await town.reach(S.ON_TASK, bound_s=5)
        assert town.vehicle.truth.mode == "MISSION"
        await town.controller.command("a1", "return", "wang")
        await town.reach(S.CLOSING)
        await town.until(town.at_home)


async def test_a_pilot_lands_it_where_it_is(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await fly(town)
        await town.controller.command("a1", "land", "wang")
        await town.until(lambda: not town.vehicle.truth.armed)
        assert town.state() is S.EMERGENCY
        assert "lands where it is: land by wang" in town.live().reason
        for action in ("hold", "return", "land"):
            with pytest.raises(OrderError, match="a1 is on the ground, its motors are stopped"):
                await town.controller.command("a1", action, "wang")


async def test_a_vehicle_that_holds_by_itself_is_shown_held_and_comes_home_at_the_reserve(
    make_town: Make,
) -> None:
    town = make_town()
    async with town.open():
        await fly(town)
        town.vehicle.set(mode="HOLD")
        await town.reach(S.HELD, bound_s=6)
        assert "vehicle holds by its own decision" in town.live().reason
        town.vehicle.set(battery_percent=24.0)
        await town.reach(S.CLOSING)
        await town.until(town.at_home)


async def test_a_return_that_cannot_jump_to_the_way_home_uses_rtl(make_town: Make) -> None:
    town = make_town()
    town.vehicle.refuse["item"] = "unsupported"
    async with town.open():
        await fly(town)
        await town.controller.command("a1", "return", "wang")
        await town.reach(S.LANDING, bound_s=30)
        await town.reach(S.CLOSING)
        await town.until(town.at_home)


async def test_a_store_that_is_down_does_not_keep_a_drone_from_coming_home(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await fly(town)
        town.store.down = True
        town.vehicle.set(battery_percent=24.0)
        await town.until(town.at_home)
        town.store.down = False


@pytest.mark.parametrize("state", [S.RETURNING, S.LANDING])
async def test_a_pilot_at_the_sticks_is_left_alone_on_the_way_home(
    make_town: Make, state: DroneState
) -> None:
    town = make_town()
    async with town.open():
        await fly(town)
        await town.controller.command("a1", "return", "wang")
        await town.reach(state)
        await asyncio.sleep(1.0)  # of the loop's own time: the command has been answered
        town.vehicle.set(mode="POSCTL", battery_percent=21.0)  # at the reserve, too
        await town.reach(S.HELD, bound_s=2)
        assert "flown by hand (POSCTL)" in town.live().reason
        told = list(town.vehicle.commands)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                while town.vehicle.truth.mode == "POSCTL" and town.state() is S.HELD:
                    await asyncio.sleep(0.5)
        assert town.vehicle.commands == told
        town.vehicle.set(mode="HOLD")  # let go of: the battery speaks again
        await town.until(lambda: town.state() is S.CHARGING and town.at_home())


async def test_an_open_door_of_long_ago_is_not_landed_on(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await fly(town)
        long_ago = town.clock.now()
        town.dock.refuse = "no answer"  # it hangs, and the broker keeps its last word
        stale = {"door": DoorState.OPEN, "at": long_ago}
        town.dock.set(**stale)
        town.silence_dock()
        await asyncio.sleep(town.policy.dock_silent_s + 1)
        await town.controller.command("a1", "return", "wang")
        await town.until(lambda: "waits for its dock" in town.live().reason)
        await town.until(lambda: town.vehicle.truth.mode == "HOLD", 5)
        assert S.LANDING not in town.passed()
        town.dock.refuse = ""
        await town.until(lambda: town.state() is S.DOCKED and town.at_home())


async def test_one_that_flies_on_shuts_no_door_on_a_mate_that_is_yet_to_be_heard(
    make_town: Make,
) -> None:
    town = make_town(("a1", "a2"))
    town.planner.given["a2"] = town.planner.limit  # stays at home
    async with town.open():
        await fly(town)
        await town.until(lambda: town.dock.state.door is DoorState.CLOSED)
        await town.kill()
        # its mate was coming down when the controller died, and the radio is slow to come back
        record = replace(town.store.by_drone["a2"], state=S.LANDING)
        town.store.by_drone["a2"] = record
        town.vehicles["a2"].silent = True
        await asyncio.sleep(6)
        town.dock.set(door=DoorState.OPEN)
        town.dock.commands.clear()
        await town.start_again()
        await town.reach(S.ON_WAY, S.ON_TASK)
        await asyncio.sleep(5)
        assert town.state("a2") is S.UNKNOWN
        assert town.dock.commands == []
