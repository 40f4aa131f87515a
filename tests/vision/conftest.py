"""Streams, cameras and a controller that the tests of ``vision`` share."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from vision import klv

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
START = datetime(2026, 5, 31, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real pictures; a test that asks for it skips where it is not there."""
    if not SHARED.is_dir():
        pytest.skip(f"no real pictures to measure against: {SHARED} is not there")
    return SHARED


@pytest.fixture(scope="session")
def make_ts(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., bytes]:
    """Return a function that makes MPEG-TS with H.264 and KLV from pictures."""

    def make(
        images: list[np.ndarray],
        fps: int = 10,
        metas: list[klv.Metadata] | None = None,
        broken_klv: bool = False,
    ) -> bytes:
        path = tmp_path_factory.mktemp("ts") / "clip.ts"
        height, width = images[0].shape[:2]
        with av.open(str(path), "w", format="mpegts") as out:
            options = {"preset": "ultrafast", "tune": "zerolatency", "g": "10", "crf": "18"}
            video = out.add_stream("libx264", rate=fps, width=width, height=height, options=options)
            video.codec_context.time_base = Fraction(1, 90_000)
            data = out.add_data_stream("klv") if metas else None
            for i, image in enumerate(images):
                pts = i * 90_000 // fps
                if data is not None and metas is not None:
                    raw = klv.encode(metas[i])
                    packet = av.Packet(raw[:-1] + bytes([raw[-1] ^ 0xFF]) if broken_klv else raw)
                    packet.stream, packet.pts, packet.dts = data, pts, pts
                    packet.time_base = Fraction(1, 90_000)
                    out.mux(packet)
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")
                frame.pts, frame.time_base = pts, Fraction(1, 90_000)
                out.mux(video.encode(frame))
            out.mux(video.encode())
        return path.read_bytes()

    return make


@pytest.fixture
def hover() -> Callable[..., klv.Metadata]:
    """Return a function that makes the metadata of a drone that hovers south of a place."""

    def make(second: float = 0.0, **changes: Any) -> klv.Metadata:
        values: dict[str, Any] = {
            "captured_at": START + timedelta(seconds=second),
            "platform": "d01",
            "heading_deg": 0.0,
            "pitch_deg": 0.0,
            "roll_deg": 0.0,
            "lat": 24.5100,
            "lon": 117.6480,
            "altitude_amsl_m": 25.0,
            "hfov_deg": 60.0,
            "vfov_deg": 36.0,
            "sensor_azimuth_deg": 0.0,
            "sensor_elevation_deg": -37.0,
            "sensor_roll_deg": 0.0,
            "centre_elevation_m": 10.0,
        }
        return klv.Metadata(**(values | changes))

    return make


class Server:
    """Sends one transport stream to everyone who connects over TCP, paced, and then does as told."""

    def __init__(self, data: bytes, *, seconds: float, then: str) -> None:
        self.data, self.seconds, self.then = data, seconds, then
        self.connections = 0
        self._stop = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self.address = f"tcp://127.0.0.1:{self._socket.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._socket.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(5)
            try:
                while not self._stop.is_set():
                    self._send_once(connection)
                    if self.then == "silence":
                        self._stop.wait(30)
                    if self.then != "repeat":
                        return
            except OSError:
                return

    def _send_once(self, connection: socket.socket) -> None:
        step = 188 * 7
        pieces = [self.data[i : i + step] for i in range(0, len(self.data), step)]
        for piece in pieces:
            connection.sendall(piece)
            if self._stop.wait(self.seconds / len(pieces)):
                return

    def close(self) -> None:
        """Stop sending and listening."""
        self._stop.set()
        self._socket.close()
        for thread in self._threads:
            thread.join(2)


@pytest.fixture
def ts_server() -> Iterator[Callable[..., Server]]:
    """Return a function that serves a transport stream over TCP."""
    servers: list[Server] = []

    def make(data: bytes, *, seconds: float = 0.2, then: str = "silence") -> Server:
        servers.append(Server(data, seconds=seconds, then=then))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


@dataclass
class FakeController:
    """What a worker needs of a controller, over real HTTP."""

    address: str = ""
    token: str = "worker-token"  # of this fake only
    watches: list[dict[str, Any]] = field(default_factory=list)
    station: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    statuses: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    detections: list[tuple[dict[str, Any], bytes]] = field(default_factory=list)
    targets: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    attempts: list[str] = field(default_factory=list)
    refuse_with: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, condition: Callable[[], bool], seconds: float = 40.0) -> None:
        """Wait until something that the worker told makes `condition` true."""
        end = time.monotonic() + seconds
        with self.changed:
            while not condition():
                assert time.monotonic() < end, (
                    f"not within {seconds} s; statuses {self.statuses[-3:]}, attempts {len(self.attempts)}, "
                    f"detections {len(self.detections)}"
                )
                self.changed.wait(0.05)

    def state(self, site: str) -> dict[str, Any]:
        """Return the last status of a site."""
        return next((s for one, s in reversed(self.statuses) if one == site), {})


def _handler(fake: FakeController) -> type[BaseHTTPRequestHandler]:  # noqa: C901  # one branch a call
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _allowed(self) -> bool:
            if self.headers.get("Authorization") == f"Bearer {fake.token}":
                return True
            self._answer(401, b'{"detail": "no such token"}')
            return False

        def do_GET(self) -> None:
            if not self._allowed():
                return
            if self.path == "/api/v1/watches":
                self._answer(200, json.dumps({"watches": fake.watches}).encode())
            elif self.path.endswith("/station"):
                self._answer(200, json.dumps(fake.station).encode())
            elif (name := self.path.rpartition("/files/")[2]) in fake.files:
                self._answer(200, fake.files[name], "image/jpeg")
            else:
                self._answer(404, b'{"detail": "not here"}')

        def do_PUT(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if not self._allowed():
                return
            told = fake.targets if self.path.endswith("/landing-target") else fake.statuses
            with fake.changed:
                told.append((self.path.split("/")[4], body))
                fake.changed.notify_all()
            self._answer(200, b"{}")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not self._allowed():
                return
            parts = _multipart(self.headers["Content-Type"], body)
            detection = json.loads(parts["detection"])
            with fake.changed:
                fake.attempts.append(detection["id"])
                if not fake.refuse_with:
                    fake.detections.append((detection, parts["image"]))
                fake.changed.notify_all()
            self._answer(fake.refuse_with or 201, b"{}")

    return Handler


def _multipart(content_type: str, body: bytes) -> dict[str, bytes]:
    boundary = content_type.partition("boundary=")[2].encode()
    parts: dict[str, bytes] = {}
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, value = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = head.partition(b'name="')[2].partition(b'"')[0].decode()
        parts[name] = value.removesuffix(b"\r\n")
    return parts


@pytest.fixture
def controller() -> Iterator[FakeController]:
    """A controller that remembers what a worker tells it."""
    fake = FakeController()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    fake.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    )
    thread.start()
    yield fake
    server.shutdown()
    server.server_close()
    thread.join(5)
