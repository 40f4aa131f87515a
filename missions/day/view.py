"""What is known at one moment of a simulated day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from missions.airspace import Tube
from missions.build import Ground
from missions.energy import Wind
from missions.geo import Floats
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
    tubes, trajectories
        Where drones in the air are and will be, by drone: without time, and in seconds from now.
    flying
        Sorties under way.
    seen
        When each cell was seen last, seconds from the begin.
    start
        Begin of the run.
    """

    ground: Ground
    now: datetime
    now_s: float
    fleet: tuple[DroneNow, ...]
    age_s: Floats
    owed_s: Floats
    wind: Wind
    tubes: Mapping[str, Tube]
    trajectories: Mapping[str, Trajectory]
    flying: tuple[Sortie, ...]
    seen: Floats
    start: datetime

    def visits(self) -> dict[str, datetime]:
        """Return when each cell was seen last, by its id."""
        return {
            cell.id: self.start + timedelta(seconds=float(at))
            for cell, at in zip(self.ground.cells, self.seen, strict=True)
        }

    def overdue_s(self) -> dict[str, float]:
        """Return by how long each cell is overdue; less than 0 where it is not yet."""
        late = self.age_s - self.owed_s
        return {cell.id: float(s) for cell, s in zip(self.ground.cells, late, strict=True)}
