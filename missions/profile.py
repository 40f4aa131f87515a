"""When in a day and a week calls come, by the kind of place.

Weights an hour of the clock on the wall, for a working day and for a Saturday or Sunday; each is
scaled so that a mean day of the week has 1 in all. The shapes are assumptions: police publish
totals, not hours. They follow what is told everywhere of calls for service: fewest before dawn, two
peaks with the way to work and back, most in the evening; later where a night market is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from missions.geo import Floats
from missions.places import ProfileName

WORKING_DAYS: Final = 5

_WEIGHTS: Mapping[ProfileName, tuple[str, str]] = {
    # by the hour from 0      from 6                   from 12                  from 18
    "streets": (
        " 26  18  13  10   9  11   18  32  44  48  49  48   45  42  45  48  51  56   62  68  72  66  54  39",
        " 36  26  18  13  10  10   15  24  36  44  48  49   48  46  47  49  52  56   64  71  76  72  62  49",
    ),
    "market": (
        " 75  48  24  10   5   5    7  10  12  14  16  20   24  22  21  23  29  45   80 115 135 135 120  95",
        "105  75  40  16   7   6    7  10  13  17  22  28   32  30  29  32  40  62  105 145 170 175 160 130",
    ),
    "school": (
        " 10   6   4   3   3   5   30  90  60  32  32  55   65  40  35  40  85  95   65  45  45  55  40  20",
        " 15   9   6   4   4   5    8  12  18  24  28  30   30  28  28  30  32  36   40  44  44  42  34  24",
    ),
    "commute": (
        " 12   8   6   6   8  16   40  85  90  55  45  46   48  44  44  48  65  95   90  60  46  38  28  18",
        " 16  10   8   7   9  14   24  34  44  50  54  54   52  50  52  56  62  68   64  54  46  40  32  22",
    ),
    "leisure": (
        " 16   9   6   5   6  12   24  28  30  34  38  38   34  34  38  44  52  62   76  84  82  68  46  28",
        " 26  16  10   7   7  14   32  44  60  76  88  90   84  86  94 104 110 112  116 120 116  98  70  44",
    ),
}
"""Per place: a working day, a day of the weekend."""


def _scaled(*days: str) -> Floats:
    """Return shares of a mean day's calls, as an array (weekend or not, hour)."""
    weights = np.array([day.split() for day in days], dtype=np.float64)
    working, weekend = weights.sum(axis=1)
    shares = weights * 7.0 / (WORKING_DAYS * working + (7 - WORKING_DAYS) * weekend)
    shares.setflags(write=False)
    return shares


PROFILES: Mapping[ProfileName, Floats] = {n: _scaled(*both) for n, both in _WEIGHTS.items()}
"""By name: (working day or weekend, hour of the day) -> share of a mean day's calls."""


def share_per_hour(name: ProfileName, weekday: int, hour: int) -> float:
    """Return the share of a mean day's calls that come within an hour.

    Parameters
    ----------
    name
        The kind of place.
    weekday
        0 for Monday to 6 for Sunday, by the clock on the wall.
    hour
        0 to 23.
    """
    return float(PROFILES[name][int(weekday >= WORKING_DAYS), hour])
