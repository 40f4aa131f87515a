"""The API over real parts and a flight that only remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from prometheus_client import CollectorRegistry

from fleet.api.app import create_app
from fleet.api.context import Context
from fleet.cad.dispatcher import Dispatcher
from fleet.errors import OrderError
from fleet.flight.closures import Closures
from fleet.flight.orderdesk import OrderDesk
from fleet.flight.orders import OrderBook
from fleet.flight.overrides import Overrides
from fleet.flight.pilots import PilotDesk
from fleet.flight.policy import Policy
from fleet.flight.response.desk import CallDesk
from fleet.flight.standing import Standing
from fleet.flight.word import Word
from fleet.flight.world import World
from fleet.incidents.desk import Desk
from fleet.incidents.sites import SiteBoard
from fleet.link.clock import SystemClock
from fleet.link.port import LandingTarget
from fleet.live import LiveHub
from fleet.model.live import Telemetry
from fleet.model.order import Order
from fleet.server import Server, listen
from fleet.store import tokens
from fleet.store.closures import SqlClosures
from fleet.store.store import Store
from missions.city import CadEndpoint, City, Drone
from missions.sortie import Sortie
from missions.trial import Trial
from missions.wishes import Refusal

WAITS = Trial(waits=(Refusal("", "", "no drone is ready", "fleet"),))


@dataclass
class RememberingFlight:
    store: Store
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    book: Any = None
    desk: Any = None
    calls: Any = None
    trial: Trial | Exception = field(default_factory=lambda: WAITS)
    assigned: list[tuple[str, str]] = field(default_factory=list)
    trial_ends: asyncio.Event | None = None
    refuses: str = ""
    supervisors: dict[str, Any] = field(default_factory=dict)
    overrides: Any = None
    closures: Any = None
    standing: Any = None
    airways: Any = None

    async def recall_all(self, reason: str, actor: str) -> None:
        self._may("recall", reason, actor)

    def landing_target(self, drone: str, target: LandingTarget) -> None:
        self._may("landing_target", drone, target)

    def believe_dock(self, dock: str, actor: str) -> None:
        self._may("believe_dock", dock, actor)

    def tell(self, drone: str, word: Word) -> None:
        """Do what a pilot says at once."""
        self._may("tell", drone, word.action, word.demand, word.reason)
        word.done("ACCEPTED")

    def orders(self) -> list[Order]:
        return self.book.all()

    def watch_assignments(self) -> list[tuple[str, str]]:
        return self.assigned

    def open_desk(self, city: City, hub: LiveHub, clock: Any) -> None:
        """Keep orders as a controller does; whether they can be flown is said by ``trial``."""
        world = World(city, self.store.flights, hub, clock, Policy(), {}, {}, {})
        self.airways = world.airways
        self.book = OrderBook(world, lambda name, why: self.asked.append(("end", name, why)))

        async def tried(question: Any) -> Trial:
            self.asked.append(("try", question))
            if self.trial_ends is not None:
                await self.trial_ends.wait()
            if isinstance(self.trial, Exception):
                raise self.trial
            return self.trial

        async def ask(wish: Any) -> Any:
            return wish

        self.calls = CallDesk(world, {}, self.store.calls, self.book, self.tell)
        called_off = lambda name, everyone: self.asked.append(("off", name, everyone))  # noqa: E731
        self.desk = OrderDesk(world, self.book, ask, tried, called_off)

    def _may(self, *asked: Any) -> None:
        if self.refuses:
            raise OrderError(self.refuses)
        self.asked.append(asked)


class Link:
    """A vehicle that does what it is told, and keeps what that was."""

    def __init__(self, told: list[tuple[Any, ...]]) -> None:
        self._told = told
        self.fails: Exception | None = None
        self.telemetry = Telemetry(
            at=datetime.now(UTC), connected=True, lon=117.65, lat=24.51, altitude_m=60.0
        )

    async def look_at(self, point: Any) -> None:
        self._heed("look_at", point)

    async def point_gimbal(self, pointing: Any) -> None:
        self._heed("gimbal", pointing)

    async def kill(self) -> None:
        self._heed("kill")

    def _heed(self, *told: Any) -> None:
        self._told.append(told)
        if self.fails is not None:
            raise self.fails


@dataclass
class Keeper:
    drone: Drone
    link: Any
    sortie: Sortie | None = None
    carried: Any = None
    holder: str | None = None
    holder_token: UUID | None = None
    when_docked: Any = None

    def publish(self) -> None:
        """Show it."""

    def note(self, kind: Any, text: str, **details: object) -> None:
        """Log it."""


class Api:
    """A client for each role, over one application."""

    def __init__(
        self, context: Context, flight: RememberingFlight, secrets: dict[str, str]
    ) -> None:
        self.context, self.flight, self.secrets = context, flight, secrets
        self.app = create_app(context)

    def as_(self, role: str | None) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {self.secrets[role]}"} if role else {}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)


@pytest.fixture
def flight(store: Store) -> RememberingFlight:
    return RememberingFlight(store)


@pytest.fixture
async def api(
    store: Store,
    hub: LiveHub,
    flight: RememberingFlight,
    city_folder: Path,
    make_city: Callable[..., City],
    endpoint: Callable[..., CadEndpoint],
) -> Api:
    city, clock, registry = (
        make_city(endpoint("http://127.0.0.1:1/")),
        SystemClock(),
        CollectorRegistry(),
    )
    flight.open_desk(city, hub, clock)
    board = SiteBoard(city, hub, clock, flight.watch_assignments)
    dispatcher = Dispatcher([], store, hub, clock, registry=registry)
    desk = Desk(city, store, hub, clock, wake_cads=dispatcher.wake, activity=board)
    flight.supervisors = {d.id: Keeper(d, Link(flight.asked)) for d in city.drones}
    flight.overrides = Overrides()
    closed = SqlClosures(store.database)
    flight.closures = Closures(flight.airways, closed, clock, lambda: flight.asked.append(("air",)))
    flight.standing = Standing(city, store.standing, clock)
    await flight.standing.load()
    pilots = PilotDesk(city, store, flight, clock)
    await pilots.start()
    data = city_folder.parent / "data"
    (data / "tlog").mkdir()
    context = Context(
        city=city,
        city_folder=city_folder,
        store=store,
        hub=hub,
        clock=clock,
        desk=desk,
        board=board,
        dispatcher=dispatcher,
        flight=flight,
        registry=registry,
        map_origins=("https://tiles.example",),
        pilots=pilots,
        data=data,
        cad_keys={"cad-1": bytes(range(32))},
    )
    secrets = {}
    async with store.write() as tx:
        for role in ("viewer", "officer", "pilot", "admin", "worker"):
            _, secrets[role] = await tokens.create(tx.session, f"a {role}", role, clock.now())
    return Api(context, flight, secrets)


@pytest.fixture
def served(api: Api) -> Callable[..., Any]:
    """Serve the application on a real port."""

    @asynccontextmanager
    async def serve() -> AsyncIterator[tuple[str, Server]]:
        listener = listen("127.0.0.1", 0)
        server = Server(api.app, listener)
        task = asyncio.create_task(server.run_here())
        await server.up.wait()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", server
        finally:
            api.context.stopping.set()
            server.should_exit = True
            await task

    return serve


@pytest.fixture
def post(
    api: Api, jpeg: Callable[[int], bytes], make_detection: Callable[..., Any]
) -> Callable[..., Awaitable[Any]]:
    """Post a detection as a worker does."""

    async def send(number: int = 0, **changes: Any) -> httpx.Response:
        image = jpeg(number)
        detection = make_detection(image, **changes)
        async with api.as_("worker") as worker:
            return await worker.post(
                "/api/v1/detections",
                files={
                    "detection": (None, detection.model_dump_json(), "application/json"),
                    "image": ("frame.jpg", image, "image/jpeg"),
                },
            )

    return send
