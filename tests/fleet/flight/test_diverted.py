"""To another dock that lies outside the sortie's fence: a wider one is in the vehicle first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from shapely.geometry import Point

from fleet.errors import Refused
from fleet.flight.carried import Carried
from fleet.link.items import Item
from fleet.model.command import GoTo
from fleet.model.states import DoorState, DroneState
from missions.city import Zone
from missions.geo import LocalFrame
from missions.planner import Plan
from missions.sortie import Sortie

S = DroneState
Make = Callable[..., Any]
FRAME = LocalFrame(117.65, 24.51)
OTHER = FRAME.to_lonlat(400.0, 100.0)
CITY = ((-1500.0, -1500.0), (1500.0, -1500.0), (1500.0, 1500.0), (-1500.0, 1500.0))
NARROW = ((-250.0, -250.0), (250.0, -250.0), (250.0, 500.0), (-250.0, 500.0))
TOWER = ((300.0, -400.0), (330.0, -400.0), (330.0, 600.0), (300.0, 600.0))


def lonlat(ring: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
    return [FRAME.to_lonlat(*corner) for corner in ring]


def narrow(make_town: Make, *, tower: bool = False) -> Any:
    """Two docks, and sorties whose fence holds one; with or without a tower between them."""
    town = make_town(docks=2)
    zones = [Zone(id="fence", kind="fence", area=lonlat(CITY))]
    zones += [Zone(id="tower", kind="no_fly", area=lonlat(TOWER))] if tower else []
    town.city = town.city.model_copy(update={"zones": tuple(zones)})
    planner = town.planner

    async def plan(question: Any) -> Plan:
        found = await planner(question)
        return Plan(tuple(fenced(sortie) for sortie in found.sorties))

    town.planner = plan
    return town


def fenced(sortie: Sortie) -> Sortie:
    return replace(sortie, fence=tuple(lonlat(NARROW)), alternates=())


def holds(items: tuple[Item, ...], place: tuple[float, float]) -> bool:
    carried = Carried.read(items)
    return carried is not None and FRAME.polygon(carried.ring).contains(Point(FRAME.to_enu(*place)))


async def jammed_behind_it(town: Any) -> None:
    await town.reach(S.DOCKED)
    await town.patrol()
    await town.reach(S.ON_TASK)
    town.dock.jam = True
    town.dock.set(door=DoorState.JAMMED)


async def test_the_wider_fence_is_loaded_before_it_goes(make_town: Make) -> None:
    town = narrow(make_town)
    async with town.open():
        at_goto: list[tuple[Item, ...]] = []
        going = town.vehicle.go_to

        async def go_to(target: GoTo) -> None:
            at_goto.append(tuple(town.vehicle.fence))
            await going(target)

        town.vehicle.go_to = go_to
        await jammed_behind_it(town)
        assert not holds(tuple(town.vehicle.fence), OTHER)
        keeper = town.controller.supervisors["a1"]
        await town.until(lambda: keeper.berth == "d2")
        await town.until(lambda: town.state() in {S.CHARGING, S.DOCKED}, 1500)
        truth = town.vehicle.truth
        assert (truth.lon, truth.lat) == pytest.approx(OTHER, abs=2e-5)
        assert at_goto
        assert all(holds(fence, OTHER) for fence in at_goto)
        assert holds(at_goto[0], FRAME.to_lonlat(0.0, 0.0)), "it may have to go back"
        assert "loading" not in town.live().reason
        assert keeper.carried is None
        assert S.EMERGENCY not in town.passed()


async def test_it_is_never_sent_through_a_no_fly_zone(make_town: Make) -> None:
    town = narrow(make_town, tower=True)
    async with town.open():
        await jammed_behind_it(town)
        keeper = town.controller.supervisors["a1"]
        await town.reach(S.RETURNING)
        await town.until(lambda: "door is jammed" in town.live().reason)
        assert keeper.berth == "d1"
        assert keeper.diverts_to(afresh=True) is None
        assert "goto" not in town.vehicle.commands
        town.dock.jam = False
        town.dock.set(door=DoorState.CLOSED)
        await town.until(lambda: town.state() is S.DOCKED and town.at_home(), 1500)


async def test_one_that_does_not_take_the_fence_waits_for_its_own_dock(make_town: Make) -> None:
    town = narrow(make_town)
    async with town.open():
        await jammed_behind_it(town)

        async def refuse(_: object) -> None:
            raise Refused("a1: fence: Geofence invalid")

        town.vehicle.load_fence = refuse
        await town.until(lambda: "Geofence invalid" in town.live().reason)
        keeper = town.controller.supervisors["a1"]
        assert keeper.berth == "d1"
        assert "goto" not in town.vehicle.commands
        town.dock.jam = False
        town.dock.set(door=DoorState.CLOSED)
        await town.until(lambda: town.state() is S.DOCKED and town.at_home(), 1500)


async def test_the_next_controller_takes_it_for_no_breach(make_town: Make) -> None:
    town = narrow(make_town)
    async with town.open():
        await jammed_behind_it(town)
        await town.until(lambda: "goto" in town.vehicle.commands)
        await town.kill()
        told = len(town.vehicle.commands)
        await town.start_again()
        warned: set[str] = set()
        keeper = town.controller.supervisors["a1"]
        town.vehicle.listen(lambda: warned.update(town.live().warnings))
        await town.until(lambda: town.state() in {S.CHARGING, S.DOCKED}, 1500)
        assert keeper.berth == "d2"
        assert not any("fence" in words for words in warned)
        assert "hold" not in town.vehicle.commands[told:], "it was on its way"
