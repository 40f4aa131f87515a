"""A small city with much traffic, its simulator and its controller as processes, and the tracks they leave."""

from __future__ import annotations

import contextlib
import json
import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from sitl.errors import Px4Missing
from sitl.px4 import find_px4

REPO = Path(__file__).parents[3]
ORIGIN = (117.65, 24.51)
NORTHS, EASTS = (-400.0, 400.0), (-800.0, 0.0, 800.0)
"""Of the middles of the beats, metres from the origin: three in a row, two rows."""
HALF_M = 400.0
DOCK_EAST_M = 150.0
"""Docks stand so far east of the middle of their beat."""
A_DOCK = 2
MOST_ALOFT = 10
SITE = (250.0, 330.0)


def at(north: float, east: float) -> list[float]:
    """Return [lon, lat] by metres from the origin."""
    scale = 111_320 * math.cos(math.radians(ORIGIN[1]))
    return [round(ORIGIN[0] + east / scale, 7), round(ORIGIN[1] + north / 111_320, 7)]


def box(south: float, north: float, west: float, east: float) -> list[list[float]]:
    """Return a ring by metres from the origin."""
    return [at(south, west), at(south, east), at(north, east), at(north, west)]


def free_ports(count: int) -> list[int]:
    """Return TCP ports nobody holds now."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def udp_pairs(count: int) -> list[int]:
    """Return UDP ports P for which P + 40, the vehicle's own, is free too."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket(type=socket.SOCK_DGRAM) as a, socket.socket(type=socket.SOCK_DGRAM) as b:
            a.bind(("0.0.0.0", 0))
            port = int(a.getsockname()[1])
            if not {port, port + 40} & {p + more for p in found for more in (0, 40)}:
                with contextlib.suppress(OSError, OverflowError):
                    b.bind(("0.0.0.0", port + 40))
                    found.append(port)
    return found


def px4_pairs(count: int) -> list[int]:
    """Return ports as PX4's instances have theirs, 14540 on, whose partners are free too."""
    found: list[int] = []
    for number in reversed(range(10)):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in (14540, 14580, 18570):
                probe = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
                probe.bind(("0.0.0.0", port + number))
            found.append(14540 + number)
    if len(found) < count:
        pytest.fail(f"{count} PX4 instances need their ports: what else flies on this machine?")
    return found[:count]


def two_docks(autopilot: str) -> dict[str, Any]:
    """Return a city file: two beats with a dock and a drone in each."""
    made = city()
    ports = (px4_pairs if autopilot == "px4" else udp_pairs)(2)
    docks = [dock | {"slots": 1} for dock in made["docks"][:2]]
    drones = [
        {"id": f"a{number}", "dock": dock["id"], "mavlink": f"udpin://0.0.0.0:{port}"}
        | {"system_id": port - 14539 if autopilot == "px4" else number + 1}
        for number, (dock, port) in enumerate(zip(docks, ports, strict=True))
    ]
    return made | {
        "docks": docks, "drones": drones, "beats": made["beats"][:2], "sites": [],
        "limits": {"max_airborne": 2},
    }  # fmt: skip


def city() -> dict[str, Any]:
    """Return a city file: six beats of 800 m side by side, a dock in each, two drones in each dock."""
    places = {
        f"d{row}{column}": (north, east)
        for row, north in enumerate(NORTHS)
        for column, east in enumerate(EASTS)
    }
    broker, api = free_ports(2)
    homes = [dock for dock in places for _ in range(A_DOCK)]
    ports = udp_pairs(len(homes))
    whole = box(-HALF_M * 2, HALF_M * 2, -HALF_M * 3, HALF_M * 3)
    return {
        "city": {"name": "Tracks", "origin": list(ORIGIN), "elevation_m": 10},
        "broker": {"url": f"mqtt://127.0.0.1:{broker}"},
        "api": {"host": "127.0.0.1", "port": api},
        "limits": {"max_airborne": MOST_ALOFT},
        "districts": [{"id": "x", "name": "X", "area": whole}],
        "beats": [
            {
                "id": f"b{dock[1:]}", "name": f"Beat {dock[1:]}", "district": "x", "cell_m": 200,
                "revisit_min": 10,
                "area": box(north - HALF_M, north + HALF_M, east - HALF_M, east + HALF_M),
            }
            for dock, (north, east) in places.items()
        ],
        "docks": [
            {"id": dock, "position": at(north, east + DOCK_EAST_M), "slots": A_DOCK, "door_s": 4}
            for dock, (north, east) in places.items()
        ],
        "drones": [
            {
                "id": f"{dock}{'ab'[number % A_DOCK]}", "dock": dock, "system_id": number + 1,
                "mavlink": f"udpin://0.0.0.0:{ports[number]}",
                # some five minutes in the air: sorties end by themselves while others begin
                "battery": {"capacity_wh": 60, "charge_min": 5},
            }
            for number, dock in enumerate(homes)
        ],
        "sites": [
            {
                "id": "market", "name": "Market", "position": at(*SITE), "policy": "straight",
                "stare": {
                    "position": at(SITE[0] - 20, SITE[1]), "altitude_m": 30, "look_at": at(*SITE)
                },
                "detector": {
                    "kind": "crowd",
                    "zone": box(SITE[0] - 6, SITE[0] + 6, SITE[1] - 6, SITE[1] + 6),
                    "levels": {"yellow_per_m2": 0.1, "orange_per_m2": 0.2, "red_per_m2": 0.5},
                },
            }
        ],
        "zones": [
            {
                "id": "fence", "kind": "fence",
                "area": box(-HALF_M * 2.3, HALF_M * 2.3, -HALF_M * 3.3, HALF_M * 3.3),
            }
        ],
    }  # fmt: skip


class Program:
    """One command of Skybeat's own, its output in files; brought down with all under it."""

    def __init__(self, folder: Path, *args: str) -> None:
        self.out, self.err = folder / f"{args[0]}.out", folder / f"{args[0]}.err"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from fleet.command import main; main()", *args],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=REPO, start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(REPO), "OPENBLAS_NUM_THREADS": "1"},
            )  # fmt: skip

    def line(self, word: str, seconds: float = 60.0) -> str:
        """Wait for a line of its output that has a word."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for line in self.out.read_text().splitlines():
                if word in line:
                    return line
            assert self.process.poll() is None, self.tail()
            time.sleep(0.05)
        raise AssertionError(f"no {word!r} within {seconds} s\n{self.tail()}")

    def tail(self) -> str:
        """Return the end of what it complained of."""
        return f"{self.process.args}: {self.err.read_text()[-3000:]}"

    def close(self) -> None:
        """Kill it, and everything under it."""
        with contextlib.suppress(psutil.NoSuchProcess):
            family = psutil.Process(self.process.pid).children(recursive=True)
            self.process.kill()
            for child in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
        self.process.wait(10)


class Traffic:
    """A city as it flies: asked over the API, and looked at in the simulator's own logs."""

    def __init__(self, folder: Path, city: dict[str, Any], autopilot: str = "embedded") -> None:
        self.folder = folder
        self.city = city
        file = folder / "city.yaml"
        file.write_text(json.dumps(self.city))
        self.programs: list[Program] = []
        try:
            logs = str(folder / "sim")
            self.programs.append(
                Program(
                    folder, "sim", "--city", str(file), "--json", "--log", logs,
                    "--autopilot", autopilot,
                )
            )  # fmt: skip
            self.programs[0].line("ready")
            data = str(folder / "data")
            self.programs.append(
                Program(folder, "serve", "--city", str(file), "--data", data, "--json-log")
            )
            token = self.programs[1].line("sky_").split()[-1]
            address = self.programs[1].line("ready ").split()[1]
            self.http = httpx.Client(
                base_url=f"{address}/api/v1/", timeout=30, trust_env=False,
                headers={"Authorization": f"Bearer {token}"},
            )  # fmt: skip
        except BaseException:
            self.close()
            raise

    def ask(self, verb: str, path: str, **body: Any) -> Any:
        """Ask the API; what it refuses is an error here."""
        answer = self.http.request(verb, path, json=body or None)
        assert answer.is_success, f"{verb} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def log(self, name: str) -> list[dict[str, Any]]:
        """Return the whole lines of one of the simulator's logs."""
        text = (self.folder / "sim" / f"{name}.jsonl").read_text()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def aloft(self) -> dict[str, tuple[float, float]]:
        """Return where each drone in the air was last: metres north and east of the origin."""
        last = self.log("tracks")[-1]["drones"]
        scale = 111_320 * math.cos(math.radians(ORIGIN[1]))
        return {
            drone: ((lat - ORIGIN[1]) * 111_320, (lon - ORIGIN[0]) * scale)
            for drone, (lon, lat, _) in last.items()
        }

    def until(self, condition: Callable[[], Any], seconds: float, what: str) -> Any:
        """Wait for a condition; both programs must live meanwhile."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := condition():
                return value
            for program in self.programs:
                assert program.process.poll() is None, program.tail()
            time.sleep(0.25)
        raise AssertionError(f"not within {seconds} s: {what}; in the air: {self.aloft()}")

    def close(self) -> None:
        """End both."""
        for program in reversed(self.programs):
            program.close()


@pytest.fixture(scope="session")
def place() -> Callable[[float, float], list[float]]:
    """[lon, lat] by metres north and east of the city's middle."""
    return at


@pytest.fixture(scope="session")
def ring() -> Callable[[float, float, float, float], list[list[float]]]:
    """A closed ring by metres: south, north, west, east."""
    return lambda *sides: [*box(*sides), box(*sides)[0]]


@pytest.fixture
def traffic(tmp_path: Path) -> Iterator[Traffic]:
    """The city with nothing ordered yet; everything is ended in the end."""
    made = Traffic(tmp_path, city())
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(
    params=[
        pytest.param("embedded", marks=pytest.mark.long),
        pytest.param("px4", marks=pytest.mark.px4),
    ]
)
async def two(request: Any, tmp_path: Path) -> AsyncIterator[Traffic]:
    """Two drones in two docks; real PX4 where it is asked for and found."""
    if request.param == "px4":
        try:
            await find_px4()
        except Px4Missing as error:
            pytest.skip(str(error))
    made = Traffic(tmp_path, two_docks(request.param), request.param)
    try:
        yield made
    finally:
        made.close()
