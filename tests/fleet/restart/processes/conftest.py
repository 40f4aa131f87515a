"""A city of real processes: world and controllers, started, killed with SIGKILL, and asked over HTTP."""

from __future__ import annotations

import json
import math
import os
import queue
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

REPO = Path(__file__).parents[4]
PROGRAMS = Path(__file__).parent / "programs"
ORIGIN = (117.65, 24.51)
DOCKS = {"d1": (0.0, 0.0), "d2": (0.0, 420.0)}
"""Metres north and east of the origin."""
DRONES = {"a1": "d1", "a2": "d1", "b1": "d2", "b2": "d2"}
READY_S = 20.0
GONE_S = 3.0
"""What a killed controller had started is gone by then."""


def free_ports(count: int) -> list[int]:
    """Return TCP ports nobody holds now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def udp_pairs(count: int) -> list[int]:
    """Return UDP ports P for which P + 40, the vehicle's own, is free too."""
    found: list[int] = []
    taken: set[int] = set()
    while len(found) < count:
        with socket.socket(type=socket.SOCK_DGRAM) as a, socket.socket(type=socket.SOCK_DGRAM) as b:
            a.bind(("0.0.0.0", 0))
            port = int(a.getsockname()[1])
            if {port, port + 40} & taken:
                continue
            with suppress(OSError, OverflowError):
                b.bind(("0.0.0.0", port + 40))
                found.append(port)
                taken |= {port, port + 40}
    return found


def at(north: float, east: float) -> list[float]:
    """Return [lon, lat] by metres from the origin."""
    scale = 111_320 * math.cos(math.radians(ORIGIN[1]))
    return [ORIGIN[0] + east / scale, ORIGIN[1] + north / 111_320]


def box(south: float, north: float, west: float, east: float) -> list[list[float]]:
    """Return a ring by metres from the origin."""
    return [at(south, west), at(south, east), at(north, east), at(north, west)]


def city() -> dict[str, Any]:
    """Return a small city file with free ports: short sorties, small batteries."""
    (broker,) = free_ports(1)
    ports = udp_pairs(len(DRONES))
    area, base, north = (
        box(-300, 700, -450, 900), box(-60, 60, -200, 620), box(140, 420, -100, 520)
    )  # fmt: skip
    return {
        "city": {"name": "Restart", "origin": list(ORIGIN), "elevation_m": 10},
        "broker": {"url": f"mqtt://127.0.0.1:{broker}"},
        "districts": [{"id": "x", "name": "X", "area": area}],
        "beats": [
            {"id": "base", "name": "Docks", "district": "x", "area": base},
            {"id": "b", "name": "B", "district": "x", "area": north, "cell_m": 140, "revisit_min": 1},
        ],
        "docks": [{"id": d, "position": at(*p)} for d, p in DOCKS.items()],
        "drones": [
            {
                "id": d, "dock": dock, "system_id": n + 1, "mavlink": f"udpin://0.0.0.0:{ports[n]}",
                "battery": {"capacity_wh": 40},
            }
            for n, (d, dock) in enumerate(DRONES.items())
        ],
        "sites": [
            {
                "id": "bridge", "name": "Bridge", "position": at(120, 200), "policy": "straight",
                "stare": {"position": at(100, 200), "altitude_m": 30, "look_at": at(120, 200)},
                "detector": {
                    "kind": "water", "station": "station.yaml",
                    "levels": {"normal_m": 2, "warning_m": 3, "danger_m": 4},
                },
            }
        ],
        "zones": [{"id": "fence", "kind": "fence", "area": area}],
    }  # fmt: skip


def logged(err: Path) -> list[dict[str, Any]]:
    """Return what a controller has logged so far, with ``at`` in seconds of the epoch."""
    entries = []
    for line in err.read_text().splitlines() if err.exists() else ():
        with suppress(json.JSONDecodeError):
            entry = json.loads(line)
            entry["at"] = datetime.fromisoformat(entry["timestamp"]).timestamp()
            entries.append(entry)
    return entries


class Program:
    """One of the programs beside this file, spoken to in JSON lines. Ends when its input does."""

    def __init__(self, name: str, *args: str, err: Path) -> None:
        with err.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, str(PROGRAMS / name), *args],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, text=True, bufsize=1,
                cwd=REPO, env={**os.environ, "PYTHONPATH": str(REPO), "OPENBLAS_NUM_THREADS": "1"},
            )  # fmt: skip
        self._err = err
        self.ended: dict[int, int] = {}
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            answer = json.loads(line)
            if "ended" in answer:
                self.ended[answer["ended"]] = answer["status"]
            else:
                self._answers.put(answer)
        self._answers.put(None)

    def answer(self, seconds: float = 20.0) -> dict[str, Any]:
        """Return the next answer."""
        answer = self._answers.get(timeout=seconds)
        assert answer is not None, (
            f"{self.process.args} has ended:\n{self._err.read_text()[-3000:]}"
        )
        return answer

    def ask(self, **what: Any) -> dict[str, Any]:
        """Send one line and return the answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        return self.answer()

    def close(self) -> None:
        """End it, and everything under it."""
        with suppress(psutil.NoSuchProcess):
            family = psutil.Process(self.process.pid).children(recursive=True)
            self.process.kill()
            for child in family:
                with suppress(psutil.NoSuchProcess):
                    child.kill()
        self.process.wait(10)


class Restarted:
    """How one start went. Times in seconds."""

    def __init__(self) -> None:
        self.ready_s = math.nan
        self.adopted: dict[str, tuple[float, float]] = {}
        """By drone: seconds from the fork, and from when it was heard, until it was adopted."""


class Realm:
    """One world, one store, and one controller after the other."""

    def __init__(self, folder: Path, server: Program, speed: float) -> None:
        self.folder, self._server = folder, server
        folder.mkdir(parents=True)
        self.city_file = folder / "city.yaml"
        self.city_file.write_text(json.dumps(city()))
        (folder / "station.yaml").write_text("station: s\n")
        self.data = folder / "data"
        self.world = Program(
            "world.py", str(self.city_file), str(folder / "world.jsonl"), str(speed),
            err=folder / "world.err",
        )  # fmt: skip
        self.pid: int | None = None
        self.number = 0
        self.token = ""
        self._http: httpx.Client | None = None
        self.leavings: list[str] = []
        try:
            self.world.answer()
        except BaseException:
            self.close()
            raise

    # the controller's life

    @property
    def out(self) -> Path:
        return self.folder / f"out-{self.number:03}"

    @property
    def err(self) -> Path:
        return self.folder / f"err-{self.number:03}"

    @property
    def alive(self) -> bool:
        return self.pid is not None and self.pid not in self._server.ended

    def start(self) -> float:
        """Fork a controller; return when."""
        assert not self.alive
        self.number += 1
        began = time.time()
        answer = self._server.ask(
            city=str(self.city_file), data=str(self.data), out=str(self.out), err=str(self.err)
        )
        self.pid = answer["pid"]
        self.world.ask(do="started", number=self.number, process=self.pid)
        return began

    def wait_ready(self) -> None:
        """Wait until it says where it listens."""
        end = time.monotonic() + READY_S
        while time.monotonic() < end:
            said = self.out.read_text() if self.out.exists() else ""
            for line in said.splitlines():
                if "sky_" in line:
                    self.token = line.split()[-1]
                if line.startswith("ready "):
                    self._listen(line.split()[1])
                    return
            assert self.alive, f"the controller ended:\n{self.err.read_text()[-3000:]}"
            time.sleep(0.01)
        raise AssertionError(f"not ready within {READY_S} s:\n{self.err.read_text()[-3000:]}")

    def _listen(self, address: str) -> None:
        if self._http is not None:
            self._http.close()
        self._http = httpx.Client(
            base_url=address, headers={"Authorization": f"Bearer {self.token}"}, timeout=10
        )

    def kill(self, what: str = "", skip: int = 0, patience: float = 0.0) -> None:
        """SIGKILL it at the moment something is seen, or when patience ends."""
        assert self.pid is not None
        group = self._group()
        if what and self.alive:
            self.world.ask(do="kill", pid=self.pid, what=what, skip=skip)
            end = time.monotonic() + patience
            while self.alive and time.monotonic() < end:
                time.sleep(0.02)
            self.world.ask(do="spare")
            group = self._group() or group
        if self.alive:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        end = time.monotonic() + 5
        while self.alive and time.monotonic() < end:
            time.sleep(0.005)
        assert not self.alive, "SIGKILL was not enough"
        self.world.ask(do="died")
        self._clear_up(group)

    def _group(self) -> list[psutil.Process]:
        """Return what the controller has started."""
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.pid).children(recursive=True)
        return []

    def _clear_up(self, group: list[psutil.Process]) -> None:
        """See that nothing of a killed controller runs on."""
        _, left = psutil.wait_procs(group, timeout=GONE_S)
        for process in left:
            with suppress(psutil.NoSuchProcess):
                self.leavings.append(f"runs on after its controller: {process.cmdline()}")
                process.kill()

    def adoption(self, began: float, seconds: float = 15.0) -> Restarted:
        """Wait until everything in the air that is not muted has its keeper again."""
        found = Restarted()
        aloft = {d for d, v in self.truth()["vehicles"].items() if v["aloft"] and not v["muted"]}
        self.wait_ready()
        found.ready_s = time.time() - began
        end = time.monotonic() + seconds
        while aloft - found.adopted.keys() and time.monotonic() < end:
            self._read_adoptions(found, began)
            time.sleep(0.03)
        for drone in aloft - found.adopted.keys():
            found.adopted[drone] = (math.inf, math.inf)
        for drone in found.adopted.keys() - aloft:
            del found.adopted[drone]
        return found

    def _read_adoptions(self, found: Restarted, began: float) -> None:
        heard: dict[str, float] = {}
        for entry in self.log():
            when = entry["at"]
            if entry.get("event") == "vehicle heard":
                heard.setdefault(entry["drone"], when)
            kept = entry.get("event") == "drone" and entry["state"] not in {"unknown", "lost"}
            if kept and entry["drone"] not in found.adopted:
                since = heard.get(entry["drone"], began)
                found.adopted[entry["drone"]] = (when - began, when - since)

    def log(self) -> list[dict[str, Any]]:
        """Return what the controller has logged."""
        return logged(self.err)

    # the API

    def call(self, verb: str, path: str, **more: Any) -> httpx.Response | None:
        """Ask the API; None where the controller died of it or was dead."""
        if not self.alive or self._http is None:
            return None
        try:
            return self._http.request(verb, f"/api/v1/{path}", **more)
        except httpx.HTTPError:
            end = time.monotonic() + 1
            while self.alive and time.monotonic() < end:
                time.sleep(0.01)
            assert not self.alive, "the API does not answer, and the controller lives"
            return None

    def state(self) -> dict[str, Any]:
        answer = self.call("GET", "state")
        return answer.json() if answer is not None and answer.status_code == 200 else {}

    def truth(self) -> dict[str, Any]:
        """Return where everything really is, and what was judged wrong."""
        return self.world.ask(do="truth")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Read the database."""
        with sqlite3.connect(f"file:{self.data / 'skybeat.db'}?mode=ro", uri=True) as database:
            return database.execute(query).fetchall()

    def close(self) -> None:
        """End everything."""
        if self._http is not None:
            self._http.close()
        if self.alive and self.pid is not None:
            group = self._group()
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            for process in group:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        self.world.close()


@pytest.fixture(scope="session")
def controllers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The server that forks controllers."""
    program = Program("controllers.py", err=tmp_path_factory.mktemp("server") / "err")
    try:
        program.answer(60)
        yield program
    finally:
        program.close()


@pytest.fixture
def realm(controllers: Program, tmp_path: Path) -> Iterator[Callable[[], Realm]]:
    """Make a world and a store, as often as wanted; all are ended in the end."""
    made: list[Realm] = []

    def make(speed: float = 5.0) -> Realm:
        made.append(Realm(tmp_path / f"realm-{len(made)}", controllers, speed))
        return made[-1]

    try:
        yield make
    finally:
        for one in made:
            one.close()
