"""A demo city on ports of its own, and the demo as a real process."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

REPO = Path(__file__).parents[2]
CITIES = REPO / "sitl" / "cities"


def pytest_collection_modifyitems(items):
    """Put the demo first: it takes its minute beside the other tests, not after them."""
    items.sort(key=lambda item: Path(__file__).parent not in item.path.parents)


def free_ports(count: int, kind: int) -> list[int]:
    """Return ports nobody holds now, all different."""
    sockets = [socket.socket(socket.AF_INET, kind) for _ in range(count)]
    try:
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


def udp_pairs(count: int) -> list[int]:
    """Return UDP ports P for which P and P+40 (the vehicle's own) are free, all apart."""
    found: list[int] = []
    taken: set[int] = set()
    while len(found) < count:
        (port,) = free_ports(1, socket.SOCK_DGRAM)
        if port + 40 > 65535 or {port, port + 40} & taken:
            continue
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", port + 40))
            except OSError:
                continue
        found.append(port)
        taken |= {port, port + 40}
    return found


@pytest.fixture
def demo_city(tmp_path):
    """The shipped city with every port exchanged for a free one; returns its file."""
    folder = tmp_path / "city"
    shutil.copytree(CITIES, folder)
    file = folder / "zhangzhou.yaml"
    text = file.read_text(encoding="utf-8")
    api, broker, rtsp, cad = free_ports(4, socket.SOCK_STREAM)
    for old, new in ((8080, api), (1883, broker), (8554, rtsp), (8090, cad)):
        text = re.sub(rf"(?<=[: ]){old}\b", str(new), text)
    mavlink = sorted(set(re.findall(r"udpin://0\.0\.0\.0:(\d+)", text)))
    for old, new in zip(mavlink, udp_pairs(len(mavlink)), strict=True):
        text = text.replace(f"udpin://0.0.0.0:{old}\n", f"udpin://0.0.0.0:{new}\n")
    # fewer pictures than usual: drawing and looking at them is most of the work
    text = re.sub(r"(\n +)(video: rtsp://\S+)", r"\1\2\1camera: {fps: 3}", text)
    file.write_text(text, encoding="utf-8")
    file.with_name("api-port").write_text(str(api))
    return file


class DemoProcess:
    """`skybeat demo` in a session of its own, with what it prints."""

    def __init__(self, city: Path, keep: Path, lives: Callable[[int], bool], *args: str) -> None:
        self.lives = lives
        self.keep = keep
        self.address = f"http://127.0.0.1:{city.with_name('api-port').read_text()}"
        argv = [sys.executable, "-c", "from fleet.command import main; main()", "demo"]
        self.process = subprocess.Popen(
            [*argv, "--city", str(city), "--keep", str(keep), *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=REPO,
            env={**os.environ, "PYTHONPATH": str(REPO)},
            start_new_session=True,
        )
        self.out: list[str] = []
        self.err: list[str] = []
        for stream, lines in ((self.process.stdout, self.out), (self.process.stderr, self.err)):
            threading.Thread(
                target=lambda s, to: to.extend(s), args=(stream, lines), daemon=True
            ).start()
        self.tree: dict[int, psutil.Process] = {}

    def log(self, name: str) -> list[dict]:
        """Return the whole entries of one of the simulator's logs."""
        path = self.keep / "sim" / f"{name}.jsonl"
        if not path.exists():
            return []
        text = path.read_text()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def descendants(self) -> list[psutil.Process]:
        """Return every process under the demo, and remember it."""
        found = psutil.Process(self.process.pid).children(recursive=True)
        self.tree.update({p.pid: p for p in found})
        return found

    def find(self, word: str) -> psutil.Process:
        """Return the child of the demo that was started with this command."""
        for p in psutil.Process(self.process.pid).children():
            if word in p.cmdline():
                return p
        raise AssertionError(f"no process {word!r} under the demo")

    def until(self, condition, seconds: float, what: str):
        """Wait for a condition; the demo must live meanwhile."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := condition():
                return value
            assert self.process.poll() is None, f"the demo ended: {''.join(self.err)}"
            time.sleep(0.1)
        raise AssertionError(f"not within {seconds} s: {what}\n{''.join(self.err)}\n{self.tails()}")

    def tails(self) -> str:
        """Return the end of each process's log."""
        return "\n".join(
            f"--- {p.name}\n{p.read_text()[-3000:]}" for p in sorted(self.keep.glob("*.log"))
        )

    def left(self) -> list[psutil.Process]:
        """Return remembered processes that still run."""
        return [p for p in self.tree.values() if self.lives(p.pid)]

    def kill(self) -> None:
        """Bring everything down, whatever happened."""
        if self.process.poll() is None:
            self.descendants()
            self.process.kill()
        for p in self.left():
            p.kill()
        self.process.wait(10)


@pytest.fixture
def start_demo(demo_city, tmp_path, lives):
    """Start the demo with more arguments; brought down at the end."""
    started: list[DemoProcess] = []

    def start(*args: str) -> DemoProcess:
        started.append(DemoProcess(demo_city, tmp_path / f"kept-{len(started)}", lives, *args))
        return started[-1]

    yield start
    for demo in started:
        demo.kill()
