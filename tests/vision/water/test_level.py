"""The level on a real gauge, by day and by night, from a mast and from a hovering camera."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from vision.frame import Frame
from vision.source import read_file
from vision.water.level import WaterDetector
from vision.water.station import Station

NOW = datetime(2026, 5, 31, tzinfo=UTC)
REFERENCES = [f"NRmarshDN-12-05-31-{time}.jpg" for time in ("18-00", "20-00", "21-30", "23-15")]


def frame(image: np.ndarray) -> Frame:
    return Frame(image, NOW, 0)


def hovering(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture as a hovering camera would send it."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(
        (width / 2, height / 2), rng.uniform(-3, 3), rng.uniform(0.93, 1)
    )
    matrix[:, 2] += rng.uniform(-30, 30, 2)
    moved = cv2.warpAffine(image, matrix, (width, height))
    blurred = cv2.GaussianBlur(moved, (0, 0), rng.uniform(0.3, 1.5))
    noisy = np.clip(blurred + rng.normal(0, rng.uniform(1, 6), blurred.shape), 0, 255).astype(
        np.uint8
    )
    ok, jpeg = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 70])
    assert ok
    return cv2.imdecode(jpeg, cv2.IMREAD_COLOR)


def test_fixed_gauge_dusk_to_night(
    gauge: Path, gauge_truth: dict[str, float], gauge_station: Callable[..., Station]
) -> None:
    detector = WaterDetector(gauge_station(REFERENCES[:1], fixed=True))
    errors = []
    for one in read_file(str(gauge)):
        measured = detector.measure(one)
        assert measured.value is not None, f"{one.name}: {measured.reason}"
        errors.append(abs(measured.value - gauge_truth[one.name]))
    assert len(errors) == 24
    assert np.mean(errors) < 0.002
    assert max(errors) < 0.005


def test_hovering_camera(
    gauge: Path, gauge_truth: dict[str, float], gauge_station: Callable[..., Station]
) -> None:
    detector = WaterDetector(gauge_station(REFERENCES, fixed=False))
    rng = np.random.default_rng(7)
    errors, rejected = [], 0
    for one in read_file(str(gauge)):
        if one.name in REFERENCES or one.index % 2:
            continue
        measured = detector.measure(frame(hovering(one.image, rng)))
        if measured.value is None:
            rejected += 1
        else:
            errors.append(abs(measured.value - gauge_truth[one.name]))
    assert rejected <= 1
    assert np.mean(errors) < 0.006
    assert max(errors) < 0.025


def test_nothing_is_read_where_the_gauge_is_not(
    gauge: Path, shared_data: Path, gauge_station: Callable[..., Station]
) -> None:
    picture = cv2.imread(str(gauge / REFERENCES[0]))
    street = cv2.imread(str(next((shared_data / "crowd" / "aerial").glob("*.jpg"))))
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, picture.shape, dtype=np.uint8)
    for fixed in (False, True):
        detector = WaterDetector(gauge_station(REFERENCES, fixed=fixed))
        for image in (
            cv2.resize(street, (800, 600)),
            noise,
            np.zeros_like(picture),
            np.full_like(picture, 255),
        ):
            measured = detector.measure(frame(image))
            assert measured.value is None
            assert measured.reason


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda image: cv2.GaussianBlur(image, (0, 0), 25), "face"),
        (lambda image: image[::-1].copy(), "face"),
        (lambda image: cv2.warpAffine(image, np.float32([[1, 0, 560], [0, 1, 0]]), (800, 600)), ""),
    ],
)
def test_unusable_views_are_refused_with_the_reason(
    gauge: Path,
    gauge_station: Callable[..., Station],
    spoil: Callable[[np.ndarray], np.ndarray],
    said: str,
) -> None:
    detector = WaterDetector(gauge_station(REFERENCES[:1], fixed=False))
    measured = detector.measure(frame(spoil(cv2.imread(str(gauge / REFERENCES[0])))))
    assert measured.value is None
    assert said in measured.reason


def test_a_fixed_camera_that_was_turned_is_noticed(
    gauge: Path, gauge_station: Callable[..., Station]
) -> None:
    detector = WaterDetector(gauge_station(REFERENCES[:1], fixed=True))
    image = cv2.warpAffine(
        cv2.imread(str(gauge / REFERENCES[1])), np.float32([[1, 0, 90], [0, 1, 60]]), (800, 600)
    )
    assert "likeness" in detector.measure(frame(image)).reason


def test_a_fixed_camera_of_another_size_is_refused(
    gauge: Path, gauge_station: Callable[..., Station]
) -> None:
    detector = WaterDetector(gauge_station(REFERENCES[:1], fixed=True))
    image = cv2.resize(cv2.imread(str(gauge / REFERENCES[0])), (640, 480))
    assert "640x480" in detector.measure(frame(image)).reason


def test_a_half_covered_board_is_no_wrong_number(
    gauge: Path, gauge_truth: dict[str, float], gauge_station: Callable[..., Station]
) -> None:
    detector = WaterDetector(gauge_station(REFERENCES[:1], fixed=True))
    image = cv2.imread(str(gauge / REFERENCES[1]))
    image[:, 430:640] = 90  # a boat in front
    measured = detector.measure(frame(image))
    if measured.value is not None:
        assert measured.value == pytest.approx(gauge_truth[REFERENCES[1]], abs=0.01)


def test_overlay_draws_the_line_where_the_level_is(
    gauge: Path, gauge_station: Callable[..., Station]
) -> None:
    detector = WaterDetector(gauge_station(REFERENCES[:1], fixed=True))
    one = frame(cv2.imread(str(gauge / REFERENCES[0])))
    detector.measure(one)
    drawn = detector.overlay(one)
    changed = np.abs(drawn.astype(int) - one.image).sum(axis=2)[200:350, 400:700] > 60
    rows = np.flatnonzero(changed.mean(axis=1) > 0.5) + 200
    assert rows.min() >= 271
    assert rows.max() <= 277
