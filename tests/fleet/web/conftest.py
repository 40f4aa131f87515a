"""A controller for the page to talk to: a real HTTP server with a stream, and a browser."""

from __future__ import annotations

import hashlib
import json
import mimetypes
import os
import queue
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fleet.web import STATIC

CITY = Path(__file__).with_name("city.geojson")
TOKENS = {"sk-viewer": "viewer", "sk-officer": "officer", "sk-pilot": "pilot"}
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # WebGL 2 on the processor, as a machine without a graphics card has it
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-compositing",  # what is not WebGL is drawn straight away
]
UNPAINTED = """
for (const name of ["drawArrays", "drawElements"]) WebGL2RenderingContext.prototype[name] = () => {};
"""
"""The map goes about its work and no pixel of it is reckoned, which takes as long as all the rest."""


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _track() -> dict[str, Any]:
    line = {"type": "LineString", "coordinates": [[117.62, 24.51], [117.64, 24.52]]}
    feature = {"type": "Feature", "properties": {}, "geometry": line}
    return {"type": "FeatureCollection", "features": [feature]}


class FakeController:
    """Serves the built page and the part of the API that it uses; can be killed and come back."""

    def __init__(self) -> None:
        self.city = json.loads(CITY.read_text(encoding="utf-8"))
        self.tables: dict[str, dict[str, dict[str, Any]]] = {
            "drone": {}, "dock": {}, "site": {}, "incident": {}, "order": {}, "call": {},
        }  # fmt: skip
        self.pictures: dict[str, bytes] = {}
        self.decisions: list[tuple[str, str, str]] = []
        self.looked_at: list[str | None] = []
        self.requests: list[str] = []
        self.refuse_decisions: str | None = None
        self.commands: list[tuple[str, dict[str, Any]]] = []
        self.refuse_commands: str | None = None
        self.hang_up = 0
        self.slow: threading.Event | None = None
        self.flights: list[dict[str, Any]] = []
        self.plan: dict[str, list[dict[str, Any]]] = {}
        self.cells: dict[str, dict[str, Any]] = {}
        self.lists: dict[str, Any] = {"zones/closures": []}
        """What further paths answer a GET with."""
        self.answers: dict[str, Callable[[Any], tuple[int, Any]]] = {}
        """What further calls answer, by method and path, of their body."""
        self.told: list[tuple[str, Any]] = []
        """Those calls, with their bodies."""
        self.silent = False
        self._streams: list[queue.Queue[bytes | None]] = []
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        controller = self

        class Handler(_Handler):
            owner = controller

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def kill(self) -> None:
        """Stop listening and cut every connection, as a process that dies does."""
        server, self._server = self._server, None
        if server is None:
            return
        with self._lock:
            streams, self._streams = self._streams, []
            connections = list(self._connections)
        server.shutdown()
        server.server_close()
        for stream in streams:
            stream.put(None)
        for connection in connections:
            with suppress(OSError):  # it may have ended by itself
                connection.shutdown(socket.SHUT_RDWR)

    def connected(self, connection: socket.socket, alive: bool) -> None:
        with self._lock:
            (self._connections.add if alive else self._connections.discard)(connection)

    def put(self, kind: str, /, **fields: Any) -> dict[str, Any]:
        """Change one object and tell every open stream."""
        with self._lock:
            thing = {**self.tables[kind].get(fields["id"], {}), **fields}
            self.tables[kind][fields["id"]] = thing
        self.tell(kind, thing)
        return thing

    def tell(self, name: str, data: Any) -> None:
        """Send an event to every open stream."""
        event = f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
        with self._lock:
            for stream in self._streams:
                stream.put(event)

    def put_plan(self, drone: str, *items: dict[str, Any]) -> None:
        """Change one drone's part of the plan; ``item`` makes its items."""
        self.plan[drone] = list(items)
        self.tell("plan", {"drone": drone, "at": _now(), "made_at": _now(), "items": items})

    @staticmethod
    def item(drone: str, start_min: float, end_min: float, **fields: Any) -> dict[str, Any]:
        """An item of the plan, from and until so many minutes from now."""
        start, end = (datetime.now(UTC) + timedelta(minutes=m) for m in (start_min, end_min))
        state = "flown" if end_min <= 0 else "planned" if start_min > 0 else "flying"
        return {
            "drone": drone, "dock": "dock-1", "order": "o-1", "kind": "patrol", "cells": [],
            "start": start.isoformat(), "end": end.isoformat(), "state": state, "sortie": None,
        } | fields  # fmt: skip

    def put_cell(self, name: str, seen_min: float | None, owed_s: float | None = 3600) -> None:
        """Say that a cell was seen so many minutes ago; None is never."""
        seen = None if seen_min is None else datetime.now(UTC) - timedelta(minutes=seen_min)
        cell = {"id": name, "seen_at": seen and seen.isoformat(), "owed_s": owed_s, "age_s": None}
        self.cells[name] = cell
        self.tell("cells", {"at": _now(), "cells": [cell]})

    def known(self, path: str, role: str) -> Any:
        """Return what a GET answers with, or None."""
        match path:
            case "map":
                return self.city
            case "me":
                return {"id": f"token-of-{role}-1", "name": f"{role}-1", "role": role}
            case "flights":
                return self.flights
            case "plan":
                items = [item for row in self.plan.values() for item in row]
                return {"at": _now(), "made_at": _now(), "items": items}
            case "cells":
                return {"at": _now(), "cells": list(self.cells.values())}
        return _track() if path.endswith("/track.geojson") else self.lists.get(path)

    def open_stream(self) -> queue.Queue[bytes | None]:
        with self._lock:
            stream: queue.Queue[bytes | None] = queue.Queue()
            state: dict[str, Any] = {"at": _now()}
            state |= {f"{kind}s": list(table.values()) for kind, table in self.tables.items()}
            stream.put(f"event: state\ndata: {json.dumps(state)}\n\n".encode())
            self._streams.append(stream)
        return stream

    @property
    def streams(self) -> int:
        with self._lock:
            return len(self._streams)

    def drone(self, name: str, lon: float, lat: float, **fields: Any) -> None:
        telemetry = {
            "at": _now(), "connected": True, "lon": lon, "lat": lat, "altitude_m": 61.2,
            "altitude_amsl_m": 70.0, "heading_deg": 90.0, "velocity_north_m_s": 0.0,
            "velocity_east_m_s": 11.9, "velocity_down_m_s": 0.0, "battery_percent": 81.6,
            "battery_voltage_v": 22.8, "mode": "MISSION", "armed": True, "in_air": True,
            "landed_state": "IN_AIR", "gps_fix": 3, "satellites": 14, "armable": True,
            "home_lon": 117.62, "home_lat": 24.51, "mission_current": 2, "mission_total": 9,
        }  # fmt: skip
        telemetry |= fields.pop("telemetry", {})
        values = {
            "dock": "dock-1", "berth": "dock-1", "state": "on_task", "reason": "", "warnings": [],
            "holder": None, "holder_token": None, "sortie": "s-1", "site": None,
            "route": [[117.62, 24.51], [117.63, 24.52]], "telemetry": telemetry,
        } | fields  # fmt: skip
        self.put("drone", id=name, **values)

    def dock(self, name: str, **fields: Any) -> None:
        values = {
            "online": True, "door": "closed", "clear": True, "occupants": [], "charging": {},
            "wind_m_s": 3.2, "rain_mm_h": 0.0, "temperature_c": 24.0, "reason": "", "at": _now(),
        } | fields  # fmt: skip
        self.put("dock", id=name, **values)

    def site(self, name: str, **fields: Any) -> None:
        values = {
            "state": "watching", "reason": "", "value": 4.12, "unit": "m", "level": "normal",
            "confidence": 0.93, "source": "rtsp://camera/1", "fps": 9.8, "frame_at": _now(),
            "at": _now(),
        } | fields  # fmt: skip
        self.put("site", id=name, **values)

    def incident(self, name: str, **fields: Any) -> dict[str, Any]:
        image = np.full((120, 160, 3), (120, 90, 30), np.uint8)
        cv2.line(image, (0, 70), (159, 60), (40, 220, 250), 3)
        picture = cv2.imencode(".jpg", image)[1].tobytes()
        sha256 = hashlib.sha256(picture).hexdigest()
        self.pictures[sha256] = picture
        values = {
            "site": "bridge", "kind": "water", "status": "waiting", "level": "orange",
            "value": 5.31, "unit": "m", "threshold": 5.0, "lon": 117.635, "lat": 24.516,
            "opened_at": _now(), "updated_at": _now(), "captured_at": _now(),
            "image_sha256": sha256, "detections": 3, "version": 1, "decided_by": None, "reason": "",
        } | fields  # fmt: skip
        return self.put("incident", id=name, **values)

    def flight(self, name: str, **fields: Any) -> None:
        values = {
            "id": name, "drone": "d-01", "dock": "dock-1", "sortie": name, "took_off_at": _now(),
            "landed_at": None, "landed_dock": None, "distance_m": 2340.0, "highest_m": 61.4,
            "battery_start_percent": 98.0, "battery_end_percent": 71.0, "tlog": "tlog/x.tlog",
        } | fields  # fmt: skip
        self.flights.append(values)

    def command(self, drone: str, body: dict[str, Any], who: str) -> tuple[int, dict[str, Any]]:
        """Carry a command out as the real desk does: once, and with control."""
        first = all(body["id"] != known["id"] for _, known in self.commands)
        self.commands.append((drone, body))
        if self.refuse_commands:
            return 409, {"detail": self.refuse_commands}
        if body["action"] == "goto" and self.slow is not None:
            self.slow.wait(30)
        if body["action"] == "kill" and body.get("confirm") != "pifi":
            return 409, {"detail": f"{drone} would fall; ask again", "confirm": "pifi"}
        if first:
            freed = "release" in body["action"]
            token = None if freed else f"token-of-{who}"
            self.put("drone", id=drone, holder=None if freed else who, holder_token=token)
        return 200, {"id": body["id"], "status": "done", "answer": "COMMAND_ACK: ACCEPTED"}

    def decide(self, incident: str, decision: str, reason: str, who: str) -> dict[str, Any]:
        self.decisions.append((incident, decision, reason))
        status = {"confirm": "confirmed", "reject": "rejected"}[decision]
        return self.put(
            "incident", id=incident, status=status, decided_by=who, reason=reason, updated_at=_now()
        )


class _Handler(BaseHTTPRequestHandler):
    owner: FakeController
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def setup(self) -> None:
        super().setup()
        self.owner.connected(self.connection, True)

    def finish(self) -> None:
        self.owner.connected(self.connection, False)
        with suppress(OSError):  # the page went away while it was being answered
            super().finish()

    def do_GET(self) -> None:
        owner, path = self.owner, self.path.partition("?")[0]
        owner.requests.append(f"GET {path}")
        if not path.startswith("/api/"):
            return self._static(path)
        if (role := self._role()) is None:
            return self._json(401, {"detail": "no such token"})
        rest = path.removeprefix("/api/v1/")
        if (known := owner.known(rest, role)) is not None:
            return self._json(200, known)
        if rest == "stream":
            return self._stream()
        if rest.endswith("/track.csv"):
            return self._send(200, "text/csv", b"time_utc\r\n")
        picture = owner.pictures.get(rest.removeprefix("evidence/"))
        if picture is None:
            return self._json(404, {"detail": f"no {rest}"})
        return self._send(200, "image/jpeg", picture)

    def do_DELETE(self) -> None:
        call = f"DELETE {self.path.removeprefix('/api/v1/')}"
        if not self._answered(call, self._body()):
            self._json(404, {"detail": f"no {call}"})

    def _body(self) -> Any:
        """Return what was sent, as JSON, as bytes where it is none, or None."""
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        return json.loads(body) if self.headers["Content-Type"] == "application/json" else body

    def _answered(self, call: str, body: Any) -> bool:
        """Answer as the test has it, if it has."""
        if answer := self.owner.answers.get(call):
            self.owner.told.append((call, body))
            self._json(*answer(body))
        return answer is not None

    def do_POST(self) -> None:
        owner = self.owner
        body = self._body()
        owner.requests.append(f"POST {self.path}")
        if self._answered(f"POST {self.path.removeprefix('/api/v1/')}", body):
            return None
        role = self._role()
        if self.path.startswith("/api/v1/drones/"):
            return self._command(role, body)
        if role != "officer":
            return self._json(403 if role else 401, {"detail": "officers only"})
        owner.looked_at.append(body.get("image_sha256"))
        if owner.refuse_decisions:
            return self._json(409, {"detail": owner.refuse_decisions})
        _, _, _, _, incident, decision = self.path.split("/")
        return self._json(200, owner.decide(incident, decision, body["reason"], f"{role}-1"))

    def _command(self, role: str | None, body: dict[str, Any]) -> None:
        owner = self.owner
        if role != "pilot":
            return self._json(403, {"detail": "pilots only"})
        status, answer = owner.command(self.path.split("/")[4], body, f"{role}-1")
        if owner.hang_up:
            owner.hang_up -= 1
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return None
        return self._json(status, answer)

    def _role(self) -> str | None:
        return TOKENS.get(self.headers.get("Authorization", "").removeprefix("Bearer "))

    def _static(self, path: str) -> None:
        file = (STATIC / (path.lstrip("/") or "index.html")).resolve()
        if not file.is_relative_to(STATIC.resolve()) or not file.is_file():
            return self._json(404, {"detail": "no such file"})
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return self._send(200, kind, file.read_bytes())

    def _json(self, status: int, body: Any) -> None:
        self._send(status, "application/json", json.dumps(body).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.close_connection = True
        stream = self.owner.open_stream()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        # a page that goes away is found out at the next write
        with suppress(OSError):
            while True:
                try:
                    event = stream.get(timeout=2)
                except queue.Empty:
                    event = b"" if self.owner.silent else b": still here\n\n"
                if event is None:
                    return
                # in pieces, so that events are put together from parts
                self.wfile.write(event[:17])
                self.wfile.flush()
                self.wfile.write(event[17:])
                self.wfile.flush()


@pytest.fixture
def controller() -> Iterator[FakeController]:
    """A fake controller with two docks, one watched site and one flying drone."""
    fake = FakeController()
    fake.dock("dock-1", door="open", occupants=["d-02"], charging={"d-02": 64.0})
    fake.dock("dock-2", online=False, door="unknown", at=None)
    fake.site("bridge")
    fake.site("market", state="unwatched", value=None, unit="1/m2", source=None, fps=None)
    fake.drone("d-01", 117.622, 24.512)
    fake.start()
    yield fake
    fake.kill()


def _chromium() -> str:
    if not (STATIC / "index.html").is_file():
        pytest.skip("the map is not built (no fleet/web/static): an install of the project does it")
    named = os.environ.get("CHROMIUM")
    found = named or shutil.which("chromium") or shutil.which("chromium-browser")
    found = found or shutil.which("google-chrome")
    if not found or not Path(found).exists():
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a screen; the test is left out, saying why, where there is none."""
    executable = _chromium()
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """A function that opens an address in a fresh profile; afterwards nothing may be amiss.

    The page that it returns has lists ``complaints`` (console errors, exceptions, refused by the
    content security policy) and ``strangers`` (requests that left the origin). The map's pixels
    are there for who says ``painted``.
    """
    contexts: list[Any] = []
    size = {"width": 1200, "height": 700}  # small, and still: the processor draws

    def opened(
        url: str,
        locale: str = "en-GB",
        wait: str = ".link[data-phase=live]",
        painted: bool = False,
        zone: str = "America/New_York",
    ) -> Any:
        context = browser.new_context(
            viewport=size, locale=locale, timezone_id=zone, reduced_motion="reduce"
        )
        if not painted:
            context.add_init_script(UNPAINTED)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.complaints, page.strangers = [], []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                page.complaints.append(message.text)
                if message.type in ("error", "warning") and "GPU stall" not in message.text
                else None
            ),
        )
        origin = url.split("#")[0]
        page.on(
            "request",
            lambda request: (
                page.strangers.append(request.url)
                if not request.url.startswith((origin, f"blob:{origin}", "data:"))
                else None
            ),
        )
        page.goto(url)
        page.wait_for_selector(wait)
        return page

    yield opened
    for context in contexts:
        context.close()
