"""A city in memory whose controller can die between any two steps of its code, as by SIGKILL.

What dies is a ``Life``, and the loop that asks it before each callback is a folder up. The world
(vehicles, docks, what was committed) lives on: what was sent takes effect, whether or not the
sender hears of it.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import inspect
import logging
import math
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from fleet.docks.fake import FakeDock
from fleet.errors import FleetError
from fleet.flight.controller import FlightController
from fleet.flight.policy import Policy
from fleet.link.fake import FakeVehicle
from fleet.link.port import LandingTarget
from fleet.live import LiveHub
from fleet.model.records import DroneRecord, FlownRecord, SortieRecord, SortieStatus
from fleet.model.states import DoorState
from missions.city import City
from missions.geo import LocalFrame
from missions.planner import Plan
from missions.sortie import Leg, LegKind, Sortie, SortieEnergy, Waypoint
from missions.trial import Trial
from missions.wishes import Refusal
from sitl.dock import AROUND_M, LOW_M, SLOT_M
from sitl.vehicles import slot

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
PADS = {"d1": (117.65, 24.51), "d2": (117.66, 24.51)}
DRONES = {"a1": "d1", "a2": "d1", "b1": "d2"}
COMMIT_S = 0.004
"""A write is committed after half of this."""


class LoopClock:
    """The loop's time as a Clock."""

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_event_loop().time()


async def not_tried(question: Any) -> Trial:
    """Take every order: the planner of these tests plans without geometry."""
    return Trial(waits=(Refusal(question.wishes[0].id, "", "not tried", "fleet"),))


class Disk:
    """What was committed. Each method is one transaction; none awaits inside."""

    def __init__(self) -> None:
        self.by_drone: dict[str, DroneRecord] = {}
        self.sorties: dict[str, SortieRecord] = {}
        self.past: dict[str, list[SortieStatus]] = {}
        self.all_orders: dict[Any, Any] = {}
        self.visits: list[tuple[str, datetime, str]] = []

    async def save_drone(self, record: DroneRecord) -> None:
        self.by_drone[record.drone] = record

    async def drones(self) -> Mapping[str, DroneRecord]:
        return dict(self.by_drone)

    async def save_sortie(self, record: SortieRecord) -> None:
        self.sorties[record.sortie.id] = record
        self.past.setdefault(record.sortie.id, []).append(record.status)

    async def open_sorties(self) -> list[SortieRecord]:
        still = {SortieStatus.PLANNED, SortieStatus.FLYING}
        return [r for r in self.sorties.values() if r.status in still]

    async def save_order(self, order: Any, acts: Any = (), bookings: Any = None) -> None:
        self.all_orders[order.id] = order

    async def bookings(self, start: datetime, end: datetime) -> list[Any]:
        return []

    async def order(self, order_id: Any) -> Any:
        return self.all_orders.get(order_id)

    async def open_orders(self) -> list[Any]:
        return [o for o in self.all_orders.values() if o.status.is_open]

    async def sorties_for(self, order: Any, limit: int) -> list[Any]:
        return []

    async def save_occurrence(self, record: Any) -> None:
        pass

    async def occurrences(self, order: Any) -> list[Any]:
        return []

    async def record_visit(self, cell: str, at: datetime, drone: str) -> None:
        self.visits.append((cell, at, drone))

    async def flown_since(self, since: datetime, limit: int) -> list[FlownRecord]:
        return []

    async def last_visits(self) -> Mapping[str, datetime]:
        return {cell: at for cell, at, _ in self.visits}

    async def add_track(self, points: Any) -> None:
        pass


@functools.cache
def _is_asked(kind: type, name: str) -> bool:
    return inspect.iscoroutinefunction(getattr(kind, name, None))


class _Seam:
    """What one controller holds of a thing of the world: calls cross over as long as it lives."""

    def __init__(self, thing: Any, life: Any, name: str, see: Callable[..., None]) -> None:
        self._thing, self._life, self._name, self._see = thing, life, name, see

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._thing, name)
        if not _is_asked(type(self._thing), name):
            return found
        return lambda *args, **more: self._cross(name, found, args, more)

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        return self._thing.listen(lambda: self._life.call(listener))

    async def _cross(self, name: str, method: Any, args: Any, more: Any) -> Any:
        await self._life.point(f"{self._name} unsent {name}")
        self._see(name, args)
        world = contextvars.Context()
        task = asyncio.get_running_loop().create_task(method(*args, **more), context=world)
        task.add_done_callback(lambda t: t.cancelled() or t.exception())
        await self._life.point(f"{self._name} sent {name}")
        try:
            result = await asyncio.shield(task)
        except FleetError:
            await self._life.point(f"{self._name} refused {name}")
            raise
        await self._life.point(f"{self._name} answered {name}")
        return result


class _StoreSeam:
    """A store whose process can die before and after the commit."""

    def __init__(self, disk: Disk, life: Any) -> None:
        self._disk, self._life = disk, life

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._disk, name)
        if not inspect.iscoroutinefunction(method):
            return method
        kind = "write" if name.startswith(("save", "record", "add")) else "read"

        async def transact(*args: Any) -> Any:
            await self._life.point(f"store {kind} begun {name}")
            await asyncio.sleep(COMMIT_S / 2)
            result = await method(*args)
            await self._life.point(f"store {kind} committed {name}")
            await asyncio.sleep(COMMIT_S / 2)
            return result

        return transact


MARKER = {"id": 7, "size_m": 0.7}
BLIND, SEEN_FROM_M = "a2", 20.0


def city() -> City:
    def square(size: float) -> list[tuple[float, float]]:
        lon, lat = PADS["d1"]
        return [(lon + e * size, lat + n * size) for n, e in ((-1, -1), (-1, 1), (1, 1), (1, -1))]

    site = {
        "kind": "water",
        "station": "x",
        "levels": {"normal_m": 1, "warning_m": 2, "danger_m": 3},
    }
    return City.model_validate(
        {
            "city": {"name": "Test", "origin": PADS["d1"]},
            "broker": {"url": "mqtt://127.0.0.1:1"},
            "districts": [{"id": "x", "name": "X", "area": square(0.02)}],
            "beats": [{"id": "b1", "name": "B", "district": "x", "area": square(0.02)}],
            "docks": [
                {"id": d, "position": p, **({"marker": MARKER} if d == "d1" else {})}
                for d, p in PADS.items()
            ],
            "drones": [
                {"id": d, "dock": dock, "system_id": n, "mavlink": f"udpin://0.0.0.0:{14540 + n}"}
                for n, (d, dock) in enumerate(DRONES.items(), start=1)
            ],
            "sites": [
                {"id": "bridge", "name": "Bridge", "position": (117.65, 24.513), "detector": site}
            ],
        }
    )  # fmt: skip


class OnePlanner:
    """Gives every ready drone a short sortie, in a layer of its own; ids are never used twice."""

    def __init__(self) -> None:
        self.made = 0

    async def __call__(self, question: Any) -> Plan:
        sorties, busy = [], set()
        for number, offer in enumerate(question.offers):
            room = len(question.flying) + len(sorties) < question.city.limits.max_airborne
            if room and offer.ready and offer.dock not in busy:
                busy.add(offer.dock)
                self.made += 1
                name = f"{offer.id}-{self.made}"
                sorties.append(_sortie(name, offer.id, question.wishes[0].id, 25.0 + 15.0 * number))
        return Plan(tuple(sorties))


def _sortie(name: str, drone: str, order: str, altitude: float) -> Sortie:
    pad = PADS[DRONES[drone]]
    frame = LocalFrame(*pad)

    def at(north: float, east: float, hold: float = 0.0) -> Waypoint:
        lon, lat = frame.to_lonlat(east, north)
        return Waypoint(lon, lat, altitude, hold)

    legs = (
        Leg(LegKind.TAKEOFF, (at(0, 0),), 10.0),
        Leg(LegKind.TRANSIT, (at(100, 0),), 10.0),
        Leg(LegKind.SURVEY, (at(180, 20), at(240, 20)), 8.0, cell=f"{name}-c1"),
        Leg(LegKind.SURVEY, (at(240, 80), at(180, 80)), 8.0, cell=f"{name}-c2"),
        Leg(LegKind.STARE, (at(200, 100, 8.0),), 10.0, site="bridge"),
        Leg(LegKind.HOME, (at(0, 0),), 10.0),
    )
    corners = ((-600, -600), (600, -600), (600, 600), (-600, 600))
    fence = tuple((at(n, e).lon, at(n, e).lat) for n, e in corners)
    energy = SortieEnergy(120.0, 600.0, 30.0, 68.0, 274.0)
    return Sortie(name, order, drone, DRONES[drone], *pad, altitude, legs, energy, fence)


class Town:
    """The world, and the controller that lives in it now."""

    def __init__(self, new_life: Callable[[], Any]) -> None:
        self.clock = LoopClock()
        self._new_life = new_life
        self.city = city()
        self.disk = Disk()
        self.vehicles = {d: FakeVehicle(d, self.clock, slot(self.city, d)) for d in DRONES}
        self.docks = {d: FakeDock(d, self.clock) for d in PADS}
        self.planner = OnePlanner()
        self.policy = Policy(ready_percent=50.0)
        self.told: Callable[[str, str, Any], None] = lambda drone, name, args: None
        self.life = new_life()
        self.life.dead = True
        self.controller: FlightController | None = None

    async def open(self) -> None:
        for vehicle in self.vehicles.values():
            await vehicle.__aenter__()

    async def close(self) -> None:
        self.life.dead = True
        for vehicle in self.vehicles.values():
            await vehicle.__aexit__()
            vehicle._listeners.clear()
        for dock in self.docks.values():
            dock._listeners.clear()
        self.controller = None

    def sense(self) -> None:
        """Have the docks see what is in and over them."""
        for name, dock in self.docks.items():
            there = [
                d for d, v in self.vehicles.items()
                if not v.truth.in_air and not v.truth.armed and self.away_m(d, name) <= SLOT_M
            ]  # fmt: skip
            low = any(
                self.away_m(d, name) <= AROUND_M
                and v.truth.in_air
                and (v.truth.altitude_m or 0) < LOW_M
                for d, v in self.vehicles.items()
            )
            if dock.state.online:
                dock.set(occupants=tuple(there), clear=not low)
        self._sight()

    def _sight(self) -> None:
        """Have a worker see the marker of d1, from every camera but one that is blind."""
        if self.controller is None or self.life.dead:
            return
        for drone, vehicle in self.vehicles.items():
            height = vehicle.truth.altitude_m or 0.0
            if drone != BLIND and 0 < height < SEEN_FROM_M and self.away_m(drone, "d1") < 4:
                seen = LandingTarget(self.clock.now(), 0.0, 0.0, height)
                self.controller.landing_target(drone, seen)

    def away_m(self, drone: str, dock: str) -> float:
        """Return how far a vehicle really is from a dock, over ground."""
        truth = self.vehicles[drone].truth
        return math.hypot(*LocalFrame(*PADS[dock]).to_enu(truth.lon or 0.0, truth.lat or 0.0))

    async def start(self, die_at: tuple[str, int] | None = None) -> None:
        """Start a controller; it may be made to die at its start already."""
        life = self.life = self._new_life()
        life.die_at = die_at
        links = {
            d: _Seam(v, life, "vehicle", lambda name, args, d=d: self.told(d, name, args))
            for d, v in self.vehicles.items()
        }
        docks = {d: _Seam(k, life, "dock", lambda name, args: None) for d, k in self.docks.items()}

        async def begin() -> None:
            self.controller = FlightController(
                self.city, _StoreSeam(self.disk, life), links, docks, LiveHub(), self.clock,  # type: ignore[arg-type]
                policy=self.policy, planner=self.planner, trier=not_tried,
            )  # fmt: skip
            await self.controller.start()

        await self.ask(begin)

    async def ask(self, work: Callable[[], Awaitable[Any]], bound_s: float = 30.0) -> Any:
        """Have the controller do something; raise what it raises, return None where it died of it."""

        async def run() -> Any:
            return await work()

        task = self.life.task(run())
        end = self.clock.monotonic() + bound_s
        while not task.done() and not self.life.dead and self.clock.monotonic() < end:
            await asyncio.sleep(0.001)
        if task.done():
            return task.result()
        assert self.life.dead, f"{work} has not ended within {bound_s} s"
        return None

    def door(self, dock: str) -> DoorState:
        return self.docks[dock].state.door


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What hundreds of controllers log is of no use here, and takes half of the time.

    Nor is what Python says of coroutines that were left in the middle, as those of a dead process
    are, when it collects them.
    """
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    yield
    gc.collect()
    structlog.configure(**before)


@pytest.fixture
def mortal_town(mortal: Any) -> Callable[[], tuple[Any, Town]]:
    """Make a loop and a town in it."""

    def make() -> tuple[Any, Town]:
        loop = mortal.Loop()
        asyncio.set_event_loop(loop)

        async def build() -> Town:
            town = Town(mortal.Life)
            await town.open()
            return town

        return loop, loop.run_until_complete(build())

    return make
