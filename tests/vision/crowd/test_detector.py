"""Counting people in real video and stills, and when nothing may be said."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from missions.geo import LocalFrame
from vision.camera import Pose
from vision.crowd.detector import CrowdDetector
from vision.crowd.ground import Zone
from vision.crowd.people import overlaps
from vision.errors import DetectorError
from vision.frame import Frame
from vision.source import read_file

NOW = datetime(2026, 5, 31, tzinfo=UTC)
MIDDLE = (117.648, 24.51018)


@pytest.fixture(scope="session")
def street(shared_data: Path) -> list[Frame]:
    """Each twelfth frame of the street."""
    frames = []
    for frame in read_file(str(shared_data / "crowd" / "oblique" / "vtest.avi")):
        if frame.index >= 400:
            break
        if frame.index % 12 == 0:
            frames.append(frame)
    return frames


@pytest.fixture(scope="session")
def people(shared_data: Path) -> dict[int, np.ndarray]:
    """Frame index -> boxes of the people in it."""
    found = defaultdict(list)
    with open(
        shared_data / "crowd" / "oblique" / "people-frames-1-400.csv", encoding="utf-8"
    ) as file:
        for row in csv.reader(file):
            found[int(row[0]) - 1].append([*(float(v) for v in row[2:6]), 1.0])
    return {k: np.array(v) for k, v in found.items()}


def hits(found: np.ndarray, truth: np.ndarray) -> int:
    used: set[int] = set()
    for box in found[np.argsort(-found[:, 4])]:
        ranked = overlaps(box, truth)
        best = [k for k in np.argsort(-ranked) if ranked[k] >= 0.5 and k not in used]
        used.update(best[:1])
    return len(used)


def test_people_on_a_street(street: list[Frame], people: dict[int, np.ndarray]) -> None:
    detector = CrowdDetector()
    found = right = there = 0
    errors = []
    for frame in street:
        measured = detector.measure(frame)
        if frame.index < 250:  # background and sizes are being learnt
            continue
        assert measured.value is not None, measured.reason
        truth = people[frame.index]
        found += len(detector.boxes)
        right += hits(detector.boxes, truth)
        there += len(truth)
        errors.append(abs(measured.value - len(truth)))
    assert right / found > 0.75
    assert right / there > 0.8
    assert np.mean(errors) < 1.6


def test_a_still_without_size_is_not_measurable(street: list[Frame]) -> None:
    measured = CrowdDetector().measure(street[20])
    assert measured.value is None
    assert "not known" in measured.reason


def test_a_still_with_size_is_counted(street: list[Frame], people: dict[int, np.ndarray]) -> None:
    measured = CrowdDetector(person_px=75).measure(street[20])
    assert measured.value == pytest.approx(len(people[street[20].index]), abs=3)


def pose(hover: Callable[..., Any], **changes: float) -> Pose:
    made = Pose.from_metadata(hover(0.0, **changes))
    assert made is not None
    return made


def zone(size_m: float = 12.0) -> Zone:
    frame, half = LocalFrame(*MIDDLE), size_m / 2
    corners = [(-half, -half), (half, -half), (half, half), (-half, half)]
    return Zone.of([tuple(frame.to_lonlat(*c)) for c in corners])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sensor_elevation_deg": -90.0, "lat": 24.51018}, "degrees above"),
        ({"sensor_elevation_deg": -5.0, "lat": 24.508}, "px tall"),
        ({"heading_deg": 180.0}, "of the zone"),
        ({"altitude_amsl_m": 8.0}, "pose cannot be used"),
    ],
)
def test_views_in_which_a_density_would_be_a_guess(
    hover: Callable[..., Any], changes: dict[str, float], said: str
) -> None:
    image = np.full((540, 960, 3), 120, np.uint8)
    measured = CrowdDetector(zone()).measure(Frame(image, NOW, 0, pose(hover, **changes)))
    assert measured.value is None
    assert said in measured.reason


def test_a_density_without_pose_is_not_measurable() -> None:
    measured = CrowdDetector(zone()).measure(Frame(np.zeros((540, 960, 3), np.uint8), NOW, 0))
    assert measured.value is None
    assert "no pose" in measured.reason


def test_an_empty_square_has_no_density(hover: Callable[..., Any]) -> None:
    image = np.random.default_rng(1).normal(120, 6, (540, 960, 3)).clip(0, 255).astype(np.uint8)
    measured = CrowdDetector(zone()).measure(Frame(image, NOW, 0, pose(hover)))
    assert measured.value == 0
    assert measured.unit == "1/m2"


def test_people_cut_out_of_the_street_are_put_on_the_ground(
    hover: Callable[..., Any], street: list[Frame], people: dict[int, np.ndarray]
) -> None:
    """Real people pasted where the pose says they stand: those in the zone count, the others do not."""
    from vision.camera import View

    ground = zone()
    there = pose(hover)
    view = View.of(there, 960, 540, ground.frame)
    inside = [(-4.0, -3.0), (0.0, -3.5), (4.0, -2.0), (-3.0, 2.0), (1.5, 1.0), (4.5, 4.0)]
    outside = [(-9.5, -3.0), (10.0, 3.0)]
    frame = street[20]
    box = max(people[frame.index], key=lambda b: b[3])
    x, y, w, h = (int(v) for v in box[:4])
    person = frame.image[y : y + h, x : x + w]
    detector = CrowdDetector(ground)
    for k in range(6):
        image = np.full((540, 960, 3), (110, 115, 112), np.uint8)
        for spot in inside + outside:
            feet = view.plane_to_pixels(np.array([spot]))[0]
            head = view.plane_to_pixels(np.array([spot]), 1.7)[0]
            tall = round(float(feet[1] - head[1]))
            small = cv2.resize(person, (round(tall * w / h), tall), interpolation=cv2.INTER_AREA)
            left, top = round(float(feet[0] - small.shape[1] / 2)), round(float(head[1]))
            image[top : top + tall, left : left + small.shape[1]] = small
        measured = detector.measure(Frame(image, NOW + timedelta(seconds=k / 5), k, there))
    assert measured.value is not None
    assert measured.details["people"] == pytest.approx(len(inside), abs=1)
    assert measured.value * 144 == pytest.approx(len(inside), abs=2)


def test_network_on_a_street(
    shared_data: Path, street: list[Frame], people: dict[int, np.ndarray]
) -> None:
    model = shared_data.parent / "models" / "yolox_nano.onnx"
    if not model.is_file():
        pytest.skip(f"no network to measure with: {model} is not there")
    detector = CrowdDetector(model=model, person_px=72)
    errors, right, there = [], 0, 0
    for frame in street[20:]:
        measured = detector.measure(frame)
        truth = people[frame.index]
        right += hits(detector.boxes, truth)
        there += len(truth)
        errors.append(abs((measured.value or 0) - len(truth)))
        assert measured.details["lower_bound"]
    assert right / there > 0.85
    assert np.mean(errors) < 1.6


def test_straight_down_is_never_a_number(shared_data: Path) -> None:
    model = shared_data.parent / "models" / "yolox_nano.onnx"
    detectors = [CrowdDetector(), CrowdDetector(person_px=30)]
    detectors += [CrowdDetector(model=model)] if model.is_file() else []
    for detector in detectors:
        for frame in read_file(str(shared_data / "crowd" / "nadir")):
            measured = detector.measure(frame)
            assert measured.value is None, (detector.name, frame.name, measured)


@pytest.mark.parametrize("content", [None, b"", b"no network"])
def test_a_model_that_is_none(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "people.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DetectorError, match=r"people\.onnx"):
        CrowdDetector(model=path)


def test_truth_of_the_stills_is_there(shared_data: Path) -> None:
    assert json.loads((shared_data / "crowd" / "nadir" / "people.json").read_text())
