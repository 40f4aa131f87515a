"""What a planner is given of patrols, beside the orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from missions.geo import Floats
from missions.patrol.rolling import RollingPlan
from missions.picture import DroneNow
from missions.trajectory import Trajectory


@dataclass(frozen=True)
class PatrolWork:
    """What is known that patrols are planned by.

    Parameters
    ----------
    rolling
        The patrols ahead, as the plan before left them; they are changed.
    fleet
        Every drone now; where none is given, as offers and sorties under way have them.
    trajectories
        Where drones in the air will be, by drone, in seconds from now; None where that is not
        known: then patrols keep clear of others' ways whenever those are flown.
    owed_s
        How often each cell is owed a visit, seconds, shape (cells,); None: as its beat says.
    calls
        Share of calls by cell; None: as their area.
    ceiling
        Drones in the air at once, all together; None: as many as the city allows.
    reserve
        Drones that are kept in docks, ready to answer a call, all together.
    """

    rolling: RollingPlan
    fleet: Sequence[DroneNow] = ()
    trajectories: Mapping[str, Trajectory] | None = None
    owed_s: Floats | None = None
    calls: Floats | None = None
    ceiling: int | None = None
    reserve: int = 0
