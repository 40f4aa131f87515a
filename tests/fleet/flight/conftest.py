"""A city of one or two docks in memory, on a loop whose time is its own.

The loop never waits: where nothing is ready it moves its clock to the next timer. So a flight of
ten minutes takes a fraction of a second, and no machine is too slow for it.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from fleet.docks.fake import FakeDock
from fleet.errors import StoreError
from fleet.flight.controller import FlightController
from fleet.flight.planning import Question
from fleet.flight.policy import Policy
from fleet.link.fake import FakeVehicle
from fleet.live import LiveHub
from fleet.model.live import DroneLive
from fleet.model.order import OccurrenceRecord, Order, OrderRequest
from fleet.model.records import (
    DroneRecord,
    FlownRecord,
    SortieBrief,
    SortieRecord,
    SortieStatus,
    TrackPoint,
)
from fleet.model.states import DoorState, DroneState
from missions.city import City
from missions.diary import Booking
from missions.geo import LocalFrame
from missions.planner import Plan
from missions.sortie import Leg, LegKind, Sortie, SortieEnergy, Waypoint
from missions.trial import Trial
from missions.wishes import Refusal

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
PAD = (117.65, 24.51)
FRAME = LocalFrame(*PAD)
OTHER = FRAME.to_lonlat(400.0, 100.0)
"""Where a second dock is, if the city has one."""
REAL_TIME = {
    "test_wire.py",
    "test_pilots.py",
    "test_fences.py",
    "test_stories.py",
    "test_control.py",
    "test_flightlog.py",
    "test_planprocess.py",
}
"""Tests with a wire, a database or a process, which take real time."""


class _JumpingSelector(selectors.DefaultSelector):
    """Never sleeps; tells its loop by how much time it should have."""

    jumped = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:  # only a thread can wake the loop now
            return super().select(None)
        self.jumped += timeout
        return []


class JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.jumped

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        # a thread takes real time, in which this loop's time would run away
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - handed on
            future.set_exception(error)
        return future


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.path.name in REAL_TIME:
        return {"real-time": asyncio.SelectorEventLoop}
    return {"own-time": JumpingLoop}


class LoopClock:
    """The loop's time as a Clock."""

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_event_loop().time()


def _brief(record: SortieRecord) -> SortieBrief:
    s = record.sortie
    created, ended = record.created_at, record.ended_at
    return SortieBrief(s.id, s.order, s.drone, s.dock, record.status, record.reason, created, ended)


class MemoryStore:
    """A FlightStore in memory that can fail, or stop the world at a write."""

    def __init__(self) -> None:
        self.by_drone: dict[str, DroneRecord] = {}
        self.sorties: dict[str, SortieRecord] = {}
        self.all_orders: dict[UUID, Order] = {}
        self.past_occurrences: dict[tuple[UUID, datetime], OccurrenceRecord] = {}
        self.booked: dict[UUID, tuple[Booking, ...]] = {}
        self.visits: list[tuple[str, datetime, str]] = []
        self.tracks: list[TrackPoint] = []
        self.history: list[DroneRecord] = []
        self.down = False
        self.on_state: Callable[[DroneRecord], None] = lambda _: None

    def _up(self) -> None:
        if self.down:
            raise StoreError("database is locked")

    async def save_drone(self, record: DroneRecord) -> None:
        self._up()
        self.by_drone[record.drone] = record
        self.history.append(record)
        self.on_state(record)

    async def drones(self) -> Mapping[str, DroneRecord]:
        self._up()
        return dict(self.by_drone)

    async def save_sortie(self, record: SortieRecord) -> None:
        self._up()
        self.sorties[record.sortie.id] = record

    async def open_sorties(self) -> Sequence[SortieRecord]:
        self._up()
        still = {SortieStatus.PLANNED, SortieStatus.FLYING}
        return [r for r in self.sorties.values() if r.status in still]

    async def save_order(
        self, order: Order, acts: Any = (), bookings: Sequence[Booking] | None = None
    ) -> None:
        self._up()
        self.all_orders[order.id] = order
        if bookings is not None or not order.status.is_open:
            self.booked[order.id] = tuple(bookings or ())

    async def bookings(self, start: datetime, end: datetime) -> Sequence[Booking]:
        return [b for booked in self.booked.values() for b in booked if b.meets(start, end)]

    async def order(self, order_id: UUID) -> Order | None:
        return self.all_orders.get(order_id)

    async def open_orders(self) -> Sequence[Order]:
        return [o for o in self.all_orders.values() if o.status.is_open]

    async def sorties_for(self, order: UUID, limit: int) -> Sequence[SortieBrief]:
        self._up()
        found = [_brief(r) for r in self.sorties.values() if r.sortie.order.startswith(str(order))]
        return sorted(found, key=lambda b: b.created_at, reverse=True)[:limit]

    async def save_occurrence(self, record: OccurrenceRecord) -> None:
        self._up()
        self.past_occurrences.setdefault((record.order, record.start), record)

    async def occurrences(self, order: UUID) -> Sequence[OccurrenceRecord]:
        return [r for (o, _), r in sorted(self.past_occurrences.items()) if o == order]

    async def record_visit(self, cell: str, at: datetime, drone: str) -> None:
        self._up()
        self.visits.append((cell, at, drone))

    async def flown_since(self, since: datetime, limit: int) -> Sequence[FlownRecord]:
        return []

    async def last_visits(self) -> Mapping[str, datetime]:
        self._up()
        return {cell: at for cell, at, _ in self.visits}

    async def add_track(self, points: Sequence[TrackPoint]) -> None:
        self._up()
        self.tracks += points


def at(north: float, east: float, altitude: float = 40.0, hold: float = 0.0) -> Waypoint:
    lon, lat = FRAME.to_lonlat(east, north)
    return Waypoint(lon, lat, altitude, hold)


def sortie_for(
    drone: str,
    order: str,
    number: int = 1,
    altitude: float = 40.0,
    dock: str = "d1",
    alternates: bool = False,
    hold_s: float = 20.0,
) -> Sortie:
    """A short one: two cells and a look at a site 300 m away."""
    home = PAD if dock == "d1" else OTHER
    east, north = FRAME.to_enu(*home)
    legs = (
        Leg(LegKind.TAKEOFF, (at(north, east, altitude),), 10.0),
        Leg(LegKind.TRANSIT, (at(200, 0, altitude),), 10.0),
        Leg(LegKind.SURVEY, (at(220, 20, altitude), at(260, 20, altitude)), 8.0, cell="b1-a1"),
        Leg(LegKind.SURVEY, (at(260, 80, altitude), at(220, 80, altitude)), 8.0, cell="b1-a2"),
        Leg(LegKind.STARE, (at(300, 100, altitude, hold_s),), 10.0, site="bridge"),
        Leg(LegKind.HOME, (at(north, east, altitude),), 10.0),
    )
    energy = SortieEnergy(200.0, 800.0, 30.0, 68.0, 274.0)
    fence = tuple(
        (at(n, e).lon, at(n, e).lat)
        for n, e in ((-500, -500), (500, -500), (500, 500), (-500, 500))
    )
    others = (Waypoint(*(OTHER if dock == "d1" else PAD), altitude),) if alternates else ()
    name = f"{drone}-{number}"
    return Sortie(name, order, drone, dock, *home, altitude, legs, energy, fence, alternates=others)


class OnePlanner:
    """Gives every ready drone its sortie, ``limit`` of each."""

    def __init__(self, limit: int = 1) -> None:
        self.limit = limit
        self.hold_s = 20.0
        self.given: dict[str, int] = {}

    @staticmethod
    def sortie(drone: str, number: int = 1) -> Sortie:
        return sortie_for(drone, "order", number)

    async def __call__(self, question: Question) -> Plan:
        sorties = []
        for number, offer in enumerate(question.offers):
            room = question.city.limits.max_airborne - len(question.flying) - len(sorties)
            room = min(room, 1 - len(sorties))  # the controller takes one at a time from a dock
            if room > 0 and offer.ready and self.given.get(offer.id, 0) < self.limit:
                self.given[offer.id] = self.given.get(offer.id, 0) + 1
                altitude = 40.0 + 15.0 * number
                sorties.append(
                    sortie_for(
                        offer.id,
                        question.wishes[0].id,
                        self.given[offer.id],
                        altitude,
                        offer.dock,
                        len(question.city.docks) > 1,
                        self.hold_s,
                    )
                )
        return Plan(tuple(sorties))


def city_of(drones: Sequence[str], max_airborne: int = 8, docks: int = 1) -> City:
    lon, lat = PAD
    beat = [
        (lon - 0.02, lat - 0.02),
        (lon + 0.02, lat - 0.02),
        (lon + 0.02, lat + 0.02),
        (lon - 0.02, lat + 0.02),
    ]
    return City.model_validate(
        {
            "city": {"name": "Test", "origin": PAD},
            "broker": {"url": "mqtt://127.0.0.1:1"},
            "limits": {"max_airborne": max_airborne},
            "districts": [{"id": "x", "name": "X", "area": beat}],
            "beats": [{"id": "b1", "name": "B", "district": "x", "area": beat}],
            "docks": [
                {"id": "d1", "position": PAD, "slots": 2},
                {"id": "d2", "position": OTHER, "slots": 1},
            ][:docks],
            "drones": [
                {"id": d, "dock": "d1", "system_id": n, "mavlink": f"udpin://0.0.0.0:{14540 + n}"}
                for n, d in enumerate(drones, start=1)
            ],
            "sites": [
                {
                    "id": "bridge",
                    "name": "Bridge",
                    "position": (lon, lat + 0.003),
                    "detector": {
                        "kind": "water",
                        "station": "x.json",
                        "levels": {"normal_m": 1, "warning_m": 2, "danger_m": 3},
                    },
                }
            ],
        }
    )


async def not_tried(question: Any) -> Trial:
    """Take every order: the planner of these tests plans without geometry."""
    return Trial(waits=(Refusal(question.wishes[0].id, "", "not tried", "fleet"),))


class Town:
    """A controller with its world, killed and started as a test likes."""

    def __init__(
        self,
        drones: Sequence[str] = ("a1",),
        *,
        limit: int = 1,
        policy: Policy | None = None,
        max_airborne: int = 8,
        docks: int = 1,
    ) -> None:
        self.clock = LoopClock()
        self.city = city_of(drones, max_airborne, docks)
        self.store = MemoryStore()
        self.hub = LiveHub()
        self.vehicles = {d: FakeVehicle(d, self.clock, PAD) for d in drones}
        self.docks = {d.id: FakeDock(d.id, self.clock, hub=self.hub) for d in self.city.docks}
        self.dock = self.docks["d1"]
        self.counting = False
        """The docks count who stands in them."""
        self.lids = {"d1": False, "d2": False}
        """A lid that is shut, whatever its dock says."""
        self.planner: Any = OnePlanner(limit)
        self.trier: Any = not_tried
        self.policy = policy or Policy(ready_percent=50.0)
        self.make_more: dict[str, Any] = {}
        self._controller: FlightController | None = None
        self._beat: asyncio.Task[None] | None = None

    @property
    def vehicle(self) -> FakeVehicle:
        return self.vehicles["a1"]

    @property
    def controller(self) -> FlightController:
        """The controller; made when first asked for, from what the town is then."""
        if self._controller is None:
            self._controller = self._make()
        return self._controller

    def _make(self) -> FlightController:
        return FlightController(
            self.city,
            self.store,
            self.vehicles,
            self.docks,
            self.hub,
            self.clock,
            policy=self.policy,
            planner=self.planner,
            trier=self.trier,
            **self.make_more,
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Town]:
        async def heartbeat() -> None:
            while True:
                await asyncio.sleep(5)
                for dock in self.docks.values():
                    if dock.state.online:
                        dock.set(**self._counted(dock))

        self._beat = asyncio.create_task(heartbeat())
        for vehicle in self.vehicles.values():
            await vehicle.__aenter__()
        await self.controller.start()
        try:
            yield self
        finally:
            await self.controller.stop()
            for vehicle in self.vehicles.values():
                await vehicle.__aexit__()
            self._beat.cancel()

    def _counted(self, dock: FakeDock) -> dict[str, Any]:
        if not self.counting:
            return {}
        pad = LocalFrame(*next(d.position for d in self.city.docks if d.id == dock.id))
        inside = list(dock.state.occupants)
        for name, vehicle in self.vehicles.items():
            truth = vehicle.truth
            away = math.hypot(*pad.to_enu(truth.lon or 0.0, truth.lat or 0.0))
            if truth.in_air or away > 3.0:
                inside = [other for other in inside if other != name]
            elif name not in inside and not self.lids[dock.id]:
                inside.append(name)
        return {"occupants": tuple(inside)}

    def silence_dock(self) -> None:
        """Have the dock say nothing more by itself; what it said stays."""
        if self._beat is not None:
            self._beat.cancel()

    async def kill(self) -> None:
        """End the controller as SIGKILL would: nothing more is stored or said."""
        await self.controller.stop()

    async def start_again(self) -> None:
        self._controller = self._make()
        await self.controller.start()

    async def patrol(self) -> Order:
        return await self.controller.submit(OrderRequest(kind="patrol", beats=("b1",)), "pilot")

    def live(self, drone: str = "a1") -> DroneLive:
        fact = self.hub.get("drone", drone)
        assert isinstance(fact, DroneLive)
        return fact

    def state(self, drone: str = "a1") -> DroneState:
        return self.controller.supervisors[drone].state

    async def until(self, seen: Callable[[], bool], bound_s: float = 900.0) -> None:
        """Wait in the loop's time; on failure say where everything is."""
        try:
            async with asyncio.timeout(bound_s):
                while not seen():
                    await asyncio.sleep(0.1)
        except TimeoutError:
            where = {
                d: (self.live(d).state, self.live(d).reason, v.truth)
                for d, v in self.vehicles.items()
            }
            pytest.fail(f"not seen within {bound_s} s; door {self.dock.state.door}; {where}")

    async def reach(self, *states: DroneState, drone: str = "a1", bound_s: float = 900.0) -> None:
        await self.until(lambda: self.state(drone) in states, bound_s)

    def passed(self, drone: str = "a1") -> list[DroneState]:
        """States stored, in order, repeats left out."""
        out: list[DroneState] = []
        for record in self.store.history:
            if record.drone == drone and (not out or out[-1] is not record.state):
                out.append(record.state)
        return out

    def at_home(self, drone: str = "a1") -> bool:
        truth = self.vehicles[drone].truth
        east, north = FRAME.to_enu(truth.lon or 0.0, truth.lat or 0.0)
        return (
            not truth.armed
            and math.hypot(east, north) < 3
            and self.dock.state.door is DoorState.CLOSED
        )


@pytest.fixture(scope="session")
def airborne() -> frozenset[DroneState]:
    """States in which a drone is expected to be off the ground."""
    s = DroneState
    on_the_way = {s.TAKING_OFF, s.ON_WAY, s.ON_TASK, s.RETURNING, s.LANDING}
    return frozenset(on_the_way | {s.HELD, s.AVOIDING})


@pytest.fixture
def make_town() -> Callable[..., Town]:
    return Town


@pytest.fixture
def memory_store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def make_city() -> Callable[..., City]:
    return lambda *drones, **more: city_of(drones or ("a1",), **more)


@pytest.fixture
def make_sortie() -> Callable[..., Sortie]:
    return lambda drone, order="order", **more: sortie_for(drone, order, **more)
