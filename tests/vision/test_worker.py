"""The whole worker: real processes, a real stream over TCP, a controller over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import psutil
import pytest

from vision import worker as worker_module
from vision.errors import ControllerError, SourceError
from vision.frame import Frame, Measurement
from vision.task import Report, Task
from vision.watching import Watcher
from vision.wire import LandingTarget, Watch

ROOT = Path(__file__).parents[2]
SITE = [117.648, 24.5102]
PX_PER_M, BOARD_M = 40, 6.0


def board(
    level_m: float, shift: tuple[float, float] = (0, 0), size: tuple[int, int] = (640, 360)
) -> np.ndarray:
    """A marked board of 6 m x 6 m in mirroring water, seen straight on."""
    rng = np.random.default_rng(5)
    face = np.full((int(BOARD_M * PX_PER_M), int(BOARD_M * PX_PER_M), 3), 225, np.uint8)
    for _ in range(60):
        x, y = rng.integers(0, face.shape[0] - 20, 2)
        cv2.rectangle(face, (int(x), int(y)), (int(x + rng.integers(6, 26)), int(y + rng.integers(6, 26))),
                      tuple(int(c) for c in rng.integers(0, 200, 3)), -1)  # fmt: skip
    scene = cv2.resize(
        rng.integers(60, 130, (36, 64, 3), dtype=np.uint8), size, interpolation=cv2.INTER_CUBIC
    )
    left, top = (size[0] - face.shape[1]) // 2, 60
    scene[top : top + face.shape[0], left : left + face.shape[1]] = face
    line = top + round((BOARD_M - level_m) * PX_PER_M)
    depth = min(size[1] - line, line)
    scene[line : line + depth] = (0.4 * scene[line - depth : line][::-1] + 30).astype(np.uint8)
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    return cv2.warpAffine(scene, matrix, size, borderMode=cv2.BORDER_REPLICATE)


def station() -> tuple[dict[str, Any], bytes]:
    """The station of that board, and its reference picture."""
    left, top, edge = (640 - 240) / 2 - 0.5, 60 - 0.5, 240
    corners = [(0, 0), (edge, 0), (edge, edge), (0, edge)]
    points = [
        {"px": [left + x, top + y], "at_m": [x / PX_PER_M, BOARD_M - y / PX_PER_M]}
        for x, y in corners
    ]
    raw = {
        "station": "bridge", "fixed": False, "references": [{"file": "day one.jpg", "points": points}],
        "face": [[0, 0], [6, 0], [6, 6], [0, 6]],
        "levels": {"normal_m": 2.0, "warning_m": 3.5, "danger_m": 4.5},
    }  # fmt: skip
    ok, jpeg = cv2.imencode(".jpg", board(2.0), [cv2.IMWRITE_JPEG_QUALITY, 95])
    assert ok
    return raw, jpeg.tobytes()


def water_watch(source: str, **changes: Any) -> dict[str, Any]:
    return {
        "key": "bridge/d01", "site": "bridge", "source": source, "drone": "d01", "position": SITE,
        "detector": {
            "kind": "water", "station": "bridge.yaml", "levels": station()[0]["levels"],
            "hysteresis_m": 0.05, "dwell_s": 1.0, "lon": SITE[0], "lat": SITE[1],
        },
        "station_url": "/api/v1/sites/bridge/station",
    } | changes  # fmt: skip


@pytest.fixture
def rising(make_ts: Callable[..., bytes], hover: Callable[..., Any]) -> Callable[..., bytes]:
    """Return a function that makes a stream of a river that rises while the drone sways."""

    def make(levels: list[float], every_s: float = 0.1, **pose: Any) -> bytes:
        images = [
            board(level, (6 * np.sin(i / 4), 4 * np.cos(i / 3))) for i, level in enumerate(levels)
        ]
        pose = {"sensor_elevation_deg": -20.0, "altitude_amsl_m": 18.0} | pose
        return make_ts(images, metas=[hover(i * every_s, **pose) for i in range(len(levels))])

    return make


class Worker:
    """``skybeat watch`` as a process."""

    def __init__(self, address: str, token: str | None = "worker-token") -> None:
        environment = {k: v for k, v in os.environ.items() if k != "SKYBEAT_TOKEN"}
        if token is not None:
            environment["SKYBEAT_TOKEN"] = token
        code = "from vision.cli import app; app()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "watch", "--controller", address, "--json"],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.lines: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def children(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children(recursive=True)
        return []

    def stop(self, number: int = signal.SIGTERM) -> int:
        children = self.children()
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self._reader.join(5)
        _, alive = psutil.wait_procs(children, timeout=5)
        assert not alive, f"left behind: {alive}"
        return code


@pytest.fixture
def start(controller: Any) -> Iterator[Callable[..., Worker]]:
    workers: list[Worker] = []

    def make(**how: Any) -> Worker:
        workers.append(Worker(controller.address, **how))
        return workers[-1]

    yield make
    for worker in workers:
        if worker.process.poll() is None:
            worker.stop(signal.SIGKILL)


@pytest.fixture
def stationed(controller: Any) -> Any:
    raw, picture = station()
    controller.station = raw
    controller.files = {"day%20one.jpg": picture}
    return controller


def test_a_rising_river_is_detected_posted_and_kept_over_a_refusing_controller(
    stationed: Any,
    ts_server: Callable[..., Any],
    rising: Callable[..., bytes],
    start: Callable[..., Worker],
) -> None:
    levels = [2.5] * 10 + list(np.linspace(2.5, 4.8, 46)) + [4.8] * 34
    # captured a second apart, so that it rises 5 cm a second; sent ten times as fast
    server = ts_server(rising(levels, every_s=1.0), seconds=9.0)
    stationed.refuse_with = 503
    stationed.watches = [water_watch(server.address.replace("tcp://", "tcp://user:secret@"))]
    worker = start()
    stationed.wait_for(lambda: stationed.state("bridge").get("state") == "watching")
    stationed.wait_for(lambda: len(stationed.attempts) >= 3)
    assert len(set(stationed.attempts)) == 1, "a retry has the same id"
    assert not stationed.detections
    stationed.refuse_with = 0
    stationed.wait_for(lambda: any(d["level"] == "red" for d, _ in stationed.detections))
    assert [d["level"] for d, _ in stationed.detections] == ["orange", "red"]
    for detection, image in stationed.detections:
        assert hashlib.sha256(image).hexdigest() == detection["image_sha256"]
        assert cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR).shape == (360, 640, 3)
        assert "secret" not in json.dumps(detection)
        assert detection["site"] == "bridge"
        assert (detection["lon"], detection["lat"]) == tuple(SITE)
        captured, exceeded = (
            datetime.fromisoformat(detection[k]) for k in ("captured_at", "exceeded_at")
        )
        assert captured - exceeded >= timedelta(seconds=1)
        frame = (captured - datetime(2026, 5, 31, 12, 0, tzinfo=UTC)) / timedelta(seconds=1)
        assert detection["value"] == pytest.approx(levels[round(frame)], abs=0.06)
        assert (
            detection["value"]
            >= detection["threshold"]
            == {"orange": 3.5, "red": 4.5}[detection["level"]]
        )
    stationed.wait_for(lambda: stationed.state("bridge").get("level") == "red")

    def posted() -> list[dict[str, Any]]:
        return [line for line in worker.lines if line["event"] == "detection"]

    # the controller has the last one before the worker has heard so
    stationed.wait_for(lambda: len(posted()) >= len(stationed.detections))
    assert worker.stop() == 0
    assert [(p["id"], p["status"]) for p in posted()] == [
        (d["id"], 201) for d, _ in stationed.detections
    ]


def test_a_camera_that_looks_elsewhere_is_off_station(
    stationed: Any,
    ts_server: Callable[..., Any],
    rising: Callable[..., bytes],
    start: Callable[..., Worker],
) -> None:
    server = ts_server(rising([4.8] * 60, heading_deg=180.0), seconds=6.0, then="repeat")
    stationed.watches = [water_watch(server.address)]
    start()
    stationed.wait_for(lambda: stationed.state("bridge").get("state") == "off_station")
    assert "looks elsewhere" in stationed.state("bridge")["reason"]
    assert not stationed.attempts


def test_a_drone_whose_picture_has_no_pose_is_off_station_and_a_fixed_camera_is_not(
    stationed: Any,
    ts_server: Callable[..., Any],
    rising: Callable[..., bytes],
    start: Callable[..., Worker],
) -> None:
    server = ts_server(rising([4.8] * 60, centre_elevation_m=None), seconds=6.0, then="repeat")
    stationed.watches = [water_watch(server.address, drone="xc-bridge-a")]
    start()
    stationed.wait_for(lambda: stationed.state("bridge").get("state") == "off_station")
    assert "does not say where" in stationed.state("bridge")["reason"]
    assert not stationed.attempts
    stationed.watches = [water_watch(server.address, key="fixed", drone=None)]
    stationed.wait_for(lambda: stationed.state("bridge").get("state") == "watching")


def test_one_blind_watch_does_not_disturb_the_other(
    stationed: Any,
    ts_server: Callable[..., Any],
    rising: Callable[..., bytes],
    start: Callable[..., Worker],
) -> None:
    server = ts_server(rising([2.5] * 30), seconds=3.0, then="repeat")
    crowd = {
        "kind": "crowd", "zone": [[117.6479, 24.5101], [117.6481, 24.5101], [117.6481, 24.5103]],
        "levels": {"yellow_per_m2": 0.1, "orange_per_m2": 0.2, "red_per_m2": 0.3},
    }  # fmt: skip
    stationed.watches = [
        water_watch("tcp://127.0.0.1:1", key="a", site="market", detector=crowd, station_url=None),
        water_watch(server.address),
    ]
    worker = start()
    stationed.wait_for(lambda: stationed.state("bridge").get("state") == "watching")
    stationed.wait_for(lambda: stationed.state("market").get("state") == "blind")
    assert "refused" in stationed.state("market")["reason"]
    assert stationed.state("bridge")["value"] == pytest.approx(2.5, abs=0.06)
    assert stationed.state("bridge")["confidence"] > 0.3
    # a watch that is gone is not told about any more, and its process ends
    before = len(worker.children())
    stationed.watches = stationed.watches[1:]
    stationed.wait_for(lambda: len(worker.children()) == before - 1)


def test_a_station_that_cannot_be_used_is_said(
    controller: Any, start: Callable[..., Worker]
) -> None:
    raw, picture = station()
    raw["references"][0]["points"] = raw["references"][0]["points"][:3]
    controller.station, controller.files = raw, {"day%20one.jpg": picture}
    controller.watches = [water_watch("tcp://127.0.0.1:1")]
    start()
    controller.wait_for(lambda: controller.state("bridge").get("state") == "not_measurable")
    assert "references.0.points" in controller.state("bridge")["reason"]


def test_a_watch_of_one_frame_in_ten_seconds_raises_its_alarm() -> None:
    class High:
        name = "high/1"

        def measure(self, frame: Frame) -> Measurement:
            return Measurement(frame.captured_at, "m", 4.0, 0.9)

        def overlay(self, frame: Frame) -> np.ndarray:
            return frame.image

    watch = Watch.model_validate(water_watch("tcp://127.0.0.1:1", drone=None))
    watcher = Watcher(Task(watch, max_fps=0.1), High())
    begin = datetime(2026, 5, 31, tzinfo=UTC)
    raised = [
        report.detection.captured_at
        for i in range(4)
        for report in watcher.take(Frame(board(4.0), begin + timedelta(seconds=10 * i), i))
        if report.detection is not None
    ]
    assert raised == [begin + timedelta(seconds=10)]


class Silent:
    """A source whose last picture is so old, and which gives no other."""

    def __init__(self, age_s: float) -> None:
        self.age_s, self.waited = age_s, 0.0

    @property
    def health(self) -> Any:
        return SimpleNamespace(age_s=self.age_s)

    def read(self, timeout_s: float) -> Frame:
        self.waited += timeout_s
        self.age_s += timeout_s
        raise SourceError("tcp://x: no picture", reason="stalled")


def test_blind_is_told_two_seconds_after_the_last_picture_and_keeps_its_level() -> None:
    watch = Watch.model_validate(water_watch("tcp://127.0.0.1:1", drone=None))
    watcher = Watcher(Task(watch), None)  # type: ignore[arg-type]  # there is nothing to measure
    begin = datetime(2026, 5, 31, tzinfo=UTC)
    for second in range(3):
        watcher.alarm.update(begin + timedelta(seconds=second), 4.0)
    source = Silent(0.4)
    reports: list[Any] = []
    while not reports:
        reports = watcher.step(source)  # type: ignore[arg-type]
    assert source.age_s == pytest.approx(2.0, abs=0.05)
    assert (reports[0].status.state, reports[0].status.level) == ("blind", "orange")


def test_processes_end_with_a_killed_worker(controller: Any, start: Callable[..., Worker]) -> None:
    raw, picture = station()
    controller.station, controller.files = raw, {"day%20one.jpg": picture}
    controller.watches = [water_watch("tcp://127.0.0.1:1")]
    worker = start()
    controller.wait_for(lambda: controller.state("bridge").get("state") == "blind")
    assert worker.children()
    assert all("SKYBEAT_TOKEN" not in child.environ() for child in worker.children())
    worker.stop(signal.SIGKILL)  # asserts that no child is left


def test_a_dead_watching_process_is_started_again(
    controller: Any, start: Callable[..., Worker]
) -> None:
    raw, picture = station()
    controller.station, controller.files = raw, {"day%20one.jpg": picture}
    controller.watches = [water_watch("tcp://127.0.0.1:1")]
    worker = start()
    controller.wait_for(lambda: controller.state("bridge").get("state") == "blind")
    first = next(line["pid"] for line in worker.lines if line["event"] == "watch begins")
    os.kill(first, signal.SIGKILL)
    controller.wait_for(lambda: "died" in controller.state("bridge").get("reason", ""))
    controller.wait_for(lambda: "refused" in controller.state("bridge").get("reason", ""))
    assert [line["event"] for line in worker.lines].count("watch begins") == 2


def test_a_wrong_token_is_one_clear_line(controller: Any, start: Callable[..., Worker]) -> None:
    worker = start(token="wrong")
    assert worker.process.wait(20) == 2
    assert worker.process.stderr is not None
    said = worker.process.stderr.read()
    assert "401" in said
    assert said.count("\n") == 1


def test_no_token_is_one_clear_line(controller: Any, start: Callable[..., Worker]) -> None:
    worker = start(token=None)
    assert worker.process.wait(20) == 2
    assert worker.process.stderr is not None
    assert "SKYBEAT_TOKEN" in worker.process.stderr.read()


def test_a_controller_that_is_not_there_is_waited_for(
    start: Callable[..., Worker], controller: Any
) -> None:
    worker = Worker("http://127.0.0.1:1")
    try:
        controller.wait_for(lambda: any("problem" in line for line in worker.lines))
        assert "does not answer" in next(
            line["problem"] for line in worker.lines if "problem" in line
        )
        assert worker.process.poll() is None
    finally:
        assert worker.stop(signal.SIGINT) == 0


def marker_picture(number: int) -> np.ndarray:
    """A marker in the middle of a picture: 0.7 m seen from 10 m by a camera of 60 degrees."""
    book = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    edge = 58  # 0.7 m of a picture of 960 pixels, 0.012 m each
    black = cv2.aruco.generateImageMarker(book, number, 48)
    white = cv2.copyMakeBorder(black, 8, 8, 8, 8, cv2.BORDER_CONSTANT, value=255)
    side = round(edge * 8 / 6)
    image = np.full((540, 960, 3), 120, np.uint8)
    y, x = (540 - side) // 2, (960 - side) // 2 + 100
    small = cv2.resize(white, (side, side), interpolation=cv2.INTER_AREA)
    image[y : y + side, x : x + side] = small[..., None]
    return image


def test_a_landing_drones_marker_is_told_at_the_rate_of_its_pictures(
    controller: Any,
    ts_server: Callable[..., Any],
    make_ts: Callable[..., bytes],
    hover: Callable[..., Any],
    start: Callable[..., Worker],
) -> None:
    frames = 60
    begin = datetime.now(UTC) + timedelta(seconds=60)  # never too old to be told
    metas = [
        hover(captured_at=begin + timedelta(seconds=i / 10), sensor_elevation_deg=-90.0)
        for i in range(frames)
    ]
    stream = make_ts([marker_picture(7)] * frames, metas=metas)
    server = ts_server(stream, seconds=6.0)
    watch = {
        "key": "dock-x/d01", "site": "", "source": server.address, "drone": "d01",
        "position": [117.6480, 24.5100], "station_url": None,
        "detector": {"kind": "marker", "marker_id": 7, "size_m": 0.7, "dock": "x",
                     "lon": 117.648, "lat": 24.51},
    }  # fmt: skip
    controller.watches = [watch]
    worker = start()
    controller.wait_for(lambda: len(controller.targets) >= 30)
    assert {drone for drone, _ in controller.targets} == {"d01"}
    for _, target in controller.targets:
        assert target.keys() == {"captured_at", "north_m", "east_m", "down_m"}
        assert target["down_m"] == pytest.approx(10, abs=0.4)
        assert target["north_m"] == pytest.approx(0, abs=0.05)
        assert target["east_m"] == pytest.approx(100 * 0.01203, abs=0.08)
    times = [datetime.fromisoformat(t["captured_at"]) for _, t in controller.targets]
    assert times == sorted(set(times)), "each picture once, in order"
    assert not controller.statuses, "a landing has no site to tell about"
    before = len(worker.children())
    controller.watches = []
    controller.wait_for(lambda: len(worker.children()) == before - 1)


class Slow:
    """A controller that takes its time, and refuses when told to."""

    def __init__(self) -> None:
        self.told: list[tuple[str, float]] = []
        self.go = asyncio.Event()
        self.refuse = 0

    async def put_target(self, drone: str, target: LandingTarget) -> None:
        self.told.append((drone, target.north_m))
        await self.go.wait()
        if self.refuse:
            raise ControllerError("no", status=self.refuse)


async def test_only_the_newest_and_fresh_target_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    slow = Slow()
    worker = worker_module.Worker(slow, worker_module.Log(as_json=True))  # type: ignore[arg-type]
    detector = {"kind": "marker", "marker_id": 7, "size_m": 0.7, "dock": "x"}
    raw = water_watch("tcp://x:1", key="k", site="", detector=detector, station_url=None)
    worker._watched["k"] = worker_module._Watched(Watch.model_validate(raw))

    def sees(north: float, age_s: float = 0.0) -> None:
        at = datetime.now(UTC) - timedelta(seconds=age_s)
        target = LandingTarget(captured_at=at, north_m=north, east_m=0, down_m=5)
        worker._take(Report("k", target=target))

    async def until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0)

    telling = asyncio.create_task(worker._target_for_ever())
    try:
        sees(1.0, age_s=2.0)
        await until(lambda: not worker._targets and not worker._telling)
        assert slow.told == []
        sees(2.0)
        await until(lambda: slow.told == [("d01", 2.0)])
        sees(3.0)
        sees(4.0)  # 3.0 has become old before it could be told
        slow.go.set()
        await until(lambda: slow.told == [("d01", 2.0), ("d01", 4.0)])
        slow.refuse = 409
        for north in (5.0, 6.0):
            sees(north)
            await until(lambda: slow.told[-1][1] == north and not worker._telling)  # noqa: B023
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    assert capsys.readouterr().out.count("landing target refused") == 1
