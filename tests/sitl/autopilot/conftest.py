"""A vehicle without sockets, driven by hand; and the recordings of the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pymavlink import mavutil
from pymavlink.dialects.v20 import all as mav

from sitl.autopilot.core import VehicleSpec
from sitl.autopilot.vehicle import TICK_S, EmbeddedVehicle

RECORDINGS = Path(__file__).resolve().parents[4] / "shared" / "px4"
HOME = (117.6471, 24.513, 10.0)

_FAST = (24, 30, 31, 32, 33, 36, 74, 83, 85, 87, 105, 111, 132, 141, 265, 285, 331)


@dataclass
class Ground:
    """A ground station of one vehicle: sends to it, steps it, keeps what it says."""

    vehicle: EmbeddedVehicle
    heartbeats: bool = True
    quiet: bool = True
    """Fast streams off: parsing them takes longer than flying."""
    heard: list[tuple[float, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._mav = mav.MAVLink(None, srcSystem=245, srcComponent=190)
        self._parser = mav.MAVLink(None, srcSystem=245, srcComponent=190)
        self._parser.robust_parsing = True
        self._next_heartbeat = 0.0
        for link in self.vehicle.links:
            link.socket.send = self._hear  # type: ignore[method-assign]
            for number in _FAST if self.quiet else ():
                link.telemetry.set_interval(number, -1)

    @property
    def now(self) -> float:
        return self.vehicle.core.now

    def _hear(self, data: bytes) -> None:
        for message in self._parser.parse_buffer(data) or ():
            assert message.get_type() != "BAD_DATA", message
            self.heard.append((self.now, message))

    def send(self, message: Any, link: int = 0, component: int = 190) -> None:
        self._mav.srcComponent = component
        self.vehicle.links[link]._receive(message.pack(self._mav))
        self._mav.seq = (self._mav.seq + 1) % 256

    def command(self, number: int, *p: float) -> list[int]:
        """Send a COMMAND_LONG; return the results it is acknowledged with at once."""
        seven = (*p, *(0.0,) * (7 - len(p)))
        before = len(self.heard)
        self.send(mav.MAVLink_command_long_message(1, 1, number, 0, *seven))
        return [m.result for _, m in self.heard[before:] if m.get_type() == "COMMAND_ACK"]

    def command_int(
        self, number: int, p: tuple[float, ...], x: int, y: int, z: float, frame: int = 5
    ) -> Any:
        """Return a COMMAND_INT."""
        return mav.MAVLink_command_int_message(1, 1, frame, number, 0, 0, *p, x, y, z)

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end - 1e-6:
            self.tick()

    def until(self, condition: Callable[[], bool], limit: float) -> float:
        """Step until the condition holds; return how long it took, fail after ``limit`` s."""
        start = self.now
        while not condition():
            assert self.now - start < limit, f"not within {limit} s: {self.texts()[-3:]}"
            self.tick()
        return self.now - start

    def tick(self) -> None:
        if self.heartbeats and self.now >= self._next_heartbeat:
            self._next_heartbeat = self.now + 1.0
            self.send(mav.MAVLink_heartbeat_message(6, 8, 0, 0, 0, 3))
        self.vehicle.step(TICK_S)

    def all(self, kind: str) -> list[Any]:
        return [m for _, m in self.heard if m.get_type() == kind]

    def last(self, kind: str) -> Any:
        return self.all(kind)[-1]

    def texts(self) -> list[str]:
        """Return what it said, chunks put together."""
        return texts_of(self.all("STATUSTEXT"))

    def upload(self, items: list[Any], mission_type: int = 0) -> int:
        """Upload items; return the MAV_MISSION_RESULT."""
        self.send(mav.MAVLink_mission_count_message(1, 1, len(items), mission_type))
        while True:
            message = next(
                m
                for _, m in reversed(self.heard)
                if m.get_type() in ("MISSION_REQUEST_INT", "MISSION_ACK")
            )
            if message.get_type() == "MISSION_ACK":
                return int(message.type)
            self.send(items[message.seq])

    def ready(self) -> None:
        """Wait until it can be armed."""
        self.until(lambda: self.vehicle._commander.ready, 10.0)

    def airborne(self, altitude: float = 20.0) -> None:
        """Arm and take off."""
        self.ready()
        assert self.command(400, 1) == [0]
        amsl = self.vehicle.core.home_alt + altitude
        nan = float("nan")
        assert self.command(22, 0, 0, 0, nan, nan, nan, amsl) == [0]
        self.until(lambda: self.vehicle.mode == "hold", 60.0)


def texts_of(messages: list[Any]) -> list[str]:
    found: list[str] = []
    for message in messages:
        if message.chunk_seq:
            found[-1] += message.text
        else:
            found.append(message.text)
    return [text.rstrip("\t") for text in found]


@pytest.fixture
def make_ground() -> Callable[..., Ground]:
    def make(links: int = 1, heartbeats: bool = True, quiet: bool = True, **spec: Any) -> Ground:
        settings: dict[str, Any] = {"seed": 7, **spec}
        made = VehicleSpec("d1", 1, *HOME, **settings)
        urls = [f"udpout://127.0.0.1:{20000 + i}" for i in range(links)]
        return Ground(EmbeddedVehicle(made, urls), heartbeats, quiet)

    return make


@pytest.fixture
def ground(make_ground: Callable[..., Ground]) -> Ground:
    return make_ground()


@pytest.fixture
def item() -> Callable[..., Any]:
    """Return a maker of mission items, metres north and east of home."""

    def make(
        seq: int,
        command: int = 16,
        north: float = 0.0,
        east: float = 0.0,
        up: float = 25.0,
        params: tuple[float, float, float, float] = (0.0, 0.0, 0.0, float("nan")),
        frame: int = 6,
        mission_type: int = 0,
    ) -> Any:
        lat = HOME[1] + north / 110_770.0
        lon = HOME[0] + east / 101_300.0
        x, y = (round(lat * 1e7), round(lon * 1e7)) if frame != 2 else (0, 0)
        return mav.MAVLink_mission_item_int_message(
            1, 1, seq, frame, command, int(seq == 0), 1, *params, x, y, up, mission_type
        )

    return make


@pytest.fixture
def dialect() -> Any:
    return mav


@dataclass
class Recording:
    """One recorded session: what the station sent, by the vehicle's boot time, and the replies."""

    sent: list[tuple[float, Any]]
    acks: list[tuple[int, int]]
    mission_acks: list[tuple[int, int]]
    texts: list[str]
    modes: list[int]
    messages: list[Any]
    seconds: float


@pytest.fixture
def recording() -> Callable[[str], Recording]:
    if not RECORDINGS.is_dir():
        pytest.skip(f"no recordings of the real PX4 at {RECORDINGS.name}")

    def load(name: str) -> Recording:
        return Recording(*_read(name))

    return load


def _read(name: str) -> Any:
    log = mavutil.mavlink_connection(str(RECORDINGS / name), dialect="all")
    boot, sent, acks, mission_acks, texts, modes, messages = 0.0, [], [], [], [], [], []
    for message in _messages(log):
        kind = message.get_type()
        if message.get_srcSystem() != 1:
            if kind != "BAD_DATA" and not kind.startswith("UNKNOWN"):
                sent.append((boot, message))
            continue
        messages.append(message)
        boot = max(boot, getattr(message, "time_boot_ms", 0) / 1000.0)
        if kind == "COMMAND_ACK":
            acks.append((message.command, message.result))
        elif kind == "MISSION_ACK":
            mission_acks.append((message.mission_type, message.type))
        elif kind == "STATUSTEXT":
            texts.append(message)
        elif kind == "HEARTBEAT" and modes[-1:] != [message.custom_mode]:
            modes.append(message.custom_mode)
    return sent, acks, mission_acks, texts_of(texts), modes, messages, boot


def _messages(log: Any) -> Iterator[Any]:
    while (message := log.recv_msg()) is not None:
        yield message
