"""``FlightStore`` over the database: each call is one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from fleet.model.order import OccurrenceRecord, Order
from fleet.model.records import DroneRecord, FlownRecord, SortieBrief, SortieRecord, TrackPoint
from fleet.store import audit, diary, drones, flown, orders, sorties, tracks, visits
from fleet.store.audit import AuditEntry
from fleet.store.database import Database
from missions.diary import Booking


class SqlFlights:
    """What flight remembers, in SQL. See :class:`fleet.store.port.FlightStore`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def save_drone(self, record: DroneRecord) -> None:
        """Insert or replace a drone's record; who holds it stays as it is."""
        async with self._db.write() as tx:
            await drones.save(tx.session, record)

    async def drones(self) -> Mapping[str, DroneRecord]:
        """Return every drone's record by drone id."""
        async with self._db.read() as session:
            return await drones.by_id(session)

    async def save_sortie(self, record: SortieRecord) -> None:
        """Insert or replace a sortie by its id."""
        async with self._db.write() as tx:
            await sorties.save(tx.session, record)

    async def open_sorties(self) -> Sequence[SortieRecord]:
        """Return sorties that are PLANNED or FLYING, oldest first."""
        async with self._db.read() as session:
            return await sorties.open_ones(session)

    async def flown_since(self, since: datetime, limit: int) -> Sequence[FlownRecord]:
        """Return the newest sorties that were flown and ended at or after a time, newest first."""
        async with self._db.read() as session:
            return await flown.since(session, since, limit)

    async def save_order(
        self,
        order: Order,
        acts: Sequence[AuditEntry] = (),
        bookings: Sequence[Booking] | None = None,
    ) -> None:
        """Insert or replace an order by its id, with what the audit says of it, and whom it counts on."""
        async with self._db.write() as tx:
            await orders.save(tx.session, order)
            for act in acts:
                await audit.add(tx.session, act)
            if bookings is not None or not order.status.is_open:
                await diary.replace(tx.session, order.id, bookings or ())

    async def bookings(self, start: datetime, end: datetime) -> Sequence[Booking]:
        """Return the drones that orders count on at some time of a span, by when they leave."""
        async with self._db.read() as session:
            return await diary.between(session, start, end)

    async def order(self, order_id: UUID) -> Order | None:
        """Return one order, or None."""
        async with self._db.read() as session:
            return await orders.get(session, order_id)

    async def open_orders(self) -> Sequence[Order]:
        """Return the orders that are ACTIVE or PAUSED, oldest first."""
        async with self._db.read() as session:
            return await orders.still_open(session)

    async def sorties_for(self, order: UUID, limit: int) -> Sequence[SortieBrief]:
        """Return the newest sorties for an order and its occurrences, newest first."""
        async with self._db.read() as session:
            return await sorties.for_order(session, order, limit)

    async def save_occurrence(self, record: OccurrenceRecord) -> None:
        """Note what became of an occurrence; what was noted first stays."""
        async with self._db.write() as tx:
            await orders.save_occurrence(tx.session, record)

    async def occurrences(self, order: UUID) -> Sequence[OccurrenceRecord]:
        """Return what became of an order's occurrences, oldest first."""
        async with self._db.read() as session:
            return await orders.occurrences(session, order)

    async def record_visit(self, cell: str, at: datetime, drone: str) -> None:
        """Note that a cell has been seen."""
        async with self._db.write() as tx:
            await visits.add(tx.session, cell, at, drone)

    async def last_visits(self) -> Mapping[str, datetime]:
        """Return the last visit of every cell that was ever visited."""
        async with self._db.read() as session:
            return await visits.last_by_cell(session)

    async def add_track(self, points: Sequence[TrackPoint]) -> None:
        """Append points to the tracks."""
        async with self._db.write() as tx:
            await tracks.add(tx.session, points)
