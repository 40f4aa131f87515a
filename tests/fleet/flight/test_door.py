"""A dock's door stays open under whoever comes down through it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from fleet.model.states import DoorState, DroneState

S = DroneState
Make = Callable[..., Any]


async def touch_down(vehicle: Any, town: Any) -> DoorState:
    """Wait until a vehicle touches down; return how the door was."""
    while vehicle.truth.in_air:
        await asyncio.sleep(0.05)
    return town.dock.state.door


@pytest.mark.parametrize("after_s", [0.0, 1.0, 2.0, 4.0, 6.0])
async def test_one_that_leaves_shuts_no_door_under_one_that_returns_by_itself(
    make_town: Make, after_s: float
) -> None:
    """a1 waits over the dock at 40 m and returns on its autopilot's word while a2 leaves."""
    town = make_town(("a1", "a2"))
    a1, a2 = town.vehicles.values()
    async with town.open():
        await town.patrol()
        await town.until(lambda: a1.truth.in_air)
        await town.until(lambda: town.state("a2") is S.TAKING_OFF)
        await town.until(lambda: a2.truth.in_air)
        await asyncio.sleep(after_s)
        a1.set(mode="RETURN_TO_LAUNCH", **over_the_dock())
        assert await touch_down(a1, town) is DoorState.OPEN


def over_the_dock() -> dict[str, float]:
    return {"lon": 117.65, "lat": 24.51, "altitude_m": 30.0}


async def test_a_door_is_opened_for_it_while_another_leaves_the_column(make_town: Make) -> None:
    """a1 returns by itself just as the door behind a2 has closed, and a2 has the gate still."""
    town = make_town(("a1", "a2"))
    a1, a2 = town.vehicles.values()
    async with town.open():
        await town.patrol()
        await town.until(lambda: a1.truth.in_air)
        await town.until(lambda: town.state("a2") is S.TAKING_OFF)
        keeper = town.controller.supervisors["a2"]
        await town.until(lambda: a2.truth.in_air and town.dock.state.door is DoorState.CLOSED)
        assert keeper.gate.holder == "a2"
        a1.set(mode="RETURN_TO_LAUNCH", **over_the_dock())
        await town.until(lambda: town.dock.state.door is DoorState.OPEN, 5.0)
        assert await touch_down(a1, town) is DoorState.OPEN
