"""How many people there are when some hide others.

Seen from the side, people in a crowd cover each other, and the more so the denser they stand: a
detector that finds everyone it can see counts too few. People who stand at random are a Boolean
model (Matheron 1975): where ``n`` of them would each cover the share ``a`` of a piece of the
picture, the share ``c = 1 - exp(-n a)`` of it is covered. So the number is had back from the
covered share, piece by piece, as ``n = -ln(1 - c) / a``. A piece is about two people wide; people
who stand in closer groups than that hide more, so the figure stays a low one.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.crowd.ground import Sight
from vision.crowd.people import WIDTH_OF_HEIGHT, Boxes, feet

Array = NDArray[np.float64]

CELL_PX = 2
"""Edge of the cells that the picture is counted in."""
PIECE = 0.5
"""Radius (sigma) of a piece in person heights."""
MOST_COVERED = 0.93
"""A piece that is covered more than this says no more about the number."""


def corrected_density(sight: Sight, boxes: Boxes) -> float:
    """Return people per square metre of the seen zone, with those that others hide.

    Parameters
    ----------
    sight
        The zone as the picture shows it.
    boxes
        People found whose feet are in it.
    """
    area = float(sight.seen.area)
    if len(boxes) < 2:
        return len(boxes) / area
    # every box as wide and tall as a person looks there: that is what the model covers too
    edges = _people_at(sight, feet(boxes))
    shown = (_covered(sight, edges) > 0).astype(np.float32)
    tall = (sight.nearest_px + sight.farthest_px) / 2
    share = cv2.GaussianBlur(shown, (0, 0), PIECE * tall / CELL_PX, borderType=cv2.BORDER_CONSTANT)
    share = np.clip(share, 0, MOST_COVERED)
    rows = np.flatnonzero(share.max(axis=1) > 1e-4)
    middle = np.column_stack(
        [np.full(len(rows), sight.view.camera.width / 2), CELL_PX * rows + tall / 2]
    )
    heights = sight.heights(middle.astype(float))
    person = WIDTH_OF_HEIGHT * heights**2 / CELL_PX**2  # cells that one person covers
    per_row = -np.log1p(-share[rows].astype(float)).sum(axis=1) / person
    return max(len(boxes), float(np.nansum(per_row))) / area


def _people_at(sight: Sight, feet: Array) -> Array:
    """Return left, top, right, bottom of people who stand at these pixels."""
    tall = np.nan_to_num(sight.heights(feet), nan=0.0)
    half = WIDTH_OF_HEIGHT * tall / 2
    return np.column_stack([feet[:, 0] - half, feet[:, 1] - tall, feet[:, 0] + half, feet[:, 1]])


def _covered(sight: Sight, edges: Array) -> Array:
    """Return how many of the boxes cover each cell of the picture."""
    columns, rows = sight.view.camera.width // CELL_PX + 2, sight.view.camera.height // CELL_PX + 2
    cells = np.rint(edges / CELL_PX).astype(int)
    left, right = (np.clip(cells[:, i], 0, columns - 1) for i in (0, 2))
    top, bottom = (np.clip(cells[:, i], 0, rows - 1) for i in (1, 3))
    change = np.zeros((rows, columns))
    np.add.at(change, (top, left), 1)
    np.add.at(change, (bottom, right), 1)
    np.add.at(change, (top, right), -1)
    np.add.at(change, (bottom, left), -1)
    covered: Array = change.cumsum(axis=0).cumsum(axis=1)
    return covered
