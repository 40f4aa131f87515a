"""One pilot at a time has control; taking over is said aloud; both outlive the controller."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from fleet.errors import Conflict, StoreError
from fleet.flight.control import Control
from fleet.store.store import Store

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)


async def claim(store: Store, control: Control, who: str, *, take_over: bool = False) -> object:
    async with store.write() as tx:
        return await control.claim(tx, "u1", who, NOW, take_over=take_over)


async def test_free_control_is_taken_and_another_is_refused_with_name_and_time(
    store: Store,
) -> None:
    control = Control()
    assert control.of("u1") is None
    assert await claim(store, control, "li") is None
    assert control.of("u1") == ("li", NOW)
    assert await claim(store, control, "li") == ("li", NOW)  # again is no change
    with pytest.raises(Conflict, match=r"li \(since 08:00:00 UTC\) has control of u1.*take_over"):
        await claim(store, control, "wang")
    assert await claim(store, control, "wang", take_over=True) == ("li", NOW)
    assert control.of("u1") == ("wang", NOW)


async def test_it_is_given_back_by_the_holder_alone(store: Store) -> None:
    control = Control()

    async def release(who: str) -> None:
        async with store.write() as tx:
            await control.release(tx, "u1", who, NOW + timedelta(minutes=1))

    with pytest.raises(Conflict, match="nobody has control of u1"):
        await release("li")
    await claim(store, control, "li")
    with pytest.raises(Conflict, match=r"li .* has control of u1, not wang"):
        await release("wang")
    await release("li")
    assert control.of("u1") is None
    again = Control()
    again.load(await store.flights.drones())
    assert again.of("u1") is None


async def test_a_new_controller_knows_the_holder(store: Store) -> None:
    await claim(store, Control(), "li")
    again = Control()
    again.load(await store.flights.drones())
    assert again.of("u1") == ("li", NOW)


async def test_of_many_who_ask_at_once_one_gets_it(store: Store) -> None:
    control = Control()
    names = [f"pilot {n}" for n in range(8)]
    got = await asyncio.gather(*(claim(store, control, n) for n in names), return_exceptions=True)
    assert [type(one) for one in got].count(Conflict) == 7
    winner = names[got.index(None)]
    holder = control.of("u1")
    assert holder is not None
    assert holder.who == winner
    assert (await store.flights.drones())["u1"].holder == winner


async def test_control_that_was_not_stored_is_not_had(store: Store) -> None:
    control = Control()
    with pytest.raises(StoreError):
        async with store.write() as tx:
            await control.claim(tx, "u1", "li", NOW)
            raise OSError("disk full")
    assert control.of("u1") is None
