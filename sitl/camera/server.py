"""The camera server's process: takes poses from the simulator, serves pictures to whoever asks.

It is told everything in JSON lines on standard input and answers in JSON lines on standard output.
When the input ends, the process that holds the vehicles is gone, and so is this one.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2

from missions.city import City
from sitl.camera.pose import CameraPose
from sitl.camera.stream import MAX_QUEUED, Camera, CameraFault, Chunk, PoseSample, SceneClock
from sitl.errors import SimError
from sitl.log import JsonLog
from sitl.rtsp import RtspServer
from sitl.scenario import Scenario
from sitl.scene import Scene

LINE_LIMIT = 4 << 20
TRUTH_PERIOD_S = 1.0


class CameraError(SimError):
    """A camera server that cannot start or has ended."""


class TcpClient:
    """Somebody who reads MPEG-TS from a plain connection."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def deliver(self, chunk: Chunk) -> None:
        """Send a chunk; drop this client where too much waits for it already."""
        if self._writer.transport.get_write_buffer_size() > MAX_QUEUED:
            self.cut()
            return
        self._writer.write(chunk.data)

    def cut(self) -> None:
        """Lose the connection at once."""
        self._writer.transport.abort()


class CameraServer:
    """All cameras of a city on their addresses.

    Parameters
    ----------
    city
        Its drones' ``video`` addresses are served: ``rtsp://HOST:PORT/PATH`` or
        ``tcp://HOST:PORT`` (MPEG-TS); other addresses are not ours.
    scenario
        What the scene shows.
    """

    def __init__(self, city: City, scenario: Scenario) -> None:
        self.scene = Scene(city, scenario)
        self.clock = SceneClock()
        self.cameras = {
            d.id: Camera(d.id, d.camera, self.scene, self.clock) for d in city.drones if d.video
        }
        self._addresses = {d.id: d.video for d in city.drones if d.video}
        self._rtsp: list[RtspServer] = []
        self._tcp: list[asyncio.Server] = []
        self.urls: dict[str, str] = {}

    async def start(self) -> None:
        """Listen on every address.

        Raises
        ------
        CameraError
            If one cannot be listened on.
        """
        shared: dict[tuple[str, int], dict[str, Camera]] = {}
        for drone, address in self._addresses.items():
            url = urlsplit(address)
            place = (url.hostname or "127.0.0.1", 554 if url.port is None else url.port)
            if url.scheme == "rtsp":
                shared.setdefault(place, {})[url.path.strip("/")] = self.cameras[drone]
            elif url.scheme == "tcp":
                port = await self._listen(place, self._serve_tcp(self.cameras[drone]))
                self.urls[drone] = f"tcp://{place[0]}:{port}"
        for place, cameras in shared.items():
            server = RtspServer(cameras)
            try:
                await server.start(*place)
            except OSError as error:
                raise _taken("RTSP", place, error) from error
            self._rtsp.append(server)
            for path, camera in cameras.items():
                self.urls[camera.drone] = f"rtsp://{place[0]}:{server.port}/{path}"

    def _serve_tcp(self, camera: Camera) -> Any:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            client = TcpClient(writer)
            try:
                if camera.join(client):
                    while await reader.read(4096):
                        pass  # what a viewer says is of no interest; the end of it is
            except OSError:
                pass  # gone
            finally:
                camera.leave(client)
                client.cut()

        return serve

    async def _listen(self, place: tuple[str, int], serve: Any) -> int:
        try:
            server = await asyncio.start_server(serve, *place)
        except OSError as error:
            raise _taken("video", place, error) from error
        self._tcp.append(server)
        return int(server.sockets[0].getsockname()[1])

    def place(self, sample: PoseSample, drone: str) -> None:
        """Take a newer pose of a drone."""
        if (camera := self.cameras.get(drone)) is not None:
            camera.place(sample)

    def set_fault(self, drone: str, fault: CameraFault) -> None:
        """Break a camera, or mend it."""
        if (camera := self.cameras.get(drone)) is not None:
            camera.set_fault(fault)

    async def close(self) -> None:
        """Stop every camera and listen no longer."""
        for camera in self.cameras.values():
            camera.close()
        for server in self._rtsp:
            await server.close()
        for tcp in self._tcp:
            tcp.close()


def _taken(what: str, place: tuple[str, int], error: OSError) -> CameraError:
    host, port = place
    hint = "another simulator may be running; stop it, or change the drones' video addresses"
    if error.errno != errno.EADDRINUSE:
        hint = "the drones' video addresses must be ones of this machine"
    return CameraError(
        f"cannot listen for {what} on {host}:{port}: {os.strerror(error.errno or 0)}", hint=hint
    )


def sample(time_s: float, numbers: list[float]) -> PoseSample:
    """Return a pose sample from the wire: 8 numbers of the true pose, 8 of the reported."""
    return PoseSample(time_s, CameraPose(*numbers[:8]), CameraPose(*numbers[8:16]))


class _Session:
    """What the process does from its first line to its last."""

    def __init__(self, config: dict[str, Any]) -> None:
        city = City.model_validate(config["city"])
        self.server = CameraServer(city, Scenario.model_validate(config["scenario"]))
        log = config.get("log")
        self.log = JsonLog(Path(log) / "scene.jsonl" if log else None)

    def obey(self, message: dict[str, Any]) -> None:
        """Carry out one line."""
        if "poses" in message:
            for drone, numbers in message["poses"].items():
                self.server.place(sample(message["at"], numbers), drone)
        elif "doors" in message:
            for dock, opened in message["doors"].items():
                self.server.scene.set_door(dock, opened)
        elif "fault" in message:
            self.server.set_fault(message["drone"], CameraFault(message["fault"]))
        elif "start" in message:
            self.server.clock.start(message["start"])

    async def tell_truth(self) -> None:
        """Log once a second what is so in the scene."""
        while True:
            t = self.server.clock.scene_s(time.time())
            truth = await asyncio.to_thread(self.server.scene.truth, t)
            self.log.write(
                "scene",
                scene_s=round(t, 2),
                level_m={k: round(v, 4) for k, v in truth.levels_m.items()},
                people=truth.people,
                density_per_m2={
                    k: round(n / truth.areas_m2[k], 4) for k, n in truth.people.items()
                },
            )
            await asyncio.sleep(TRUTH_PERIOD_S)


def _say(**fields: Any) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


async def _input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=LINE_LIMIT)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader


async def _run() -> int:
    reader = await _input()
    first = await reader.readline()
    if not first:
        return 0
    session = _Session(json.loads(first))
    try:
        await session.server.start()
    except CameraError as error:
        await session.server.close()
        _say(kind="error", message=str(error), hint=error.hint)
        return 1
    _say(kind="ready", urls=session.server.urls)
    truth = asyncio.create_task(session.tell_truth(), name="scene truth")
    try:
        while line := await reader.readline():
            session.obey(json.loads(line))
    finally:
        truth.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await truth
        await session.server.close()
        session.log.close()
    return 0


def main() -> None:
    """Run the camera server on standard input and output."""
    cv2.setNumThreads(1)
    # the simulator ends this process by closing its input; a Ctrl-C in the terminal is for it alone
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(asyncio.run(_run()))
