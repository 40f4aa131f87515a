"""People by their motion: what differs from a background that is learnt, in steadied pictures.

Background: mixture of Gaussians (Zivkovic 2004, OpenCV's MOG2), kept on the anchor of
`vision.steady`. A blob that is larger than a person is cut into as many people as its area says.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.crowd.people import WIDTH_OF_HEIGHT, Boxes, none, suppress
from vision.crowd.size import Size
from vision.frame import Image
from vision.steady import Stabiliser

Mask = NDArray[np.uint8]

WARM_UP = 20
"""Pictures before the background is believed."""
FILL = 0.55
"""Part of a person's box that moves."""
LEAST_AREA, LEAST_HEIGHT = 0.8, 0.75
"""Parts of a person that a blob must have at least."""
_WIDTH = 640


class MotionDetector:
    """Finds people who move against a background."""

    def __init__(self) -> None:
        self._steady = Stabiliser()
        self._mog = self._fresh()
        self._pictures = 0

    @property
    def ready(self) -> bool:
        """Whether the background is believed."""
        return self._pictures > WARM_UP

    def moving(self, image: Image) -> Mask | None:
        """Take the next picture and return what moves in it, 0 or 255; ``None`` while warming up."""
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
        steady = self._steady.update(grey)
        if steady.restarted:
            self._mog = self._fresh()
            self._pictures = 0
        self._pictures += 1
        zoom = min(1.0, _WIDTH / image.shape[1])
        scale = np.diag([zoom, zoom, 1.0])
        size = (round(image.shape[1] * zoom), round(image.shape[0] * zoom))
        to_anchor = scale @ steady.to_anchor
        still = cv2.warpPerspective(
            image,
            to_anchor,
            size,
            flags=cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        mask = self._mog.apply(cv2.GaussianBlur(still, (3, 3), 0))
        if not self.ready:
            return None
        mask = np.where(mask == 255, 255, 0).astype(np.uint8)  # 127 is shadow
        mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 3), np.uint8))
        back = cv2.warpPerspective(
            mask,
            np.linalg.inv(to_anchor),
            (image.shape[1], image.shape[0]),
            flags=cv2.INTER_NEAREST,
        )
        moving: Mask = np.asarray(back, np.uint8)
        # everything "moves" where the light changed or the camera jumped: then nothing is told
        return moving if (moving > 0).mean() < 0.6 else None

    @staticmethod
    def _fresh() -> cv2.BackgroundSubtractorMOG2:
        return cv2.createBackgroundSubtractorMOG2(history=300, varThreshold=20, detectShadows=True)


def people_in(moving: Mask, size: Size) -> Boxes:
    """Return people that the blobs of `moving` can be, by their size."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(moving, connectivity=8)
    if count <= 1:
        return none()
    feet = np.column_stack([stats[1:, 0] + stats[1:, 2] / 2, stats[1:, 1] + stats[1:, 3]]).astype(
        float
    )
    tall = size.heights(feet)
    found: list[Boxes] = []
    for index, height in enumerate(tall, start=1):
        if not np.isfinite(height):
            continue
        x, y, w, h, area = (int(v) for v in stats[index])
        person = FILL * WIDTH_OF_HEIGHT * height * height
        if area < LEAST_AREA * person or h < LEAST_HEIGHT * height:
            continue
        fits = h < 1.5 * height and w < 1.7 * WIDTH_OF_HEIGHT * height
        people = 1 if fits else max(1, round(area / person))
        if people > 200:
            continue
        if people == 1:
            wide = max(w, WIDTH_OF_HEIGHT * height * 0.8)
            found.append(np.array([[x + w / 2 - wide / 2, y, wide, max(h, 0.8 * height), 0.5]]))
        else:
            found.append(_cut(labels[y : y + h, x : x + w] == index, (x, y), people, size))
    return suppress(np.vstack([none(), *found]), 0.5)


def _cut(blob: NDArray[np.bool_], corner: tuple[int, int], people: int, size: Size) -> Boxes:
    """Return `people` boxes that share the pixels of `blob`."""
    rows, columns = np.nonzero(blob)
    if len(rows) > 4000:
        keep = np.linspace(0, len(rows) - 1, 4000).astype(int)
        rows, columns = rows[keep], columns[keep]
    # distances are told in person widths and heights
    points = np.column_stack([columns / WIDTH_OF_HEIGHT, rows]).astype(np.float32)
    cv2.setRNGSeed(1)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 0.5)
    _, _, centres = cv2.kmeans(points, people, None, criteria, 1, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]
    middle = np.column_stack(
        [centres[:, 0] * WIDTH_OF_HEIGHT + corner[0], centres[:, 1] + corner[1]]
    )
    tall = size.heights(middle)
    tall = size.heights(
        middle + np.column_stack([np.zeros(people), np.nan_to_num(tall, nan=1.0) / 2])
    )
    tall = np.nan_to_num(tall, nan=1.0)
    wide = WIDTH_OF_HEIGHT * tall
    return np.column_stack(
        [middle[:, 0] - wide / 2, middle[:, 1] - tall / 2, wide, tall, np.full(people, 0.4)]
    )
