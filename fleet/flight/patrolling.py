"""What the planner is told of patrols: the fleet, where it will be, and what standing policy asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fleet.flight.ahead import Stop, trajectories
from missions.city import City
from missions.energy import Wind
from missions.gate import with_ends
from missions.geo import Floats
from missions.ground import ground_of
from missions.patrol.rolling import RollingPlan
from missions.patrol.work import PatrolWork
from missions.picture import DroneNow
from missions.trajectory import Trajectory


@dataclass(frozen=True, slots=True)
class PatrolNews:
    """One moment, as it is sent to the planner's process.

    Parameters
    ----------
    fleet
        Every drone.
    ways
        What each that flies has still to fly.
    owed_s, calls
        How often each cell is owed a visit, seconds, and its share of calls; in the order of the
        city's cells.
    ceiling
        Drones in the air at once.
    reserve
        Drones that stay in docks, ready to answer a call.
    """

    fleet: tuple[DroneNow, ...]
    ways: Mapping[str, Sequence[Stop]]
    owed_s: Floats
    calls: Floats
    ceiling: int
    reserve: int = 0

    def work(self, city: City, rolling: RollingPlan, wind: Wind) -> PatrolWork:
        """Return what the planner plans patrols by."""
        ground, timed = ground_of(city), self.trajectories(city, wind)
        fleet = with_ends(ground, self.fleet, timed, wind)
        return PatrolWork(
            rolling, fleet, timed, self.owed_s, self.calls, self.ceiling, self.reserve
        )

    def trajectories(self, city: City, wind: Wind) -> dict[str, Trajectory]:
        """Return where all that fly will be."""
        ground = ground_of(city)
        return trajectories(ground.frame, ground.drones, self.ways, wind)
