"""Ego-motion: brings the pictures of a hovering camera to the place of an anchor picture.

Corners are followed from picture to picture (Lucas-Kanade), and a homography through them is
multiplied up to the anchor. When too little of the anchor is left in view, or nothing can be
followed, a new anchor begins and whoever kept state in the old one has to begin again.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Matrix = NDArray[np.float64]

MIN_FOLLOWED = 12
STILL_PX = 0.3
MAX_SHIFT = 0.25
"""Part of the picture that may leave the anchor before a new one begins."""


@dataclass(frozen=True, slots=True)
class Steady:
    """Where a picture lies on the anchor.

    Attributes
    ----------
    to_anchor
        Pixel of the picture -> pixel of the anchor.
    restarted
        A new anchor began with this picture.
    moved
        Whether the camera moved since the anchor at all.
    """

    to_anchor: Matrix
    restarted: bool
    moved: bool


class Stabiliser:
    """Follows the camera's motion, picture by picture."""

    def __init__(self) -> None:
        self._last: Grey | None = None
        self._to_anchor: Matrix = np.eye(3)
        self._shrink = 1.0

    def update(self, grey: Grey) -> Steady:
        """Take the next picture, shape (height, width), and return where it lies."""
        self._shrink = min(1.0, 640 / max(grey.shape))
        small = np.asarray(
            cv2.resize(grey, None, fx=self._shrink, fy=self._shrink, interpolation=cv2.INTER_AREA),
            np.uint8,
        )
        if self._last is None or self._last.shape != small.shape:
            return self._restart(small)
        step = self._step(self._last, small)
        if step is None:
            return self._restart(small)
        self._last = small
        if np.abs(_corners(step, small.shape) - _corners(np.eye(3), small.shape)).max() > STILL_PX:
            self._to_anchor = self._to_anchor @ step
        scale = np.diag([self._shrink, self._shrink, 1.0])
        matrix = np.linalg.inv(scale) @ self._to_anchor @ scale
        shift = np.abs(
            _corners(self._to_anchor, small.shape) - _corners(np.eye(3), small.shape)
        ).max(axis=0)
        if shift[0] > MAX_SHIFT * small.shape[1] or shift[1] > MAX_SHIFT * small.shape[0]:
            return self._restart(small)
        return Steady(matrix / matrix[2, 2], False, bool(shift.max() > STILL_PX))

    def _restart(self, small: Grey) -> Steady:
        self._last = small
        self._to_anchor = np.eye(3)
        return Steady(np.eye(3), True, False)

    @staticmethod
    def _step(last: Grey, now: Grey) -> Matrix | None:
        """Return pixel of `now` -> pixel of `last`, ``None`` where it cannot be told."""
        corners = cv2.goodFeaturesToTrack(last, 300, 0.01, 10)
        if corners is None or len(corners) < MIN_FOLLOWED:
            return None
        moved, status, _ = cv2.calcOpticalFlowPyrLK(
            last, now, corners, None, winSize=(21, 21), maxLevel=4
        )  # type: ignore[call-overload]
        ok = status.ravel() == 1
        if ok.sum() < MIN_FOLLOWED:
            return None
        matrix, mask = cv2.findHomography(moved[ok], corners[ok], cv2.USAC_MAGSAC, 1.0)
        if matrix is None or mask.sum() < max(MIN_FOLLOWED, 0.3 * ok.sum()):
            return None
        return np.asarray(matrix, float)


def _corners(matrix: Matrix, shape: tuple[int, ...]) -> Matrix:
    h, w = shape[:2]
    corners = np.array([[0, 0, 1], [w, 0, 1], [w, h, 1], [0, h, 1]], float) @ matrix.T
    moved: Matrix = corners[:, :2] / corners[:, 2:]
    return moved
