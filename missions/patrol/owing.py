"""What a visit of a cell is worth: how much of the time ahead it keeps the cell from being overdue."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from missions.geo import Floats
from missions.ground import Ground

HORIZON_S = 2700.0
"""A plan looks so far ahead: a sortie, and most of the charge after it."""
SCALE = 1000.0
"""Prize of a visit that keeps a cell from being overdue for the whole horizon. A visit takes some
100 s of flight, so that only what cannot be flown at all is left out."""
EARLY = 0.35
"""A cell that was seen a smaller part of its interval ago is not worth a visit."""
FRESH = 0.15
"""Prize of a visit that keeps no cell from being overdue, as part of the scale: where drones have
time left they fly to what is due next."""
LATE_WEIGHT = 0.25
"""How much more a cell counts for each interval that it is overdue already, so that a far cell is
not left out for ever; up to ``LATE_MOST`` intervals."""
LATE_MOST = 4.0

Prizes = npt.NDArray[np.int64]


def prizes(age_s: Floats, owed_s: Floats, weight: Floats | None = None) -> Prizes:
    """Return what a visit of each cell within the horizon is worth.

    Parameters
    ----------
    age_s
        For how long each cell has not been seen, seconds; infinite where it never was.
    owed_s
        How often it is owed a visit, seconds; infinite where it is not.
    weight
        Factor by cell, such as an order's priority gives.

    Returns
    -------
    ndarray of int64, shape (cells,)
        0 where no visit is wanted.
    """
    wanted = np.isfinite(owed_s)
    owed = np.where(wanted, owed_s, 1.0)
    age = np.minimum(age_s, owed * (1.0 + LATE_MOST))
    saved = np.clip((age + HORIZON_S - owed) / HORIZON_S, 0.0, 1.0)
    late = np.clip(age / owed - 1.0, 0.0, LATE_MOST)
    fresh = np.clip(age / owed - EARLY, 0.0, None)
    worth = saved + FRESH * np.minimum(fresh, 1.0) + LATE_WEIGHT * late
    worth = np.where(wanted & (age >= EARLY * owed), worth, 0.0)
    if weight is not None:
        worth = worth * weight
    return np.rint(SCALE * worth).astype(np.int64)


def owed_by_beat(ground: Ground) -> Floats:
    """Return how often each cell is owed a visit by its beat alone, seconds."""
    beats = {beat.id: beat.revisit_s for beat in ground.city.beats}
    return np.array([beats[cell.beat] for cell in ground.cells])
