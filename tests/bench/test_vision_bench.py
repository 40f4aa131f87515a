"""Frames per second of each detector at 1920x1080, against decoding alone, within one run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from missions.geo import LocalFrame
from vision.camera import Pose
from vision.crowd.detector import CrowdDetector
from vision.crowd.ground import Zone
from vision.frame import Frame, FrameDetector
from vision.klv import Metadata
from vision.source import read_file
from vision.water.level import WaterDetector
from vision.water.station import build

pytestmark = pytest.mark.bench

WIDTH, HEIGHT, FRAMES = 1920, 1080, 60
EDGE, LEFT, TOP = 640, 640, 120
MODEL = Path(__file__).parents[2].parent / "shared" / "models" / "yolox_nano.onnx"
MIDDLE = (117.648, 24.51018)


def say(**what: object) -> None:
    """Print one JSON line."""
    print(json.dumps(what), flush=True)


@pytest.fixture(scope="module")
def background() -> np.ndarray:
    """A textured ground with a marked board in mirroring water."""
    rng = np.random.default_rng(1)
    coarse = rng.integers(70, 170, (HEIGHT // 12, WIDTH // 12, 3), dtype=np.uint8)
    ground = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    board = np.full((EDGE, EDGE, 3), 225, np.uint8)
    for _ in range(90):
        x, y = (int(v) for v in rng.integers(0, EDGE - 60, 2))
        colour = tuple(int(v) for v in rng.integers(0, 190, 3))
        cv2.rectangle(
            board,
            (x, y),
            (x + int(rng.integers(20, 60)), y + int(rng.integers(20, 60))),
            colour,
            -1,
        )
    line = EDGE * 5 // 8
    board[line:] = (0.4 * board[line - (EDGE - line) : line][::-1] + 30).astype(np.uint8)
    ground[TOP : TOP + EDGE, LEFT : LEFT + EDGE] = board
    return ground


@pytest.fixture(scope="module")
def clip(background: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1080p H.264: the camera sways and figures walk."""
    path = tmp_path_factory.mktemp("bench") / "clip.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream(
            "libx264",
            rate=25,
            width=WIDTH,
            height=HEIGHT,
            options={"preset": "veryfast", "crf": "23"},
        )
        stream.codec_context.time_base = Fraction(1, 25)
        for i in range(FRAMES):
            image = background.copy()
            for k in range(30):
                x, y = int(60 + (k * 173 + i * (2 + k % 4)) % (WIDTH - 140)), 300 + (k * 97) % 640
                cv2.ellipse(image, (x, y + 45), (14, 42), 0, 0, 360, (40 + 5 * k, 30, 90), -1)
                cv2.circle(image, (x, y - 6), 9, (120, 150, 200), -1)
            shift = np.float32([[1, 0, 10 * np.sin(i / 9)], [0, 1, 7 * np.cos(i / 7)]])
            image = cv2.warpAffine(image, shift, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def frames(clip: Path) -> list[Frame]:
    """The first 24 frames, decoded."""
    return [f for f in read_file(str(clip)) if f.index < 24]


@pytest.fixture(scope="module")
def decoding_fps(clip: Path) -> float:
    """Frames per second of decoding the clip to pixels, and nothing else; the best of three."""
    best = 0.0
    for _ in range(3):
        begun = time.perf_counter()
        count = sum(1 for _ in read_file(str(clip)))
        best = max(best, count / (time.perf_counter() - begun))
    say(bench="decode", size=f"{WIDTH}x{HEIGHT}", fps=round(best, 1))
    return best


def water(background: np.ndarray) -> FrameDetector:
    """The level of the board."""
    corners = [(x, y) for x in (0, EDGE) for y in (0, EDGE)]
    points = [
        {"px": [LEFT + x - 0.5, TOP + y - 0.5], "at_m": [6 * x / EDGE, 6 - 6 * y / EDGE]}
        for x, y in corners
    ]
    raw = {
        "station": "bench", "references": [{"file": "day", "points": points}],
        "face": [[0, 0], [6, 0], [6, 6], [0, 6]],
        "levels": {"normal_m": 2, "warning_m": 3, "danger_m": 4},
    }  # fmt: skip
    return WaterDetector(build(raw, lambda _: background, where="bench"))


def crowd(_: np.ndarray) -> FrameDetector:
    """The built-in detector on a zone of 20 m by 12 m, seen from a hover 20 m away and 15 m up."""
    return CrowdDetector(zone())


def crowd_network(_: np.ndarray) -> FrameDetector:
    """A YOLOX network on the same."""
    return CrowdDetector(zone(), model=MODEL)


def zone() -> Zone:
    frame = LocalFrame(*MIDDLE)
    return Zone.of([tuple(frame.to_lonlat(*c)) for c in ((-10, -6), (10, -6), (10, 6), (-10, 6))])


def hovering(frame: Frame) -> Frame:
    """The frame with the pose of a drone that watches the zone."""
    meta = Metadata(
        datetime(2026, 1, 1, tzinfo=UTC), heading_deg=0.0, pitch_deg=0.0, roll_deg=0.0, lat=24.51, lon=117.648,
        altitude_amsl_m=25.0, hfov_deg=60.0, sensor_elevation_deg=-37.0, centre_elevation_m=10.0,
    )  # fmt: skip
    return Frame(frame.image, frame.captured_at, frame.index, Pose.from_metadata(meta))


@pytest.mark.parametrize(
    "make", [water, crowd, crowd_network], ids=["water", "crowd", "crowd-network"]
)
def test_detector_against_decoding(
    make: Callable[[np.ndarray], FrameDetector],
    background: np.ndarray,
    frames: list[Frame],
    decoding_fps: float,
) -> None:
    if make is crowd_network and not MODEL.is_file():
        pytest.skip(f"no network to measure with: {MODEL} is not there")
    detector = make(background)
    posed = [hovering(f) for f in frames]
    detector.measure(posed[0])
    begun = time.perf_counter()
    measured = [detector.measure(f) for f in posed[1:]]
    fps = len(measured) / (time.perf_counter() - begun)
    assert all(m.value is not None for m in measured), next(
        m.reason for m in measured if m.value is None
    )
    say(
        bench="detector", detector=detector.name, size=f"{WIDTH}x{HEIGHT}", fps=round(fps, 2),
        of_decoding=round(fps / decoding_fps, 4), threads=cv2.getNumThreads(),
    )  # fmt: skip
