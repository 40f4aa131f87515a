"""The compose files as they are, their variables filled in, and their commands run outside a container."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
_VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?:(:?[-?])([^}]*))?\}")


class MissingError(Exception):
    """A variable without which compose would not start."""


def substitute(value: Any, environ: dict[str, str]) -> Any:
    """Fill in ``${NAME}``, ``${NAME:-else}`` and ``${NAME:?why}`` as compose does; ``$$`` is ``$``."""
    if isinstance(value, dict):
        return {key: substitute(item, environ) for key, item in value.items()}
    if isinstance(value, list):
        return [substitute(item, environ) for item in value]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name, how, other = match[1], match[2] or "", match[3] or ""
        found = environ.get(name, "")
        if found or (name in environ and not how.startswith(":")):
            return found
        if how.endswith("?"):
            raise MissingError(f"{name}: {other}")
        return other

    return _VARIABLE.sub(fill, value)


@pytest.fixture(scope="session")
def compose() -> Callable[..., dict[str, dict[str, Any]]]:
    """Return a function that gives the services of some compose files, variables filled in."""

    def read(*names: str, **environ: str) -> dict[str, dict[str, Any]]:
        services: dict[str, dict[str, Any]] = {}
        for name in names:
            raw = YAML(typ="safe").load((DOCKER / name).read_text(encoding="utf-8"))
            services |= raw["services"]
        return dict(substitute(services, environ))

    return read


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def port() -> Callable[[], int]:
    """Return a function that gives a free port."""
    return free_port


@dataclass
class Outside:
    """Runs a container's commands on this machine: its paths and ports exchanged for ours."""

    folder: Path
    swaps: dict[str, str] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def words(self, words: list[str]) -> list[str]:
        """Return a command line with everything exchanged, and our own program for the image's."""
        out = []
        for word in words:
            for old, new in self.swaps.items():
                word = word.replace(old, new)
            out.append(word)
        if out[0] == "python":
            out[0] = sys.executable
        return out

    def start(self, words: list[str], cwd: Path = ROOT, **environ: str) -> subprocess.Popen[str]:
        """Start a service's command."""
        number = len(self.running)
        log = (self.folder / f"{number}.log").open("w")
        with log:
            process = subprocess.Popen(
                self.words(words), stdout=log, stderr=subprocess.STDOUT, text=True, cwd=cwd,
                env={**os.environ, **self.environ, **environ}, start_new_session=True,
            )  # fmt: skip
        self.running.append(process)
        return process

    def said(self, process: subprocess.Popen[str]) -> str:
        """Return what a started process has printed."""
        return (self.folder / f"{self.running.index(process)}.log").read_text()

    def healthy(self, service: dict[str, Any]) -> bool:
        """Run a service's health check once."""
        kind, *words = service["healthcheck"]["test"]
        assert kind == "CMD"
        done = subprocess.run(
            self.words(words), capture_output=True, timeout=20, cwd=ROOT, check=False,
            env={**os.environ, **self.environ},
        )  # fmt: skip
        return done.returncode == 0

    def until_healthy(self, service: dict[str, Any], process: subprocess.Popen[str]) -> None:
        """Run the health check until it passes; the process must live on meanwhile."""
        end = time.monotonic() + 60
        while not self.healthy(service):
            assert process.poll() is None, self.said(process)
            assert time.monotonic() < end, self.said(process)
            time.sleep(0.2)

    def stop(self) -> None:
        """End every process, the last first."""
        for process in reversed(self.running):
            process.terminate()
            try:
                process.wait(8)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    """A place to run containers' commands in; ``skybeat`` is this checkout's."""
    programs = tmp_path / "bin"
    programs.mkdir()
    skybeat = programs / "skybeat"
    skybeat.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from fleet.command import main\nmain()\n"
    )
    skybeat.chmod(0o755)
    for name in ("data", "enrol"):
        (tmp_path / name).mkdir()
    it = Outside(tmp_path)
    it.swaps = {
        "/data": str(tmp_path / "data"),
        "/enrol/": str(tmp_path / "enrol") + "/",
        "/tmp/alive": str(tmp_path / "alive"),
    }
    it.environ = {"PATH": f"{programs}:{os.environ['PATH']}"}
    yield it
    it.stop()


@dataclass(frozen=True)
class CityOnFreePorts:
    """The shipped city, with two drones, on ports that are free now."""

    folder: Path
    api: int
    broker: int
    rtsp: int


@pytest.fixture
def city(tmp_path: Path) -> CityOnFreePorts:
    folder = tmp_path / "city"
    shutil.copytree(ROOT / "sitl" / "cities", folder)
    yaml = YAML(typ="safe")
    raw = yaml.load((folder / "zhangzhou.yaml").read_text(encoding="utf-8"))
    api, broker, rtsp, cad = (free_port() for _ in range(4))
    raw["api"]["port"] = api
    raw["broker"]["url"] = f"mqtt://127.0.0.1:{broker}"
    raw["cad"][0]["url"] = f"http://127.0.0.1:{cad}/incidents"
    for drone in raw["drones"]:
        drone["mavlink"] = f"udpin://0.0.0.0:{free_port(socket.SOCK_DGRAM)}"
        drone["video"] = f"rtsp://127.0.0.1:{rtsp}/{drone['id']}"
    with (folder / "zhangzhou.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(raw, file)
    return CityOnFreePorts(folder, api, broker, rtsp)


AMQTT = """
import asyncio, sys
from sitl.broker import Broker
async def main():
    await Broker("127.0.0.1", int(sys.argv[1])).start()
    await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.fixture
def broker(outside: Outside, city: CityOnFreePorts) -> None:
    """A broker at the city's address: mosquitto as compose configures it, the simulator's else."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        words = [sys.executable, "-c", AMQTT, str(city.broker)]
    else:
        conf = outside.folder / "mosquitto.conf"
        text = (DOCKER / "mosquitto.conf").read_text(encoding="utf-8")
        conf.write_text(text.replace("1883", str(city.broker)))
        words = [program, "-c", str(conf)]
    process = outside.start(words)
    end = time.monotonic() + 30
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", city.broker)) == 0:
                return
        assert process.poll() is None, outside.said(process)
        assert time.monotonic() < end, outside.said(process)
        time.sleep(0.05)
