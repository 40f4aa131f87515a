"""What was flown lately, as the store knows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from fleet.model.flightlog import FlightRecord
from fleet.model.order import Order, OrderRequest, OrderStatus
from fleet.model.records import SortieRecord, SortieStatus
from fleet.store import flightlog
from fleet.store.store import Store
from missions.sortie import Sortie, SortieEnergy

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ORDER = UUID(int=7)
MINUTE = timedelta(minutes=1)


def sortie(name: str, order: str, drone: str = "u1") -> Sortie:
    return Sortie(name, order, drone, "d1", 117.6, 24.5, 60.0, (), SortieEnergy(1, 1, 1, 1, 1))


async def put(store: Store, plan: Sortie, ended: datetime | None, *, flew: bool = True) -> None:
    begun = (ended or NOW) - 20 * MINUTE
    status = SortieStatus.COMPLETED if ended else SortieStatus.FLYING
    await store.flights.save_sortie(SortieRecord(plan, status, "", begun, ended))
    if flew:
        flight = FlightRecord(plan.id, plan.drone, "d1", plan.id, begun + MINUTE, ended)
        async with store.write() as tx:
            await flightlog.save(tx.session, flight)


async def test_flown_sorties_with_what_they_saw(store: Store) -> None:
    request = OrderRequest(kind="stare", sites=("bridge",))
    await store.flights.save_order(
        Order(id=ORDER, request=request, status=OrderStatus.ACTIVE, created_at=NOW, created_by="p")
    )
    await put(store, sortie("late", f"{ORDER}#3"), NOW - 10 * MINUTE)
    await put(store, sortie("home", "ferry"), NOW - 60 * MINUTE)
    await put(store, sortie("old", "ferry"), NOW - 600 * MINUTE)
    await put(store, sortie("flies", "ferry"), None)
    await put(store, sortie("stayed", "ferry"), NOW - 5 * MINUTE, flew=False)
    for ago, cell, drone in ((15, "c2", "u1"), (20, "c1", "u1"), (15, "x", "u2"), (40, "y", "u1")):
        await store.flights.record_visit(cell, NOW - ago * MINUTE, drone)
    late, home = await store.flights.flown_since(NOW - 360 * MINUTE, 10)
    assert (late.sortie, late.kind, late.order) == ("late", "stare", f"{ORDER}#3")
    assert late.cells == ("c1", "c2")
    assert (late.start, late.end) == (NOW - 30 * MINUTE, NOW - 10 * MINUTE)
    assert (home.sortie, home.kind, home.cells) == ("home", None, ())
    assert [f.sortie for f in await store.flights.flown_since(NOW - 360 * MINUTE, 1)] == ["late"]


async def test_nothing_flown_is_nothing(store: Store) -> None:
    assert await store.flights.flown_since(NOW, 10) == []
    await put(store, replace(sortie("s", "ferry"), drone="u9"), NOW - MINUTE)
    assert await store.flights.flown_since(NOW, 10) == []
