"""The pump: all are read, none for long, and others have their time where more comes than is read."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest

from fleet.link import pump as pumping
from fleet.link.pump import Pump

MORE_THAN_A_SLICE = 12


@pytest.fixture
def wires() -> Iterator[list[socket.socket]]:
    pairs = [socket.socketpair() for _ in range(MORE_THAN_A_SLICE)]
    for far, _ in pairs:
        far.send(b"never read, so that there is always more")
    yield [near for _, near in pairs]
    for pair in pairs:
        for end in pair:
            end.close()


async def test_a_flood_leaves_others_their_share_of_the_time(wires: list[socket.socket]) -> None:
    pump, reading, read = Pump(), 0.0, [0] * len(wires)

    def reads(number: int) -> None:
        nonlocal reading
        began = time.thread_time()
        while time.thread_time() - began < 0.003:
            pass
        reading += time.thread_time() - began
        read[number] += 1

    for number, wire in enumerate(wires):
        pump.add(wire.fileno(), lambda number=number: reads(number))  # type: ignore[misc]
    began = time.thread_time()
    while min(read) < 3:
        await asyncio.sleep(0)  # somebody who always has something to do
    pump.close()
    others = time.thread_time() - began - reading
    assert max(read) - min(read) <= 1, "not in turn"
    assert others > 0.1 * pumping.REST * reading, "others had no time"
