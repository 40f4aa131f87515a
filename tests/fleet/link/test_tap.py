"""The wire to one vehicle, over real sockets, against all that may come over it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pymavlink import mavutil
from pymavlink.dialects.v20 import common as mav

from fleet.errors import LinkError
from fleet.link import tap as tap_module
from fleet.link import transports
from fleet.link.clock import SystemClock
from fleet.link.port import LOST_AFTER_S
from fleet.link.pump import Pump
from fleet.link.tap import Tap
from fleet.link.transports import local_ports
from fleet.link.wire import ATTITUDE, HEARTBEAT, fields
from missions.city import Drone


class HandClock(SystemClock):
    """Time that a test may set forward."""

    ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


class Vehicle:
    """A vehicle's end of a UDP link: numbers and stamps its packets."""

    def __init__(self, to: tuple[str, int] | None = None, system: int = 3) -> None:
        self.socket = socket.socket(type=socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(5)
        self.address = self.socket.getsockname()
        self.to = to
        self.packer = mav.MAVLink(None, system, 1)
        self.ms = 100_000
        self.sent: list[bytes] = []

    def pack(self, message) -> bytes:
        raw = bytes(message.pack(self.packer))
        self.packer.seq = (self.packer.seq + 1) % 256
        return raw

    def heartbeat(self, custom_mode: int = 0x03040000, status: int = 3) -> bytes:
        return self.pack(mav.MAVLink_heartbeat_message(2, 12, 81, custom_mode, status, 3))

    def attitude(self, roll: float = 0.0) -> bytes:
        self.ms += 20
        return self.pack(mav.MAVLink_attitude_message(self.ms, roll, 0, 0, 0, 0, 0))

    def send(self, *raws: bytes) -> None:
        for raw in raws:
            self.sent.append(raw)
            self.socket.sendto(raw, self.to)

    def fly(self, count: int = 10, roll: float = 0.0) -> None:
        self.send(*[self.heartbeat() if i % 10 == 0 else self.attitude(roll) for i in range(count)])


async def until(seen: Callable[[], object], bound_s: float = 10.0) -> None:
    async with asyncio.timeout(bound_s):
        while not seen():
            await asyncio.sleep(0.005)


def free_port() -> int:
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def drone(url: str, system: int = 3) -> Drone:
    return Drone(id=f"a{system}", dock="d", system_id=system, mavlink=url)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@asynccontextmanager
async def listening(clock: HandClock, system: int = 3) -> AsyncIterator[tuple[Tap, Vehicle]]:
    port = free_port()
    tap = Tap(drone(f"udpin://127.0.0.1:{port}", system), clock, who={4: "b4"})
    await tap.open()
    vehicle = Vehicle(("127.0.0.1", port), system)
    try:
        yield tap, vehicle
    finally:
        await tap.close()
        vehicle.socket.close()


async def settled(tap: Tap, vehicle: Vehicle) -> None:
    """Wait until what was sent so far was read: a packet after it is."""
    mark = vehicle.heartbeat(custom_mode=vehicle.packer.seq << 8 | vehicle.ms << 16 & 0xFFFFFFFF)
    vehicle.send(mark)
    await until(lambda: tap.latest(HEARTBEAT) == mark)


async def test_the_last_of_each_kind_is_kept_and_answers_go_to_the_vehicle(
    clock: HandClock,
) -> None:
    async with listening(clock) as (tap, vehicle):
        heard: list[bytes] = []
        stop = tap.on_frames(heard.extend)
        assert tap.latest(ATTITUDE) is None
        assert not tap.connected
        tap.send(b"to nobody yet")
        vehicle.fly(20, roll=0.5)
        vehicle.send(vehicle.heartbeat(custom_mode=0x05040000, status=5))
        await until(lambda: tap.heartbeat == (5, 0x05040000))
        assert heard == vehicle.sent
        assert fields(tap.latest(ATTITUDE))[1] == 0.5
        assert tap.connected
        assert tap.last_heard == pytest.approx(clock.monotonic(), abs=5)
        tap.send(b"\xfd hello")
        assert vehicle.socket.recv(100) == b"\xfd hello"
        stop()
        clock.ahead = LOST_AFTER_S + 6
        assert not tap.connected


async def test_malformed_truncated_and_oversize_datagrams_do_no_harm(clock: HandClock) -> None:
    async with listening(clock) as (tap, vehicle):
        vehicle.fly(10)
        good = vehicle.attitude()
        stranger = Vehicle(vehicle.to)
        for rubbish in (b"", b"\xfd", b"\xfe\xff", good[:-3], os.urandom(1400), b"\xfd" * 1400):
            vehicle.socket.sendto(rubbish, vehicle.to)
            stranger.socket.sendto(rubbish, vehicle.to)
        vehicle.socket.sendto(good * 400, vehicle.to)  # 4 kB and more: nothing sends such a one
        bent = bytearray(vehicle.attitude())
        bent[11] ^= 4
        vehicle.socket.sendto(bytes(bent), vehicle.to)
        await settled(tap, vehicle)
        assert tap.gate.counters.passed == 11
        assert any("bytes were no MAVLink" in words for words in tap.troubles)
        stranger.socket.close()


async def test_others_on_the_port_are_not_listened_to_nor_spoken_to(clock: HandClock) -> None:
    async with listening(clock) as (tap, vehicle):
        vehicle.fly(10)
        await settled(tap, vehicle)
        foreign, second = Vehicle(vehicle.to, system=4), Vehicle(vehicle.to, system=3)
        for stranger, roll in ((foreign, 1.0), (second, 2.0)):
            whole = b"".join(stranger.attitude(roll) for _ in range(30))
            stranger.socket.sendto(whole, vehicle.to)
        await until(lambda: tap.gate.counters.second >= 30 and tap.gate.counters.foreign >= 30)
        vehicle.fly(10, roll=0.25)
        await settled(tap, vehicle)
        assert fields(tap.latest(ATTITUDE))[1] == 0.25
        said = " | ".join(tap.troubles)
        assert f"second vehicle with system id 3 speaks from 127.0.0.1:{second.address[1]}" in said
        assert "system id 4 (b4) speaks on this link" in said
        tap.send(b"\xfd order")
        assert vehicle.socket.recv(100) == b"\xfd order"
        for other in (foreign, second):
            other.socket.setblocking(False)
            with pytest.raises(BlockingIOError):
                other.socket.recv(100)
            other.socket.close()


async def test_a_second_vehicle_behind_the_same_router_leaves_the_first_as_it_is(
    clock: HandClock,
) -> None:
    """The same system id from the same address; its clock a little ahead, its numbers elsewhere."""
    async with listening(clock) as (tap, vehicle):
        vehicle.fly(100, roll=1.0)
        await settled(tap, vehicle)
        second = Vehicle(vehicle.to)
        second.socket.close()
        second.socket, second.ms = vehicle.socket, vehicle.ms + 5_000
        second.packer.seq = vehicle.packer.seq
        rolls = set()
        for _ in range(20):
            second.fly(10, roll=2.0)
            vehicle.fly(10, roll=1.0)
            await settled(tap, vehicle)
            rolls.add(fields(tap.latest(ATTITUDE))[1])
        assert rolls == {1.0}
        assert any("older than what is known" in t or "twice" in t for t in tap.troubles)


async def test_a_replayed_flight_is_refused_and_told(clock: HandClock) -> None:
    """All that the vehicle sent, again, from its own address: a tapped line."""
    async with listening(clock) as (tap, vehicle):
        vehicle.fly(200, roll=0.1)
        await settled(tap, vehicle)
        recorded = list(vehicle.sent)
        vehicle.ms += 60_000
        clock.ahead += 60
        vehicle.fly(50, roll=0.2)
        await settled(tap, vehicle)
        before = tap.gate.counters.passed
        for raw in recorded:
            vehicle.socket.sendto(raw, vehicle.to)
        vehicle.fly(20, roll=0.3)
        await settled(tap, vehicle)
        assert fields(tap.latest(ATTITUDE))[1] == pytest.approx(0.3)
        assert tap.gate.counters.passed - before <= 21 + len(recorded) // 10
        assert any("older than what is known" in w or "twice" in w for w in tap.troubles)


async def test_duplicates_and_disorder_leave_one_of_each_and_the_newest(clock: HandClock) -> None:
    async with listening(clock) as (tap, vehicle):
        heard: list[bytes] = []
        tap.on_frames(heard.extend)
        vehicle.fly(10)
        a, b, c = vehicle.attitude(0.1), vehicle.attitude(0.2), vehicle.attitude(0.3)
        ack = vehicle.pack(mav.MAVLink_command_ack_message(400, 0, 0, 0, 245, 190))
        vehicle.send(c, a, b, c, b, ack, ack)
        await settled(tap, vehicle)
        assert fields(tap.latest(ATTITUDE))[1] == pytest.approx(0.3)
        assert heard.count(ack) == heard.count(c) == 1
        assert tap.gate.counters.double >= 2


async def test_a_vehicle_that_is_started_again_is_heard_again_and_told(clock: HandClock) -> None:
    async with listening(clock) as (tap, vehicle):
        vehicle.fly(50)
        await settled(tap, vehicle)
        vehicle.packer.seq, vehicle.ms = 0, 2_000
        clock.ahead += 6.0
        for _ in range(12):
            vehicle.fly(10, roll=0.7)
            await settled(tap, vehicle)
            clock.ahead += 0.2
        assert fields(tap.latest(ATTITUDE))[1] == pytest.approx(0.7)
        assert any("was started again" in words for words in tap.troubles)


async def test_a_clock_that_jumps_forward_and_back_is_followed(clock: HandClock) -> None:
    async with listening(clock) as (tap, vehicle):
        for jump_ms in (0, 7_200_000, -7_200_000):
            vehicle.ms += jump_ms
            roll = jump_ms / 1e8
            for _ in range(12):
                vehicle.fly(10, roll)
                year = 2080 if jump_ms > 0 else 1980
                vehicle.send(
                    vehicle.pack(
                        mav.MAVLink_system_time_message((year - 1970) * 31_556_952, vehicle.ms)
                    )
                )
                await settled(tap, vehicle)
                clock.ahead += 0.2
            assert fields(tap.latest(ATTITUDE))[1] == pytest.approx(roll)
            assert tap.connected
        assert tap.gate.counters.restarts == 2


async def test_a_controller_started_again_is_the_same_peer_to_a_vehicle_that_keeps_its_first(
    clock: HandClock,
) -> None:
    """PX4 answers the first address that it hears, until it is started again."""
    vehicle = Vehicle()
    url = f"udpout://127.0.0.1:{vehicle.address[1]}"
    first: tuple[str, int] | None = None
    for _ in range(2):
        tap = Tap(drone(url), clock)
        await tap.open()
        tap.send(b"\xfd call")
        _, sender = await asyncio.to_thread(vehicle.socket.recvfrom, 100)
        first = first or sender
        vehicle.to = first
        vehicle.fly(10)
        await until(lambda tap=tap: tap.connected)
        await tap.close()
    assert first is not None
    assert first[1] in local_ports(vehicle.address[1], 3)
    vehicle.socket.close()


async def test_tcp_is_connected_again_when_it_breaks_and_frames_come_in_pieces(
    clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tap_module, "BACK_OFF_S", (0.02, 0.05))
    port, vehicle = free_port(), Vehicle()
    tap = Tap(drone(f"tcpout://127.0.0.1:{port}"), clock)
    await tap.open()
    assert "cannot be reached" in tap.troubles[0]
    calls: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    server = await asyncio.start_server(lambda r, w: calls.put_nowait((r, w)), "127.0.0.1", port)
    for roll in (0.5, 1.0):
        reader, writer = await asyncio.wait_for(calls.get(), 10)
        await until(lambda: not tap.troubles)
        for raw in [b"garbage", *[vehicle.attitude(roll) for _ in range(30)], vehicle.heartbeat()]:
            for byte in raw:
                writer.write(bytes([byte]))
            await writer.drain()
        await until(lambda roll=roll: (a := tap.latest(ATTITUDE)) and fields(a)[1] == roll)
        tap.send(b"\xfd" + bytes(300))
        assert len(await asyncio.wait_for(reader.readexactly(301), 5)) == 301
        writer.close()
        await until(lambda: "closed by the other side" in " ".join(tap.troubles) or calls.qsize())
    server.close()
    await tap.close()
    vehicle.socket.close()


async def test_a_serial_line_is_read_written_and_opened_again(
    clock: HandClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tap_module, "BACK_OFF_S", (0.02, 0.05))
    vehicle, device = Vehicle(), tmp_path / "ttyRADIO"
    tap = Tap(drone(f"serial://{device}:115200"), clock)
    await tap.open()
    assert str(device) in tap.troubles[0]
    for roll in (0.5, 1.0):
        ours, theirs = os.openpty()
        os.set_blocking(ours, False)
        device.unlink(missing_ok=True)
        device.symlink_to(os.ttyname(theirs))
        await until(lambda: not tap.troubles)
        os.write(ours, vehicle.heartbeat() + vehicle.attitude(roll))
        await until(lambda roll=roll: (a := tap.latest(ATTITUDE)) and fields(a)[1] == roll)
        tap.send(b"\xfd hello")
        back = b""

        def came(ours: int = ours) -> bool:
            nonlocal back
            with contextlib.suppress(BlockingIOError):
                back += os.read(ours, 100)
            return back == b"\xfd hello"

        await until(came)
        os.close(ours)
        os.close(theirs)
        await until(lambda: tap.troubles)
    await tap.close()
    vehicle.socket.close()


@pytest.mark.parametrize("url", ["udpin://192.0.2.1:14540", "udpin://127.0.0.1", "tcpout://x"])
async def test_an_address_that_cannot_be_is_one_clear_error(clock: HandClock, url: str) -> None:
    tap = Tap(drone(url), clock)
    with pytest.raises(LinkError, match="drone a3: "):
        await tap.open()
    await tap.close()


async def test_texts_and_aircraft_are_told_and_wake_whoever_waits(clock: HandClock) -> None:
    async with listening(clock) as (tap, vehicle):
        told: list[int] = []
        tap.changed = told.append
        vehicle.send(vehicle.pack(mav.MAVLink_statustext_message(2, b"Preflight Fail: x", 0, 0)))
        vehicle.send(
            vehicle.pack(
                mav.MAVLink_adsb_vehicle_message(
                    7, 245100000, 1176500000, 0, 90_000, 0, 5000, 0, b"B1", 0, 0, 31, 0
                )
            )
        )
        await until(lambda: tap.traffic)
        assert tap.texts[0].text == "Preflight Fail: x"
        assert tap.traffic[0].altitude_amsl_m == 90.0
        assert told


async def test_a_listener_that_fails_costs_nobody_anything(clock: HandClock) -> None:
    async with listening(clock) as (tap, vehicle):
        heard: list[bytes] = []

        def fails(_: list[bytes]) -> None:
            raise ValueError("nonsense")

        tap.on_frames(fails)
        tap.on_frames(heard.extend)
        vehicle.fly(10)
        await settled(tap, vehicle)
        assert heard == vehicle.sent


async def test_both_directions_are_recorded_and_read_by_pymavlink(
    clock: HandClock, tmp_path: Path
) -> None:
    path = tmp_path / "a3.tlog"
    order = bytes(
        mav.MAVLink_command_long_message(3, 1, 400, 0, 1, 0, 0, 0, 0, 0, 0).pack(
            mav.MAVLink(None, 245, 190)
        )
    )
    async with listening(clock) as (tap, vehicle):
        vehicle.fly(10)
        await settled(tap, vehicle)
        tap.record(path)
        vehicle.fly(20)
        await settled(tap, vehicle)
        tap.send(order)
        tap.record(None)
        vehicle.fly(20)
        await settled(tap, vehicle)
        assert tap.troubles == ()
    log, kinds = mavutil.mavlink_connection(str(path)), []
    while (message := log.recv_match()) is not None:
        kinds.append((message.get_srcSystem(), message.get_type()))
    log.close()
    assert len(kinds) == 22
    assert kinds[-1] == (245, "COMMAND_LONG")
    assert set(kinds[:-1]) == {(3, "HEARTBEAT"), (3, "ATTITUDE")}


FLOOD = """
import os, socket, sys
s = socket.socket(type=socket.SOCK_DGRAM)
pieces = [os.urandom(60), b"\\xfd" * 200, os.urandom(3)]
print("flooding", flush=True)
while True:
    for _ in range(300):
        for piece in pieces:
            s.sendto(piece, ("127.0.0.1", int(sys.argv[1])))
"""


async def test_a_flood_on_one_port_starves_nobody_else(clock: HandClock) -> None:
    """As fast as a process can send: every packet of the other vehicle is heard, and soon."""
    pump, port, other_port = Pump(), free_port(), free_port()
    flooded = Tap(drone(f"udpin://127.0.0.1:{port}"), clock, pump=pump)
    other = Tap(drone(f"udpin://127.0.0.1:{other_port}", 5), clock, pump=pump)
    await flooded.open()
    await other.open()
    vehicle = Vehicle(("127.0.0.1", other_port), system=5)
    flood = subprocess.Popen([sys.executable, "-c", FLOOD, str(port)], stdout=subprocess.PIPE)
    try:
        assert flood.stdout is not None
        await asyncio.to_thread(flood.stdout.readline)
        await until(lambda: flooded.gate.counters.rubbish > 100_000, 30)
        for _ in range(50):
            vehicle.fly(20)
            await settled(other, vehicle)
        assert other.gate.counters.passed == len(vehicle.sent)
        assert other.gate.counters.lost == 0
        assert any("bytes were no MAVLink" in words for words in flooded.troubles)
    finally:
        flood.kill()
        flood.wait()
        await flooded.close()
        await other.close()
        pump.close()
        vehicle.socket.close()


async def test_a_vehicle_is_heard_on_a_port_that_others_flood(
    clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What others send is kept out by the kernel, for a while, and then looked at again."""
    monkeypatch.setattr(transports, "GUARD_S", 1.0)
    async with listening(clock) as (tap, vehicle):
        vehicle.fly(10)
        await settled(tap, vehicle)
        flood = subprocess.Popen(
            [sys.executable, "-c", FLOOD, str(vehicle.to[1])], stdout=subprocess.PIPE
        )
        try:
            assert flood.stdout is not None
            await asyncio.to_thread(flood.stdout.readline)
            await until(lambda: tap.gate.counters.unread > 1000, 30)
            before, sent = tap.gate.counters.passed, len(vehicle.sent)
            async with asyncio.timeout(60):
                while tap.gate.counters.passed - before < 500:
                    vehicle.fly(5)
                    await asyncio.sleep(0.02)
            assert tap.gate.counters.passed - before > 0.7 * (len(vehicle.sent) - sent)
            assert any("flooded the link" in words for words in tap.troubles)
        finally:
            flood.kill()
            flood.wait()
        second = Vehicle(vehicle.to)

        def told() -> bool:
            vehicle.fly(1)
            second.fly(1)
            return tap.gate.counters.second > 0

        await until(told, 20)
        second.socket.close()
