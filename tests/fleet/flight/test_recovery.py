"""The controller is killed, and started again, at every step of a flight."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fleet.flight.overhead import flier
from fleet.flight.planning import sorties_of
from fleet.link.fake import FakeVehicle
from fleet.model.live import Telemetry
from fleet.model.order import OrderStatus
from fleet.model.records import SortieStatus
from fleet.model.states import DoorState, DroneState

S = DroneState
Make = Callable[..., Any]
STEPS = [
    S.CHECKING,
    S.OPENING,
    S.TAKING_OFF,
    S.ON_WAY,
    S.ON_TASK,
    S.RETURNING,
    S.LANDING,
    S.CLOSING,
]


class Killed(BaseException):
    """The process is gone."""


async def killed_at(town: Any, moment: Callable[[], bool]) -> None:
    await town.until(moment)
    await town.kill()


@pytest.mark.parametrize("step", STEPS)
async def test_killed_after_the_store_and_before_the_command(
    make_town: Make, step: DroneState
) -> None:
    """The store knows of the step; the vehicle and the dock were told nothing of it."""
    town = make_town()
    stored = asyncio.Event()

    def on_state(record: Any) -> None:
        if record.state is step and not stored.is_set():
            stored.set()
            asyncio.current_task().cancel()  # nothing after this write happens

    town.store.on_state = on_state
    async with town.open():
        await town.patrol()
        await asyncio.wait_for(stored.wait(), 600)
        await town.kill()
        told = list(town.vehicle.commands)
        await asyncio.sleep(7)
        assert town.vehicle.commands == told
        await town.start_again()
        await town.until(lambda: town.state() in {S.DOCKED, S.CHARGING} and town.at_home())
        status = town.store.sorties["a1-1"].status
        flew = step not in {S.CHECKING, S.OPENING, S.TAKING_OFF}
        assert status is (SortieStatus.COMPLETED if flew else SortieStatus.ABORTED)


@pytest.mark.parametrize("command", ["open", "load", "arm", "start", "item", "return", "close"])
async def test_killed_after_the_command_and_before_the_store(make_town: Make, command: str) -> None:
    """The vehicle or dock did it; the controller died before it could write that down."""
    town = make_town()
    async with town.open():
        await town.patrol()
        if command == "item":
            await town.reach(S.ON_TASK)
            await town.controller.command("a1", "return", "wang")
        told = town.dock.commands if command in {"open", "close"} else town.vehicle.commands
        if command == "close":
            await town.reach(S.LANDING)
            told.clear()
        await killed_at(town, lambda: command in told)
        await asyncio.sleep(7)
        before = list(town.vehicle.commands)
        await town.start_again()
        await town.until(
            lambda: town.state() in {S.ON_WAY, S.ON_TASK, S.DOCKED, S.CHARGING, S.EMERGENCY}
        )
        if (
            town.vehicle.truth.in_air
            and town.vehicle.truth.mode == "MISSION"
            and command == "start"
        ):
            assert set(town.vehicle.commands[len(before) :]) <= {"holds", "held_fence"}
        await town.until(lambda: town.state() in {S.DOCKED, S.CHARGING} and town.at_home())
        assert town.store.sorties["a1-1"].status in {SortieStatus.COMPLETED, SortieStatus.ABORTED}


@pytest.mark.parametrize("state", [S.ON_WAY, S.ON_TASK, S.RETURNING, S.LANDING])
async def test_a_drone_in_the_air_is_adopted_undisturbed(
    make_town: Make, state: DroneState
) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(state)
        await town.kill()
        told = list(town.vehicle.commands)
        await asyncio.sleep(3)
        await town.start_again()
        await town.until(lambda: town.state() not in {S.UNKNOWN})
        assert town.controller.supervisors["a1"].sortie.id == "a1-1"
        assert set(town.vehicle.commands[len(told) :]) <= {"holds", "held_fence", "return"}
        await town.until(lambda: town.state() is S.DOCKED and town.at_home())
        assert town.store.sorties["a1-1"].status is SortieStatus.COMPLETED
        assert list(town.store.sorties) == ["a1-1"]


@pytest.mark.parametrize("untold", ["battery_percent", "lon"])
async def test_a_drone_in_the_air_that_does_not_tell_all_is_adopted_all_the_same(
    make_town: Make, untold: str
) -> None:
    class Dumb(FakeVehicle):
        @property
        def telemetry(self) -> Telemetry:
            return super().telemetry.model_copy(update={untold: None})

    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        await town.kill()
        town.vehicle.__class__ = Dumb
        await town.start_again()
        await town.reach(S.ON_WAY, S.ON_TASK, bound_s=5)


async def test_a_held_drone_is_held_still(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        await town.controller.command("a1", "hold", "wang")
        await town.until(lambda: town.vehicle.truth.mode == "HOLD")
        await town.kill()
        await town.start_again()
        await town.reach(S.HELD)
        assert town.vehicle.truth.mode == "HOLD"


async def test_a_drone_that_flew_on_to_the_end_alone_is_taken_in(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_WAY)
        await town.kill()
        await town.until(lambda: town.vehicle.truth.mode == "HOLD")
        assert town.store.visits == []
        await town.start_again()
        await town.until(lambda: town.state() is S.DOCKED and town.at_home())
        assert [cell for cell, _, _ in town.store.visits] == ["b1-a1", "b1-a2"]
        assert town.store.sorties["a1-1"].status is SortieStatus.COMPLETED


async def test_a_drone_that_landed_meanwhile_is_shut_in(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.LANDING)
        await town.until(lambda: town.vehicle.truth.mode == "RETURN_TO_LAUNCH")
        await town.kill()
        await town.until(lambda: not town.vehicle.truth.armed)
        assert town.dock.state.door is DoorState.OPEN
        await town.start_again()
        await town.until(lambda: town.state() is S.DOCKED and town.at_home())


async def test_a_flight_that_is_not_ours_is_not_touched(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        await town.kill()
        town.vehicle.mission = town.vehicle.mission[:-1]
        told = list(town.vehicle.commands)
        await town.start_again()
        await town.reach(S.EMERGENCY)
        assert "not on a sortie of ours" in town.live().reason
        await asyncio.sleep(30)
        assert set(town.vehicle.commands[len(told) :]) <= {"holds", "held_fence"}


async def test_a_position_that_settles_is_not_believed_at_once(make_town: Make) -> None:
    town = make_town()
    town.vehicle.set(lat=24.52)
    async with town.open():
        await asyncio.sleep(5)
        assert town.state() is S.UNKNOWN
        town.vehicle.set(lat=24.51)
        await town.reach(S.DOCKED, bound_s=5)
        assert S.EMERGENCY not in town.passed()


async def test_a_drone_that_really_stands_elsewhere_is_an_emergency(make_town: Make) -> None:
    town = make_town()
    town.vehicle.set(lat=24.52)
    async with town.open():
        await town.reach(S.EMERGENCY, bound_s=30)
        assert "on the ground 1108 m from its dock" in town.live().reason


async def test_a_drone_that_never_answers_stops_nobody(make_town: Make) -> None:
    town = make_town(("a1", "a2"))
    town.vehicles["a2"].answers = False
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        assert town.live("a2").state is S.UNKNOWN
        assert "not heard of" in town.live("a2").reason
        await town.reach(S.CLOSING)


async def test_an_order_that_ended_while_we_were_away_calls_its_drone_home(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        order = await town.patrol()
        await town.reach(S.ON_TASK)
        await town.kill()
        await town.store.save_order(order.model_copy(update={"status": OrderStatus.CANCELLED}))
        await town.start_again()
        await town.reach(S.RETURNING, bound_s=10)
        assert town.live().reason == "its order has ended"


async def test_a_drone_that_a_pilot_keeps_after_its_order_has_ended_is_left_to_the_pilot(
    make_town: Make,
) -> None:
    town = make_town()
    async with town.open():
        order = await town.patrol()
        await town.reach(S.ON_TASK)
        await town.controller.cancel(order.id, "chen")
        await town.reach(S.RETURNING)
        await town.controller.command("a1", "hold", "wang")
        await town.until(lambda: town.state() is S.HELD and town.vehicle.telemetry.mode == "HOLD")
        await town.kill()
        held = town.store.by_drone["a1"]
        town.store.by_drone["a1"] = replace(held, holder="wang")  # as the pilots' desk writes it
        told = list(town.vehicle.commands)
        await town.start_again()
        await asyncio.sleep(60)
        assert town.state() is S.HELD
        assert set(town.vehicle.commands[len(told) :]) <= {"holds", "held_fence"}


async def test_a_drone_that_acts_by_itself_is_not_called_home_after_its_order(
    make_town: Make,
) -> None:
    town = make_town()
    async with town.open():
        order = await town.patrol()
        await town.reach(S.ON_TASK)
        town.vehicle.set(mode="RETURN_TO_LAUNCH")
        await town.reach(S.EMERGENCY)
        await town.kill()
        await town.store.save_order(order.model_copy(update={"status": OrderStatus.CANCELLED}))
        told = list(town.vehicle.commands)
        await town.start_again()
        await asyncio.sleep(8)
        assert town.state() is S.EMERGENCY
        assert set(town.vehicle.commands[len(told) :]) <= {"holds", "held_fence"}


async def test_a_drone_heard_and_lost_at_once_is_no_fault(make_town: Make) -> None:
    town = make_town()
    town.vehicle.set(armed=True)  # neither on the ground nor in the air: not to be told yet
    town.vehicle.stuck = True
    async with town.open():
        await town.until(lambda: town.vehicle.telemetry.connected)
        town.vehicle.set(mode="MISSION")
        town.vehicle.silent = True
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                while "fault" not in town.live().reason:
                    await asyncio.sleep(0.5)
        town.vehicle.set(armed=False)
        town.vehicle.silent = False
        await town.until(lambda: town.state() is S.DOCKED)


async def test_a_drone_lost_before_the_controller_died_finds_its_dock_open(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        await town.controller.command("a1", "return", "wang")
        await town.reach(S.RETURNING)
        await town.kill()
        town.vehicle.set(mode="RETURN_TO_LAUNCH")  # by itself: nobody is heard any more
        town.vehicle.silent = True
        await asyncio.sleep(6)
        await town.start_again()
        await town.reach(S.LOST, bound_s=60)
        await town.until(lambda: town.dock.state.door is DoorState.OPEN, 60)
        town.vehicle.silent = False
        await town.until(lambda: town.state() is S.DOCKED and town.at_home())
        assert S.EMERGENCY not in town.passed(), "its return was ours, as recorded"


async def test_what_a_lost_drone_saw_is_free_again_when_its_battery_has_ended(
    make_town: Make,
) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        keepers = tuple(town.controller.supervisors.values())
        town.vehicle.silent = True
        await town.until(lambda: town.dock.state.door is DoorState.OPEN, 60)
        assert [s.id for s in sorties_of(keepers)] == ["a1-1"]
        await town.until(lambda: not list(sorties_of(keepers)), 3600)
        assert town.state() is S.LOST
        await town.until(lambda: town.dock.state.door is DoorState.CLOSED, 60)


async def test_where_a_lost_drone_was_last_seen_is_free_again_when_its_battery_has_ended(
    make_town: Make,
) -> None:
    town = make_town(("a1", "a2"), limit=99, max_airborne=1)
    town.vehicles["a2"].set(armable=False)
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        town.vehicle.set(altitude_m=55.0)  # where the other is to fly
        await asyncio.sleep(1)
        town.vehicle.silent, town.vehicle.stuck = True, True  # it hangs in a tree
        await town.reach(S.LOST)
        keeper = town.controller.supervisors["a1"]
        await town.until(lambda: keeper.spent, 7200)
        town.vehicles["a2"].set(armable=True)
        await town.reach(S.ON_WAY, drone="a2", bound_s=300)


async def test_one_lost_without_a_sortie_is_taken_to_be_down_when_its_battery_has_ended(
    make_town: Make,
) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        town.vehicle.set(in_air=True, armed=True, landed_state="IN_AIR", altitude_m=30.0)
        await town.reach(S.EMERGENCY)
        town.vehicle.silent = True
        await town.reach(S.LOST)
        await town.until(lambda: town.dock.state.door is DoorState.OPEN, 60)
        keeper = town.controller.supervisors["a1"]
        assert flier(keeper.world, keeper).speed_m_s == keeper.drone.cruise_m_s
        await town.until(lambda: town.dock.state.door is DoorState.CLOSED, 7200)


async def test_what_a_drone_saw_that_landed_away_is_free_again(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        keepers = tuple(town.controller.supervisors.values())
        town.vehicle.set(mode="LAND")
        await town.reach(S.EMERGENCY)
        assert [s.id for s in sorties_of(keepers)] == ["a1-1"]
        await town.until(lambda: not town.vehicle.truth.armed)
        await town.until(lambda: not list(sorties_of(keepers)), 10)


async def test_a_drone_that_is_found_back_in_its_dock_soon_after_leaving_can_fly_again(
    make_town: Make,
) -> None:
    town = make_town(limit=2)
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_WAY)
        town.vehicle.silent = True  # and carried back: a vehicle that was started anew, say
        await town.reach(S.LOST)
        fresh = {"armed": False, "in_air": False, "landed_state": "ON_GROUND", "mode": "HOLD"}
        town.vehicle.set(lon=117.65, lat=24.51, altitude_m=0.0, **fresh)
        town.vehicle.silent = False
        await town.reach(S.DOCKED, bound_s=60)
        await town.reach(S.TAKING_OFF, bound_s=45)


async def test_a_drone_that_is_suddenly_down_is_not_taken_to_fly_on(make_town: Make) -> None:
    """PX4 calls itself landed as soon as its motors are stopped, in the air too."""
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        await town.patrol()
        await town.reach(S.ON_TASK)
        town.vehicle.set(armed=False, in_air=False, landed_state="ON_GROUND", altitude_m=0.0)
        await town.reach(S.EMERGENCY, bound_s=10.0)
        await town.until(lambda: "from its dock" in town.live().reason, 60.0)


async def test_a_drone_in_the_air_is_taken_over_while_the_store_hangs(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        await town.kill()
        save, go_on = town.store.save_drone, asyncio.Event()

        async def hang(record: Any) -> None:
            await go_on.wait()
            await save(record)

        town.store.save_drone = hang
        await town.start_again()
        await town.reach(S.ON_WAY, S.ON_TASK, bound_s=2)
        go_on.set()
