"""Doors that drones left open since they did not close."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from fleet.model.states import DoorState, DroneState

S = DroneState
Make = Callable[..., Any]


async def diverted(town: Any) -> None:
    """Have the door of d1 jam behind a1, and a1 stand in d2."""
    await town.reach(S.DOCKED)
    await town.patrol()
    await town.until(lambda: town.dock.state.door is DoorState.OPEN)
    town.dock.jam = True
    await town.until(lambda: town.dock.state.door is DoorState.JAMMED)
    await town.until(lambda: town.controller.supervisors["a1"].berth == "d2")
    await town.until(lambda: town.state("a1") in {S.CHARGING, S.DOCKED})


async def test_the_next_controller_closes_what_was_left_open(make_town: Make) -> None:
    town = make_town(docks=2)
    async with town.open():
        await diverted(town)
        await town.kill()
        await town.start_again()
        town.dock.jam = False
        town.dock.set(door=DoorState.OPEN)
        await town.until(lambda: town.dock.state.door is DoorState.CLOSED, 60)


async def test_one_that_it_finds_closed_is_nobodys_but_theirs_who_open_it(make_town: Make) -> None:
    town = make_town(docks=2)
    async with town.open():
        await diverted(town)
        await town.kill()
        town.dock.jam = False
        town.dock.set(door=DoorState.CLOSED)
        await town.start_again()
        await asyncio.sleep(5)
        town.dock.set(door=DoorState.OPEN)  # somebody works at it
        await asyncio.sleep(90)
        assert town.dock.state.door is DoorState.OPEN


async def test_nor_is_the_dock_of_one_that_never_left_it(make_town: Make) -> None:
    town = make_town(docks=2)
    async with town.open():
        await town.reach(S.DOCKED)
        await town.kill()
        town.docks["d2"].set(door=DoorState.OPEN)
        await town.start_again()
        await asyncio.sleep(90)
        assert town.docks["d2"].state.door is DoorState.OPEN
