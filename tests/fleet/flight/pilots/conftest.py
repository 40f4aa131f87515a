"""The pilots' desk over a real store, with drones that answer as they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from fleet.flight.asked import Answer, Request
from fleet.flight.pilots import PilotDesk
from fleet.flight.word import Word
from fleet.model.command import CommandRecord, CommandStatus, Demand
from fleet.model.flightlog import EventKind
from fleet.model.live import Telemetry
from fleet.store import audit, commands
from fleet.store.store import Store
from missions.city import City
from missions.cityfile import parse
from missions.sortie import Sortie

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class Camera:
    """The part of a link that the desk commands itself; it fails as told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.fails: Exception | None = None
        self.telemetry = Telemetry(
            at=NOW, connected=True, lon=117.65, lat=24.51, altitude_m=60.0, in_air=True
        )

    async def look_at(self, point: Any) -> None:
        self._heed("look_at")

    async def point_gimbal(self, pointing: Any) -> None:
        self._heed("gimbal")

    async def kill(self) -> None:
        self._heed("kill")

    def _heed(self, what: str) -> None:
        self.told.append(what)
        if self.fails is not None:
            raise self.fails


class Keeper:
    def __init__(self, drone: Any) -> None:
        self.drone = drone
        self.link: Any = Camera()
        self.sortie: Sortie | None = None
        self.carried: Any = None
        self.holder: str | None = None
        self.holder_token: UUID | None = None
        self.shown: list[str | None] = []
        self.noted: list[str] = []
        self.when_docked: Callable[[], None] = lambda: None

    def publish(self) -> None:
        self.shown.append(self.holder)

    def note(self, kind: EventKind, text: str, **details: object) -> None:
        self.noted.append(text)


class Flight:
    """Keeps drones; answers words at once, or when it is told to."""

    def __init__(self, city: City) -> None:
        self.supervisors = {drone.id: Keeper(drone) for drone in city.drones}
        self.words: list[tuple[str, Word]] = []
        self.answers: Callable[[Word], None] | None = lambda word: word.done("ACCEPTED")

    def tell(self, drone: str, word: Word) -> None:
        self.words.append((drone, word))
        if self.answers is not None:
            self.answers(word)


class Room:
    """A desk over a real store, that can be left and entered again."""

    def __init__(self, store: Store, city: City) -> None:
        self.store, self.city, self.clock = store, city, Hands()
        self.enter()

    def enter(self) -> None:
        self.flight = Flight(self.city)
        self.desk = PilotDesk(self.city, self.store, self.flight, self.clock)

    @property
    def link(self) -> Camera:
        camera = self.flight.supervisors["u1"].link
        assert isinstance(camera, Camera)
        return camera

    async def ask(self, demand: Demand, actor: str = "li", **more: Any) -> Answer:
        return await self.desk.carry_out(Request("u1", actor, demand, **more))

    async def told(self) -> None:
        """Wait until flight was told something."""
        async with asyncio.timeout(10):
            while not self.flight.words:
                await asyncio.sleep(0)

    async def kept(self, command: UUID) -> CommandRecord | None:
        async with self.store.read() as session:
            return await commands.get(session, command)

    async def kept_answered(self, command: UUID) -> CommandRecord:
        """Return a command as it is on disk once its answer is: a safety word waits for neither."""
        async with asyncio.timeout(30):
            while True:
                found = await self.kept(command)
                if found is not None and found.status is not CommandStatus.SENT:
                    return found
                await asyncio.sleep(0.01)

    async def audited(self) -> list[tuple[str, str, str]]:
        async with self.store.read() as session:
            entries = await audit.of_subject(session, "drone:u1")
        return [(entry.actor, entry.action, entry.reason) for entry in entries]


@pytest.fixture
async def room(store: Store, city_text: str) -> Room:
    made = Room(store, parse(city_text, "city.yaml"))
    await made.desk.start()
    return made


@pytest.fixture
def make_room(city_text: str) -> Callable[[Store], Room]:
    """Make a desk over a store; nobody has entered it yet."""
    return lambda store: Room(store, parse(city_text, "city.yaml"))
