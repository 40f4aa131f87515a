"""A vehicle that follows a script, and a link to it over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pymavlink.dialects.v20 import development as mav

from fleet.link.dialect import Writer, read
from fleet.link.mavsdk_link import MavsdkLink
from fleet.link.mavsdk_pool import MavsdkPool
from fleet.link.modes import NUMBERS
from fleet.link.profile import Expected
from missions.city import Drone
from missions.sortie import Leg, LegKind, LookAt, Sortie, SortieEnergy, Waypoint

PAD = (117.65, 24.51)
SYSTEM = 7
BEAT_S = 0.05
ARMED, CUSTOM = 128, 1


def free_port() -> int:
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Scripted(asyncio.DatagramProtocol):
    """A vehicle on a UDP socket that is told, by message type, what to do.

    ``on[type]`` is called with each message of that type; without one nothing is done. It beats
    its heart, and tells its place and home, until ``quiet``.
    """

    def __init__(self, port: int) -> None:
        self._to = ("127.0.0.1", port)
        self._writer = Writer(SYSTEM)
        self._transport: Any = None
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self.on: dict[str, Callable[[Any], None]] = {}
        self.heard: list[Any] = []
        self.quiet = False
        self.armed = False
        self.mode = "HOLD"
        self.boot_ms = 10_000

    async def __aenter__(self) -> Scripted:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self._task = asyncio.create_task(self._beat())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._transport.close()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, _addr: Any) -> None:
        while len(data) >= 12:
            end = 12 + data[1]
            message, data = read(data[:end]), data[end:]
            assert message is not None, "the controller sent a frame that is none"
            self.heard.append(message)
            handler = self.on.get(message.get_type())
            if handler is not None:
                handler(message)
        self._changed.set()

    def say(self, message: Any) -> None:
        if not self.quiet and not self._transport.is_closing():
            self._transport.sendto(self._writer.frame(message, 1), self._to)

    def ack(self, asked: Any, result: int = 0, **fields: Any) -> None:
        """Acknowledge a command to whom it came from."""
        to = {"target_system": asked.get_srcSystem(), "target_component": asked.get_srcComponent()}
        self.say(mav.MAVLink_command_ack_message(asked.command, result, **(to | fields)))

    def text(self, words: str, severity: int = 2) -> None:
        self.say(mav.MAVLink_statustext_message(severity, words.encode()))

    def beat(self) -> None:
        """Tell what it is at now."""
        main, sub = NUMBERS[self.mode]
        base = CUSTOM | (ARMED if self.armed else 0)
        self.say(mav.MAVLink_heartbeat_message(2, 12, base, main << 16 | sub << 24, 4, 3))
        self.boot_ms += int(BEAT_S * 1000)
        lat, lon = round(PAD[1] * 1e7), round(PAD[0] * 1e7)
        self.say(
            mav.MAVLink_global_position_int_message(
                self.boot_ms, lat, lon, 40_000, 30_000, 0, 0, 0, 0
            )
        )
        self.say(mav.MAVLink_attitude_message(self.boot_ms, 0, 0, 0, 0, 0, 0))
        q = (1.0, 0.0, 0.0, 0.0)
        self.say(mav.MAVLink_home_position_message(lat, lon, 10_000, 0, 0, 0, q, 0, 0, 0))

    async def _beat(self) -> None:
        while True:
            self.beat()
            await asyncio.sleep(BEAT_S)

    def commands(self, number: int) -> list[Any]:
        """What was heard of one command, in order."""
        return [m for m in self.heard if getattr(m, "command", None) == number]

    async def hears(self, seen: Callable[[], Any], bound_s: float = 5.0) -> None:
        """Wait until what was heard shows something."""
        async with asyncio.timeout(bound_s):
            while not seen():
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def _scripted(*expected: Expected) -> AsyncIterator[tuple[Scripted, MavsdkLink]]:
    """A scripted vehicle, and a link to it that has heard it."""
    port = free_port()
    drone = Drone(id="a1", dock="d1", system_id=SYSTEM, mavlink=f"udpin://127.0.0.1:{port}")
    async with MavsdkPool([drone], expected=expected) as pool, Scripted(port) as vehicle:
        link = pool.links["a1"]
        await _until(link, lambda t: t.connected and t.altitude_m is not None)
        async with asyncio.timeout(5):
            while not link.attached:
                await asyncio.sleep(0.01)
        yield vehicle, link


async def _until(link: MavsdkLink, seen: Callable[[Any], bool], bound_s: float = 30.0) -> None:
    """Wait until a link's picture of its vehicle shows something."""
    changed = asyncio.Event()
    stop = link.listen(changed.set)
    try:
        async with asyncio.timeout(bound_s):
            while not seen(link.telemetry):
                changed.clear()
                await changed.wait()
    except TimeoutError:
        pytest.fail(f"not seen within {bound_s} s: {link.telemetry}; {link.texts[-5:]}")
    finally:
        stop()


@pytest.fixture
def scripted() -> Callable[..., contextlib.AbstractAsyncContextManager[Any]]:
    return _scripted


@pytest.fixture
def until() -> Callable[..., Any]:
    return _until


def at(north: float, east: float, up: float = 30.0, hold: float = 0.0) -> Waypoint:
    scale = 111_320 * math.cos(math.radians(PAD[1]))
    return Waypoint(PAD[0] + east / scale, PAD[1] + north / 111_320, up, hold)


def _sortie(points: int = 3, reach_m: float = 40.0, name: str = "s") -> Sortie:
    """A sortie of some waypoints north of the pad, within a fence of 200 m."""
    track = tuple(at(reach_m * (k + 1) / points, 10.0 * (k % 2)) for k in range(points))
    look = LookAt(at(60, 0).lon, at(60, 0).lat)
    legs = (
        Leg(LegKind.TAKEOFF, (at(0, 0),), 8.0),
        Leg(LegKind.SURVEY, track, 6.0, cell="c"),
        Leg(LegKind.STARE, (at(20, 20, hold=5.0),), 8.0, look_at=look, site="s"),
        Leg(LegKind.HOME, (at(0, 0),), 8.0),
    )
    corners = ((-200, -200), (-200, 200), (200, 200), (200, -200))
    fence = tuple((at(n, e).lon, at(n, e).lat) for n, e in corners)
    energy = SortieEnergy(1, 1, 1, 1, 10)
    return Sortie(name, "o", "a1", "d1", *PAD, 30.0, legs, energy, fence)


@pytest.fixture
def sortie() -> Callable[..., Sortie]:
    return _sortie


@pytest.fixture
def place() -> Callable[..., Waypoint]:
    return at
