"""Cameras over RTSP and TCP, with PyAV as the client."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import av
import numpy as np
import pytest

from missions.city import City
from sitl.camera.pose import CameraPose
from sitl.camera.server import CameraError, CameraServer
from sitl.camera.stream import CameraFault, Chunk, PoseSample
from sitl.scenario import Scenario

POSE = CameraPose(117.648, 24.510319, 25.0, 1.0, -2.0, 5.0, -37.0, 0.0)
REPORTED = CameraPose(117.64801, 24.51032, 25.4, 1.0, -2.0, 5.0, -37.5, 0.5)
QUICK = {"analyzeduration": "300000", "fflags": "nobuffer"}


@asynccontextmanager
async def serving(
    city: City, scenario: Scenario, *, posed: bool = True
) -> AsyncIterator[CameraServer]:
    server = CameraServer(city, scenario)
    await server.start()
    server.clock.start(time.time() - 20)

    async def feed() -> None:
        while True:
            for drone in server.cameras:
                server.place(PoseSample(time.time(), POSE, REPORTED), drone)
            await asyncio.sleep(0.03)

    task = asyncio.create_task(feed()) if posed else None
    try:
        yield server
    finally:
        if task is not None:
            task.cancel()
        await server.close()


def watch(url: str, transport: str, want: int) -> tuple[list[np.ndarray], list[bytes]]:
    """Return so many pictures and the KLV that came with them."""
    options = dict(QUICK, rtsp_transport=transport) if url.startswith("rtsp") else QUICK
    frames: list[np.ndarray] = []
    klv: list[bytes] = []
    with av.open(url, options=options, timeout=15) as container:
        for packet in container.demux():
            if packet.stream.type == "data":
                klv.append(bytes(packet))
            else:
                frames += [f.to_ndarray(format="bgr24") for f in packet.decode()]
            if len(frames) >= want and klv:
                break
    return frames, klv


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_pyav_sees_pictures_and_klv_over_rtsp(
    small: City, scenario: Scenario, transport: str
) -> None:
    async with serving(small, scenario) as server:
        url = server.urls["xc-bridge-a"]
        frames, klv = await asyncio.to_thread(watch, url, transport, 12)
        await until(lambda: server.cameras["xc-bridge-a"].watchers == 0)
    assert frames[0].shape == (180, 320, 3)
    assert frames[-1].std() > 10
    for data in klv:
        assert data[:16] == bytes.fromhex("060e2b34020b01010e01030101000000")
        at = data.index(b"\x02\x08", 16) + 2
        (taken,) = struct.unpack(">Q", data[at : at + 8])
        assert abs(time.time() - taken / 1e6) < 30
        at = data.index(b"\x0e\x04") + 2  # the reported longitude, not the true one
        lon = struct.unpack(">i", data[at : at + 4])[0] * 360 / 4294967294
        assert lon == pytest.approx(REPORTED.lon, abs=1e-6)


async def test_mpegts_over_plain_tcp(small: City, scenario: Scenario) -> None:
    async with serving(small, scenario) as server:
        frames, klv = await asyncio.to_thread(watch, server.urls["xc-bridge-b"], "", 8)
    assert len(frames) >= 8
    assert klv


async def test_two_clients_share_one_encoder(small: City, scenario: Scenario) -> None:
    async with serving(small, scenario) as server:
        camera = server.cameras["xc-bridge-a"]
        url = server.urls["xc-bridge-a"]
        both = [asyncio.create_task(asyncio.to_thread(watch, url, "tcp", 30)) for _ in range(2)]
        await until(lambda: camera.watchers == 2)
        thread = camera._thread
        results = await asyncio.gather(*both)
        assert thread is not None
    assert all(len(frames) >= 30 for frames, _ in results)


async def test_a_camera_nobody_watches_does_nothing(small: City, scenario: Scenario) -> None:
    async with serving(small, scenario) as server:
        camera = server.cameras["xc-bridge-a"]
        assert camera._thread is None
        await asyncio.to_thread(watch, server.urls["xc-bridge-a"], "tcp", 3)
        await until(lambda: all(t.name != "camera xc-bridge-a" for t in threading.enumerate()))


async def until_silent(reader: asyncio.StreamReader) -> None:
    """Read until nothing has come for 0.4 s, which is 8 pictures."""
    async with asyncio.timeout(15):
        while True:
            try:
                await asyncio.wait_for(reader.read(65536), 0.4)
            except TimeoutError:
                return


class Slow:
    """A client that stops reading."""

    def __init__(self, url: str) -> None:
        host, port = url.removeprefix("tcp://").split(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)


async def test_a_slow_client_is_dropped_and_the_other_goes_on(
    small: City, scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sitl.camera.server.MAX_QUEUED", 20_000)
    async with serving(small, scenario) as server:
        camera = server.cameras["xc-bridge-b"]
        slow = Slow(server.urls["xc-bridge-b"])
        await until(lambda: camera.watchers == 1)
        # what the system itself buffers for a connection is megabytes: fill it
        watcher = next(iter(camera._watchers))
        for _ in range(400):
            if camera.watchers == 0:
                break
            watcher.deliver(Chunk(b"\x00" * 188_000, True, 0))
            await asyncio.sleep(0)
        await until(lambda: camera.watchers == 0)
        slow.socket.close()


async def test_a_frozen_camera_sends_nothing_until_mended(small: City, scenario: Scenario) -> None:
    async with serving(small, scenario) as server:
        camera = server.cameras["xc-bridge-b"]
        host, port = server.urls["xc-bridge-b"].removeprefix("tcp://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        assert await asyncio.wait_for(reader.readexactly(188), 15)
        server.set_fault("xc-bridge-b", CameraFault.FREEZE)
        frames = camera.frames
        await until_silent(reader)
        assert camera.frames - frames <= 1
        server.set_fault("xc-bridge-b", CameraFault.NONE)
        assert await asyncio.wait_for(reader.read(188), 15)
        writer.close()


async def test_a_camera_that_drops_cuts_and_refuses(small: City, scenario: Scenario) -> None:
    async with serving(small, scenario) as server:
        url = server.urls["xc-bridge-a"]
        watching = asyncio.create_task(asyncio.to_thread(watch, url, "tcp", 10_000))
        await until(lambda: server.cameras["xc-bridge-a"].frames > 5)
        server.set_fault("xc-bridge-a", CameraFault.DROP)
        await asyncio.wait([watching], timeout=15)
        assert watching.done()
        watching.exception()  # an error or an early end, as PyAV sees it
        with pytest.raises(av.FFmpegError):
            await asyncio.to_thread(watch, url, "tcp", 1)


async def test_a_camera_that_sends_rubbish_sends_no_transport_stream(
    small: City, scenario: Scenario
) -> None:
    async with serving(small, scenario) as server:
        server.set_fault("xc-bridge-b", CameraFault.RUBBISH)
        host, port = server.urls["xc-bridge-b"].removeprefix("tcp://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        data = await asyncio.wait_for(reader.readexactly(188 * 20), 15)
        assert sum(data[at] == 0x47 for at in range(0, len(data), 188)) < 10
        writer.close()


async def test_a_taken_port_is_told(small: City, scenario: Scenario) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        drone = small.drones[0].model_copy(update={"video": f"rtsp://127.0.0.1:{port}/x"})
        city = small.model_copy(update={"drones": (drone,)})
        server = CameraServer(city, scenario)
        with pytest.raises(CameraError, match=f"127.0.0.1:{port}: Address already in use") as error:
            await server.start()
        await server.close()
    assert "video addresses" in error.value.hint
