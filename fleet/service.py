"""The controller as one process: wires its parts together, and ends them together.

A part that crashes ends the process with its error: a controller that is half alive looks alive.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit

import structlog
from prometheus_client import CollectorRegistry

from fleet.api.app import create_app
from fleet.api.auth import Role
from fleet.api.context import Context, Flight
from fleet.cad.dispatcher import Dispatcher
from fleet.cad.secret import read_secret
from fleet.cad.webhook import WebhookCad
from fleet.config import Settings
from fleet.errors import DockError, StoreError
from fleet.flight.pilots import PilotDesk
from fleet.incidents.desk import Desk
from fleet.incidents.sites import SiteBoard
from fleet.link.clock import Clock, SystemClock
from fleet.live import LiveHub
from fleet.server import Server, listen
from fleet.store import audit, calls, tokens, tracks
from fleet.store.audit import AuditEntry
from fleet.store.closures import SqlClosures
from fleet.store.store import Store
from missions.city import Broker, City

BROKER_EACH_S = 0.25
REFRESH_SITES_S = 1.0
CLOSE_QUIET_S = 30.0
FORGET_TRACKS_S = 3600.0
FORGET_HEARD = timedelta(days=7)
"""A CAD repeats a word for less."""

log = structlog.get_logger("controller")

Say = Callable[[str], None]
"""Tells whoever started the process; never the log."""


@dataclass(frozen=True)
class Plan:
    """What is to be served, from where."""

    city: City
    city_folder: Path
    data: Path
    host: str
    port: int
    settings: Settings


@runtime_checkable
class Joinable(Protocol):
    """A flight controller that tells when one of its own tasks has crashed."""

    async def join(self) -> None:
        """Wait for ever; raise what a task of it failed with."""


class StartFlight(Protocol):
    """Starts flight on a stack that ends it; tests bring their own."""

    async def __call__(
        self, stack: AsyncExitStack, plan: Plan, store: Store, hub: LiveHub, clock: Clock
    ) -> Flight:
        """Return flight, started."""


async def start_flight(
    stack: AsyncExitStack, plan: Plan, store: Store, hub: LiveHub, clock: Clock
) -> Flight:
    """Start links, docks and the flight controller.

    Raises
    ------
    fleet.errors.DockError
        If the broker is not there.
    fleet.errors.LinkError
        If an address of a drone cannot be opened.
    """
    from fleet.docks.mqtt import MqttDocks
    from fleet.flight.controller import FlightController
    from fleet.flight.flightlog import FlightLog
    from fleet.flight.orderdesk import TRIAL_S
    from fleet.flight.planprocess import PlannerProcess
    from fleet.link.mavsdk_pool import MavsdkPool
    from fleet.link.profile import profile

    # a collection that looks through all that was imported stops everything for 0.1 s: here, before
    # a vehicle is heard, is the last one that does
    gc.collect()
    gc.freeze()
    city = plan.city
    await reach(city.broker, plan.settings.broker_wait_s)
    doors_s = {dock.id: dock.door_s for dock in city.docks}
    docks = await stack.enter_async_context(
        MqttDocks(city.broker, list(doors_s), hub, clock, doors_s=doors_s)
    )
    pool = await stack.enter_async_context(MavsdkPool(city.drones, clock, expected=profile(city)))
    planner = await stack.enter_async_context(PlannerProcess())
    # orders are tried in a process of their own: a plan may take seconds, and nobody waits for both
    trials = await stack.enter_async_context(PlannerProcess(2 * TRIAL_S))
    journal = await stack.enter_async_context(
        FlightLog(
            city,
            store,
            hub,
            pool.links,
            clock,
            plan.data,
            keep=timedelta(days=plan.settings.track_days),
        )
    )
    flight = FlightController(
        city,
        store.flights,
        pool.links,
        docks.docks,
        hub,
        clock,
        planner=planner,
        trier=trials.trial,
        journal=journal,
        presence=lambda: hub.presence.last_heard(clock.now()),
        calls=store.calls,
        closures=SqlClosures(store.database),
        standing=store.standing,
    )
    await flight.start()
    stack.push_async_callback(flight.stop)
    return flight


async def reach(broker: Broker, seconds: float) -> None:
    """Wait until a broker's port takes connections, so that a missing one is said soon.

    Raises
    ------
    DockError
        If it does not within ``seconds``.
    """
    parts = urlsplit(broker.url)
    port = parts.port or (8883 if parts.scheme == "mqtts" else 1883)
    last = "no answer"
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    _, writer = await asyncio.open_connection(parts.hostname, port)
                except OSError as error:
                    last = error.strerror or str(error)
                    await asyncio.sleep(BROKER_EACH_S)
                    continue
                writer.close()
                return
    except TimeoutError:
        raise DockError(
            f"no MQTT broker at {broker.url}: {last}",
            hint="start it (or `skybeat sim`), or correct `broker.url` in the city file",
        ) from None


async def serve(
    plan: Plan,
    stop: asyncio.Event,
    say: Say,
    *,
    environment: Mapping[str, str] = os.environ,
    start: StartFlight = start_flight,
) -> None:
    """Run a controller until ``stop`` is set. Drones in the air are told nothing and go on.

    Raises
    ------
    fleet.errors.FleetError
        If something that it needs is not there; says what.
    """
    try:
        async with AsyncExitStack() as stack:
            stack.callback(gc.unfreeze)
            async with _unless(stop):
                context, server, address = await _build(stack, plan, say, environment, start)
            gc.freeze()
            await _run(context, server, stop, lambda: say(f"ready {address}"), plan.settings)
    except _Stopped:
        log.info("stopped before it was up")
        return
    log.info("stopped")


async def _build(
    stack: AsyncExitStack,
    plan: Plan,
    say: Say,
    environment: Mapping[str, str],
    start: StartFlight,
) -> tuple[Context, Server, str]:
    keys = {cad.id: read_secret(cad, environment) for cad in plan.city.cad}
    tells = {
        cad.id: read_secret(cad, environment, cad.calls_secret_env)
        for cad in plan.city.cad
        if cad.calls_secret_env is not None
    }
    listener = listen(plan.host, plan.port)
    stack.callback(listener.close)
    clock = SystemClock()
    hub = LiveHub()
    store = Store(plan.data, plan.settings.database_url)
    stack.push_async_callback(store.close)
    before, after = await store.migrate()
    if before != after:
        log.info("database migrated", before=before, after=after)
    flight = await start(stack, plan, store, hub, clock)
    pilots = PilotDesk(plan.city, store, flight, clock, space=lambda: flight.closures.airways.space)
    await pilots.start()
    stack.push_async_callback(pilots.stop)
    registry = CollectorRegistry()
    flight.calls.metrics.register(registry)
    cads = [WebhookCad(cad, keys[cad.id]) for cad in plan.city.cad]
    dispatcher = Dispatcher(cads, store, hub, clock, registry=registry)
    board = SiteBoard(plan.city, hub, clock, flight.watch_assignments)
    desk = Desk(
        plan.city,
        store,
        hub,
        clock,
        wake_cads=dispatcher.wake,
        activity=board,
        quiet=timedelta(minutes=plan.settings.quiet_min),
    )
    context = Context(
        city=plan.city,
        city_folder=plan.city_folder,
        store=store,
        hub=hub,
        clock=clock,
        desk=desk,
        board=board,
        dispatcher=dispatcher,
        flight=flight,
        registry=registry,
        map_origins=plan.settings.map_origins,
        pilots=pilots,
        data=plan.data,
        cad_keys=tells,
    )
    token = await first_token(store, clock)
    if token is not None:
        say(f"administrator token (shown this once, keep it): {token}")
    server = Server(create_app(context), listener)
    host = f"[{plan.host}]" if ":" in plan.host else plan.host
    address = f"http://{host}:{listener.getsockname()[1]}"
    return context, server, address


class _Stopped(Exception):
    """The controller was asked to end; no error."""


@asynccontextmanager
async def _unless(stop: asyncio.Event) -> AsyncIterator[None]:
    """Give up what a block waits for when ``stop`` is set, by raising ``_Stopped``."""
    task = asyncio.current_task()
    assert task is not None

    async def watch() -> None:
        await stop.wait()
        task.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
        task.uncancel()
        raise _Stopped from None
    finally:
        watcher.cancel()


async def _run(
    context: Context,
    server: Server,
    stop: asyncio.Event,
    ready: Callable[[], None],
    settings: Settings,
) -> None:
    async def forget_tracks() -> None:
        before = context.clock.now() - timedelta(days=settings.track_days)
        more = True
        while more:
            async with context.store.write() as tx:
                more = await tracks.forget(tx.session, before)
        async with context.store.write() as tx:
            await calls.forget_heard(tx.session, context.clock.now() - FORGET_HEARD)

    async def close_quiet() -> None:
        await context.desk.close_quiet()

    async def refresh_sites() -> None:
        context.board.refresh()

    try:
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(server.run_here(), name="api")
            tasks.create_task(context.dispatcher.run(), name="cad")
            tasks.create_task(_every(REFRESH_SITES_S, refresh_sites), name="sites")
            tasks.create_task(_every(CLOSE_QUIET_S, close_quiet), name="incidents")
            tasks.create_task(_every(FORGET_TRACKS_S, forget_tracks), name="tracks")
            if isinstance(context.flight, Joinable):
                tasks.create_task(context.flight.join(), name="flight")
            await server.up.wait()
            ready()
            await stop.wait()
            log.info("stopping; drones in the air go on")
            context.stopping.set()
            server.should_exit = True
            await serving
            raise _Stopped
    except* _Stopped:
        pass


async def _every(seconds: float, action: Callable[[], Awaitable[None]]) -> None:
    """Do something at a pace for ever; a database that refuses is logged and tried again."""
    while True:
        try:
            await action()
        except StoreError as error:
            log.error("housekeeping failed", error=str(error))
        await asyncio.sleep(seconds)


async def first_token(store: Store, clock: Clock) -> str | None:
    """Return a new administrator token where there never was one, else None."""
    async with store.write() as tx:
        if await tokens.count(tx.session, Role.ADMIN.value):
            return None
        now = clock.now()
        record, token = await tokens.create(
            tx.session, "first administrator", Role.ADMIN.value, now
        )
        subject = f"token:{record.id}"
        await audit.add(tx.session, AuditEntry(now, "controller", "token.create", subject))
    return token
