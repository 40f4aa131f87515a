"""What a visit of a cell is worth: how much of its interval has passed, by the root of the interval.

Visits in proportion to the root of the interval keep most cells seen where not all can be (the
square-root rule of polling: Boxma, Levy and Weststrate 1991, Performance Evaluation 13). Without
the root cells that are owed often take what would keep several others from being overdue; with the
whole interval they would get nothing while all drones are busy.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from missions.geo import Floats
from missions.ground import Ground

SCALE = 1000.0
"""Prize of a visit of a cell that is due just then, of a usual interval. A visit takes some 100 s
of flight, so that only what cannot be flown at all is left out."""
USUAL_S = 4 * 3600.0
"""A usual interval."""
EARLY = 0.35
"""A cell that was seen a smaller part of its interval ago is not worth a visit."""
LATE_WEIGHT = 0.25
"""How much more a cell counts for each interval that it is overdue already, so that a far cell is
not left out for ever; up to ``LATE_MOST`` intervals."""
LATE_MOST = 4.0

Prizes = npt.NDArray[np.int64]


def prizes(age_s: Floats, owed_s: Floats, weight: Floats | None = None) -> Prizes:
    """Return what a visit of each cell is worth now.

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
    owed = np.where(wanted, owed_s, USUAL_S)
    passed = np.minimum(age_s / owed, 1.0 + LATE_MOST)
    worth = np.minimum(passed, 1.0) * np.sqrt(owed / USUAL_S)
    worth += LATE_WEIGHT * np.clip(passed - 1.0, 0.0, None)
    worth = np.where(wanted & (passed >= EARLY), worth, 0.0)
    if weight is not None:
        worth = worth * weight
    return np.rint(SCALE * worth).astype(np.int64)


def owed_by_beat(ground: Ground) -> Floats:
    """Return how often each cell is owed a visit by its beat alone, seconds."""
    beats = {beat.id: beat.revisit_s for beat in ground.city.beats}
    return np.array([beats[cell.beat] for cell in ground.cells])
