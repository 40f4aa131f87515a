"""An order is kept with who gave it and whom it counts on, or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from fleet.errors import StoreError
from fleet.model.order import Order, OrderRequest, OrderStatus
from fleet.store import audit
from fleet.store.audit import AuditEntry
from fleet.store.store import Store
from missions.diary import Booking

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)


def order() -> Order:
    request = OrderRequest(kind="patrol", beats=("b1",))
    return Order(
        id=uuid4(),
        request=request,
        status=OrderStatus.ACTIVE,
        created_at=NOON - HOUR,
        created_by="wang",
    )


def act(one: Order) -> AuditEntry:
    return AuditEntry(NOON - HOUR, "wang", "order.submit", f"order:{one.id}")


async def test_bookings_stay_with_an_order_until_it_ends(store: Store) -> None:
    one, flights = order(), store.flights
    first = Booking(str(one.id), "u1", NOON, NOON + HOUR / 2, NOON + HOUR)
    second = replace(first, drone="u2", start=NOON + HOUR, home=NOON + HOUR, ready=NOON + 2 * HOUR)
    await flights.save_order(one, (act(one),), (second, first))
    assert await flights.bookings(NOON, NOON + 3 * HOUR) == [first, second]
    assert await flights.bookings(NOON + HOUR, NOON + 3 * HOUR) == [second]
    assert await flights.bookings(NOON - HOUR, NOON) == []
    await flights.save_order(one.model_copy(update={"status": OrderStatus.PAUSED}), (act(one),))
    assert len(await flights.bookings(NOON, NOON + 3 * HOUR)) == 2
    await flights.save_order(one, (), (second,))
    assert await flights.bookings(NOON, NOON + 3 * HOUR) == [second]
    await flights.save_order(one.model_copy(update={"status": OrderStatus.ENDED}))
    assert await flights.bookings(NOON, NOON + 3 * HOUR) == []


async def test_an_order_whose_act_cannot_be_kept_is_not_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise StoreError("the disk is full")

    one = order()
    monkeypatch.setattr(audit, "add", full)
    with pytest.raises(StoreError, match="full"):
        await store.flights.save_order(one, (act(one),), ())
    assert await store.flights.open_orders() == []
    monkeypatch.undo()
    await store.flights.save_order(one, (act(one),), ())
    async with store.read() as session:
        (kept,) = await audit.latest(session, f"order:{one.id}")
    assert (kept.actor, kept.action) == ("wang", "order.submit")
