"""One drone's steps on their way to the store: in order, beside whatever waits for them.

A step that a safety rule wants cannot wait for a database that hangs. So the writing is a task of
its own: who cannot wait longer goes on, and the write follows, still before any later one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import structlog

from fleet.errors import StoreError
from fleet.model.records import DroneRecord, SortieRecord
from fleet.store.port import FlightStore

TRIES = 3
"""After so many the waiting step is told that the store does not take it."""
PAUSE_S = 0.4
LAST_PAUSE_S = 10.0
"""The newest state is offered again for ever, at most this far apart, until a newer one comes."""
log = structlog.get_logger(__name__)


@dataclass(eq=False)
class _Entry:
    record: DroneRecord
    sorties: dict[str, SortieRecord]
    taken: asyncio.Future[None] = field(default_factory=lambda: asyncio.Future())


class Ledger:
    """Writes a drone's records one after the other.

    At most one entry is being written and one waits: a newer one takes the place of the one that
    waits, and takes its sorties along, so that nothing that ends is left out and nothing grows.
    """

    def __init__(self, store: FlightStore) -> None:
        self._store = store
        self._next: _Entry | None = None
        self._put = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def put(self, record: DroneRecord, sortie: SortieRecord | None) -> asyncio.Future[None]:
        """Hand over a step; return what is done once it is committed, or failed ``TRIES`` times."""
        sorties = {} if self._next is None else self._next.sorties
        if sortie is not None:
            sorties.pop(sortie.sortie.id, None)
            sorties[sortie.sortie.id] = sortie
        if self._next is not None:
            self._next.taken.cancel()  # nobody waits for it any more
        self._next = _Entry(record, sorties)
        self._idle.clear()
        self._put.set()
        return self._next.taken

    async def taken(self, entry: asyncio.Future[None], bound_s: float) -> None:
        """Wait until a step is committed; it is written all the same where this ends before.

        Raises
        ------
        StoreError
            If the store refuses it, or has not taken it within the bound.
        """
        await asyncio.wait({entry}, timeout=bound_s)
        if not entry.done():
            raise StoreError(f"the store has not answered for {bound_s:g} s")
        entry.result()

    async def settled(self, bound_s: float) -> None:
        """Wait until nothing is left to write, within a bound."""
        try:
            async with asyncio.timeout(bound_s):
                await self._idle.wait()
        except TimeoutError:
            log.error("a drone's last state is not stored", waited_s=bound_s)

    async def run(self) -> None:
        """Write, for ever."""
        while True:
            await self._put.wait()
            self._put.clear()
            entry, self._next = self._next, None
            if entry is not None:
                await self._write(entry)
            if self._next is None:
                self._idle.set()

    async def _write(self, entry: _Entry) -> None:
        attempt = 0
        while True:
            attempt += 1
            error = await self._try(entry)
            if error is not None:
                if attempt >= TRIES and not entry.taken.done():
                    drone = entry.record.drone
                    log.error("store does not take a drone's state", drone=drone, error=str(error))
                    entry.taken.set_exception(error)
                    entry.taken.exception()  # whoever waited may have gone on long ago
                if await self._newer(min(PAUSE_S * 2 ** min(attempt - 1, 10), LAST_PAUSE_S)):
                    self._hand_on(entry)
                    return
            else:
                if not entry.taken.done():
                    entry.taken.set_result(None)
                return

    async def _try(self, entry: _Entry) -> StoreError | None:
        try:
            for sortie in entry.sorties.values():
                await self._store.save_sortie(sortie)
            await self._store.save_drone(entry.record)
        except StoreError as error:
            return error
        except Exception as error:  # a fault in the store must not end the writing
            log.exception("fault in the store", drone=entry.record.drone)
            return StoreError(f"fault in the store: {type(error).__name__}: {error}")
        return None

    async def _newer(self, seconds: float) -> bool:
        """Let a retry wait its time; say whether a newer entry makes it needless."""
        try:
            async with asyncio.timeout(seconds):
                await self._put.wait()
        except TimeoutError:
            pass
        return self._next is not None

    def _hand_on(self, entry: _Entry) -> None:
        """Have the newer entry write this one's sorties too."""
        if self._next is not None:
            self._next.sorties = {**entry.sorties, **self._next.sorties}
        if not entry.taken.done():
            entry.taken.set_exception(StoreError("a later step took its place"))
            entry.taken.exception()  # nobody may wait for it any more
