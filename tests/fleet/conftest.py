"""What the tests of store, incidents, CADs and the API share: a city, a store, pictures, a played CAD."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import cv2
import numpy as np
import pytest
from standardwebhooks import Webhook

from fleet.live import LiveHub
from fleet.model.detection import Detection
from fleet.store.store import Store
from missions.city import CadEndpoint, City
from missions.cityfile import parse

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()

CITY = """
city: {name: Test town, name_zh: 试城, origin: [117.65, 24.51]}
broker: {url: "mqtt://127.0.0.1:1"}
districts:
  - {id: x, name: X, area: [[117.64, 24.50], [117.66, 24.50], [117.66, 24.52], [117.64, 24.52]]}
beats:
  - {id: b1, name: B1, district: x, area: [[117.64, 24.50], [117.64, 24.52], [117.66, 24.52], [117.66, 24.50]]}
docks: [{id: d1, position: [117.65, 24.51]}]
drones:
  - {id: u1, dock: d1, system_id: 1, mavlink: "udpin://0.0.0.0:14540", video: "tcp://127.0.0.1:9"}
  - {id: u2, dock: d1, system_id: 2, mavlink: "udpin://0.0.0.0:14541"}
sites:
  - id: bridge
    name: Bridge
    name_zh: 大桥
    position: [117.651, 24.511]
    cameras: [{id: pier, source: "rtsp://127.0.0.1:9/pier"}]
    detector: {kind: water, station: station.yaml, levels: {normal_m: 2, warning_m: 3.5, danger_m: 4.5}}
    policy: straight
  - id: market
    name: Market
    position: [117.652, 24.512]
    stare: {position: [117.652, 24.5118], altitude_m: 20, look_at: [117.652, 24.512]}
    detector:
      kind: crowd
      zone: [[117.652, 24.512], [117.6521, 24.512], [117.6521, 24.5121]]
      levels: {yellow_per_m2: 0.15, orange_per_m2: 0.25, red_per_m2: 0.5}
    policy: confirm
zones:
  - {id: fence, kind: fence, area: [[117.63, 24.49], [117.67, 24.49], [117.67, 24.53], [117.63, 24.53]]}
"""

STATION = "datum: {amsl_m: 4.0}\nboards: [{picture: board.png, top_m: 6.0}]\n"


@pytest.fixture
def city_text() -> str:
    return CITY


@pytest.fixture
def city_folder(tmp_path: Path) -> Path:
    """A folder with a city file and what it names."""
    folder = tmp_path / "city"
    folder.mkdir()
    (folder / "city.yaml").write_text(CITY)
    (folder / "station.yaml").write_text(STATION)
    (folder / "board.png").write_bytes(b"\x89PNG board")
    (folder / "unnamed.png").write_bytes(b"not for workers")
    (tmp_path / "secret.txt").write_text("not for workers")
    return folder


@pytest.fixture
def make_city() -> Callable[..., City]:
    """Return the test city with CADs at some addresses."""

    def make(*cads: CadEndpoint) -> City:
        return parse(CITY, "city.yaml").model_copy(update={"cad": cads})

    return make


@pytest.fixture
def endpoint() -> Callable[..., CadEndpoint]:
    def make(url: str, name: str = "cad", **more: Any) -> CadEndpoint:
        return CadEndpoint(id=name, url=url, secret_env="TEST_CAD_SECRET", **more)

    return make


@pytest.fixture
def secret() -> str:
    return SECRET


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose database is up to date, to be copied: migrating takes ten times as long."""
    folder = tmp_path_factory.mktemp("migrated")

    async def migrate() -> None:
        made = Store(folder)
        await made.migrate()
        await made.close()

    asyncio.run(migrate())
    return folder


@pytest.fixture
async def store(tmp_path: Path, migrated: Path) -> AsyncIterator[Store]:
    made = Store(shutil.copytree(migrated, tmp_path / "data"))
    yield made
    await made.close()


@pytest.fixture
def hub() -> LiveHub:
    return LiveHub()


@pytest.fixture
def jpeg() -> Callable[[int], bytes]:
    """Return a small real JPEG, another for each number."""

    def make(number: int = 0) -> bytes:
        pixels = np.random.default_rng(number).integers(0, 255, (48, 64, 3), dtype=np.uint8)
        done, data = cv2.imencode(".jpg", pixels)
        assert done
        return data.tobytes()

    return make


@pytest.fixture
def make_detection() -> Callable[..., Detection]:
    def make(image: bytes, **changes: Any) -> Detection:
        now = datetime.now(UTC)
        fields: dict[str, Any] = {
            "id": uuid4(),
            "site": "bridge",
            "kind": "water",
            "level": "orange",
            "value": 3.62,
            "unit": "m",
            "threshold": 3.5,
            "confidence": 0.9,
            "captured_at": now,
            "exceeded_at": now,
            "lon": 117.651,
            "lat": 24.511,
            "source": "rtsp://127.0.0.1:9/pier",
            "detector": "water 1",
            "image_sha256": hashlib.sha256(image).hexdigest(),
        }
        return Detection(**{**fields, **changes})

    return make


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    """Wait for a condition, with a bound."""

    async def wait(condition: Callable[[], Any], seconds: float = 10) -> None:
        end = time.monotonic() + seconds
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            assert time.monotonic() < end, "the condition did not come true"
            await asyncio.sleep(0.01)

    return wait


def http_answer(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class PlayedCad:
    """A real HTTP server that answers as it is told, and keeps what it got.

    ``answers`` are used up in order, the last for ever: ``ok``, a status, ``hang``, ``nonsense``,
    ``other-id``, ``nested``, ``drop``, ``trickle``, ``endless`` or ``redirect``.
    """

    def __init__(self) -> None:
        self.answers: list[Any] = ["ok"]
        self.got: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.delay_s = 0.0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/incidents"

    def ids(self) -> list[str]:
        """Webhook ids in the order they came."""
        return [entry["id"] for entry in self.got]

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for task in list(self._connections):
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.decode().split("\r\n")[1:]
                headers = {
                    k.lower(): v.strip()
                    for k, _, v in (line.partition(":") for line in lines if line)
                }
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                await self._answer(headers, body, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            with suppress(Exception):
                writer.close()

    async def _answer(
        self, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter
    ) -> None:
        verified = Webhook(SECRET).verify(body, headers)
        name = headers["webhook-id"]
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            how = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            self.got.append({"id": name, "body": verified, "answer": how})
            self.bodies.append(body)
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            await self._write(how, name, writer)
        finally:
            self.in_flight -= 1

    async def _write(self, how: Any, name: str, writer: asyncio.StreamWriter) -> None:
        if how == "hang":
            await asyncio.sleep(3600)
        elif how in ("endless", "trickle"):
            await self._talk_on(how, writer)
        elif how == "drop":
            writer.close()
        elif how == "redirect":
            writer.write(
                b"HTTP/1.1 307 X\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
            )
        elif isinstance(how, int):
            writer.write(http_answer(how, b'{"error": "down"}'))
        else:
            said = {
                "ok": json.dumps({"id": name}).encode(),
                "nonsense": b"<html>It works!</html>",
                "other-id": b'{"id": "another"}',
                "list": b'["id"]',
                "nested": b"[" * 60_000,
            }
            writer.write(http_answer(200, said[how]))
        await writer.drain()

    async def _talk_on(self, how: str, writer: asyncio.StreamWriter) -> None:
        """Answer without an end: quickly, or a byte at a time."""
        writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 100000000\r\n\r\n")
        piece, pause = (b"x" * 65536, 0.0) if how == "endless" else (b"x", 0.05)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)


@pytest.fixture
async def cad() -> AsyncIterator[PlayedCad]:
    played = PlayedCad()
    await played.start()
    yield played
    await played.stop()


@pytest.fixture
async def second_cad() -> AsyncIterator[PlayedCad]:
    played = PlayedCad()
    await played.start()
    yield played
    await played.stop()
