"""A city in parts that are each planned alone, so that a plan takes no longer than its parts do.

The docks are halved along the longer side of what they span until the cells nearest to them are
few enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from missions.geo import Floats
from missions.ground import Ground

MOST_CELLS = 600
"""In one part. PyVRP's time and memory grow with their square."""


@dataclass(frozen=True)
class Group:
    """Docks, and the cells that are nearest to one of them."""

    docks: frozenset[str]
    cells: npt.NDArray[np.int64]


def groups(ground: Ground, most_cells: int = MOST_CELLS) -> tuple[Group, ...]:
    """Return the parts of a city; together they hold every dock and every cell once."""
    names = list(ground.docks)
    places = np.array([ground.places[name] for name in names])
    away = np.array([ground.distances[name] for name in names])
    nearest = away.argmin(axis=0)
    parts = _halved(np.arange(len(names)), places, nearest, most_cells)
    return tuple(
        Group(
            frozenset(names[i] for i in part),
            np.flatnonzero(np.isin(nearest, part)).astype(np.int64),
        )
        for part in parts
    )


def _halved(
    docks: npt.NDArray[np.intp], places: Floats, nearest: npt.NDArray[np.intp], most: int
) -> list[npt.NDArray[np.intp]]:
    if len(docks) < 2 or int(np.isin(nearest, docks).sum()) <= most:
        return [docks]
    spans = np.ptp(places[docks], axis=0)
    order = docks[np.argsort(places[docks, int(spans.argmax())], kind="stable")]
    middle = len(order) // 2
    return [
        part
        for half in (order[:middle], order[middle:])
        for part in _halved(half, places, nearest, most)
    ]
