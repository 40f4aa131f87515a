"""Ego-motion of a hovering camera."""

from __future__ import annotations

import cv2
import numpy as np

from vision.steady import Stabiliser


def ground() -> np.ndarray:
    rng = np.random.default_rng(1)
    return cv2.GaussianBlur(rng.integers(0, 256, (700, 900), dtype=np.uint8), (0, 0), 3)


def seen(shift: tuple[float, float], angle: float) -> tuple[np.ndarray, np.ndarray]:
    """A picture of the ground, and pixel of the picture -> ground."""
    matrix = np.vstack([cv2.getRotationMatrix2D((450, 350), angle, 1.0), [0, 0, 1]])
    matrix[:2, 2] += shift
    matrix = np.array([[1, 0, -130], [0, 1, -110], [0, 0, 1.0]]) @ matrix
    return cv2.warpPerspective(ground(), matrix, (640, 480)), np.linalg.inv(matrix)


def test_a_thing_on_the_ground_stays_where_it_is() -> None:
    stabiliser = Stabiliser()
    first = seen((0, 0), 0)[1]
    for i in range(30):
        image, to_ground = seen((8 * np.sin(i / 4), 6 * np.cos(i / 5) - 6), 1.5 * np.sin(i / 6))
        steady = stabiliser.update(image)
        assert steady.restarted == (i == 0)
    corner = np.array([320.0, 240.0, 1.0])
    spot = np.linalg.inv(first) @ to_ground @ corner
    found = steady.to_anchor @ corner
    assert np.linalg.norm(found[:2] / found[2] - spot[:2] / spot[2]) < 1.5
    assert steady.moved


def test_a_camera_that_stands_does_not_drift() -> None:
    stabiliser = Stabiliser()
    rng = np.random.default_rng(2)
    image = seen((0, 0), 0)[0]
    for _ in range(20):
        noisy = np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8)
        steady = stabiliser.update(noisy)
    assert not steady.moved


def test_a_cut_begins_anew() -> None:
    stabiliser = Stabiliser()
    stabiliser.update(seen((0, 0), 0)[0])
    assert stabiliser.update(np.zeros((480, 640), np.uint8)).restarted


def test_a_camera_that_goes_away_begins_anew() -> None:
    stabiliser = Stabiliser()
    restarts = [stabiliser.update(seen((-6.0 * i, 0), 0)[0]).restarted for i in range(40)]
    assert sum(restarts) >= 2
