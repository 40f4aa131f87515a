"""What a plan of patrols is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from missions.energy import Wind
from missions.geo import Floats
from missions.ground import Ground
from missions.patrol.cover import Cover
from missions.picture import DroneNow
from missions.trajectory import Trajectory


@dataclass(frozen=True)
class Situation:
    """One moment.

    Parameters
    ----------
    now_s
        The time, seconds.
    fleet
        Every drone.
    age_s
        For how long each cell has not been seen; infinite where it never was.
    owed_s
        How often each cell is owed a visit; infinite where it is not.
    weight
        Factor by cell; 0 where nobody wants it.
    wind
        Mean wind.
    ceiling
        Drones in the air at once, all together.
    ready
        Drones that are kept in each dock, ready to answer a call.
    reserve
        Drones that are kept in docks, ready to answer a call, all together.
    calls
        Share of calls by cell; None: as their area.
    trajectories
        Where drones in the air will be, by drone, in seconds from now.
    """

    now_s: float
    fleet: Sequence[DroneNow]
    age_s: Floats
    owed_s: Floats
    weight: Floats
    wind: Wind
    ceiling: int
    ready: int = 1
    reserve: int = 0
    calls: Floats | None = None
    trajectories: Mapping[str, Trajectory] = field(default_factory=dict)

    def cover(self, ground: Ground) -> Cover:
        """Return how far drones reach in time."""
        areas = np.array([cell.area_m2 for cell in ground.cells])
        return Cover.of(ground, areas if self.calls is None else self.calls, self.wind)


@dataclass(frozen=True, slots=True)
class Planned:
    """A tour with its times, seconds on the situation's clock."""

    drone: str
    dock: str
    cells: tuple[int, ...]
    start_s: float
    end_s: float
