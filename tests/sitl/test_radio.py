"""A radio between two sockets, and what it does to packets."""

from __future__ import annotations

import asyncio
import socket
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitl.errors import VehicleError
from sitl.radio import CLEAR, SILENT, Channel, Faults, Radio

packets = st.lists(st.binary(min_size=1, max_size=40), max_size=60)


def through(faults: Faults, sent: list[bytes], seed: int = 1) -> list[bytes]:
    channel = Channel(seed)
    channel.faults = faults
    return [data for packet in sent for _, data in channel.take(packet)]


@given(packets)
def test_a_clear_channel_changes_nothing(sent):
    assert through(CLEAR, sent) == sent


@given(packets)
def test_a_silent_channel_passes_nothing(sent):
    assert through(SILENT, sent) == []


@given(st.integers(2, 60), st.integers(0, 99))
def test_a_reordered_packet_comes_after_the_next(count, seed):
    sent = [bytes([k]) for k in range(count)]
    got = through(Faults(reorder=0.5), sent, seed)
    assert set(got) >= set(sent[:-1])  # the last one may wait for a next one
    for before, after in pairwise(got):
        assert after[0] > before[0] or before[0] - after[0] == 1, "more than one place late"


def test_reordering_changes_the_order():
    sent = [bytes([k]) for k in range(50)]
    assert through(Faults(reorder=0.5), sent) != sent


@given(packets, st.integers(0, 99))
def test_duplicates_are_the_same_and_follow_at_once(sent, seed):
    got = through(Faults(duplicate=1.0), sent, seed)
    assert got == [packet for packet in sent for _ in range(2)]


@given(packets, st.integers(0, 99))
def test_truncated_packets_lose_their_end_only(sent, seed):
    got = through(Faults(truncate=1.0), sent, seed)
    for packet, whole in zip(got, sent, strict=True):
        assert whole.startswith(packet)
        assert len(packet) < len(whole) or len(whole) == 1


def test_a_share_of_the_packets_is_lost_the_same_on_every_run():
    sent = [bytes([k % 250]) for k in range(2000)]
    got = through(Faults(loss=0.3), sent)
    assert 1300 < len(got) < 1500
    assert got == through(Faults(loss=0.3), sent)


@pytest.mark.parametrize(
    "wrong", [{"loss": 1.5}, {"duplicate": -0.1}, {"delay_s": -1.0}, {"jitter_s": 61.0}]
)
def test_faults_out_of_range_are_refused(wrong):
    with pytest.raises(VehicleError, match=next(iter(wrong))):
        Faults(**wrong)


async def _hear(sock: socket.socket) -> bytes:
    async with asyncio.timeout(5):
        return await asyncio.get_running_loop().sock_recv(sock, 100)


async def test_it_carries_packets_both_ways_and_can_fall_silent():
    with (
        socket.socket(type=socket.SOCK_DGRAM) as vehicle,
        socket.socket(type=socket.SOCK_DGRAM) as controller,
        socket.socket(type=socket.SOCK_DGRAM) as probe,
    ):
        for sock in (vehicle, controller):
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
        probe.bind(("127.0.0.1", 0))
        listen = probe.getsockname()
        probe.close()
        async with Radio(listen, controller.getsockname()) as radio:
            vehicle.sendto(b"hello", listen)
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(5):
                data, sender = await loop.sock_recvfrom(controller, 100)
            assert data == b"hello"
            controller.sendto(b"arm", ("127.0.0.1", sender[1]))
            assert await _hear(vehicle) == b"arm"
            radio.be(SILENT)
            vehicle.sendto(b"lost", listen)
            while radio.to_controller.lost == 0:
                await asyncio.sleep(0)
            radio.be(Faults(delay_s=0.05))
            before = loop.time()
            vehicle.sendto(b"late", listen)
            assert await _hear(controller) == b"late"
            assert loop.time() - before >= 0.045


async def test_a_taken_port_is_named():
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(VehicleError, match=str(taken.getsockname()[1])):
            async with Radio(taken.getsockname(), ("127.0.0.1", 9)):
                pass
