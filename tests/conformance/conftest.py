"""One suite, two autopilots: the embedded vehicle always, real PX4 where it is found.

The tests see a vehicle through the product's own link (mavsdk over UDP) and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from fleet.link.mavsdk_link import MavsdkLink
from fleet.link.mavsdk_pool import MavsdkPool
from fleet.model.live import Telemetry
from missions.city import Drone
from missions.geo import distance_m
from missions.sortie import Leg, LegKind, LookAt, Sortie, SortieEnergy, Waypoint
from sitl.autopilot.clock import SpeedClock
from sitl.autopilot.core import VehicleSpec
from sitl.autopilot.vehicle import EmbeddedVehicle, fly
from sitl.errors import Px4Missing
from sitl.px4 import Px4Fleet, Px4Spec, find_px4

PAD = (117.65, 24.51)
AMSL_M = 10.0
EMBEDDED_SPEED = 6.0


def udp_port() -> int:
    """Return a port whose partner 40 above is free as well: the vehicle binds that one."""
    while True:
        with socket.socket(type=socket.SOCK_DGRAM) as a, socket.socket(type=socket.SOCK_DGRAM) as b:
            a.bind(("0.0.0.0", 0))
            port = int(a.getsockname()[1])
            with contextlib.suppress(OSError, OverflowError):
                b.bind(("0.0.0.0", port + 40))
                return port


def free_instance() -> int:
    """Return the highest PX4 instance number whose three ports are free."""
    for number in reversed(range(10)):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in (14540, 14580, 18570):
                probe = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
                probe.bind(("0.0.0.0", port + number))
            return number
    pytest.fail("no PX4 instance number has its ports free: what else flies on this machine?")


@asynccontextmanager
async def embedded(_folder) -> AsyncIterator[Drone]:
    """Fly the embedded vehicle at a multiple of real time."""
    url = f"udpin://127.0.0.1:{udp_port()}"
    drone = Drone(id="a1", dock="d1", system_id=3, mavlink=url)
    spec = VehicleSpec(id="a1", system_id=3, lon=PAD[0], lat=PAD[1], amsl_m=AMSL_M)
    task = asyncio.create_task(fly([EmbeddedVehicle(spec, url)], clock=SpeedClock(EMBEDDED_SPEED)))
    try:
        yield drone
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def px4(folder) -> AsyncIterator[Drone]:
    """Fly one real PX4 with its own physics (SIH), at real time."""
    try:
        source = await find_px4()
    except Px4Missing as error:
        pytest.skip(str(error))
    spec = Px4Spec(free_instance(), PAD[0], PAD[1], AMSL_M)
    async with Px4Fleet([spec], folder, source):
        yield Drone(id="a1", dock="d1", system_id=spec.system_id, mavlink=spec.controller_url)


@dataclass
class Vehicle:
    """The vehicle under test, and how to wait for what it says."""

    link: MavsdkLink

    async def until(self, seen: Callable[[Telemetry], bool], bound_s: float) -> Telemetry:
        """Wait until telemetry shows something; fail after ``bound_s`` seconds of wall time."""
        changed = asyncio.Event()
        stop = self.link.listen(changed.set)
        try:
            async with asyncio.timeout(bound_s):
                while not seen(self.link.telemetry):
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            words = [t.text for t in self.link.texts][-8:]
            pytest.fail(f"not seen within {bound_s} s: {self.link.telemetry}; it said {words}")
        finally:
            stop()
        return self.link.telemetry

    async def ready(self) -> Telemetry:
        """Wait until it could be armed and knows its home."""
        return await self.until(lambda t: t.armable and t.home_lat is not None, 60)

    def from_pad_m(self) -> float:
        """Return how far it is from the pad, in metres over ground."""
        now = self.link.telemetry
        assert now.lon is not None
        assert now.lat is not None
        return distance_m((now.lon, now.lat), PAD)


@pytest.fixture(params=["embedded", pytest.param("px4", marks=pytest.mark.px4)])
async def vehicle(request, tmp_path) -> AsyncIterator[Vehicle]:
    """A vehicle that has just been switched on, seen through mavsdk."""
    world = {"embedded": embedded, "px4": px4}[request.param]
    async with world(tmp_path) as drone, MavsdkPool([drone]) as pool:
        yield Vehicle(pool.links["a1"])


def at(north: float, east: float, up: float = 20.0, hold: float = 0.0) -> Waypoint:
    """Return a waypoint by metres from the pad."""
    scale = 111_320 * math.cos(math.radians(PAD[1]))
    return Waypoint(PAD[0] + east / scale, PAD[1] + north / 111_320, up, hold)


def box(half_m: float) -> tuple[tuple[float, float], ...]:
    """Return a square ring about the pad."""
    corners = ((-half_m, -half_m), (-half_m, half_m), (half_m, half_m), (half_m, -half_m))
    return tuple((at(n, e).lon, at(n, e).lat) for n, e in corners)


@pytest.fixture
def sortie() -> Callable[..., Sortie]:
    """Make a sortie of some waypoints north of the pad, within a fence."""

    def make(*, points: int = 2, reach_m: float = 40.0, fence_m: float = 200.0) -> Sortie:
        look = LookAt(at(60, 0).lon, at(60, 0).lat, 0.0)
        track = tuple(at(reach_m * (k + 1) / points, 10.0 * (k % 2)) for k in range(points))
        legs = (
            Leg(LegKind.TAKEOFF, (at(0, 0),), 8.0),
            Leg(LegKind.SURVEY, track, 6.0, cell="c"),
            Leg(LegKind.STARE, (at(20, 10, hold=3.0),), 8.0, look_at=look, site="s"),
            Leg(LegKind.HOME, (at(0, 0),), 8.0),
        )
        energy = SortieEnergy(1, 1, 1, 1, 10)
        return Sortie("s", "o", "a1", "d1", *PAD, 20.0, legs, energy, box(fence_m))

    return make
