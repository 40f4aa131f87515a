"""Steps reach the store in order, however it behaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fleet.errors import StoreError
from fleet.flight.ledger import LAST_PAUSE_S, Ledger
from fleet.model.records import DroneRecord, SortieRecord, SortieStatus
from fleet.model.states import DroneState

S = DroneState


def record(state: DroneState, clock: Any) -> DroneRecord:
    return DroneRecord("a1", state, "", None, clock.now())


@asynccontextmanager
async def running(store: Any) -> AsyncIterator[Ledger]:
    ledger = Ledger(store)
    task = asyncio.create_task(ledger.run())
    try:
        yield ledger
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_store_that_refuses_is_told_of_and_offered_the_newest_for_ever(
    make_town: Any,
) -> None:
    town = make_town()
    town.store.down = True
    async with running(town.store) as ledger:
        with pytest.raises(StoreError, match="locked"):
            await ledger.taken(ledger.put(record(S.ON_WAY, town.clock), None), 30)
        await asyncio.sleep(3600)
        town.store.down = False
        await ledger.settled(LAST_PAUSE_S + 1)
        assert [r.state for r in town.store.history] == [S.ON_WAY]


async def test_a_newer_step_takes_the_older_ones_sorties_along(make_town: Any) -> None:
    town = make_town()
    ended: list[SortieRecord] = []
    for number in (1, 2, 3):
        sortie = town.planner.sortie("a1", number)
        ended.append(SortieRecord(sortie, SortieStatus.ABORTED, "", town.clock.now()))
    town.store.down = True
    async with running(town.store) as ledger:
        first = ledger.put(record(S.ON_WAY, town.clock), ended[0])
        await asyncio.sleep(1)
        ledger.put(record(S.RETURNING, town.clock), ended[1])
        third = ledger.put(record(S.LANDING, town.clock), ended[2])
        town.store.down = False
        await ledger.taken(third, 30)
        assert [r.state for r in town.store.history] == [S.LANDING]
        assert list(town.store.sorties) == ["a1-1", "a1-2", "a1-3"]
        with pytest.raises(StoreError, match="a later step took its place"):
            first.result()


async def test_a_store_that_hangs_is_waited_for_within_the_bound(make_town: Any) -> None:
    town = make_town()

    async def hang(_record: Any) -> None:
        await asyncio.get_running_loop().create_future()

    town.store.save_drone = hang
    async with running(town.store) as ledger:
        before = town.clock.monotonic()
        with pytest.raises(StoreError, match=r"has not answered for 0\.1 s"):
            await ledger.taken(ledger.put(record(S.ON_WAY, town.clock), None), 0.1)
        assert town.clock.monotonic() - before == pytest.approx(0.1)


async def test_a_fault_in_the_store_ends_nothing(make_town: Any) -> None:
    town = make_town()
    faults = 5

    def fault(_record: Any) -> None:
        nonlocal faults
        faults -= 1
        if faults >= 0:
            raise ZeroDivisionError

    town.store.on_state = fault
    async with running(town.store) as ledger:
        with pytest.raises(StoreError, match="fault in the store: ZeroDivisionError"):
            await ledger.taken(ledger.put(record(S.ON_WAY, town.clock), None), 30)
        await ledger.settled(60)
        assert faults < 0
