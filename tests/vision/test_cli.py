"""``skybeat detect`` as a process: what is printed, and what is said to bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


def skybeat(*arguments: object) -> subprocess.CompletedProcess[str]:
    code = "from vision.cli import app; app()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def station(tmp_path: Path) -> Path:
    """A station with its picture, and two pictures to measure in ``shots``."""
    rng = np.random.default_rng(1)
    face = np.full((240, 320, 3), 220, np.uint8)
    for _ in range(60):
        x, y = rng.integers(0, 300), rng.integers(0, 220)
        cv2.rectangle(
            face,
            (int(x), int(y)),
            (int(x) + 14, int(y) + 12),
            tuple(int(c) for c in rng.integers(0, 180, 3)),
            -1,
        )
    (tmp_path / "shots").mkdir()
    for name, line in (("day.png", 200), ("shots/a.png", 160), ("shots/b.png", 120)):
        image = face.copy()
        image[line:] = 50
        cv2.imwrite(str(tmp_path / name), image)
    points = [
        f"{{px: [{x}, {y}], at_m: [{x / 40}, {(239.5 - y) / 40}]}}"
        for x in (0, 319)
        for y in (0, 239)
    ]
    path = tmp_path / "station.yaml"
    path.write_text(
        f"station: a\nreferences: [{{file: day.png, points: [{', '.join(points)}]}}]\nfixed: true\n"
        "face: [[0, 0], [7.9, 0], [7.9, 5.9], [0, 5.9]]\nlevels: {normal_m: 1, warning_m: 2, danger_m: 3}\n"
    )
    return path


def test_water_as_json_with_overlays(station: Path, tmp_path: Path) -> None:
    done = skybeat(
        "detect",
        "water",
        "--station",
        station,
        tmp_path / "shots",
        "--json",
        "--overlay",
        tmp_path / "out",
    )
    assert done.returncode == 0, done.stderr
    first, second, summary = (json.loads(line) for line in done.stdout.splitlines())
    assert (first["name"], second["name"]) == ("a.png", "b.png")
    assert first["value"] == pytest.approx(2.0, abs=0.02)
    assert second["value"] == pytest.approx(3.0, abs=0.02)
    assert first["unit"] == "m"
    assert summary["summary"]["measured"] == 2
    assert cv2.imread(str(tmp_path / "out" / "a.jpg")).shape == (240, 320, 3)


def test_water_for_people(station: Path, tmp_path: Path) -> None:
    done = skybeat("detect", "water", "--station", station, tmp_path / "shots" / "a.png")
    assert done.returncode == 0, done.stderr
    line, summary = done.stdout.splitlines()
    assert "2.0" in line
    assert " m " in line
    assert "1 measured" in summary


def test_not_measurable_is_no_failure(station: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "black.png"), np.zeros((240, 320, 3), np.uint8))
    done = skybeat("detect", "water", "--station", station, tmp_path / "black.png", "--json")
    assert done.returncode == 0, done.stderr
    first = json.loads(done.stdout.splitlines()[0])
    assert first["value"] is None
    assert first["not_measurable"]


def test_crowd_in_a_video(make_ts: Callable[..., bytes], tmp_path: Path) -> None:
    path = tmp_path / "clip.ts"
    path.write_bytes(make_ts([np.full((240, 320, 3), 90, np.uint8)] * 8))
    done = skybeat("detect", "crowd", path, "--json", "--every", "2", "--person-px", "60")
    assert done.returncode == 0, done.stderr
    *frames, summary = (json.loads(line) for line in done.stdout.splitlines())
    assert [f["frame"] for f in frames] == [0, 2, 4, 6]
    # a grey wall: that nobody was found in it does not mean that nobody is there
    assert all(f["value"] is None and f["unit"] == "people" for f in frames)
    assert all("nobody was found" in f["not_measurable"] for f in frames)
    assert summary["summary"]["detector"] == "crowd-hog-motion/1"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["detect", "water", "--station", "nope.yaml", "x.mp4"], "nope.yaml"),
        (["detect", "water", "--station", "STATION", "nope.mp4"], "nope.mp4: no such file"),
        (["detect", "water", "--station", "STATION", "STATION"], "station.yaml"),
        (["detect", "crowd", "http://user:hunter2@host/x"], "scheme 'http'"),
        (["detect", "crowd", ""], "address is empty"),
        (["detect", "crowd", "--zone", "1,2 3", "x.mp4"], "zone '1,2 3'"),
        (["detect", "crowd", "--zone", "0,0 1,1 0,1 1,0", "x.mp4"], "crosses"),
        (["detect", "crowd", "--model", "nope.onnx", "x.mp4"], "nope.onnx"),
        (["detect", "crowd", "tcp://127.0.0.1:1", "--for", "1"], "refused"),
        (["watch", "--controller", "ftp://x"], "SKYBEAT_TOKEN"),
    ],
)
def test_bad_input_is_one_clear_line(station: Path, arguments: list[str], said: str) -> None:
    done = skybeat(*[str(station) if a == "STATION" else a for a in arguments])
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert "hunter2" not in done.stderr
    assert done.stdout == ""
