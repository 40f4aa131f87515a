"""A CAD that receives incidents as Standard Webhooks, in a process of its own, with its own log.

What it has received is what its log says: it is read again at the start, so a delivery repeated
after a restart is known as a duplicate.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import errno
import hashlib
import json
import logging
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from standardwebhooks import Webhook, WebhookVerificationError

from sitl.cadsecret import CadError, secret
from sitl.log import JsonLog, LogError, now_iso

MAX_BODY = 16 << 20
SLOW_S = 30.0
Fault = Literal["none", "slow", "error", "nonsense"]
FAULTS = get_args(Fault)


class Picture(BaseModel):
    """The picture in an incident."""

    model_config = ConfigDict(extra="ignore")

    media_type: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    base64: str


class Incident(BaseModel):
    """``data`` of a delivery; what is not needed here is left alone."""

    model_config = ConfigDict(extra="allow")

    incident: str
    version: int = Field(ge=1)
    site: str
    kind: str
    level: str
    captured_at: AwareDatetime
    image: Picture


class Delivery(BaseModel):
    """A delivery's body."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["incident.created", "incident.updated"]
    timestamp: AwareDatetime
    data: Incident


class Refused(Exception):
    """A delivery that is not taken: the status to answer and the reason to log."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Desk:
    """What the CAD has received.

    Parameters
    ----------
    signing_secret
        Of the webhook's signature.
    log
        Its log file; read first if it is there.

    Raises
    ------
    LogError
        If the log cannot be read or written.
    """

    def __init__(self, signing_secret: str, log: Path | None) -> None:
        self._webhook = Webhook(signing_secret)
        self.incidents: dict[str, dict[str, Any]] = {}
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        if log is not None and log.exists():
            self._remember(log)
        self._log = JsonLog(log)

    def _remember(self, path: Path) -> None:
        """Take in an earlier log; a last line that was cut off by a kill is left out."""
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise LogError(f"{path}: cannot be read: {error}") from error
        for number, line in enumerate(lines, 1):
            try:
                entry = json.loads(line)
            except ValueError as error:
                if number == len(lines):
                    self._mend(path, line)
                    return
                raise LogError(
                    f"{path}:{number}: not JSON: {error}", hint="name another log"
                ) from error
            if entry.get("kind") == "received" and entry["taken"]:
                self._take(entry)

    @staticmethod
    def _mend(path: Path, line: str) -> None:
        """Cut an unfinished last line off."""
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.truncate(size - len(line.encode()))

    def _take(self, entry: dict[str, Any]) -> None:
        self._seen.add(entry["webhook_id"])
        kept = self.incidents.get(entry["incident"])
        if kept is None or entry["version"] >= kept["version"]:
            self.incidents[entry["incident"]] = entry

    def receive(self, headers: dict[str, str], body: bytes) -> str:
        """Check and keep a delivery; return its id.

        Raises
        ------
        Refused
            If its signature, time, body or picture is wrong; it was logged.
        """
        try:
            with self._lock:
                return self._receive(headers, body)
        except Refused as error:
            self._log.write("refused", reason=str(error), webhook_id=headers.get("webhook-id"))
            raise

    def _receive(self, headers: dict[str, str], body: bytes) -> str:
        try:
            self._webhook.verify(body, headers, json_parse=False)
        except (WebhookVerificationError, ValueError) as error:  # ValueError: not UTF-8, not base64
            raise Refused(401, f"signature: {error}") from error
        identifier = headers["webhook-id"]
        try:
            delivery = Delivery.model_validate_json(body)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(p) for p in first["loc"]) or "body"
            raise Refused(422, f"body: {where}: {first['msg']}") from error
        data = delivery.data
        size, sound = self._picture(data.image)
        # a sender that has lost the picture sends none: the incident counts for more
        taken = sound or not data.image.base64
        entry = {
            "webhook_id": identifier, "incident": data.incident, "version": data.version,
            "type": delivery.type, "site": data.site, "kind_of": data.kind, "level": data.level,
            "captured_at": data.captured_at.isoformat(), "received_at": now_iso(),
            "image_sha256": data.image.sha256, "image_bytes": size, "image_ok": sound,
            "duplicate": identifier in self._seen, "taken": taken,
        }  # fmt: skip
        self._log.write("received", **entry)
        if not taken:
            raise Refused(422, f"image: its bytes are not those of sha256 {data.image.sha256}")
        self._take(entry)
        return identifier

    @staticmethod
    def _picture(picture: Picture) -> tuple[int, bool]:
        """Return the size of a picture in bytes, and whether it is the one its hash says."""
        try:
            data = base64.b64decode(picture.base64, validate=True)
        except binascii.Error:
            return 0, False
        return len(data), bool(data) and hashlib.sha256(data).hexdigest() == picture.sha256

    def close(self) -> None:
        """Close the log."""
        self._log.close()


class _Office:
    """The desk behind HTTP, with what is wrong with it now."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._fault: Fault = "none"

    async def receive(self, request: Request) -> Response:
        """Take a delivery, as far as the fault lets it."""
        match self._fault:
            case "slow":
                await asyncio.sleep(SLOW_S)
            case "error":
                return PlainTextResponse("internal error", 500)
            case "nonsense":
                return PlainTextResponse("<html>It works!</html>", 200)
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY:
                return PlainTextResponse("too large", 413)
        headers = dict(request.headers)
        try:
            identifier = await asyncio.to_thread(self._desk.receive, headers, bytes(body))
        except Refused as error:
            return JSONResponse({"detail": str(error)}, error.status)
        return JSONResponse({"id": identifier})

    async def incidents(self) -> dict[str, Any]:
        """Return the newest version of every incident."""
        kept = self._desk.incidents.values()
        return {"incidents": sorted(kept, key=lambda e: e["received_at"])}

    async def set_fault(self, request: Request) -> Response:
        """Break it, or mend it with ``none``."""
        wanted = (await request.json()).get("fault")
        if wanted not in FAULTS:
            return JSONResponse({"detail": f"no fault {wanted!r}; one of {FAULTS}"}, 422)
        self._fault = wanted
        return JSONResponse({"fault": wanted})


def build(desk: Desk, path: str = "/incidents") -> FastAPI:
    """Return the CAD's application: ``POST {path}``, ``GET /incidents``, and ``PUT /fault``."""
    app = FastAPI(title="Simulated CAD", docs_url=None, redoc_url=None)
    office = _Office(desk)
    app.add_api_route(path, office.receive, methods=["POST"], response_model=None)
    app.add_api_route("/incidents", office.incidents, methods=["GET"])
    app.add_api_route("/fault", office.set_fault, methods=["PUT"], response_model=None)
    return app


def listen(place: str) -> socket.socket:
    """Return a listening socket on ``HOST:PORT``.

    Raises
    ------
    CadError
        If the address is none, taken or not this machine's.
    """
    host, _, port = place.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise CadError(f"--listen {place!r}: must be HOST:PORT, e.g. 127.0.0.1:8090")
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, int(port)))
        sock.listen(64)
    except OSError as error:
        sock.close()
        taken = error.errno == errno.EADDRINUSE
        raise CadError(
            f"the CAD cannot listen on {place}: {error.strerror}",
            hint="another CAD or simulator runs there; stop it, or change its url in the city file"
            if taken
            else "the address must be one of this machine",
            status=1,
        ) from error
    return sock


class _Server(uvicorn.Server):
    """A server that leaves signals to us: uvicorn's handlers know no SIGHUP."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    place: str,
    log: Path | None,
    secret_env: str,
    *,
    path: str = "/incidents",
    with_input: bool = False,
) -> None:
    """Run the CAD until SIGINT, SIGTERM or SIGHUP; or, with ``with_input``, until standard input ends.

    Prints one JSON line when it listens.

    Raises
    ------
    CadError, LogError
        If it cannot start.
    """
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    desk = Desk(secret(secret_env), log)
    sock = listen(place)
    config = uvicorn.Config(
        build(desk, path), log_config=None, access_log=False, timeout_graceful_shutdown=1,
        timeout_keep_alive=5, lifespan="off",
    )  # fmt: skip
    server = _Server(config)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.should_exit = True

    task = asyncio.create_task(server.serve(sockets=[sock]), name="cad")
    host, port = sock.getsockname()[:2]
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(name, stop)
    print(json.dumps({"kind": "ready", "cad": f"http://{host}:{port}{path}"}), flush=True)
    if with_input:
        watch = asyncio.create_task(_until_input_ends(stop), name="input")
    try:
        await task
    finally:
        if with_input:
            watch.cancel()
        desk.close()


async def _until_input_ends(stop: Any) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while await reader.read(1024):
        pass
    stop()
