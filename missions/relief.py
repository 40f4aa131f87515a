"""Hand-over on station: when a relief must leave, and where it waits beside the one it relieves.

The relief stands to the side of the place and off its height until the other has left, and only
then takes the place itself. So the site is looked at all the while, and the two keep apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from missions.airspace import APART_M
from missions.errors import PlanError
from missions.tracks import Metres

ASIDE_M = APART_M + 5.0
"""To the side of the place; the 5 m are for the turn."""
OFF_M = 15.0
"""Off the height of the stare, on top of that."""
ASIDE_S = 60.0
"""The relief stays aside for so long: by then the other is told, and gone."""
DOCK_S = 75.0
"""From the plan to the air: checks, door, mission."""
SPARE_S = 30.0
"""The relief is there so long before the other must leave."""
SLACK_S = 15.0
"""The planner may be asked so much later than it should be."""
EARLY_S = ASIDE_S + SPARE_S + SLACK_S
"""Who is relieved goes home so much sooner than its battery makes it."""


@dataclass(frozen=True, slots=True)
class Station:
    """A drone that stares at a site, by its sortie, and when its energy makes it leave."""

    sortie: str
    leaves_at: datetime


def must_go(station: Station, now: datetime, way_s: float) -> bool:
    """Whether a relief that flies ``way_s`` seconds must leave its dock now."""
    left_s = (station.leaves_at - now).total_seconds()
    return left_s <= DOCK_S + way_s + SPARE_S + SLACK_S


def beside(place: Metres, leaves_for: Metres, comes_from: Metres) -> Metres:
    """Return where the relief waits: square to the way on which the other leaves.

    On the side that is nearer to where the relief comes from. Metres in one frame.
    """
    east, north = leaves_for[0] - place[0], leaves_for[1] - place[1]
    away = math.hypot(east, north)
    if away < 1.0:  # leaves straight up
        east, north, away = 1.0, 0.0, 1.0
    sides = [
        (place[0] + side * ASIDE_M * -north / away, place[1] + side * ASIDE_M * east / away)
        for side in (1.0, -1.0)
    ]
    return min(sides, key=lambda side: math.dist(side, comes_from))


def off_height(stare_m: float, transit_m: float, lowest_m: float) -> float:
    """Return the height at which the relief waits: above the stare, or below where that is none.

    Raises
    ------
    PlanError
        If neither is: who comes at another transit altitude may find one.
    """
    above, below = stare_m + OFF_M, stare_m - OFF_M
    if above <= transit_m:
        return above
    if below >= lowest_m:
        return below
    raise PlanError(
        f"a relief that comes at {transit_m:g} m has no height to wait at, {OFF_M:g} m above or "
        f"below a stare at {stare_m:g} m and not lower than {lowest_m:g} m",
        "altitude",
    )
