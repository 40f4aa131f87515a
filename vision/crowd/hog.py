"""People by their outline: histograms of oriented gradients (Dalal and Triggs 2005), as in OpenCV."""

from __future__ import annotations

import cv2
import numpy as np

from vision.crowd.people import Boxes, none, suppress
from vision.frame import Image

PERSON_PX = 100.0
"""How tall a person is in the detector's window of 64 x 128."""
STEP = 1.1
"""Ratio of one size to the next."""
NMS = 0.4
MAX_PIXELS = 6_000_000
"""The picture is not made larger than this."""

# the window has a margin around the person
_LEFT, _TOP, _WIDTH, _HEIGHT = 0.17, 0.09, 0.66, 0.80


class HogDetector:
    """Finds upright people of known size."""

    def __init__(self) -> None:
        self._by_levels: dict[int, cv2.HOGDescriptor] = {}

    def _with(self, levels: int) -> cv2.HOGDescriptor:
        """Return the detector that searches this many sizes."""
        if levels not in self._by_levels:
            window, block, stride, cell = (64, 128), (16, 16), (8, 8), (8, 8)
            hog = cv2.HOGDescriptor(window, block, stride, cell, 9, 1, -1, 0, 0.2, False, levels)
            hog.setSVMDetector(np.array(cv2.HOGDescriptor.getDefaultPeopleDetector(), np.float32))
            self._by_levels[levels] = hog
        return self._by_levels[levels]

    def find(
        self,
        image: Image,
        smallest_px: float,
        largest_px: float,
        *,
        threshold: float = 0.0,
        box: tuple[int, int, int, int] | None = None,
    ) -> Boxes:
        """Return people between two heights.

        Parameters
        ----------
        image
            The picture.
        smallest_px, largest_px
            How tall the smallest and the tallest person look, pixels.
        threshold
            Distance from the plane of the support vector machine that is asked for.
        box
            Left, top, right, bottom of the part to search, all where not given.
        """
        left, top, right, bottom = box or (0, 0, image.shape[1], image.shape[0])
        part = image[top:bottom, left:right]
        if part.size == 0:
            return none()
        zoom = min(PERSON_PX / smallest_px, (MAX_PIXELS / (part.shape[0] * part.shape[1])) ** 0.5)
        large = cv2.resize(part, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_LINEAR)
        if large.shape[0] < 128 or large.shape[1] < 64:
            return none()
        ratio = max(1.0, largest_px * zoom / PERSON_PX)
        levels = int(np.ceil(np.log(ratio) / np.log(STEP))) + 1
        found, scores = self._with(levels).detectMultiScale(
            large,
            hitThreshold=threshold,
            winStride=(8, 8),
            padding=(16, 16),
            scale=STEP,
            groupThreshold=0,
        )
        if not len(found):
            return none()
        windows = np.asarray(found, float)
        boxes = np.column_stack(
            [
                (windows[:, 0] + _LEFT * windows[:, 2]) / zoom + left,
                (windows[:, 1] + _TOP * windows[:, 3]) / zoom + top,
                _WIDTH * windows[:, 2] / zoom,
                _HEIGHT * windows[:, 3] / zoom,
                np.ravel(scores),
            ]
        )
        return suppress(boxes, NMS)
