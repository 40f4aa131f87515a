"""People by a network: YOLOX (Ge et al. 2021) or one with the same head, as ONNX through cv2.dnn.

The input is 1 x 3 x S x S, blue-green-red 0..255, the output 1 x N x (5 + classes) on grids of
strides 8, 16, 32; class 0 is a person. A picture in which people would be too small at the
network's input is cut into tiles.
"""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.crowd.people import Boxes, joined, none, suppress
from vision.errors import DetectorError
from vision.frame import Image

PERSON_PX = 30.0
"""People must be this tall at the network's input."""
MAX_TILES = 48
_OVERLAP = 0.15
_STRIDES = (8, 16, 32)


class NetworkDetector:
    """Finds people with a network.

    Parameters
    ----------
    model
        ONNX file.
    size
        Edge of the network's input, pixels.
    threshold
        Confidence that is asked for.

    Raises
    ------
    DetectorError
        If the file is not there or no such network.
    """

    def __init__(self, model: Path, *, size: int = 416, threshold: float = 0.3) -> None:
        if not model.is_file():
            raise DetectorError(f"model {model}: no such file")
        try:
            self._net = cv2.dnn.readNetFromONNX(str(model))
        except cv2.error as error:
            raise DetectorError(
                f"model {model}: is no network that can be read ({error.err})"
            ) from error
        self.size = size
        self.threshold = threshold
        self._grid, self._stride = _anchors(size)
        try:
            rows = self._run(np.full((size, size, 3), 114, np.uint8))
        except cv2.error as error:
            raise DetectorError(
                f"model {model}: does not take a {size} x {size} picture ({error.err})"
            ) from error
        if rows.ndim != 2 or rows.shape[0] != len(self._grid) or rows.shape[1] < 6:
            raise DetectorError(
                f"model {model}: output is {rows.shape}, ({len(self._grid)}, 5 + classes) is wanted"
            )

    def find(
        self, image: Image, person_px: float, box: tuple[int, int, int, int] | None = None
    ) -> Boxes:
        """Return people, `person_px` tall or so, in the part `box` of the picture."""
        left, top, right, bottom = box or (0, 0, image.shape[1], image.shape[0])
        part = image[top:bottom, left:right]
        if part.size == 0:
            return none()
        edge = self.tile_edge(part.shape[1], part.shape[0], person_px)
        found = [self._tile(part, x, y, edge) for x, y in tiles(part.shape[1], part.shape[0], edge)]
        boxes = joined(*found)
        boxes[:, 0] += left
        boxes[:, 1] += top
        return suppress(boxes, 0.5)

    def tile_edge(self, width: int, height: int, person_px: float) -> int:
        """Return the edge of the tiles in pixels of the picture; the whole picture where that will do."""
        whole = max(width, height)
        edge = min(whole, max(1, int(self.size * person_px / PERSON_PX)))
        while len(tiles(width, height, edge)) > MAX_TILES:
            edge = int(edge * 1.15) + 1
        return edge

    def _tile(self, image: Image, x: int, y: int, edge: int) -> Boxes:
        part = image[y : y + edge, x : x + edge]
        zoom = self.size / edge
        canvas = np.full((self.size, self.size, 3), 114, np.uint8)
        small = cv2.resize(
            part, (max(1, int(part.shape[1] * zoom)), max(1, int(part.shape[0] * zoom)))
        )
        canvas[: small.shape[0], : small.shape[1]] = small
        rows = self._run(canvas)
        score = rows[:, 4] * rows[:, 5]
        keep = score >= self.threshold
        centre = (rows[keep, :2] + self._grid[keep]) * self._stride[keep, None] / zoom
        sides = np.exp(rows[keep, 2:4]) * self._stride[keep, None] / zoom
        corner = centre - sides / 2 + [x, y]
        return suppress(np.column_stack([corner, sides, score[keep]]).astype(float), 0.5)

    def _run(self, canvas: Image) -> NDArray[np.float32]:
        self._net.setInput(cv2.dnn.blobFromImage(canvas, 1.0, (self.size, self.size)))
        output = np.asarray(self._net.forward(), np.float32)
        return output.reshape(output.shape[-2:]) if output.ndim >= 2 else output


def tiles(width: int, height: int, edge: int) -> list[tuple[int, int]]:
    """Return left and top of overlapping tiles of `edge` pixels that cover a picture."""

    def starts(length: int) -> list[int]:
        if length <= edge:
            return [0]
        count = math.ceil((length - edge) / (edge * (1 - _OVERLAP))) + 1
        return [round(i * (length - edge) / (count - 1)) for i in range(count)]

    return [(x, y) for y in starts(height) for x in starts(width)]


def _anchors(size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    grids, strides = [], []
    for stride in _STRIDES:
        cells = size // stride
        y, x = np.mgrid[:cells, :cells]
        grids.append(np.column_stack([x.ravel(), y.ravel()]))
        strides.append(np.full(cells * cells, stride))
    return np.vstack(grids).astype(np.float32), np.concatenate(strides).astype(np.float32)
