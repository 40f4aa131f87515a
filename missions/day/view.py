"""What is known at one moment of a simulated day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from missions.energy import Wind
from missions.geo import Floats
from missions.ground import Ground
from missions.picture import DroneNow
from missions.sortie import Sortie
from missions.trajectory import Trajectory


@dataclass(frozen=True)
class View:
    """One moment.

    Parameters
    ----------
    ground
        The city.
    now, now_s
        When: a date, and seconds from the begin of the run.
    fleet
        Every drone.
    age_s, owed_s
        For how long each cell has not been seen, and how often it is owed a visit, seconds.
    wind
        Mean wind.
    trajectories
        Where drones in the air will be, by drone, in seconds from now.
    flying
        Sorties under way.
    """

    ground: Ground
    now: datetime
    now_s: float
    fleet: tuple[DroneNow, ...]
    age_s: Floats
    owed_s: Floats
    wind: Wind
    trajectories: Mapping[str, Trajectory]
    flying: tuple[Sortie, ...]

    def overdue_s(self) -> dict[str, float]:
        """Return by how long each cell is overdue; less than 0 where it is not yet."""
        late = self.age_s - self.owed_s
        return {cell.id: float(s) for cell, s in zip(self.ground.cells, late, strict=True)}
