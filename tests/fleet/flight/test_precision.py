"""Landing by sight: what is passed to the vehicle, and what is said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from fleet.errors import OrderError
from fleet.flight.precision import FRESH_S, Sight
from fleet.link.port import LandingTarget
from fleet.model.command import PointGimbal
from fleet.model.states import DroneState
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
    town.controller = town._make()
    return town


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
        await town.until(lambda: "lands on the marker" in town.live().reason, 1)
        await town.reach(S.CLOSING)
        town.controller.landing_target("a1", target(town))
        assert list(town.vehicle.targets) == [seen]


async def test_a_marker_that_is_not_seen_is_told_and_it_lands_by_gps(make_town: Make) -> None:
    town = with_marker(make_town())
    async with town.open():
        await town.patrol()
        await town.reach(S.LANDING)
        await town.until(lambda: "no marker seen: lands by GPS" in town.live().reason, 5)
        town.controller.landing_target("a1", target(town))
        await town.until(lambda: "lands on the marker" in town.live().reason, 1)
        await town.until(lambda: "no marker seen: lands by GPS" in town.live().reason, 5)
        assert town.live().reason == "mission flown; no marker seen: lands by GPS"
        await town.until(lambda: town.state() is S.DOCKED and town.at_home())


async def test_of_a_dock_without_a_marker_nothing_is_said(make_town: Make) -> None:
    town = make_town()
    said = set()
    async with town.open():
        town.vehicle.listen(lambda: said.add(town.live().reason))
        await town.patrol()
        await town.reach(S.CLOSING)
    assert not any("marker" in words for words in said)


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
    assert sight.take(target(town, north=float("nan"))) is not None
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
