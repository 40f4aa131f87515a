"""A whole sortie with everything in its right mind."""

from __future__ import annotations

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
