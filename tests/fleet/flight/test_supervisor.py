"""A whole sortie with everything in its right mind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from fleet.model.records import SortieStatus
from fleet.model.states import DoorState, DroneState

S = DroneState


async def test_a_sortie_from_order_to_dock(make_town: Callable[..., Any]) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        await town.patrol()
        await town.reach(S.ON_TASK)
        assert town.dock.state.door in {DoorState.CLOSING, DoorState.CLOSED, DoorState.OPEN}
        await town.until(lambda: town.controller.watch_assignments() == [("bridge", "a1")])
        await town.reach(S.CLOSING)
        await town.reach(S.DOCKED)
        assert town.at_home()
        assert town.passed() == [
            S.CHARGING,
            S.DOCKED,
            S.CHECKING,
            S.OPENING,
            S.TAKING_OFF,
            S.ON_WAY,
            S.ON_TASK,
            S.ON_WAY,
            S.RETURNING,
            S.LANDING,
            S.CLOSING,
            S.CHARGING,
            S.DOCKED,
        ]
        assert [cell for cell, _, _ in town.store.visits] == ["b1-a1", "b1-a2"]
        record = town.store.sorties["a1-1"]
        assert record.status is SortieStatus.COMPLETED
        assert town.vehicle.commands == ["load", "arm", "start", "return"]
        assert town.dock.commands == ["open", "close", "open", "close"]
        assert len(town.store.tracks) > 100


async def test_a_drone_that_a_pilot_holds_in_its_dock_is_not_sent_out(
    make_town: Callable[..., Any],
) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        keeper = town.controller.supervisors["a1"]
        keeper.holder = "anna"
        await town.patrol()
        await asyncio.sleep(30)
        assert town.state() is S.DOCKED
        assert keeper.not_ready() == "held by anna"
        keeper.publish()
        assert town.live().reason == "held by anna"
        keeper.holder = None
        await town.reach(S.ON_WAY)


async def test_it_tells_once_that_it_is_in_its_dock_again(make_town: Callable[..., Any]) -> None:
    town = make_town()
    told: list[tuple[DroneState, str | None]] = []
    async with town.open():
        await town.patrol()
        keeper = town.controller.supervisors["a1"]

        def docked() -> None:
            told.append((keeper.state, keeper.sortie.id if keeper.sortie else None))

        keeper.when_docked = docked
        await town.reach(S.ON_TASK)
        assert told == []
        await town.reach(S.DOCKED, bound_s=1500)
        assert told == [(S.CHARGING, "a1-1")]
