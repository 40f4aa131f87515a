"""One suite, two autopilots: the embedded vehicle always, real PX4 where it is found.

The tests see a vehicle through the product's own link and nothing else; what happens to it (a
fault, wind, another aircraft) and where it really is, the simulation says. Between the two stands
a radio that can fail. One vehicle of each kind serves the whole suite: each test brings it into
the state that it needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
import pytest_asyncio

from fleet.errors import LinkError
from fleet.link.dialect import read
from fleet.link.items import programme
from fleet.link.mavsdk_link import MavsdkLink
from fleet.link.mavsdk_pool import MavsdkPool
from fleet.link.messages import Command
from fleet.link.profile import profile
from fleet.model.command import GoTo
from fleet.model.live import Telemetry
from missions.city import Drone, Limits
from missions.geo import distance_m
from missions.sortie import Leg, LegKind, Sortie, SortieEnergy, Waypoint
from sitl.autopilot.clock import SpeedClock
from sitl.autopilot.core import VehicleSpec
from sitl.autopilot.port import SimVehicle
from sitl.autopilot.px4_vehicle import Px4Vehicle
from sitl.autopilot.vehicle import EmbeddedVehicle, fly
from sitl.errors import Px4Missing
from sitl.px4 import Px4Fleet, Px4Spec, find_px4
from sitl.radio import CLEAR, Radio

PAD = (117.65, 24.51)
AMSL_M = 10.0
REQUEST_MESSAGE, AUTOPILOT_VERSION = 512, 148
EMBEDDED_SPEED = 15.0
PX4_SPEED = float(os.environ.get("PX4_SIM_SPEED_FACTOR", "2"))
"""PX4's own variable, to slow it down on a machine that cannot keep up."""
SLACK_S = 4.0
"""Wall time that every bound gets on top: for a machine that is busy with something else."""
ORDER = (
    "test_connect", "test_plans", "test_mission", "test_commands", "test_camera", "test_tasks",
    "test_traffic",
    "test_limits", "test_wind", "test_link", "test_gps", "test_return", "test_battery",
    "test_precision", "test_motors",
)  # fmt: skip
"""Files in the order in which they share flights."""

TIMES: dict[str, dict[str, float]] = {}
FLOWN: dict[str, str] = {}
"""What is said of each autopilot: its version, or why it did not fly."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    """Say how long each autopilot took, and, last of all, which flew and which did not, and why."""
    result = yield
    if not FLOWN:
        return result
    terminalreporter.section("conformance: simulated seconds, and metres where it says so")
    terminalreporter.line(f"{'':45}" + "".join(f"{name:>10}" for name in TIMES))
    names = dict.fromkeys(name for times in TIMES.values() for name in times)
    for name in names:
        seen = "".join(f"{times.get(name, math.nan):10.2f}" for times in TIMES.values())
        terminalreporter.line(f"{name:45}{seen}")
    terminalreporter.section("conformance: autopilots")
    for name, words in FLOWN.items():
        terminalreporter.line(f"{name}: {words}")
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Put the files in the order in which flights are shared."""
    here = Path(__file__).parent
    items.sort(
        key=lambda item: (
            ORDER.index(item.path.stem)
            if item.path.parent == here and item.path.stem in ORDER
            else -1
        )
    )


def free_port() -> int:
    """Return a port that is free, with its partner 40 above: the vehicle binds that one."""
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


def at(north: float, east: float, up: float = 15.0, hold: float = 0.0) -> Waypoint:
    """Return a waypoint by metres from the pad."""
    scale = 111_320 * math.cos(math.radians(PAD[1]))
    return Waypoint(PAD[0] + east / scale, PAD[1] + north / 110_770, up, hold)


class Bench:
    """The vehicle under test: its link, what is done to it, and how to wait for what it says."""

    def __init__(self, autopilot: str, folder: Path) -> None:
        self.autopilot = autopilot
        self.speed = EMBEDDED_SPEED if autopilot == "embedded" else PX4_SPEED
        self.sim: SimVehicle
        self.radio: Radio
        self.link: MavsdkLink
        self._folder = folder
        self._drone: Drone
        self._stack = AsyncExitStack()
        self._pool = AsyncExitStack()
        self._started = 0

    # --- life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Switch a vehicle on, a new one where there was one, and connect to it."""
        await self.stop()
        self._started += 1
        make = self._embedded if self.autopilot == "embedded" else self._px4
        number, port = await make()
        controller = free_port()
        self._drone = Drone(
            id="a1", dock="d1", system_id=number, mavlink=f"udpin://127.0.0.1:{controller}"
        )
        self.radio = Radio(("127.0.0.1", port), ("127.0.0.1", controller), seed=self._started)
        await self._stack.enter_async_context(self.radio)
        await self.connect()

    async def stop(self) -> None:
        """Disconnect and switch off."""
        await self._pool.aclose()
        await self._stack.aclose()

    async def connect(self) -> None:
        """Connect as a controller that was started anew."""
        await self._pool.aclose()
        expected = profile(SimpleNamespace(limits=Limits()))
        pool = MavsdkPool([self._drone], expected=expected)
        await self._pool.enter_async_context(pool)
        self.link = pool.links["a1"]
        await self.until(lambda t: t.connected, 15)

    async def version(self) -> str:
        """Return what the autopilot says its software is: its version, and the revision of its source."""
        self.link._asking.send(Command(REQUEST_MESSAGE, (float(AUTOPILOT_VERSION),)))
        told = self.link._tap.latest
        await self.true(lambda: told(AUTOPILOT_VERSION) is not None, 20, "its version")
        message = read(told(AUTOPILOT_VERSION))
        numbers = message.flight_sw_version.to_bytes(4, "big")[:3]
        number = ".".join(map(str, numbers)) if any(numbers) else "a build without a version"
        revision = bytes(message.flight_custom_version)[::-1].hex().rstrip("0")
        return f"{number}, source {revision}" if revision else number

    async def _embedded(self) -> tuple[int, int]:
        port = free_port()
        spec = VehicleSpec(id="a1", system_id=3, lon=PAD[0], lat=PAD[1], amsl_m=AMSL_M)
        self.sim = vehicle = EmbeddedVehicle(spec, f"udpin://127.0.0.1:{port}")
        self._run(fly([vehicle], clock=SpeedClock(self.speed)))
        return 3, port

    async def _px4(self) -> tuple[int, int]:
        spec = Px4Spec(free_instance(), PAD[0], PAD[1], AMSL_M, speed=PX4_SPEED)
        folder = self._folder / f"px4-{self._started}"
        fleet = await self._stack.enter_async_context(Px4Fleet([spec], folder, await find_px4()))
        self.sim = vehicle = Px4Vehicle("a1", fleet.instances[0])
        self._run(vehicle.run())
        await vehicle.ready()
        return spec.system_id, 14540 + spec.instance

    def _run(self, work) -> None:
        task = asyncio.create_task(work)

        async def end():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._stack.push_async_callback(end)

    # --- time ---------------------------------------------------------------------------------

    def now(self) -> float:
        """Return simulated seconds since some start."""
        return time.monotonic() * self.speed

    def wall(self, simulated_s: float) -> float:
        """Return how long on the wall to wait at most for what takes so long in simulation."""
        return simulated_s / self.speed + SLACK_S

    def took(self, what: str, since: float, least: float = 0.0, most: float = math.inf) -> float:
        """Note how long something took, in simulated seconds; hold it between two bounds.

        The bounds are what PX4 was measured to take, and generous: a machine that is busy makes
        everything longer, and nothing shorter.
        """
        seconds = self.now() - since
        TIMES.setdefault(self.autopilot, {})[what] = seconds
        assert least <= seconds, f"{what}: {seconds:.1f} s, PX4 takes at least {least:g}"
        assert seconds <= most + SLACK_S * self.speed, f"{what}: {seconds:.1f} s, bound {most:g}"
        return seconds

    def found(self, what: str, value: float) -> None:
        """Note a measured number that is no time."""
        TIMES.setdefault(self.autopilot, {})[what] = value

    async def until(self, seen: Callable[[Telemetry], bool], bound_s: float) -> Telemetry:
        """Wait until telemetry shows something; fail after ``bound_s`` simulated seconds."""
        changed = asyncio.Event()
        stop = self.link.listen(changed.set)
        try:
            async with asyncio.timeout(self.wall(bound_s)):
                while not seen(self.link.telemetry):
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            words = [t.text for t in self.link.texts][-8:]
            pytest.fail(f"not seen within {bound_s} s: {self.link.telemetry}; it said {words}")
        finally:
            stop()
        return self.link.telemetry

    async def true(self, holds: Callable[[], bool], bound_s: float, what: str = "") -> None:
        """Wait until something holds that telemetry need not show."""
        end = time.monotonic() + self.wall(bound_s)
        while not holds():
            if time.monotonic() > end:
                pytest.fail(f"not so within {bound_s} s: {what}; {self.link.telemetry}")
            await asyncio.sleep(0.02)

    async def said(self, words: str, since: datetime, bound_s: float) -> None:
        """Wait until the vehicle has said something."""
        await self.true(
            lambda: any(words in t.text for t in self.link.texts if t.at >= since), bound_s, words
        )

    async def pass_s(self, simulated_s: float) -> None:
        """Let simulated time pass, where the passing of time is the point."""
        await asyncio.sleep(simulated_s / self.speed)

    at = staticmethod(at)

    # --- states -------------------------------------------------------------------------------

    def from_pad_m(self) -> float:
        """Return how far it is from the pad, in metres over ground."""
        return self.from_m(0.0, 0.0)

    def from_m(self, north: float, east: float) -> float:
        """Return how far it is from a place, in metres over ground."""
        now, there = self.link.telemetry, at(north, east)
        return distance_m((now.lon or 0.0, now.lat or 0.0), (there.lon, there.lat))

    async def ready(self) -> None:
        """Wait until it stands, could be armed and knows its home."""
        await self.until(lambda t: not t.armed and t.armable and t.home_lat is not None, 60)

    async def grounded(self) -> None:
        """Have it on the ground, disarmed and ready."""
        if self.link.telemetry.armed:
            await self.go_to(0.0, 0.0, 5.0)
            await self.link.land()
            await self.down()
        await self.ready()

    async def airborne(self, up: float = 15.0) -> None:
        """Have it hold over the pad."""
        if not self.link.telemetry.armed:
            await self.ready()
            await self.link.load(programme(short(up)))
            await self.link.arm()
            await self.link.start_mission()
            await self.until(lambda t: t.mode == "HOLD" and t.in_air, 60)
        await self.go_to(0.0, 0.0, up)

    async def go_to(self, north: float, east: float, up: float = 15.0, **more: float) -> None:
        """Fly it to a place; it has arrived when this returns."""
        there = at(north, east, up)
        await self.link.go_to(
            GoTo(action="goto", lon=there.lon, lat=there.lat, altitude_m=up, **more)
        )
        await self.until(
            lambda t: self.from_m(north, east) < 1.5 and abs((t.altitude_m or 0.0) - up) < 1.5, 90
        )

    async def down(self, bound_s: float = 120.0) -> None:
        """Wait until it has landed and disarmed."""
        await self.until(lambda t: not t.armed and not t.in_air, bound_s)


def short(up: float) -> Sortie:
    """Return a sortie that takes off and holds."""
    return sortie_of((), up=up)


def sortie_of(
    legs: tuple[Leg, ...],
    *,
    up: float = 15.0,
    fence_m: float = 250.0,
    alternates: tuple[Waypoint, ...] = (),
) -> Sortie:
    """Return a sortie of some legs between take-off and home."""
    corners = ((-1, -1), (-1, 1), (1, 1), (1, -1))
    ring = tuple((p.lon, p.lat) for p in (at(fence_m * n, fence_m * e) for n, e in corners))
    ends = Leg(LegKind.TAKEOFF, (at(0, 0, up),), 5.0), Leg(LegKind.HOME, (at(0, 0, up),), 5.0)
    every = (ends[0], *legs, ends[1])
    energy = SortieEnergy(1, 1, 1, 1, 10)
    return Sortie("s", "o", "a1", "d1", *PAD, up, every, energy, ring, alternates=alternates)


@pytest.fixture(scope="session")
def place() -> Callable[..., Waypoint]:
    """Make a waypoint by metres from the pad."""
    return at


@pytest.fixture(scope="session")
def make_sortie() -> Callable[..., Sortie]:
    """Make a sortie of some legs, within a fence."""
    return sortie_of


@pytest.fixture
def moment() -> datetime:
    """Say when the test began."""
    return datetime.now(UTC)


@pytest_asyncio.fixture(
    scope="session",
    loop_scope="session",
    params=["embedded", pytest.param("px4", marks=pytest.mark.px4)],
)
async def vehicle(request, tmp_path_factory) -> AsyncIterator[Bench]:
    """The vehicle of a kind, switched on once."""
    if request.param == "px4":
        try:
            await find_px4()
        except Px4Missing as error:
            FLOWN["PX4"] = f"NOT flown: {error}"
            pytest.skip(str(error))
    bench = Bench(request.param, tmp_path_factory.mktemp("conformance"))
    await bench.start()
    try:
        FLOWN["PX4" if request.param == "px4" else "embedded"] = (
            f"flown; it says it is {await bench.version()}"
        )
        yield bench
    finally:
        await bench.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def clean(vehicle) -> AsyncIterator[None]:
    """Leave no trace: a vehicle that a test left in a state nobody knows is replaced."""
    vehicle.radio.be(CLEAR)
    yield
    vehicle.radio.be(CLEAR)


@pytest_asyncio.fixture(loop_scope="session")
async def ground(vehicle, clean) -> Bench:
    """A vehicle that stands, disarmed and ready."""
    try:
        await vehicle.grounded()
    except (LinkError, pytest.fail.Exception):
        await vehicle.start()
        await vehicle.ready()
    return vehicle


@pytest_asyncio.fixture(loop_scope="session")
async def air(vehicle, clean) -> Bench:
    """A vehicle that holds 15 m over the pad."""
    try:
        await vehicle.airborne()
    except (LinkError, pytest.fail.Exception):
        await vehicle.start()
        await vehicle.airborne()
    return vehicle
