"""Landing by sight: what is passed to the vehicle, and what is said."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fleet.errors import OrderError
from fleet.flight.precision import FRESH_S, Sight
from fleet.link.port import LandingTarget
from fleet.model.command import PointGimbal
from fleet.model.records import SortieStatus
from fleet.model.states import DoorState, DroneState
from fleet.model.traffic import Aircraft
from missions.city import Marker

S = DroneState
Make = Callable[..., Any]


def target(town: Any, age_s: float = 0.1, **fields: float) -> LandingTarget:
    at = town.clock.now() - timedelta(seconds=age_s)
    return LandingTarget(
        at, fields.get("north", 0.5), fields.get("east", -0.3), fields.get("down", 8.0)
    )


def with_marker(town: Any) -> Any:
    docks = tuple(
        d.model_copy(update={"marker": Marker(id=7, size_m=0.6)}) for d in town.city.docks
    )
    town.city = town.city.model_copy(update={"docks": docks})
    return town


@asynccontextmanager
async def seen_from(town: Any, below_m: float, above_m: float = 0.0) -> AsyncIterator[None]:
    """Have a worker see the marker while the drone is between two heights."""

    async def tell() -> None:
        while True:
            await asyncio.sleep(0.2)
            if above_m <= (town.vehicle.truth.altitude_m or 0.0) <= below_m:
                town.controller.landing_target("a1", target(town))

    task = asyncio.create_task(tell())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def home(town: Any) -> None:
    await town.until(lambda: town.state() is S.DOCKED and town.at_home())
    assert S.EMERGENCY not in town.passed()


def said(town: Any) -> set[str]:
    out: set[str] = set()
    town.vehicle.listen(lambda: out.add(town.live().reason))
    return out


def coming_down(town: Any, told: int) -> list[str]:
    names = {"goto", "precision_land", "return", "hold", "item", "land"}
    return [name for name in town.vehicle.commands[told:] if name in names]


async def test_over_its_own_dock_it_goes_down_to_look_and_lands_on_the_marker(
    make_town: Make,
) -> None:
    town = with_marker(make_town())
    async with town.open(), seen_from(town, 20.0):
        await town.patrol()
        await town.reach(S.LANDING)
        told = len(town.vehicle.commands)
        words = said(town)
        await town.until(lambda: town.vehicle.truth.mode == "PRECISION_LAND")
        assert town.vehicle.truth.altitude_m <= town.policy.marker_look_m + 1.5
        assert town.dock.state.door is DoorState.OPEN
        assert town.controller.supervisors["a1"].gate.holder == "a1"
        await home(town)
        assert coming_down(town, told - 1) == ["goto", "precision_land"]
        assert "mission flown; looks for the marker" in words
        assert "mission flown; lands on the marker" in words
        assert town.store.sorties["a1-1"].status is SortieStatus.COMPLETED


async def test_with_no_marker_in_sight_it_returns_as_ever_and_says_so(make_town: Make) -> None:
    town = with_marker(make_town())
    async with town.open(), seen_from(town, 30.0, 20.0):  # and is lost on the way down
        await town.patrol()
        await town.reach(S.LANDING)
        told = len(town.vehicle.commands)
        await town.until(lambda: town.vehicle.truth.mode == "RETURN_TO_LAUNCH")
        assert town.live().reason == "mission flown; no marker seen: lands by GPS"
        await home(town)
        assert coming_down(town, told - 1) == ["goto", "return"]


@pytest.mark.parametrize(
    ("command", "flown", "words"),
    [
        ("goto", ["goto", "return"], "no marker looked for, a1: goto: COMMAND_DENIED: no"),
        ("precision_land", ["goto", "precision_land", "return"], "no marker landing"),
    ],
)
async def test_a_vehicle_that_refuses_to_look_returns_as_ever(
    make_town: Make, command: str, flown: list[str], words: str
) -> None:
    town = with_marker(make_town())
    town.vehicle.refuse[command] = "no"
    async with town.open(), seen_from(town, 13.0):
        await town.patrol()
        await town.reach(S.LANDING)
        told = len(town.vehicle.commands)
        await town.until(lambda: town.vehicle.truth.mode == "RETURN_TO_LAUNCH")
        await town.until(lambda: words in town.live().reason, 1)
        assert town.live().reason.endswith("lands by GPS")
        await home(town)
        assert coming_down(town, told - 1) == flown


async def test_a_battery_that_is_all_but_empty_is_not_spent_on_looking(make_town: Make) -> None:
    town = with_marker(make_town())
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        await town.controller.command("a1", "return", "wang")
        town.vehicle.set(battery_percent=5.0)
        await town.reach(S.LANDING)
        told = len(town.vehicle.commands)
        await town.reach(S.CHARGING)
        assert S.EMERGENCY not in town.passed()
        assert coming_down(town, told - 1) == ["return"]


async def test_a_door_that_closes_while_it_looks_stops_it(make_town: Make) -> None:
    town = with_marker(make_town())
    async with town.open(), seen_from(town, 12.5):
        await town.patrol()
        await town.reach(S.LANDING)
        await town.until(lambda: (town.vehicle.truth.altitude_m or 0.0) < 25)
        told = len(town.vehicle.commands)
        town.dock.set(door=DoorState.CLOSED)
        await town.reach(S.RETURNING, bound_s=2)
        height = town.vehicle.truth.altitude_m
        await home(town)
        assert height > 15
        assert coming_down(town, told) == ["hold", "goto", "precision_land"]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("on its way down", ["precision_land"]),
        ("looking", ["precision_land"]),
        ("landing on it", []),
        ("landing without", []),
    ],
)
async def test_the_next_controller_goes_on_from_where_it_is(
    make_town: Make, moment: str, expected: list[str]
) -> None:
    town = with_marker(make_town())
    sight = {"on its way down": 12.5, "landing on it": 12.5}.get(moment, 0.0)
    async with town.open(), seen_from(town, sight):
        await town.patrol()
        await town.reach(S.LANDING)
        truth = lambda: town.vehicle.truth  # noqa: E731
        seen: dict[str, Callable[[], bool]] = {
            "on its way down": lambda: truth().altitude_m < 25,
            "looking": lambda: truth().velocity_down_m_s == 0 and truth().altitude_m < 13,
            "landing on it": lambda: truth().mode == "PRECISION_LAND",
            "landing without": lambda: truth().mode == "RETURN_TO_LAUNCH",
        }
        await town.until(seen[moment])
        await town.kill()
        told = len(town.vehicle.commands)
        await town.start_again()
        async with seen_from(town, 12.5):
            await home(town)
        assert coming_down(town, told) == expected
        assert town.store.sorties["a1-1"].status is SortieStatus.COMPLETED


async def test_a_mate_found_in_the_dock_does_not_close_it_under_one_that_lands(
    make_town: Make,
) -> None:
    town = with_marker(make_town(("a1", "a2")))
    town.planner.given["a2"] = town.planner.limit  # stays at home
    async with town.open(), seen_from(town, 12.5):
        await town.patrol()
        await town.until(
            lambda: (
                town.vehicle.truth.mode == "PRECISION_LAND" and town.vehicle.truth.altitude_m < 3
            )
        )
        await town.kill()
        town.store.by_drone["a2"] = replace(town.store.by_drone["a2"], state=S.CLOSING)
        town.dock.commands.clear()
        await town.start_again()
        await town.until(lambda: not town.vehicle.truth.in_air)
        assert town.dock.commands == []
        assert town.dock.state.door is DoorState.OPEN
        await home(town)


async def test_traffic_stops_it_on_its_way_down(make_town: Make) -> None:
    town = with_marker(make_town())
    async with town.open(), seen_from(town, 12.5):
        await town.patrol()
        await town.reach(S.LANDING)
        await town.until(lambda: town.vehicle.truth.mode == "HOLD")
        assert town.vehicle.truth.altitude_m > town.city.limits.refuge_m
        lon, lat = town.vehicle.truth.lon, town.vehicle.truth.lat
        town.vehicle.traffic = (Aircraft(0x780123, "B7012", town.clock.now(), lon, lat, 100.0),)
        await town.reach(S.AVOIDING, bound_s=2)
        town.vehicle.traffic = ()
        await home(town)
        assert "precision_land" in town.vehicle.commands


async def test_sightings_reach_the_vehicle_only_while_it_lands(make_town: Make) -> None:
    town = with_marker(make_town())
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        town.controller.landing_target("a1", target(town))
        assert list(town.vehicle.targets) == []
        await town.reach(S.LANDING)
        seen = target(town)
        town.controller.landing_target("a1", seen)
        assert list(town.vehicle.targets) == [seen]
        town.controller.landing_target("a1", target(town, FRESH_S + 0.1))
        town.controller.landing_target("a1", target(town, down=80.0))
        town.controller.landing_target("a1", target(town, down=-1.0))
        town.controller.landing_target("a1", seen)
        assert list(town.vehicle.targets) == [seen]
        await town.reach(S.CLOSING)
        town.controller.landing_target("a1", target(town))
        assert list(town.vehicle.targets) == [seen]


async def test_one_that_loses_the_marker_lands_by_gps_and_says_so_once(make_town: Make) -> None:
    town = with_marker(make_town())
    async with town.open(), seen_from(town, 12.5, 11.0):
        await town.patrol()
        await town.reach(S.LANDING)
        told = len(town.vehicle.commands)
        await town.until(lambda: "lands on the marker" in town.live().reason)
        await town.until(lambda: "no marker seen: lands by GPS" in town.live().reason, 8)
        assert town.vehicle.truth.mode == "RETURN_TO_LAUNCH"
        assert town.vehicle.truth.altitude_m > town.policy.marker_fills_m
        words = said(town)
        for _ in range(3):  # seen again: it has been decided
            town.controller.landing_target("a1", target(town))
            await asyncio.sleep(0.2)
        await home(town)
        assert not any("lands on the marker" in each for each in words)
        assert coming_down(town, told - 1) == ["goto", "precision_land", "return"]


async def test_at_another_dock_one_that_loses_the_marker_lands_where_it_is(
    make_town: Make,
) -> None:
    town = with_marker(make_town(docks=2))
    async with town.open(), seen_from(town, 12.5, 10.0):
        await town.patrol()
        await town.reach(S.ON_TASK)
        town.dock.refuse = "motor overheated"
        await town.until(lambda: town.vehicle.truth.mode == "PRECISION_LAND")
        await town.until(lambda: town.vehicle.truth.mode == "LAND", 15)
        assert town.live().reason.endswith("; no marker seen: lands by GPS")
        await town.reach(S.CLOSING)


async def test_low_over_it_a_marker_that_fills_the_picture_is_not_told_as_lost(
    make_town: Make,
) -> None:
    town = with_marker(make_town())
    async with town.open(), seen_from(town, 12.5, 2.5):
        await town.patrol()
        await town.reach(S.LANDING)
        words = said(town)
        await home(town)
        assert "mission flown; lands on the marker" in words
        assert not any("no marker" in told for told in words)


async def test_of_a_dock_without_a_marker_nothing_is_said(make_town: Make) -> None:
    town = make_town()
    async with town.open(), seen_from(town, 13.0):
        await town.patrol()
        await town.reach(S.ON_TASK)
        words = said(town)
        await town.reach(S.LANDING)
        assert town.vehicle.truth.mode != "HOLD" or town.vehicle.goal is None
        await town.reach(S.CLOSING)
        assert "goto" not in town.vehicle.commands
        assert town.vehicle.commands[-1] == "return"
    assert not any("marker" in told for told in words)


async def test_another_docks_marker_is_landed_on_too(make_town: Make) -> None:
    town = with_marker(make_town(docks=2))
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        town.dock.refuse = "motor overheated"
        await town.until(lambda: town.vehicle.truth.mode == "PRECISION_LAND")
        seen = target(town)
        town.controller.landing_target("a1", seen)
        assert list(town.vehicle.targets) == [seen]


async def test_no_such_drone(make_town: Make) -> None:
    town = make_town()
    with pytest.raises(OrderError, match=r"no drone \['zz'\]"):
        town.controller.landing_target("zz", target(town))


async def test_a_clock_that_is_far_ahead_is_not_believed(make_town: Make) -> None:
    town = make_town()
    sight = Sight(town.vehicle, town.clock.now)
    assert sight.take(target(town)) == "the drone is not landing"
    sight.begin()
    assert "captured -1.00 s ago" in str(sight.take(target(town, -1.0)))
    for side in ("north", "east", "down"):
        assert "is not on the pad" in str(sight.take(target(town, **{side: float("nan")})))
    assert sight.take(target(town, -0.1)) is None
    await asyncio.sleep(0)


async def test_the_camera_looks_straight_down_at_a_marker(make_town: Make) -> None:
    town = with_marker(make_town())
    async with town.open():
        await town.patrol()
        await town.reach(S.LANDING)
        await town.until(lambda: town.vehicle.camera is not None, 3)
        assert town.vehicle.camera == PointGimbal(action="gimbal", pitch_deg=-90.0)


async def test_a_camera_that_does_not_turn_keeps_no_drone_up(make_town: Make) -> None:
    town = with_marker(make_town())
    town.vehicle.refuse["gimbal"] = "no gimbal"
    async with town.open():
        await town.patrol()
        await town.reach(S.LANDING)
        await town.until(lambda: town.state() is S.DOCKED and town.at_home())
        assert town.vehicle.camera is None
