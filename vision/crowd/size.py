"""How tall people look in a picture: from the pose, or learnt from people who were surely found."""

from __future__ import annotations

from collections import deque
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vision.crowd.people import Boxes, feet

Array = NDArray[np.float64]


class Size(Protocol):
    """Tells how tall a person looks."""

    def heights(self, feet: Array) -> Array:
        """Return heights in pixels of people who stand at the pixels `feet`, shape (n, 2) -> (n,)."""


class LearntSize:
    """A straight line of height over row, through people who were found.

    On flat ground, seen without roll, the height of a person in pixels grows linearly with the
    row of the feet (Hoiem et al. 2008). Until enough were found a first guess holds everywhere.

    Parameters
    ----------
    guess_px
        Height before anyone was found.
    """

    ENOUGH = 40

    def __init__(self, guess_px: float) -> None:
        self.guess_px = guess_px
        self._seen: deque[tuple[float, float]] = deque(maxlen=400)
        self._line: tuple[float, float] | None = None

    @property
    def known(self) -> bool:
        """Whether it was learnt."""
        return self._line is not None

    @property
    def range_px(self) -> tuple[float, float]:
        """Heights in pixels between which people are to be looked for."""
        if self._line is None:
            return 0.7 * self.guess_px, 1.6 * self.guess_px
        low, high = np.percentile([height for _, height in self._seen], [2, 98])
        return 0.85 * float(low), 1.15 * float(high)

    def learn(self, boxes: Boxes) -> None:
        """Take people who were surely found."""
        if not len(boxes):
            return
        self._seen.extend(zip(feet(boxes)[:, 1], boxes[:, 3], strict=True))
        if len(self._seen) < self.ENOUGH:
            return
        rows, heights = np.array(self._seen).T
        keep = np.ones(len(rows), bool)
        for _ in range(3):  # drop outliers and fit again
            if np.ptp(rows[keep]) > 60:
                slope, base = np.polyfit(rows[keep], heights[keep], 1)
            else:
                slope, base = 0.0, float(np.median(heights[keep]))
            off = np.abs(heights - (slope * rows + base))
            keep = off <= 2.5 * max(1.4826 * float(np.median(off)), 2.0)
        self._line = (
            float(max(slope, 0.0)),
            float(base if slope > 0 else np.median(heights[keep])),
        )

    def heights(self, feet: Array) -> Array:
        """Return the line's height at each row, at least half the guess."""
        rows = np.asarray(feet, float).reshape(-1, 2)[:, 1]
        if self._line is None:
            return np.full(len(rows), self.guess_px)
        slope, base = self._line
        return np.clip(slope * rows + base, 0.4 * self.guess_px, 4 * self.guess_px)
