"""Who is let through: this vehicle, from one peer, nothing twice and nothing old."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.link.frames import Frame
from fleet.link.gatekeeper import MOST_COMPONENTS, PEER_SILENT_S, REBOOT_STAYS_S, Gatekeeper
from fleet.link.port import TROUBLE_S

HZ = 100.0
HERE, THERE = ("10.0.0.1", 14580), ("10.0.0.9", 14580)
HEARTBEAT, ACK, ATTITUDE = 0, 77, 30


def packet(seq: int, ms: int | None = None, system: int = 3, component: int = 1, message: int = 0):
    """A frame as ``frames`` would cut it; with a boot time it is an ATTITUDE."""
    if ms is None:
        return Frame(bytes(12), system, component, message, seq & 0xFF)
    payload = (ms & 0xFFFFFFFF).to_bytes(4, "little") + bytes(24)
    raw = b"\xfd\x1c" + bytes(8) + payload + b"\0\0"
    return Frame(raw, system, component, ATTITUDE, seq & 0xFF)


class Vehicle:
    """Sends at ``HZ``, numbers and stamps its packets, as time goes by."""

    def __init__(self, gate: Gatekeeper, ms: int = 60_000, seq: int = 0, start: float = 100.0):
        self.gate, self.ms, self.seq, self.now = gate, ms, seq, start

    def next(self) -> Frame:
        self.now += 1 / HZ
        self.ms += int(1000 / HZ)
        self.seq += 1
        return packet(self.seq, self.ms)

    def fly(self, seconds: float, peer=HERE) -> int:
        """Return how many packets were let through."""
        return sum(
            len(self.gate.admit([self.next()], peer, self.now)) for _ in range(int(seconds * HZ))
        )


@pytest.fixture
def gate() -> Gatekeeper:
    return Gatekeeper(3, {4: "b4"})


def test_a_vehicle_in_order_is_let_through_whole(gate: Gatekeeper) -> None:
    vehicle = Vehicle(gate)
    assert vehicle.fly(10) == 1000
    assert gate.counters.lost == 0
    assert gate.loss_percent(vehicle.now) == 0
    assert gate.troubles(vehicle.now) == ()


def test_another_system_is_refused_and_told(gate: Gatekeeper) -> None:
    assert gate.admit([packet(1, system=4), packet(1), packet(2, system=9)], HERE, 1.0) == [
        packet(1)
    ]
    assert gate.counters.foreign == 2
    assert any("system id 9" in words for words in gate.troubles(1.0))
    assert gate.admit([packet(2, system=4)], THERE, 2.0) == []
    assert any("system id 4 (b4)" in words for words in gate.troubles(2.0))
    assert gate.troubles(3.0 + TROUBLE_S) == ()


def test_a_ground_station_that_a_router_brings_along_is_nothing_to_tell(gate: Gatekeeper) -> None:
    assert not gate.admit([packet(1, system=255, component=190)], HERE, 1.0)
    assert gate.troubles(1.0) == ()


def test_a_second_vehicle_of_the_same_id_is_refused_and_told(gate: Gatekeeper) -> None:
    vehicle = Vehicle(gate)
    vehicle.fly(2)
    for seq in range(20):
        assert gate.admit([packet(seq, 5_000)], THERE, vehicle.now) == []
        vehicle.fly(0.1)
    assert gate.counters.second == 20
    (words,) = gate.troubles(vehicle.now)
    assert "second vehicle with system id 3 speaks from 10.0.0.9:14580" in words
    assert vehicle.fly(1) == 100


def test_a_vehicle_that_comes_back_from_another_address_is_taken_when_the_old_is_silent(
    gate: Gatekeeper,
) -> None:
    vehicle = Vehicle(gate)
    vehicle.fly(2)
    vehicle.now += PEER_SILENT_S - 1
    assert vehicle.fly(0.1, THERE) == 0
    vehicle.now += 1
    assert vehicle.fly(0.1, THERE) == 10
    assert gate.peer == THERE


def test_what_comes_twice_is_let_through_once_and_told(gate: Gatekeeper) -> None:
    vehicle, passed = Vehicle(gate), 0
    for _ in range(200):
        frame = vehicle.next()
        passed += len(gate.admit([frame, frame], HERE, vehicle.now))
    assert passed == 200
    assert gate.counters.double == 200
    assert gate.troubles(vehicle.now) == ("200 packets came twice",)
    assert gate.counters.lost == 0


def test_packets_out_of_order_are_no_loss_but_old_measurements_are_left_out(
    gate: Gatekeeper,
) -> None:
    vehicle = Vehicle(gate)
    vehicle.fly(2)
    first, second, third = vehicle.next(), vehicle.next(), vehicle.next()
    late_ack = packet(vehicle.seq + 1, message=ACK)
    last = packet(vehicle.seq + 2, vehicle.ms + 20)
    frames = [first, third, second, last, late_ack]
    assert gate.admit(frames, HERE, vehicle.now) == [first, third, last, late_ack]
    assert gate.counters.lost == 0
    assert gate.counters.late == 2


def test_a_packet_that_another_thread_of_the_autopilot_overtook_is_let_through(
    gate: Gatekeeper,
) -> None:
    """PX4 numbers packets in two threads; what it says once must not be taken for old."""
    vehicle, mission_current = Vehicle(gate), 42
    for gap in (700, 800, 900):
        for _ in range(gap):
            gate.admit([vehicle.next()], HERE, vehicle.now)
        overtaken = packet(vehicle.seq + 1, message=mission_current)
        vehicle.seq += 1
        frames = [vehicle.next(), vehicle.next(), overtaken]
        assert gate.admit(frames, HERE, vehicle.now) == frames
    assert gate.counters.old == gate.counters.lost == 0


@pytest.mark.parametrize("seq", [77, 110, 112, 113, 130, 160, 200, 250])
def test_a_recording_played_beside_the_vehicle_is_refused_and_told(
    gate: Gatekeeper, seq: int
) -> None:
    """Numbers of a replay fall anywhere; its own time gives it away where they fall well."""
    vehicle = Vehicle(gate)
    vehicle.fly(60)
    replayed, passed, heard = Vehicle(gate, seq=seq), 0, 0
    for _ in range(500):
        old = packet(replayed.next().sequence, replayed.ms)
        passed += len(gate.admit([old], HERE, vehicle.now))
        heard += len(gate.admit([vehicle.next()], HERE, vehicle.now))
    assert (passed, heard) == (0, 500)
    assert gate.counters.old + gate.counters.double + replayed.gate.counters.restarts >= 499
    assert any("older than what is known" in w for w in gate.troubles(vehicle.now))
    assert vehicle.fly(1) == 100, "and the vehicle itself is heard as before"


@pytest.mark.parametrize("settled_s", [0.0, 2.0])
@pytest.mark.parametrize("ahead_ms", [-600_000, -5_000, 3_000, 5_000, 14_000, 600_000])
@pytest.mark.parametrize("seq", [0, 48, 128, 208])
def test_a_second_vehicle_behind_the_same_address_neither_silences_nor_replaces_the_first(
    gate: Gatekeeper, seq: int, ahead_ms: int, settled_s: float
) -> None:
    """As behind a router: the same system id, numbers and a clock of its own."""
    first = Vehicle(gate)
    first.fly(settled_s)
    second = Vehicle(gate, first.ms + ahead_ms, first.seq + seq, first.now)
    passed = {first: 0, second: 0}
    for n in range(int(10 * HZ)):
        for vehicle in (first, second):
            frame = vehicle.next()
            if n % 100 == 0:  # a heartbeat has no time of its own
                frame = packet(vehicle.seq)
            passed[vehicle] += len(gate.admit([frame], HERE, vehicle.now))
    if settled_s:
        assert passed[first] > 900
        assert passed[second] < 20
    else:
        assert max(passed.values()) > 800, "one of them is heard"
    assert any("older than what is known" in t or "twice" in t for t in gate.troubles(first.now))


@pytest.mark.parametrize("ahead", [20, 60, 100, 140, 180, 220])
def test_replayed_heartbeats_do_not_take_the_place_of_true_ones(
    gate: Gatekeeper, ahead: int
) -> None:
    """A heartbeat carries no time: it must fit between those packets that do."""
    vehicle, passed = Vehicle(gate), 0
    vehicle.fly(10)
    for _ in range(300):
        passed += len(gate.admit([packet(vehicle.seq + ahead)], HERE, vehicle.now))
        vehicle.fly(0.05)
        vehicle.seq += 1
        assert gate.admit([packet(vehicle.seq)], HERE, vehicle.now)
    assert passed == 0


def test_a_reboot_that_stays_is_taken_and_told(gate: Gatekeeper) -> None:
    vehicle = Vehicle(gate, ms=3_600_000)
    vehicle.fly(2)
    again = Vehicle(gate, ms=0, start=vehicle.now + 3)
    assert again.fly(REBOOT_STAYS_S - 0.1) == 0
    assert again.fly(1) > 70
    assert gate.counters.restarts == 1
    assert gate.counters.old == 0, "what a reboot began with is no replay"
    (words,) = gate.troubles(again.now)
    assert re.fullmatch(r"the vehicle was started again: its clock went back 360\d s", words)


@pytest.mark.parametrize("jump_ms", [3_600_000, -50_000, 0xFFFFFFFF - 200_000])
def test_a_clock_that_jumps_and_jumps_back_is_followed(gate: Gatekeeper, jump_ms: int) -> None:
    vehicle = Vehicle(gate, ms=100_000)
    vehicle.fly(5)
    vehicle.ms += jump_ms
    assert vehicle.fly(3) >= (3 - REBOOT_STAYS_S) * HZ - 2
    vehicle.ms -= jump_ms
    assert vehicle.fly(3) >= (3 - REBOOT_STAYS_S) * HZ - 2
    assert gate.counters.restarts == 2


def test_one_packet_with_a_mad_clock_costs_that_packet_alone(gate: Gatekeeper) -> None:
    vehicle = Vehicle(gate)
    vehicle.fly(5)
    mad = packet(vehicle.seq + 1, 0xFFFFFFFF)
    vehicle.seq += 1
    assert gate.admit([mad], HERE, vehicle.now) == []
    assert vehicle.fly(5) == 500
    assert gate.counters.restarts == 0


@pytest.mark.parametrize("speed", [0.2, 1, 20])
def test_time_that_runs_fast_or_slow_is_no_jump(gate: Gatekeeper, speed: float) -> None:
    now, seq, ms = 10.0, 0, 5_000.0
    for _ in range(1000):
        now, seq, ms = now + 0.02, seq + 1, ms + 20 * speed
        assert gate.admit([packet(seq, int(ms))], HERE, now)
    assert gate.counters.restarts == 0


def test_a_rate_of_loss_is_measured_and_told(gate: Gatekeeper) -> None:
    vehicle = Vehicle(gate)
    for i in range(3000):
        frame = vehicle.next()
        if i % 10 not in {3, 4, 5}:
            gate.admit([frame], HERE, vehicle.now)
    assert gate.loss_percent(vehicle.now) == pytest.approx(30, abs=2)
    (words,) = gate.troubles(vehicle.now)
    assert re.fullmatch(r"(27|28|29|30|31) % of the packets are lost on the way", words)


def test_silence_is_no_loss_and_the_vehicle_is_heard_at_once_after_it(gate: Gatekeeper) -> None:
    vehicle = Vehicle(gate)
    vehicle.fly(5)
    for _ in range(400):
        vehicle.next()  # into the void
    assert vehicle.fly(1) == 100
    assert gate.counters.lost == 0


def test_components_number_for_themselves_and_are_bounded(gate: Gatekeeper) -> None:
    assert len(gate.admit([packet(5), packet(200, component=154)], HERE, 1.0)) == 2
    assert len(gate.admit([packet(6), packet(201, component=154)], HERE, 1.1)) == 2
    many = [packet(1, component=c) for c in range(2, 100)]
    assert len(gate.admit(many, HERE, 1.2)) == MOST_COMPONENTS - 2


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 2**32 - 1), st.floats(0, 3))))
@settings(deadline=None)
def test_nothing_that_comes_makes_it_fail_or_grow(came: Iterable[tuple[int, int, float]]) -> None:
    gate, now = Gatekeeper(3), 0.0
    for seq, ms, wait in came:
        now += wait
        gate.admit([packet(seq, ms, system=3 + seq // 256)], (HERE, THERE)[ms % 2], now)
        assert len(gate.troubles(now)) < 12
        loss = gate.loss_percent(now)
        assert loss is None or 0 <= loss <= 100


def test_messages_that_nobody_knows_are_counted_and_leave_nothing_behind(gate: Gatekeeper) -> None:
    def come(first: int, count: int) -> int:
        """Return how many bytes are kept of so many messages."""
        frames = [
            Frame(bytes(12), 3, 1, number, number & 0xFF, known=False)
            for number in range(first, first + count)
        ]
        tracemalloc.start()
        try:
            for n, frame in enumerate(frames):
                assert gate.admit([frame], HERE, 1.0 + n / HZ) == []
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    come(100_000, 256)
    assert come(100_256, 5_120) < 20_000
    assert gate.counters.unknown == 5_376


def test_rubbish_is_told_in_words(gate: Gatekeeper) -> None:
    gate.rubbish(100, 1.0)
    assert gate.troubles(1.0) == ()
    gate.rubbish(5000, 2.0)
    assert gate.troubles(2.0) == ("5100 bytes were no MAVLink",)
