"""The flight log: watches the live picture, and keeps every flight with what happened on it.

It is only an observer. Whatever goes wrong with it is logged, and no drone waits for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Self
from uuid import uuid4

import structlog
from pydantic import BaseModel

from fleet.errors import SettingsError, StoreError
from fleet.flight.airtime import REMEMBERED, Airtime
from fleet.flight.place import endurance_s
from fleet.link.clock import Clock
from fleet.link.port import DroneLink, VehicleText
from fleet.live import LiveHub
from fleet.model.flightlog import EventKind, FlightEvent, FlightRecord
from fleet.model.live import DockLive, DroneLive
from fleet.store import flightlog
from fleet.store.flightlog import Span
from fleet.store.store import Store
from missions.city import City

EACH_S = 1.0
SAVE_EACH = 10
"""A flight under way is stored at so many rounds, for what a sudden end would lose of it."""
FORGET_EACH = 3600
BUFFER = 20_000
"""Events kept while the store does not take them; then the oldest go, and that is logged."""
BATCH = 2_000
TEXTS_EACH = 20
"""Texts taken of one vehicle in a round; the rest of a flood is counted."""

log = structlog.get_logger(__name__)


class FlightLog:
    """Notes flights, events and recordings of every drone. An async context manager.

    It is also the :class:`fleet.store.port.Journal` that others tell what happens to a drone.

    Parameters
    ----------
    city, store, hub, links, clock
        The city; durable memory; the live picture; the vehicles by drone id; time.
    folder
        Data folder; the recordings lie in ``tlog`` below it.
    keep
        How long events and recordings are kept. Flights are kept for ever.
    most_bytes
        What all recordings together may take; the oldest go before their time. A vehicle at PX4's
        default rates writes some 30 MB an hour.
    """

    def __init__(
        self,
        city: City,
        store: Store,
        hub: LiveHub,
        links: Mapping[str, DroneLink],
        clock: Clock,
        folder: Path,
        *,
        keep: timedelta = timedelta(days=30),
        most_bytes: int = 50 * 10**9,
    ) -> None:
        self._city = city
        self._store = store
        self._hub = hub
        self._links = links
        self._clock = clock
        self._folder = folder
        self._keep = keep
        self._most_bytes = most_bytes
        self._pages: dict[str, Airtime] = {}
        self._recorded: dict[str, str | None] = {}
        self._last_text: dict[str, VehicleText] = {}
        self._doors: dict[str, tuple[bool, str]] = {}
        self._events: deque[FlightEvent] = deque(maxlen=BUFFER)
        self._flights: dict[str, FlightRecord] = {}
        self._lost = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to watch; flights that were under way are gone on with.

        Raises
        ------
        SettingsError
            If the folder of the recordings cannot be made.
        StoreError
            If the store cannot be read.
        """
        try:
            (self._folder / "tlog").mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"cannot keep recordings below {self._folder}: {error}") from error
        await self._open_pages()
        self._stops = [self._hub.listen("drone", self._drone), self._hub.listen("dock", self._dock)]
        self._task = asyncio.create_task(self._run(), name="flight log")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Store what was noted, and end. What flies is gone on with by the next controller."""
        for stop in self._stops:
            stop()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for drone, link in self._links.items():
            if self._recorded.get(drone) is not None:
                link.record(None)
        self._save_open()
        with suppress(StoreError):
            await self.flush()

    def note(self, event: FlightEvent) -> None:
        """Take one event; never waits and never fails. Its flight is found where there is one."""
        page = self._pages.get(event.drone)
        flight = page.name if page is not None and page.name is not None else event.flight
        self._lost += len(self._events) == BUFFER
        self._events.append(
            FlightEvent(event.drone, event.at, event.kind, event.text, event.details, flight)
        )

    async def flush(self) -> None:
        """Store what was noted; where the store does not take it, it is kept for the next time.

        Raises
        ------
        StoreError
            If the store does not take it.
        """
        while self._flights or self._events:
            flights = dict(self._flights)
            events = [self._events[i] for i in range(min(BATCH, len(self._events)))]
            async with self._store.write() as tx:
                for record in flights.values():
                    await flightlog.save(tx.session, record)
                await flightlog.add_events(tx.session, events)
            self._flights = {k: v for k, v in self._flights.items() if flights.get(k) is not v}
            for event in events:  # those that came meanwhile may have pushed some out
                if self._events and self._events[0] is event:
                    self._events.popleft()

    # what is seen

    def _drone(self, fact: BaseModel) -> None:
        assert isinstance(fact, DroneLive)
        page = self._pages.get(fact.id)
        if page is None:
            return
        try:
            self._take(page, page.see(fact, self._clock.now()))
            self._record(fact.id, page.tlog)
        except Exception:  # whoever published this must not suffer from a fault here
            log.exception("fault in the flight log", drone=fact.id)

    def _dock(self, fact: BaseModel) -> None:
        """Tell a dock's changes to those that are bound for it or leave it."""
        assert isinstance(fact, DockLive)
        shown = fact.online, fact.door.value
        if self._doors.get(fact.id) == shown:
            return
        self._doors[fact.id] = shown
        words = f"{fact.id}: door {fact.door}" if fact.online else f"{fact.id}: offline"
        for drone, page in self._pages.items():
            live = self._hub.get("drone", drone)
            near = isinstance(live, DroneLive) and (live.berth or live.dock) == fact.id
            if page.name is not None and near:
                details = {"dock": fact.id, "door": fact.door.value, "reason": fact.reason}
                now = self._clock.now()
                self.note(FlightEvent(drone, now, EventKind.DOCK, words, details))

    def _take(self, page: Airtime, events: list[FlightEvent]) -> None:
        for event in events:
            self._lost += len(self._events) == BUFFER
            self._events.append(event)
        for record in page.changed:
            self._flights[record.id] = record
        page.changed.clear()

    def _record(self, drone: str, tlog: str | None) -> None:
        if self._recorded.get(drone) == tlog:
            return
        self._recorded[drone] = tlog
        self._links[drone].record(None if tlog is None else self._folder / tlog)

    def _texts(self, drone: str) -> None:
        """Take the vehicle's texts since the last time."""
        last, new = self._last_text.get(drone), 0
        texts = self._links[drone].texts
        fresh: list[VehicleText] = []
        for text in reversed(texts):
            if text is last:
                break
            new += 1
            if new <= TEXTS_EACH:
                fresh.append(text)
        if new:
            self._last_text[drone] = texts[-1]
        for text in reversed(fresh):
            details = {"severity": text.severity}
            self.note(FlightEvent(drone, text.at, EventKind.TEXT, text.text, details))
        if new > TEXTS_EACH:
            words = f"{new - TEXTS_EACH} more texts of the autopilot within {EACH_S:g} s, not kept"
            self.note(FlightEvent(drone, self._clock.now(), EventKind.TEXT, words))

    # the rounds

    async def _open_pages(self) -> None:
        docks = {dock.id: dock.position for dock in self._city.docks}
        async with self._store.read() as session:
            aloft = {record.drone: record for record in await flightlog.in_the_air(session)}
            for drone in self._city.drones:
                last = await flightlog.latest(session, Span(drone=drone.id), REMEMBERED)
                self._pages[drone.id] = Airtime(
                    drone.id,
                    timedelta(seconds=endurance_s(drone)),
                    docks,
                    lambda: str(uuid4()),
                    aloft.get(drone.id),
                    [record.id for record in reversed(last)],
                )
        for drone_id, page in self._pages.items():
            self._record(drone_id, page.tlog)

    async def _run(self) -> None:
        rounds = 0
        while True:
            await asyncio.sleep(EACH_S)
            rounds += 1
            try:
                self.look()
                if rounds % SAVE_EACH == 0:
                    self._save_open()
                await self.flush()
                if rounds % FORGET_EACH == 1:
                    await self.forget()
            except StoreError as error:
                log.error(
                    "flight log waits for the store", events=len(self._events), error=str(error)
                )
            except Exception:  # the log goes on with what it still can
                log.exception("fault in the flight log")

    def look(self) -> None:
        """Take what nobody publishes: the autopilots' texts, and that time has passed."""
        for drone, page in self._pages.items():
            self._texts(drone)
            self._take(page, page.tick(self._clock.now()))
            self._record(drone, page.tlog)
        lost, self._lost = self._lost, 0
        if lost:
            log.error("flight log is full: events lost", lost=lost, kept=len(self._events))

    def _save_open(self) -> None:
        for page in self._pages.values():
            if page.flight is not None:
                self._flights[page.flight.id] = page.flight

    async def forget(self) -> None:
        """Delete events and recordings that are older than they are kept.

        Raises
        ------
        StoreError
            If the store does not take it.
        """
        before = self._clock.now() - self._keep
        more = True
        while more:
            async with self._store.write() as tx:
                more = await flightlog.forget_events(tx.session, before)
        recorded = {name for name in self._recorded.values() if name is not None}
        keep = frozenset(self._folder / name for name in recorded)
        folder, oldest = self._folder / "tlog", before.timestamp()
        await asyncio.to_thread(_forget_files, folder, oldest, self._most_bytes, keep)


def _forget_files(folder: Path, before: float, most_bytes: int, keep: frozenset[Path]) -> None:
    """Delete recordings that are too old, and the oldest of what is too much.

    Those that are being written stay. One that cannot be deleted is logged.
    """
    found = []
    for file in folder.glob("*.tlog"):
        try:
            about = file.stat()
        except OSError as error:
            log.error("recording not read", file=file.name, error=str(error))
        else:
            found.append((about.st_mtime, about.st_size, file))
    left = sum(size for _, size, _ in found)
    for changed, size, file in sorted(found):
        if file in keep or (changed >= before and left <= most_bytes):
            continue
        try:
            file.unlink()
        except OSError as error:
            log.error("recording not deleted", file=file.name, error=str(error))
        else:
            left -= size
            if changed >= before:
                log.warning("recordings take too much: one deleted before its time", file=file.name)
