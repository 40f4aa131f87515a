"""The air over a dock is kept for those who may come there with nobody telling them anything."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fleet.flight.overhead import flier, may_be_aloft
from fleet.link.fake import FakeVehicle
from fleet.model.live import Telemetry
from fleet.model.states import DoorState, DroneState
from missions.geo import LocalFrame

S = DroneState
Make = Callable[..., Any]
PAD = (117.65, 24.51)


def away_m(vehicle: Any) -> float:
    truth = vehicle.truth
    return math.hypot(*LocalFrame(*PAD).to_enu(truth.lon, truth.lat))


def are_near(one: Any, other: Any) -> bool:
    a, b = one.truth, other.truth
    level = math.hypot(*LocalFrame(a.lon, a.lat).to_enu(b.lon, b.lat))
    height = abs(a.altitude_m - b.altitude_m)
    return a.in_air and b.in_air and level < 30 and height < 14.5


@pytest.mark.parametrize("metres", [310, 250, 200, 160])
async def test_no_take_off_into_the_way_of_one_that_comes_home(
    make_town: Make, metres: int
) -> None:
    """a1 comes home at 40 m; a2, which flies at 55 m, is wanted; the controller dies as it leaves."""
    town = make_town(("a1", "a2"))
    a1, a2 = town.vehicles.values()
    town.planner.given["a2"] = 1
    async with town.open():
        await town.patrol()
        await town.until(lambda: a1.truth.mission_current == a1.truth.mission_total - 1)
        await town.until(lambda: away_m(a1) <= metres)
        town.planner.given["a2"] = -9
        await town.until(lambda: "a1 may be over the dock" in town.live("a2").reason, 20.0)
        await town.until(lambda: a2.truth.in_air)
        await town.kill()
        for _ in range(600):
            assert not are_near(a1, a2)
            await asyncio.sleep(0.1)


async def test_one_that_stays_long_enough_hinders_nobody(make_town: Make) -> None:
    town = make_town(("a1", "a2"))
    a1, a2 = town.vehicles.values()
    town.planner.given["a2"], town.planner.hold_s = 1, 300.0
    async with town.open():
        await town.patrol()
        await town.until(lambda: town.state("a1") is S.ON_TASK and a1.truth.mission_current >= 6)
        await asyncio.sleep(30.0)
        town.planner.given["a2"] = -9
        await town.until(lambda: a2.truth.in_air, 60.0)
        assert a1.truth.mission_current == a1.truth.mission_total - 2


async def lost_over_its_dock(town: Any) -> tuple[Any, Any]:
    """Have a1 lost on its way home: it goes on and holds over its dock. a2 comes home after it."""
    a1, a2 = town.vehicles.values()
    await town.patrol()
    await town.until(lambda: town.state("a2") is S.ON_TASK)
    await town.until(lambda: a1.truth.mission_current == a1.truth.mission_total - 1)
    await town.until(lambda: away_m(a1) < 200)
    a1.silent = True
    await town.until(lambda: a1.truth.mode == "HOLD" and away_m(a1) < 5)
    assert a1.truth.in_air
    return a1, a2


async def test_nobody_comes_down_where_one_that_is_not_heard_may_hover(make_town: Make) -> None:
    town = make_town(("a1", "a2"))
    async with town.open():
        a1, a2 = await lost_over_its_dock(town)
        await town.until(lambda: "a1 is not heard and may be over" in town.live("a2").reason)
        for _ in range(1200):
            assert not are_near(a1, a2)
            await asyncio.sleep(0.1)
        assert town.state("a2") is S.RETURNING
        a1.silent = False
        for drone in ("a1", "a2"):
            await town.until(lambda d=drone: town.state(d) in {S.CHARGING, S.DOCKED})
        assert town.passed("a1")[-1] in {S.CHARGING, S.DOCKED}


class Blind(FakeVehicle):
    """A vehicle that is heard and does not tell where it is."""

    @property
    def telemetry(self) -> Telemetry:
        nowhere = {"lon": None, "lat": None, "altitude_m": None}
        return super().telemetry.model_copy(update=nowhere)


async def test_nobody_comes_down_where_one_that_does_not_tell_its_place_may_be(
    make_town: Make,
) -> None:
    town = make_town(("a1", "a2"))
    a1, a2 = town.vehicles.values()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK, drone="a2")
        await town.until(lambda: a1.truth.mission_current == a1.truth.mission_total - 1)
        await town.until(lambda: away_m(a1) < 200)
        a1.__class__, a1.stuck = Blind, True
        await town.until(lambda: "where a1 is nobody knows" in town.live("a2").reason)
        await asyncio.sleep(100)
        assert a2.truth.altitude_m > 50
        a1.__class__, a1.stuck = FakeVehicle, False
        for drone in ("a1", "a2"):
            await town.until(lambda d=drone: town.state(d) in {S.CHARGING, S.DOCKED})


async def test_one_that_leaves_keeps_its_dock_until_it_is_seen_to_be_gone(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_WAY)
        town.vehicle.__class__ = Blind
        await asyncio.sleep(4.5)  # then it is called home
        keeper = town.controller.supervisors["a1"]
        assert keeper.gate.holder == "a1"


async def test_it_goes_to_another_dock_where_there_is_one(make_town: Make) -> None:
    town = make_town(("a1", "a2"), docks=2)
    async with town.open():
        await lost_over_its_dock(town)
        await town.until(lambda: town.controller.supervisors["a2"].berth == "d2")
        await town.until(lambda: town.state("a2") in {S.CHARGING, S.DOCKED})


async def test_nor_for_a_controller_that_was_started_again(make_town: Make) -> None:
    town = make_town(("a1", "a2"))
    async with town.open():
        await lost_over_its_dock(town)
        await town.kill()
        await town.start_again()
        await town.until(lambda: "a1 is not heard and may be over" in town.live("a2").reason)
        assert may_be_aloft(town.controller.supervisors["a1"])


async def test_one_that_its_dock_counts_is_not_in_the_air(make_town: Make) -> None:
    town = make_town(("a1", "a2"))
    async with town.open():
        await lost_over_its_dock(town)
        keeper = town.controller.supervisors["a1"]
        assert may_be_aloft(keeper)
        assert flier(keeper.world, keeper).unheard_s > 0
        town.dock.set(occupants=("a1",), door=DoorState.OPEN)
        assert not may_be_aloft(keeper)


async def test_one_found_coming_down_on_a_closed_dock_is_stopped(make_town: Make) -> None:
    """a1 was told to land by a controller that died; a2, not heard, may be over the dock meanwhile."""
    town = make_town(("a1", "a2"))
    a1, a2 = town.vehicles.values()
    async with town.open():
        await town.patrol()
        await town.until(lambda: town.state("a1") is S.LANDING)
        await town.until(lambda: a1.truth.mode == "RETURN_TO_LAUNCH")
        assert a2.truth.in_air
        await town.kill()
        a2.answers = False
        a2._told = Telemetry(at=town.clock.now())
        town.dock.set(door=DoorState.CLOSED)
        await town.start_again()
        await town.until(lambda: "a2 is not heard and may be over" in town.live("a1").reason)
        await asyncio.sleep(10.0)
        assert a1.truth.mode == "HOLD"
        assert (a1.truth.altitude_m or 0.0) > 20.0


async def test_nobody_flies_in_under_one_that_is_half_way_down(make_town: Make) -> None:
    """The controller died; the next adopts a1, which waits beside the dock, in the same moment."""
    town = make_town(("a1", "a2"))
    a1, a2 = town.vehicles.values()
    async with town.open():
        await town.patrol()
        await town.until(lambda: town.state("a1") is S.ON_TASK and a2.truth.in_air)
        await town.controller.recall_all("typhoon", "wang")
        await town.until(lambda: town.state("a1") is S.RETURNING)
        await town.kill()
        lon, lat = LocalFrame(*PAD).to_lonlat(56.0, 0.0)
        a1.set(mode="HOLD", lon=lon, lat=lat, altitude_m=40.0)
        a2.set(mode="HOLD", lon=PAD[0], lat=PAD[1], altitude_m=43.0)
        town.store.by_drone["a2"] = replace(town.store.by_drone["a2"], state=S.LANDING)
        town.dock.set(door=DoorState.OPEN)
        await town.start_again()
        for _ in range(600):
            assert not are_near(a1, a2)
            await asyncio.sleep(0.1)
        for drone in ("a1", "a2"):
            await town.until(lambda d=drone: town.state(d) in {S.CHARGING, S.DOCKED})
