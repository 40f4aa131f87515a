"""The next drone waits over the dock, above the one that comes down into it."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.flight.policy import Policy
from fleet.flight.stacking import GAP_M, LOWEST_M, STEP_M, in_the_way_up, lowest, next_down
from fleet.model.command import GoTo
from fleet.model.states import DoorState, DroneState
from missions.city import Marker
from missions.geo import LocalFrame

S = DroneState
Make = Callable[..., Any]
PAD = (117.65, 24.51)


@given(layer=st.floats(30, 120), below=st.floats(-5, 120))
def test_it_waits_below_its_layer_and_well_above_the_other(layer: float, below: float) -> None:
    low = lowest(layer, below)
    assert low is None or (LOWEST_M <= low <= layer and low - below > GAP_M - 1e-6)
    assert low is not None or below + GAP_M > layer or layer < LOWEST_M


def away(town: Any, drone: str) -> float:
    truth = town.vehicles[drone].truth
    return math.hypot(*LocalFrame(*PAD).to_enu(truth.lon, truth.lat))


def height(town: Any, drone: str) -> float:
    return float(town.vehicles[drone].truth.altitude_m)


@asynccontextmanager
async def closest(town: Any) -> AsyncIterator[list[tuple[float, float]]]:
    """Collect how near two drones in the air ever were: level and in height."""
    seen: list[tuple[float, float]] = []

    async def watch() -> None:
        while True:
            up = [v.truth for v in town.vehicles.values() if v.truth.in_air]
            for i, a in enumerate(up):
                for b in up[i + 1 :]:
                    level = math.hypot(*LocalFrame(a.lon, a.lat).to_enu(b.lon, b.lat))
                    seen.append((level, abs(a.altitude_m - b.altitude_m)))
            await asyncio.sleep(0.2)

    task = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def kept(seen: list[tuple[float, float]]) -> bool:
    return all(level >= 30 or up >= 14.9 for level, up in seen)


def with_marker(town: Any) -> Any:
    docks = tuple(
        d.model_copy(update={"marker": Marker(id=7, size_m=0.6)}) for d in town.city.docks
    )
    town.city = town.city.model_copy(update={"docks": docks})
    return town


async def called_home(town: Any) -> tuple[str, str]:
    """Call two home from their tasks; return who lands first, when that comes down, and the other."""
    await town.patrol()
    await town.until(lambda: all(town.state(d) is S.ON_TASK for d in town.vehicles))
    await town.controller.recall_all("typhoon", "wang")
    await town.until(lambda: any(town.state(d) is S.LANDING for d in town.vehicles))
    (first,) = (d for d in town.vehicles if town.state(d) is S.LANDING)
    (second,) = (d for d in town.vehicles if d != first)
    return first, second


async def test_the_next_one_follows_the_first_down(make_town: Make) -> None:
    town = with_marker(make_town(("a1", "a2")))
    async with town.open(), closest(town) as seen:
        first, second = await called_home(town)
        await town.until(lambda: not town.vehicles[first].truth.in_air)
        assert away(town, second) < 3
        assert height(town, second) < LOWEST_M + STEP_M
        assert next_down(town.controller._world, "d1") == second
        opened = town.dock.commands.count("open")
        await town.until(lambda: town.state(second) is S.LANDING, 30)
        assert town.dock.commands.count("open") == opened, "the door stayed open for it"
        assert next_down(town.controller._world, "d1") is None
        await town.until(lambda: town.state(second) in {S.DOCKED, S.CHARGING})
        await town.until(lambda: town.dock.state.door is DoorState.CLOSED, 60)
        assert kept(seen)


async def test_it_says_at_once_what_it_waits_for(make_town: Make) -> None:
    town = with_marker(make_town(("a1", "a2")))
    async with town.open():
        first, second = await called_home(town)
        words = f"waits for its dock: {first} is moving at the dock"
        await town.until(lambda: words in town.live(second).reason, 20)


async def test_when_the_first_does_not_come_down_it_makes_room(make_town: Make) -> None:
    looks = Policy(ready_percent=50.0, marker_look_s=60.0)
    town = with_marker(make_town(("a1", "a2"), docks=2, policy=looks))
    async with town.open(), closest(town) as seen:
        first, second = await called_home(town)
        await town.until(lambda: away(town, second) < 3)
        assert height(town, first) > town.policy.door_watch_m
        town.dock.jam = True
        town.dock.set(door=DoorState.JAMMED)
        await town.until(lambda: town.state(first) is S.RETURNING, 5)
        layer = town.controller.supervisors[second].sortie.altitude_m
        await town.until(lambda: away(town, second) > 30 and height(town, second) > layer - 1, 60)
        town.dock.jam = False
        town.dock.set(door=DoorState.OPEN)
        for drone in town.vehicles:
            await town.until(lambda d=drone: town.state(d) in {S.DOCKED, S.CHARGING}, 1500)
        assert kept(seen)


async def test_one_that_stopped_low_does_not_wait_there(make_town: Make) -> None:
    looks = Policy(ready_percent=50.0, marker_look_s=60.0)
    town = with_marker(make_town(("a1", "a2"), policy=looks))
    async with town.open(), closest(town) as seen:
        first, second = await called_home(town)
        town.vehicles[first].stuck = True
        assert height(town, first) > 20, "nobody may be over it"
        await town.until(lambda: town.vehicles[second].truth.mode == "HOLD", 60)
        assert away(town, second) > 60
        town.vehicles[second].set(altitude_m=12.0)
        layer = town.controller.supervisors[second].sortie.altitude_m
        await town.until(lambda: height(town, second) > layer - 3, 20)
        town.vehicles[first].stuck = False
        for drone in town.vehicles:
            await town.until(lambda d=drone: town.state(d) in {S.DOCKED, S.CHARGING}, 1500)
        assert kept(seen)


async def test_only_one_waits_over_a_dock(make_town: Make) -> None:
    town = with_marker(make_town(("a1", "a2", "a3")))
    both: list[str] = []
    async with town.open(), closest(town) as seen:
        await town.patrol()
        await town.until(lambda: all(v.truth.in_air for v in town.vehicles.values()))
        await town.controller.recall_all("typhoon", "wang")
        while not all(town.state(d) in {S.DOCKED, S.CHARGING} for d in town.vehicles):
            low = [
                d
                for d in town.vehicles
                if town.state(d) is S.RETURNING and away(town, d) < 3 and height(town, d) < 39
            ]
            both += low if len(low) > 1 else []
            await asyncio.sleep(0.2)
        assert not both
        assert kept(seen)


async def test_a_controller_started_again_finds_it_waiting(make_town: Make) -> None:
    town = with_marker(make_town(("a1", "a2")))
    async with town.open(), closest(town) as seen:
        first, second = await called_home(town)
        await town.until(lambda: away(town, second) < 3 and height(town, second) < 36)
        await town.kill()
        was = height(town, second)
        await town.start_again()
        heights = []
        while town.state(second) is not S.LANDING:
            heights.append(height(town, second))
            await asyncio.sleep(0.2)
        assert max(heights) <= was + 1, "it was not sent up again"
        await town.until(lambda: town.state(second) in {S.DOCKED, S.CHARGING})
        assert kept(seen)
        assert first in town.vehicles


async def test_a_vehicle_that_does_not_take_it_waits_where_it_stopped(make_town: Make) -> None:
    town = with_marker(make_town(("a1", "a2")))
    async with town.open(), closest(town) as seen:
        await town.patrol()
        await town.until(lambda: all(town.state(d) is S.ON_TASK for d in town.vehicles))
        for vehicle in town.vehicles.values():
            vehicle.refuse["goto"] = "no"
        await town.controller.recall_all("typhoon", "wang")
        for drone in town.vehicles:
            await town.until(lambda d=drone: town.state(d) in {S.DOCKED, S.CHARGING}, 1500)
        assert kept(seen)


async def test_nobody_climbs_into_one_that_waits_over_it(make_town: Make) -> None:
    town = make_town(("a1", "a2"), docks=2)
    async with town.open():
        await town.patrol()
        await town.until(lambda: all(town.state(d) is S.ON_TASK for d in town.vehicles))
        low, over = (town.controller.supervisors[d] for d in ("a1", "a2"))
        for drone, at_m in (("a1", 8.0), ("a2", 35.0)):
            vehicle = town.vehicles[drone]
            await vehicle.go_to(GoTo(action="goto", lon=PAD[0], lat=PAD[1], altitude_m=at_m))
        await town.until(lambda: height(town, "a1") < 9 and height(town, "a2") < 36)
        await town.until(lambda: away(town, "a1") < 1 and away(town, "a2") < 1)
        assert in_the_way_up(low, 40.0) == "a2"
        assert in_the_way_up(low, 19.0) is None
        assert in_the_way_up(over, 55.0) is None


@pytest.mark.parametrize("moved", [False, True])
async def test_a_drone_at_another_dock_has_no_say(make_town: Make, moved: bool) -> None:
    town = make_town(docks=2)
    async with town.open():
        await town.patrol()
        await town.reach(S.RETURNING)
        world = town.controller._world
        world.next_down["d1"] = "a1"
        if moved:
            town.controller.supervisors["a1"].move_to("d2")
        assert next_down(world, "d1") == (None if moved else "a1")
        assert next_down(world, "d2") is None
