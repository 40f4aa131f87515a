"""People as boxes in a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]
"""Shape (n, 5): left, top, width, height in pixels, score. A box reaches from head to feet."""

WIDTH_OF_HEIGHT = 0.37
"""A walking person's box is this wide for its height."""


def none() -> Boxes:
    """Return no boxes."""
    return np.zeros((0, 5))


def joined(*parts: Boxes) -> Boxes:
    """Return all boxes of `parts`."""
    return np.vstack([none(), *parts])


def feet(boxes: Boxes) -> NDArray[np.float64]:
    """Return the pixels where people stand, shape (n, 2)."""
    return np.column_stack([boxes[:, 0] + boxes[:, 2] / 2, boxes[:, 1] + boxes[:, 3]])


def covered(box: NDArray[np.float64], boxes: Boxes) -> NDArray[np.float64]:
    """Return the part of one box that each of `boxes` covers."""
    width = np.minimum(box[0] + box[2], boxes[:, 0] + boxes[:, 2]) - np.maximum(box[0], boxes[:, 0])
    height = np.minimum(box[1] + box[3], boxes[:, 1] + boxes[:, 3]) - np.maximum(
        box[1], boxes[:, 1]
    )
    part: NDArray[np.float64] = (
        np.clip(width, 0, None) * np.clip(height, 0, None) / (box[2] * box[3])
    )
    return part


def overlaps(box: NDArray[np.float64], boxes: Boxes) -> NDArray[np.float64]:
    """Return the intersection over union of one box with each of `boxes`."""
    width = np.minimum(box[0] + box[2], boxes[:, 0] + boxes[:, 2]) - np.maximum(box[0], boxes[:, 0])
    height = np.minimum(box[1] + box[3], boxes[:, 1] + boxes[:, 3]) - np.maximum(
        box[1], boxes[:, 1]
    )
    shared = np.clip(width, 0, None) * np.clip(height, 0, None)
    union = box[2] * box[3] + boxes[:, 2] * boxes[:, 3] - shared
    result: NDArray[np.float64] = shared / np.maximum(union, 1e-9)
    return result


def suppress(boxes: Boxes, most: float = 0.45) -> Boxes:
    """Return the best of the boxes that overlap each other by more than `most` (IoU)."""
    left = boxes[np.argsort(-boxes[:, 4], kind="stable")]
    kept = []
    while len(left):
        kept.append(left[0])
        left = left[1:][overlaps(left[0], left[1:]) <= most]
    return np.array(kept).reshape(-1, 5)
