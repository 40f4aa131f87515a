"""Pilots' commands on disk: what was asked, what came of it, the audit and the flight's log of both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from fleet.errors import StoreError
from fleet.flight.asked import Request, answered, in_words, plain, same
from fleet.link.clock import Clock
from fleet.model.command import CommandRecord, CommandStatus
from fleet.model.flightlog import EventKind, FlightEvent
from fleet.model.records import DroneRecord
from fleet.store import audit, commands, flightlog
from fleet.store.audit import AuditEntry
from fleet.store.database import Transaction
from fleet.store.store import Store

STORE_S = 5.0
UNKNOWN = "controller ended before the answer was known"
NOT_SENT = "not sent: the database did not say in time that it has it"

S = CommandStatus


class Docket:
    """The commands as they are kept. Each line of them is in the audit and in the flight's log."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._unsaved: dict[UUID, CommandRecord] = {}

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        """Open a write transaction, bounded in time.

        Raises
        ------
        StoreError
            If the store refuses, or does not answer within ``STORE_S``.
        """
        try:
            async with asyncio.timeout(STORE_S), self._store.write() as tx:
                yield tx
        except TimeoutError:
            raise StoreError(f"the database has not answered for {STORE_S:g} s") from None

    async def drones(self) -> Mapping[str, DroneRecord]:
        """Return every drone's record by drone id."""
        return await self._store.flights.drones()

    async def close_left_open(self, drones: Collection[str]) -> None:
        """End, as FAILED, what a controller before this one had sent and not heard of.

        Only what was for these drones: another controller may keep others in the same store.
        """
        more = True
        while more:
            async with self._store.write() as tx:
                left = await commands.unanswered(tx.session, drones)
                for record in left:
                    await self.answer(tx, answered(record, S.FAILED, UNKNOWN, self._clock.now()))
            more = bool(left)

    def record(self, request: Request) -> CommandRecord:
        """Return a request as it is kept."""
        return CommandRecord(
            id=request.id,
            drone=request.drone,
            actor=request.actor,
            demand=plain(request.demand),
            reason=request.reason,
            status=S.SENT,
            at=self._clock.now(),
        )

    async def find(self, request: Request) -> CommandRecord | None:
        """Return what became of the command with a request's id, where that is known already.

        Raises
        ------
        fleet.errors.Conflict
            If that was another command.
        StoreError
            If the store cannot be read.
        """
        found = self._unsaved.get(request.id)
        if found is None:
            async with self._store.read() as session:
                found = await commands.get(session, request.id)
        if found is None:
            return None
        same(request, found.drone, found.actor, found.demand)
        return found if found.status is not S.SENT else None

    async def is_written(self, tx: Transaction, record: CommandRecord) -> bool:
        """Whether a record is on disk, though the disk did not say so in time."""
        found = await commands.get(tx.session, record.id)
        if found is None or found.status is not record.status:
            return False
        tx.after_commit(lambda: self._saved(record))
        return True

    async def ended(self, tx: Transaction, drone: str, name: str, words: str) -> None:
        """Note, in the audit, that a pilot's control has ended by itself."""
        entry = AuditEntry(
            self._clock.now(), "controller", "drone.control", f"drone:{drone}", words, {"who": name}
        )
        await audit.add(tx.session, entry)

    def keep(self, record: CommandRecord) -> None:
        """Remember, in memory, the answer of a command that the store did not take."""
        self._unsaved[record.id] = record

    async def before(self, tx: Transaction, request: Request) -> CommandRecord | None:
        """Return what became of the command with a request's id, or None where it is new.

        Raises
        ------
        fleet.errors.Conflict
            If that was another command.
        """
        found = self._unsaved.get(request.id) or await commands.get(tx.session, request.id)
        if found is None:
            return None
        same(request, found.drone, found.actor, found.demand)
        if found.status is S.SENT:  # on disk after all, though the disk did not say so in time
            found = answered(found, S.FAILED, NOT_SENT, self._clock.now())
            await self.answer(tx, found)
        return found

    async def send(self, tx: Transaction, record: CommandRecord) -> None:
        """Note a command that is about to go out."""
        await commands.save(tx.session, record)
        await self._tell(tx, record, EventKind.COMMAND, in_words(record))

    async def answer(self, tx: Transaction, record: CommandRecord) -> None:
        """Note what came of a command."""
        await commands.save(tx.session, record)
        await self._tell(tx, record, EventKind.ANSWER, f"{record.status}: {record.answer}")
        tx.after_commit(lambda: self._saved(record))

    async def close(
        self, tx: Transaction, record: CommandRecord, status: CommandStatus, words: str
    ) -> CommandRecord:
        """Note a command that nothing of goes out to the vehicle, with its answer."""
        await self._tell(tx, record, EventKind.COMMAND, in_words(record))
        done = answered(record, status, words, self._clock.now())
        await self.answer(tx, done)
        return done

    def _saved(self, record: CommandRecord) -> None:
        self._unsaved.pop(record.id, None)

    async def _tell(
        self, tx: Transaction, record: CommandRecord, kind: EventKind, words: str
    ) -> None:
        drone, at = record.drone, record.answered_at or record.at
        details: dict[str, Any] = {"command": str(record.id), "actor": record.actor}
        if kind is EventKind.COMMAND:
            details["demand"] = record.demand
        else:
            details["status"] = record.status.value
        flight = await flightlog.under_way(tx.session, drone)
        event = FlightEvent(drone, at, kind, words, details, flight)
        await flightlog.add_events(tx.session, [event])
        reason = record.reason if kind is EventKind.COMMAND else record.answer
        entry = AuditEntry(at, record.actor, f"drone.{kind}", f"drone:{drone}", reason, details)
        await audit.add(tx.session, entry)
