"""`skybeat sim` as a process: it starts, it listens, and it leaves nothing behind."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from sitl.cli import app

ROOT = Path(__file__).parents[2]
CITY = ROOT / "sitl" / "cities" / "zhangzhou.yaml"
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


def free_ports(count: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> list[int]:
    sockets = [socket.socket(socket.AF_INET, kind) for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """The shipped city on ports that are free now, its pictures small."""
    raw = YAML(typ="safe").load(CITY.read_text(encoding="utf-8"))
    broker, rtsp, cad = free_ports(3)
    raw["broker"]["url"] = f"mqtt://127.0.0.1:{broker}"
    raw["cad"][0]["url"] = f"http://127.0.0.1:{cad}/incidents"
    udp = free_ports(len(raw["drones"]), socket.SOCK_DGRAM)
    for drone, port in zip(raw["drones"], udp, strict=True):
        drone["video"] = f"rtsp://127.0.0.1:{rtsp}/{drone['id']}"
        drone["mavlink"] = f"udpout://127.0.0.1:{port}"
        drone["camera"] = {"width_px": 320, "height_px": 180, "fps": 10}
    path = tmp_path / "zhangzhou.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(raw, file)
    return path


def argv(city: Path, *more: str) -> list[str]:
    scene = str(CITY.with_suffix("") / "scene.yaml")
    return [
        sys.executable, "-m", "sitl.cli", "sim", "--city", str(city), "--docks", "xc-bridge",
        "--scene", scene, "--json", *more,
    ]  # fmt: skip


def env(**more: str) -> dict[str, str]:
    return {**os.environ, "SKYBEAT_CAD_SECRET": SECRET, **more}


@contextmanager
def sim(city: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    with subprocess.Popen(
        argv(city, *more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=env(),
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            yield process, json.loads(line)
        finally:
            process.kill()


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def children(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


@pytest.fixture
def gone(lives: Callable[[int], bool]) -> Callable[[list[psutil.Process]], bool]:
    return lambda processes: not any(lives(p.pid) for p in processes)


def is_free(address: str) -> bool:
    host, port = address.split("//")[1].split("/")[0].split(":")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError:
            return False
    return True


def addresses(ready: dict[str, Any]) -> list[str]:
    return [ready["broker"], *ready["cad"].values(), *ready["video"].values()]


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_brings_all_of_it_down(
    city: Path, tmp_path: Path, name: signal.Signals, gone: Callable[..., bool]
) -> None:
    with sim(city, "--log", str(tmp_path / "log")) as (process, ready):
        assert ready["kind"] == "ready"
        assert ready["docks"] == ["xc-bridge"]
        assert set(ready["vehicles"]) == {"xc-bridge-a", "xc-bridge-b"}
        assert not any(is_free(a) for a in addresses(ready))
        started = children(process)
        assert len(started) == 2  # cameras and CAD
        process.send_signal(name)
        assert process.wait(60) == 0
        assert wait_until(lambda: gone(started))
        assert all(is_free(a) for a in addresses(ready))
        assert process.stderr is not None
        assert process.stderr.read() == ""
    docks = [
        json.loads(line) for line in (tmp_path / "log" / "docks.jsonl").read_text().splitlines()
    ]
    assert {"kind": "door", "dock": "xc-bridge", "door": "closed"}.items() <= docks[0].items()
    inside = {e["drone"] for e in docks if e["kind"] == "occupant" and e["present"]}
    assert inside == {"xc-bridge-a", "xc-bridge-b"}
    scene = (tmp_path / "log" / "scene.jsonl").read_text().splitlines()
    assert json.loads(scene[0])["level_m"]["zhangzhou-bridge"] == pytest.approx(2.0, abs=0.05)


def test_a_kill_leaves_nothing_behind(city: Path, gone: Callable[..., bool]) -> None:
    with sim(city) as (process, ready):
        started = children(process)
        process.kill()
        process.wait(30)
        assert wait_until(lambda: gone(started))
        assert all(is_free(a) for a in addresses(ready))


def test_it_ends_when_its_parent_does(city: Path, gone: Callable[..., bool]) -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)\n"
        "print(child.stdout.readline().decode().strip(), child.pid, sep='|', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, *argv(city)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=env(),
    ) as parent:
        assert parent.stdout is not None
        line, _, pid = parent.stdout.readline().strip().rpartition("|")
        ready = json.loads(line)
        whole = [psutil.Process(int(pid))]
        whole += whole[0].children(recursive=True)
        parent.kill()
        assert wait_until(lambda: gone(whole))
    assert all(is_free(a) for a in addresses(ready))


def test_it_ends_by_itself_after_its_time(city: Path) -> None:
    with sim(city, "--for", "0.5") as (process, _):
        assert process.wait(60) == 0


@pytest.mark.long
def test_a_signal_brings_all_of_it_down_within_5_s(city: Path) -> None:
    with sim(city) as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


def refused(*args: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(args),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=env(**more),
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("what", ["broker", "video", "cad", "vehicle"])
def test_a_taken_port_is_told_in_one_line_with_a_hint(city: Path, what: str) -> None:
    raw = YAML(typ="safe").load(city.read_text())
    url = {
        "broker": raw["broker"]["url"],
        "video": raw["drones"][0]["video"],
        "cad": raw["cad"][0]["url"],
        "vehicle": raw["drones"][0]["mavlink"],
    }[what]
    port = int(url.split("//")[1].split("/")[0].split(":")[1])
    kind = socket.SOCK_DGRAM if what == "vehicle" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", port))
        if kind is socket.SOCK_STREAM:
            taken.listen()
        done = refused(*argv(city))
    assert done.returncode == 1
    first, second, *rest = done.stderr.splitlines()
    assert first.startswith("skybeat sim: ")
    assert str(port) in first
    assert second.startswith("hint: ")
    assert rest == []


def test_what_is_asked_wrongly_is_told(city: Path, tmp_path: Path) -> None:
    scene = tmp_path / "bad.yaml"
    scene.write_text("rivers: [{site: nowhere, level_m: [[0, 1]]}]")
    unknown = argv(city)
    unknown[unknown.index("xc-bridge")] = "atlantis"
    for args, message in (
        (unknown, "no dock"),
        ([*argv(city), "--scene", str(scene)], "names site 'nowhere'"),
        ([*argv(city), "--autopilot", "hand"], "must be embedded, px4 or attached"),
        ([*argv(tmp_path / "none.yaml")], "none.yaml"),
    ):
        # ends before anything of the process is touched: no process is needed
        said = CliRunner().invoke(app, args[args.index("sim") :])
        assert said.exit_code == 2, said.stderr
        assert message in said.stderr
        assert isinstance(said.exception, SystemExit)
    done = refused(*argv(city), SKYBEAT_CAD_SECRET="")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
