"""The marker against a projection of its own (nothing of vision.camera's), and in bad pictures."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from missions.geo import LocalFrame
from vision.camera import Pose, rotation
from vision.cli import app
from vision.errors import DetectorError
from vision.frame import Frame
from vision.marker import MarkerFinder, NotSeen, Sighting

NOW = datetime(2026, 5, 31, 12, 0, tzinfo=UTC)
DOCK = (117.659112, 24.505968)
WIDTH, HEIGHT, HFOV = 960, 540, 60.0
FOCAL = WIDTH / 2 / math.tan(math.radians(HFOV) / 2)
SIZE_M = 0.7
MARGIN = 8 / 6


def picture(
    north: float,
    east: float,
    down: float,
    world: np.ndarray,
    turn_deg: float = 0.0,
    number: int = 5,
) -> np.ndarray:
    """Return what a camera at the origin sees of a marker there, on grey ground, sampled finely."""
    book = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    black = cv2.aruco.generateImageMarker(book, number, 192)
    face = cv2.copyMakeBorder(black, 32, 32, 32, 32, cv2.BORDER_CONSTANT, value=255)
    half, n = SIZE_M * MARGIN / 2, 4
    turn = rotation(turn_deg, 0, 0)
    corners = np.array([[half, -half, 0], [half, half, 0], [-half, half, 0], [-half, -half, 0]])
    seen = (corners @ turn.T + [north, east, down]) @ world
    pixels = seen[:, 1:] / seen[:, :1] * FOCAL + [(WIDTH - 1) / 2, (HEIGHT - 1) / 2]
    finer = (pixels + 0.5) * n - 0.5
    source = np.array([[0, 0], [256, 0], [256, 256], [0, 256]], np.float32) - 0.5
    matrix = cv2.getPerspectiveTransform(source, finer.astype(np.float32))
    image = np.full((HEIGHT * n, WIDTH * n), 125, np.uint8)
    cv2.warpPerspective(
        face, matrix, (WIDTH * n, HEIGHT * n), image, cv2.INTER_AREA, cv2.BORDER_TRANSPARENT
    )
    small = cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_GRAY2BGR))


def frame(image: np.ndarray, world: np.ndarray, lon_lat: tuple[float, float] = DOCK) -> Frame:
    return Frame(image, NOW, 0, Pose(*lon_lat, 40.0, 10.0, world, HFOV))


def looking_down(yaw: float = 0.0, tilt: float = 0.0, roll: float = 0.0) -> np.ndarray:
    return rotation(yaw, -90.0 + tilt, roll)


def error_cm(seen: Sighting | NotSeen, north: float, east: float) -> float:
    assert isinstance(seen, Sighting), seen
    return 100 * math.hypot(seen.north_m - north, seen.east_m - east)


@settings(max_examples=40, deadline=None)
@given(
    down=st.floats(5, 20),  # nearer, its white rim may reach out of the picture
    off=st.tuples(st.floats(-0.12, 0.12), st.floats(-0.12, 0.12)),
    yaw=st.floats(0, 360),
    turn=st.floats(0, 360),
    tilt=st.floats(-4, 4),
)
def test_a_marker_is_placed_to_centimetres_however_the_camera_is_turned(
    down: float, off: tuple[float, float], yaw: float, turn: float, tilt: float
) -> None:
    north, east = off[0] * down, off[1] * down
    world = looking_down(yaw, tilt, tilt / 2)
    seen = MarkerFinder(5, SIZE_M, DOCK).find(frame(picture(north, east, down, world, turn), world))
    assert error_cm(seen, north, east) < 0.4 * down
    assert isinstance(seen, Sighting)
    assert seen.down_m == pytest.approx(down, rel=0.03)
    assert (seen.turn_deg - turn + 180) % 360 - 180 == pytest.approx(0, abs=3)
    assert math.hypot(seen.north_m - north, seen.east_m - east) < 4 * seen.sigma_m


@pytest.mark.parametrize(("down", "most_cm"), [(30, 15), (20, 6), (10, 2), (5, 1), (2, 0.5)])
def test_the_error_shrinks_with_the_height(down: float, most_cm: float) -> None:
    world = looking_down(33, 1.0, -2.0)
    north, east = (0.03 * down, -0.04 * down) if down > 2 else (0.05, -0.03)
    seen = MarkerFinder(5, SIZE_M).find(frame(picture(north, east, down, world, 20), world))
    assert error_cm(seen, north, east) < most_cm


def test_a_platform_that_is_wrong_about_its_place_and_height_changes_nothing() -> None:
    world = looking_down(80)
    image = picture(0.5, -0.8, 10, world)
    lon, lat = LocalFrame(*DOCK).to_lonlat(2.0, -3.0)
    wrong = Frame(image, NOW, 0, Pose(lon, lat, 99.0, -20.0, world, HFOV))
    assert error_cm(MarkerFinder(5, SIZE_M, DOCK).find(wrong), 0.5, -0.8) < 2


def night(image: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0, 6, image.shape)
    return np.clip(image * 0.12 + noise, 0, 255).astype(np.uint8)


def motion(image: np.ndarray) -> np.ndarray:
    kernel = np.zeros((9, 9), np.float32)
    kernel[4] = 1 / 9
    return np.asarray(cv2.filter2D(image, -1, kernel))


def rain(image: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(2)
    wet = image.copy()
    for x, y in zip(rng.integers(0, WIDTH, 400), rng.integers(0, HEIGHT, 400), strict=True):
        cv2.line(wet, (int(x), int(y)), (int(x) + 3, int(y) + 18), (215, 215, 215), 1)
    return np.asarray(cv2.addWeighted(wet, 0.8, np.full_like(wet, 170), 0.2, 0))


def jpeg(image: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, [1, 40])[1], cv2.IMREAD_COLOR))


@pytest.mark.parametrize("spoil", [night, motion, rain, jpeg])
@pytest.mark.parametrize("down", [10.0, 5.0])
def test_a_bad_picture_gives_a_good_place(
    spoil: Callable[[np.ndarray], np.ndarray], down: float
) -> None:
    finder = MarkerFinder(5, SIZE_M, DOCK)
    errors = []
    for yaw in range(0, 360, 45):
        world = looking_down(yaw)
        image = spoil(picture(0.4, -0.3, down, world, 10))
        seen = finder.find(frame(image, world))
        if isinstance(seen, Sighting):
            errors.append(error_cm(seen, 0.4, -0.3))
    assert len(errors) >= 6
    assert max(errors) < 8


def test_night_needs_the_second_look() -> None:
    world = looking_down(20)
    image = (picture(0, 0, 20, world) * 0.04).astype(np.uint8)
    finder = MarkerFinder(5, SIZE_M)
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    assert isinstance(finder.find(frame(image, world)), Sighting)
    assert not finder._squares(grey)


@pytest.mark.parametrize("hidden", [0.1, 0.25, 0.5, 0.9])
def test_a_marker_that_is_partly_hidden_is_placed_right_or_not_at_all(hidden: float) -> None:
    world = looking_down(0)
    finder = MarkerFinder(5, SIZE_M)
    for side in range(4):
        image = picture(0, 0, 6, world)
        reach = round(SIZE_M / 6 * FOCAL / 2)
        low = round((WIDTH - 1) / 2 - reach), round((HEIGHT - 1) / 2 - reach)
        cut = round(2 * reach * hidden)
        area = [slice(low[1], low[1] + 2 * reach), slice(low[0], low[0] + 2 * reach)]
        axis = side % 2
        start = area[axis].start if side < 2 else area[axis].stop - cut
        area[axis] = slice(start, start + cut)
        image[area[0], area[1]] = 90
        seen = finder.find(frame(image, world))
        if isinstance(seen, Sighting):
            assert error_cm(seen, 0, 0) < 3


def test_only_the_right_marker_counts() -> None:
    world = looking_down(0)
    image = picture(0, 0, 8, world, number=6)
    seen = MarkerFinder(5, SIZE_M).find(frame(image, world))
    assert isinstance(seen, NotSeen)
    assert seen.reason == "marker 5 is not in the picture"
    assert isinstance(MarkerFinder(6, SIZE_M).find(frame(image, world)), Sighting)


def test_another_docks_marker_with_the_same_number_is_refused() -> None:
    world = looking_down(0)
    image = picture(1, 1, 8, world)
    away = LocalFrame(*DOCK).to_lonlat(40.0, 0.0)
    seen = MarkerFinder(5, SIZE_M, DOCK).find(frame(image, world, away))
    assert isinstance(seen, NotSeen)
    assert "41 m from the dock" in seen.reason


def test_two_markers_of_one_number_are_none() -> None:
    world = looking_down(0)
    both = picture(0, 1, 8, world)
    both[:, : WIDTH // 2] = picture(0, -1, 8, world)[:, : WIDTH // 2]
    seen = MarkerFinder(5, SIZE_M).find(frame(both, world))
    assert isinstance(seen, NotSeen)
    assert "2 markers 5" in seen.reason


def test_a_marker_on_a_wall_is_not_on_the_ground() -> None:
    down = looking_down(0)
    image = picture(0, 0, 6, down)
    level = rotation(0, -25, 0)  # the same picture, by a camera that looks ahead
    assert isinstance(MarkerFinder(5, SIZE_M).find(frame(image, level)), NotSeen)


def test_a_picture_without_a_pose_is_not_used() -> None:
    image = picture(0, 0, 6, looking_down(0))
    seen = MarkerFinder(5, SIZE_M).find(Frame(image, NOW, 0, None))
    assert isinstance(seen, NotSeen)
    assert "does not say where" in seen.reason


@pytest.mark.parametrize(("number", "size"), [(-1, 0.7), (1000, 0.7), (3, 0.0), (3, 9.0)])
def test_a_marker_that_cannot_be(number: int, size: float) -> None:
    with pytest.raises(DetectorError, match="marker"):
        MarkerFinder(number, size)


def test_noise_holds_no_marker() -> None:
    rng = np.random.default_rng(3)
    finder = MarkerFinder(5, SIZE_M)
    for _ in range(20):
        coarse = rng.integers(0, 2, (68, 120), dtype=np.uint8) * 255
        image = cv2.cvtColor(
            cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST), cv2.COLOR_GRAY2BGR
        )
        seen = finder.find(frame(np.asarray(image), looking_down(0)))
        assert isinstance(seen, NotSeen)


def test_the_overlay_shows_what_was_found() -> None:
    world = looking_down(0)
    shot = frame(picture(0, 0, 6, world), world)
    drawn = MarkerFinder(5, SIZE_M).overlay(shot)
    assert (drawn != shot.image).any()


def test_a_marker_to_print_is_the_one_that_is_found(tmp_path: Path) -> None:
    out = tmp_path / "m.png"
    done = CliRunner().invoke(app, ["marker", "312", "--out", str(out), "--edge", "64"])
    assert done.exit_code == 0, done.output
    world = looking_down(0)
    image = np.full((HEIGHT, WIDTH), 120, np.uint8)
    face = cv2.imread(str(out), cv2.IMREAD_GRAYSCALE)
    assert face is not None
    image[200:264, 400:464] = face
    seen = MarkerFinder(312, SIZE_M).find(frame(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), world))
    assert isinstance(seen, Sighting)
    assert seen.edge_px == pytest.approx(48, abs=1)


@pytest.mark.parametrize("args", [["1000"], ["3", "--edge", "100"], ["3", "--edge", "32"]])
def test_a_marker_that_cannot_be_printed(tmp_path: Path, args: list[str]) -> None:
    done = CliRunner().invoke(app, ["marker", *args, "--out", str(tmp_path / "m.png")])
    assert done.exit_code == 2


def test_the_command_says_how_far_off_the_marker_is(
    make_ts: Callable[..., bytes], hover: Callable[..., Any], tmp_path: Path
) -> None:
    north, east = 0.6, -0.8
    image = picture(north, east, 8.0, looking_down(0))
    clip = tmp_path / "clip.ts"
    down = {"sensor_elevation_deg": -90.0, "vfov_deg": None}
    clip.write_bytes(make_ts([image] * 5, metas=[hover(i / 10, **down) for i in range(5)]))
    args = ["detect", "marker", str(clip), "--id", "5", "--size", "0.7", "--json"]
    done = CliRunner().invoke(app, args)
    assert done.exit_code == 0, done.output
    *lines, summary = [json.loads(line) for line in done.stdout.splitlines()]
    assert summary["summary"]["measured"] == 5
    assert lines[0]["value"] == pytest.approx(1.0, abs=0.03)
    assert lines[0]["details"]["east_m"] == pytest.approx(east, abs=0.03)
    lost = CliRunner().invoke(app, [w if w != "5" else "6" for w in args])
    assert "marker 6 is not in the picture" in lost.stdout
