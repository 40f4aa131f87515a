"""SqlFlights keeps what flight tells it, whatever it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.model.order import (
    OccurrenceRecord,
    OccurrenceStatus,
    Order,
    OrderRequest,
    OrderStatus,
)
from fleet.model.records import DroneRecord, SortieRecord, SortieStatus, TrackPoint
from fleet.model.states import DroneState
from fleet.store import tracks
from fleet.store.port import FlightStore
from fleet.store.store import Store
from missions.sortie import Leg, LegKind, LookAt, Sortie, SortieEnergy, Waypoint

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)

numbers = st.floats(-1e6, 1e6, allow_nan=False)
waypoints = st.builds(Waypoint, numbers, numbers, numbers, st.floats(0, 1e4))
legs = st.builds(
    Leg,
    st.sampled_from(LegKind),
    st.lists(waypoints, max_size=4).map(tuple),
    st.floats(0.1, 30),
    st.none() | st.builds(LookAt, numbers, numbers, numbers),
    st.none() | st.text(max_size=20),
    st.none() | st.text(max_size=20),
)
rings = st.lists(st.tuples(numbers, numbers), max_size=5).map(tuple)
sorties = st.builds(
    Sortie,
    id=st.uuids().map(str),
    order=st.uuids().map(str),
    drone=st.sampled_from(["u1", "u2"]),
    dock=st.just("d1"),
    home_lon=numbers,
    home_lat=numbers,
    altitude_m=st.floats(0, 120),
    legs=st.lists(legs, max_size=4).map(tuple),
    energy=st.builds(SortieEnergy, numbers, numbers, numbers, numbers, numbers),
    fence=rings,
    exclusions=st.lists(rings, max_size=3).map(tuple),
)


def plan(name: str = "s1") -> Sortie:
    home = Waypoint(117.65, 24.51, 60)
    return Sortie(
        id=name,
        order="o1",
        drone="u1",
        dock="d1",
        home_lon=117.65,
        home_lat=24.51,
        altitude_m=60,
        legs=(Leg(LegKind.TAKEOFF, (home,), 12), Leg(LegKind.HOME, (home,), 12)),
        energy=SortieEnergy(1, 2, 3, 4, 5),
    )


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sortie=sorties)
async def test_a_sortie_comes_back_as_it_went_in(
    tmp_path_factory: pytest.TempPathFactory, sortie: Sortie
) -> None:
    store = _kept(tmp_path_factory)
    await store.migrate()
    record = SortieRecord(sortie, SortieStatus.FLYING, "über Fluss 河", NOW)
    await store.flights.save_sortie(record)
    found = {r.sortie.id: r for r in await store.flights.open_sorties()}
    assert found[sortie.id] == record
    await store.close()


_FOLDER: list[Path] = []


def _kept(factory: pytest.TempPathFactory) -> Store:
    """One folder for all examples; a connection of its own for each, since each has its own loop."""
    if not _FOLDER:
        _FOLDER.append(factory.mktemp("flights"))
    return Store(_FOLDER[0])


async def test_a_sortie_that_ended_is_no_longer_open(store: Store) -> None:
    record = SortieRecord(plan(), SortieStatus.PLANNED, "", NOW)
    await store.flights.save_sortie(record)
    await store.flights.save_sortie(replace(record, status=SortieStatus.FLYING))
    assert [r.status for r in await store.flights.open_sorties()] == [SortieStatus.FLYING]
    await store.flights.save_sortie(
        replace(record, status=SortieStatus.COMPLETED, ended_at=NOW + timedelta(minutes=9))
    )
    assert await store.flights.open_sorties() == []


async def test_a_drone_has_one_record(store: Store) -> None:
    flights: FlightStore = store.flights
    for state in (DroneState.CHECKING, DroneState.OPENING):
        await flights.save_drone(DroneRecord("u1", state, "why", "s1", NOW))
    assert await flights.drones() == {"u1": DroneRecord("u1", DroneState.OPENING, "why", "s1", NOW)}


async def test_orders_are_found_by_id_and_while_active(store: Store) -> None:
    def order(minute: int, status: OrderStatus = OrderStatus.ACTIVE) -> Order:
        return Order(
            id=uuid4(),
            request=OrderRequest(kind="patrol", beats=("b1",), until=NOW, note="夜市"),
            status=status,
            created_at=NOW + timedelta(minutes=minute),
            created_by="pilot",
        )

    late, early, ended = order(5), order(1), order(0, OrderStatus.ENDED)
    for one in (late, early, ended):
        await store.flights.save_order(one)
    assert await store.flights.open_orders() == [early, late]
    assert await store.flights.order(ended.id) == ended
    assert await store.flights.order(uuid4()) is None
    await store.flights.save_order(early.model_copy(update={"status": OrderStatus.CANCELLED}))
    assert await store.flights.open_orders() == [late]


async def test_what_became_of_an_occurrence_is_kept_once(store: Store) -> None:
    order = uuid4()
    flown = OccurrenceRecord(
        order=order,
        start=NOW,
        end=NOW + timedelta(hours=1),
        status=OccurrenceStatus.FLOWN,
        reason="in 2 sorties",
        decided_at=NOW + timedelta(minutes=20),
    )
    next_ = flown.model_copy(update={"start": NOW + timedelta(days=1), "reason": "夜"})
    for record in (next_, flown, flown.model_copy(update={"status": OccurrenceStatus.MISSED})):
        await store.flights.save_occurrence(record)
    await store.flights.save_occurrence(flown.model_copy(update={"order": uuid4()}))
    assert await store.flights.occurrences(order) == [flown, next_]


async def test_the_sorties_for_an_order_are_those_of_its_occurrences_and_parts(
    store: Store,
) -> None:
    order, other = uuid4(), uuid4()
    names = [f"{order}", f"{order}#20260501T080000Z", f"{order}#20260501T080000Z#1-2", f"{other}"]
    for minute, name in enumerate(names):
        planned = replace(plan(), id=str(uuid4()), order=name)
        at = NOW + timedelta(minutes=minute)
        await store.flights.save_sortie(SortieRecord(planned, SortieStatus.PLANNED, "", at))
    found = await store.flights.sorties_for(order, 10)
    assert [brief.order for brief in found] == names[2::-1]
    assert {brief.status for brief in found} == {SortieStatus.PLANNED}
    assert len(await store.flights.sorties_for(order, 2)) == 2


async def test_a_paused_order_is_open_and_keeps_when_it_was_changed(store: Store) -> None:
    body = {"kind": "orbit", "place": "dock:d1", "window": {"from": NOW, "until": None}}
    order = Order(
        id=uuid4(),
        request=OrderRequest.model_validate(body),
        status=OrderStatus.PAUSED,
        created_at=NOW,
        created_by="pilot",
        changed_at=NOW + timedelta(minutes=1),
        reshaped_at=NOW + timedelta(minutes=2),
    )
    await store.flights.save_order(order)
    assert await store.flights.open_orders() == [order]
    assert await store.flights.order(order.id) == order


async def test_the_last_visit_of_each_cell_counts_whatever_the_order(store: Store) -> None:
    for cell, minute in (("a", 3), ("a", 1), ("b", 2)):
        await store.flights.record_visit(cell, NOW + timedelta(minutes=minute), "u1")
    assert await store.flights.last_visits() == {
        "a": NOW + timedelta(minutes=3),
        "b": NOW + timedelta(minutes=2),
    }


async def test_tracks_are_kept_and_the_old_ones_forgotten(store: Store) -> None:
    points = [
        TrackPoint("u1", NOW + timedelta(seconds=s), 117.0, 24.0, 60.0, 80.5, DroneState.ON_TASK)
        for s in range(10)
    ]
    await store.flights.add_track(points)
    await store.flights.add_track([])
    async with store.write() as tx:
        assert await tracks.forget(tx.session, NOW + timedelta(seconds=6), limit=4)
        assert not await tracks.forget(tx.session, NOW + timedelta(seconds=6), limit=4)
        assert await tracks.of_drone(tx.session, "u1", NOW) == points[6:]
