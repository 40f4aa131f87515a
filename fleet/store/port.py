"""What flight needs of the store: Protocols, so that its tests can use a fake in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from fleet.model.flightlog import FlightEvent
from fleet.model.order import OccurrenceRecord, Order
from fleet.model.records import DroneRecord, FlownRecord, SortieBrief, SortieRecord, TrackPoint
from fleet.store.audit import AuditEntry
from missions.diary import Booking


class Journal(Protocol):
    """Takes what happens to a drone into its flight log."""

    def note(self, event: FlightEvent) -> None:
        """Take one event; never waits and never fails. Its flight is found where it names none."""


class FlightStore(Protocol):
    """Durable memory of flights. Every method returns once the change is committed.

    Raises
    ------
    fleet.errors.StoreError
        By every method, where the database cannot be reached or refuses.
    """

    async def save_drone(self, record: DroneRecord) -> None:
        """Insert or replace a drone's record; who holds it stays as it is."""

    async def drones(self) -> Mapping[str, DroneRecord]:
        """Return every drone's record by drone id."""

    async def save_sortie(self, record: SortieRecord) -> None:
        """Insert or replace a sortie by its id."""

    async def open_sorties(self) -> Sequence[SortieRecord]:
        """Return sorties that are PLANNED or FLYING."""

    async def flown_since(self, since: datetime, limit: int) -> Sequence[FlownRecord]:
        """Return the newest sorties that were flown and ended at or after a time, newest first."""

    async def save_order(
        self,
        order: Order,
        acts: Sequence[AuditEntry] = (),
        bookings: Sequence[Booking] | None = None,
    ) -> None:
        """Insert or replace an order by its id, with what the audit says of it, and whom it counts on.

        Where no bookings are given those it has stay; they go with its end.
        """

    async def bookings(self, start: datetime, end: datetime) -> Sequence[Booking]:
        """Return the drones that orders count on at some time of a span, by when they leave."""

    async def order(self, order_id: UUID) -> Order | None:
        """Return one order, or None."""

    async def open_orders(self) -> Sequence[Order]:
        """Return the orders that are ACTIVE or PAUSED, oldest first."""

    async def sorties_for(self, order: UUID, limit: int) -> Sequence[SortieBrief]:
        """Return the newest sorties for an order and its occurrences, newest first."""

    async def save_occurrence(self, record: OccurrenceRecord) -> None:
        """Note what became of an occurrence; what was noted first stays."""

    async def occurrences(self, order: UUID) -> Sequence[OccurrenceRecord]:
        """Return what became of an order's occurrences, oldest first."""

    async def record_visit(self, cell: str, at: datetime, drone: str) -> None:
        """Note that a cell has been seen."""

    async def last_visits(self) -> Mapping[str, datetime]:
        """Return the last visit of every cell that was ever visited."""

    async def add_track(self, points: Sequence[TrackPoint]) -> None:
        """Append points to the tracks."""
