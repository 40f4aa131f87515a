"""The command line as a process: bad input in words and exit codes, a start, a kill, an end."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from amqtt.broker import Broker as AmqttBroker
from typer.testing import CliRunner, Result

from fleet.cli import app

ARGV = [sys.executable, "-c", "from fleet.cli import app; app()"]
CAD = """
cad:
  - {{id: cad, url: "{url}", secret_env: TEST_CAD_SECRET, timeout_s: 2}}
"""


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ARGV, *words],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )


def free_udp_ports(count: int) -> list[int]:
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    try:
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [int(s.getsockname()[1]) for s in sockets]
    finally:
        for s in sockets:
            s.close()


class Controller:
    """A `skybeat serve` of its own process."""

    def __init__(self, argv: list[str], environment: dict[str, str], log: Path) -> None:
        self.argv, self.environment, self.log = argv, environment, log
        self.lines: list[str] = []
        self.address = ""
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.argv, stdout=subprocess.PIPE, stderr=log, env=self.environment
            )
        assert self.process.stdout is not None
        self.lines = []
        while True:
            line = (await asyncio.wait_for(self.process.stdout.readline(), 60)).decode().rstrip()
            assert line or not self.process.stdout.at_eof(), self.log.read_text()
            self.lines.append(line)
            if line.startswith("ready "):
                self.address = line.removeprefix("ready ")
                return

    async def end(self, number: int) -> tuple[int, float]:
        """Send a signal; return the exit code and how long it took."""
        assert self.process is not None
        started = time.monotonic()
        self.process.send_signal(number)
        code = await asyncio.wait_for(self.process.wait(), 60)
        return code, time.monotonic() - started

    async def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    def client(self, token: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self.address,
            headers={"authorization": f"Bearer {token}"},
            timeout=10,
            trust_env=False,
        )


@pytest.fixture
async def broker() -> AsyncIterator[int]:
    """The port of a real MQTT broker."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = int(listener.getsockname()[1])
    listener.close()
    made = AmqttBroker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {
                "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
            },
        }
    )
    await made.start()
    yield port
    await made.shutdown()


@pytest.fixture
def controller(
    broker: int, city_text: str, city_folder: Path, cad: Any, secret: str, tmp_path: Path
) -> Callable[..., Any]:
    ports = free_udp_ports(2)
    text = city_text.replace("mqtt://127.0.0.1:1", f"mqtt://127.0.0.1:{broker}")
    for old, new in zip((14540, 14541), ports, strict=True):
        text = text.replace(str(old), str(new))
    (city_folder / "city.yaml").write_text(text + CAD.format(url=cad.url))

    @asynccontextmanager
    async def started(*words: str) -> AsyncIterator[Controller]:
        argv = [*ARGV, "serve", "--city", str(city_folder / "city.yaml"), "--port", "0"]
        argv += ["--data", str(tmp_path / "data"), *words]
        environment = {**os.environ, "TEST_CAD_SECRET": secret}
        made = Controller(argv, environment, tmp_path / "serve.log")
        await made.start()
        try:
            yield made
        finally:
            await made.kill()

    return started


def token_of(controller: Controller) -> str:
    found = re.search(r"\bsky_[A-Za-z0-9_-]{20,}", "\n".join(controller.lines))
    assert found, controller.lines
    return found.group()


def test_check_says_sound_or_every_finding_with_its_line(city_folder: Path) -> None:
    path = city_folder / "city.yaml"
    sound = CliRunner().invoke(app, ["check", "--city", str(path)])
    assert (sound.exit_code, sound.stderr) == (0, "")
    assert "sound: 1 districts, 1 beats, 1 docks, 2 drones, 2 sites" in sound.stdout
    text = path.read_text().replace("system_id: 2", "system_id: 1").replace("docks:", "dokcs:")
    path.write_text(text)
    for command in ("check", "serve"):
        environment = {"SKYBEAT_DATA": str(city_folder / "data")}
        done = CliRunner().invoke(app, [command, "--city", str(path)], env=environment)
        assert done.exit_code == 2
        line = text[: text.index("dokcs:")].count("\n") + 1
        assert re.search(
            rf"^{path}:{line}: dokcs: unknown key; .*did you mean 'docks'", done.stderr, re.M
        )
        assert re.search(rf"^{path}:{line + 3}: drones\[1\].system_id: ", done.stderr, re.M)
        assert "Traceback" not in done.stderr
        assert not (city_folder / "data").exists()


@pytest.mark.parametrize(
    ("change", "words", "environment", "message", "code"),
    [
        (("city.yaml", "nowhere.yaml"), [], {}, "cannot read the city file", 2),
        (None, ["--docks", "d9"], {}, r"no dock \['d9'\]", 2),
        (None, ["--data", "/dev/null/x"], {}, "cannot use the data folder /dev/null/x", 1),
        (None, [], {"SKYBEAT_TRACK_DAYS": "many"}, "SKYBEAT_TRACK_DAYS='many'", 1),
        ("cad", [], {}, "TEST_CAD_SECRET is not set", 1),
        ("cad", [], {"TEST_CAD_SECRET": "whsec_sesame"}, "TEST_CAD_SECRET holds", 1),
    ],
)
def test_what_stops_a_start_is_one_line_with_a_hint_and_no_traceback(
    city_folder: Path,
    tmp_path: Path,
    change: Any,
    words: list[str],
    environment: dict[str, str],
    message: str,
    code: int,
) -> None:
    path = city_folder / "city.yaml"
    if change == "cad":
        path.write_text(path.read_text() + CAD.format(url="http://127.0.0.1:1/"))
    elif change:
        path = city_folder / change[1]
    given = {"SKYBEAT_DATA": str(tmp_path / "data"), **environment}
    argv = ["serve", "--city", str(path), "--port", "0", *words]
    if change == "cad":
        process = run(*argv, **given)
        found, said, stdout = process.returncode, process.stderr, process.stdout
    else:  # ends before anything of the process is touched: no process is needed
        result = CliRunner().invoke(app, argv, env=given)
        found, said, stdout = result.exit_code, result.stderr, result.stdout
    assert found == code
    assert re.search(rf"^skybeat: .*{message}", said, re.M), said
    assert "Traceback" not in said
    assert "sesame" not in said
    assert "ready" not in stdout


def test_a_taken_port_is_named(city_folder: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run(
            "serve",
            "--city",
            str(city_folder / "city.yaml"),
            "--port",
            port,
            "--data",
            str(tmp_path / "d"),
        )
    assert done.returncode == 1
    assert f"skybeat: cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


def test_tokens_and_store_work_on_the_data_folder(tmp_path: Path) -> None:
    def call(*words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, [*words, "--data", str(tmp_path / "data")])
        assert result.exit_code == code, result.output
        return result

    missing = call("tokens", "list", code=1)
    assert "no database in the data folder" in missing.stderr
    assert not (tmp_path / "data").exists()
    assert re.search(r"database at \d{4} \(was empty\)", call("store", "migrate").stdout)
    token = call("tokens", "new", "--name", "night shift", "--role", "officer").stdout.strip()
    assert re.fullmatch(r"sky_[A-Za-z0-9_-]{43}", token)
    listed = call("tokens", "list").stdout
    assert "night shift" in listed
    assert token not in listed
    found = re.search(r"[0-9a-f-]{36}", listed)
    assert found
    call("tokens", "revoke", found.group())
    assert "revoked" in call("tokens", "list").stdout
    wrong = call("tokens", "new", "--name", "x", "--role", "god", code=2)
    assert "roles are viewer, officer, pilot, admin, worker" in wrong.stderr
    call("tokens", "revoke", "00000000-0000-0000-0000-000000000000", code=2)
    call("tokens", "new", "--name", "two\nlines", "--role", "viewer", code=2)
    with sqlite3.connect(tmp_path / "data" / "skybeat.db") as database:
        acts = [act for (act,) in database.execute("SELECT action FROM audit ORDER BY id")]
    assert acts == ["token.create", "token.revoke"]


def test_no_broker_is_one_line_with_a_hint(city_folder: Path, tmp_path: Path) -> None:
    city, data = str(city_folder / "city.yaml"), str(tmp_path / "data")
    argv = ["serve", "--city", city, "--port", "0", "--data", data]
    done = run(*argv, SKYBEAT_BROKER_WAIT_S="0.3")
    assert done.returncode == 1
    assert "skybeat: no MQTT broker at mqtt://127.0.0.1:1: " in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


async def _hung_up(serve: Controller) -> tuple[int, float]:
    """Close the terminal of one that has a stream open; return its exit code and how long it took."""
    async with (
        serve.client(token_of(serve)) as http,
        http.stream("GET", "/api/v1/stream") as answer,
    ):
        await anext(answer.aiter_lines())
        return await serve.end(signal.SIGHUP)


async def test_a_closed_terminal_ends_it_with_an_open_stream(controller: Any) -> None:
    async with controller() as serve:
        assert (await _hung_up(serve))[0] == 0


@pytest.mark.long
async def test_a_closed_terminal_ends_it_within_3_s(controller: Any) -> None:
    async with controller() as serve:
        code, took = await _hung_up(serve)
        assert (code, took < 3) == (0, True)


async def test_the_first_start_prints_a_token_once_and_never_logs_it(
    controller: Any, tmp_path: Path
) -> None:
    async with controller("--json-log") as serve:
        token = token_of(serve)
        async with serve.client(token) as http:
            assert (await http.get("/api/v1/me")).json()["role"] == "admin"
            state = (await http.get("/api/v1/state")).json()
            assert {d["id"] for d in state["drones"]} == {"u1", "u2"}
            assert {s["id"] for s in state["sites"]} == {"bridge", "market"}
        second = await asyncio.to_thread(
            run, *serve.argv[3:], TEST_CAD_SECRET=serve.environment["TEST_CAD_SECRET"]
        )
        assert second.returncode == 1
        assert "another controller" in second.stderr
        assert (await serve.end(signal.SIGINT))[0] == 0
        log = serve.log.read_text()
        assert all(json.loads(line)["event"] for line in log.splitlines())
        assert token not in log
        await serve.start()
        assert "sky_" not in "\n".join(serve.lines)
        async with serve.client(token) as http:
            assert (await http.get("/api/v1/me")).status_code == 200


async def test_a_sigkill_between_post_and_acknowledgement_loses_nothing_and_keeps_the_name(
    controller: Any, cad: Any, jpeg: Any, make_detection: Any, until: Any
) -> None:
    cad.answers = ["hang"]
    image = jpeg(5)
    detection = make_detection(image)

    async def post(http: httpx.AsyncClient) -> httpx.Response:
        return await http.post(
            "/api/v1/detections",
            files={
                "detection": (None, detection.model_dump_json(), "application/json"),
                "image": ("frame.jpg", image, "image/jpeg"),
            },
        )

    async with controller() as serve:
        token = token_of(serve)
        async with serve.client(token) as http:
            answer = await post(http)
            assert answer.status_code == 201
            incident = answer.json()["incident"]
            await until(cad.ids)
        await serve.kill()
        cad.answers = ["ok"]
        await serve.start()
        async with serve.client(token) as http:
            repeated = await post(http)  # a worker that did not hear the answer
            assert (repeated.status_code, repeated.json()["incident"]) == (200, incident)

            async def reported() -> bool:
                listed = (await http.get("/api/v1/incidents")).json()
                return [i["status"] for i in listed] == ["reported"]

            await until(reported)
        assert (await serve.end(signal.SIGTERM))[0] == 0
    assert set(cad.ids()) == {f"{incident}.1"}
    assert len(cad.ids()) == 2
    assert len(set(cad.bodies)) == 1
