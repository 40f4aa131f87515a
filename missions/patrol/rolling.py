"""The plan that rolls on: tours ahead, made anew as things change, changed only where that gains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from missions.geo import Floats
from missions.ground import Ground
from missions.patrol.cells import mean_speed, service_s, turn_s, usual_drone
from missions.patrol.launch import Launch
from missions.patrol.owing import prizes
from missions.patrol.problem import Patrol, Problem, Tour, improve
from missions.patrol.ready import able, answers_s, leaves, usable_s
from missions.patrol.situation import Planned, Situation
from missions.patrol.split import groups
from missions.picture import Doing, DroneNow

HORIZON_S = 2700.0
"""A plan looks so far ahead: a sortie, and most of the charge after it."""
EACH_S = 240.0
"""The plan is made anew at least so often."""
SOON_S = 45.0
"""And at most so often, but where the orders change."""
SHORTEST_S = 120.0
"""A drone whose battery gives less is not planned."""
ITERATIONS = 3000


@dataclass
class RollingPlan:
    """Patrols ahead.

    Parameters
    ----------
    ground
        The city.
    iterations
        Of PyVRP, for each part of the city.
    seed
        The same seed and questions give the same plans.
    """

    ground: Ground
    iterations: int = ITERATIONS
    seed: int = 0
    tours: dict[str, Planned] = field(default_factory=dict)
    made_s: float = -1e18
    cost: int = 0
    _known: frozenset[tuple[str, str]] = frozenset()
    _wanted: bytes = b""

    def refresh(self, now: Situation) -> bool:
        """Make the plan anew where it is old, or something has changed; return whether it was."""
        known = frozenset((d.id, d.dock if d.doing is Doing.DOCKED else "") for d in now.fleet)
        wanted = now.weight.tobytes()
        age = now.now_s - self.made_s
        if wanted == self._wanted and (age < SOON_S or (age < EACH_S and known == self._known)):
            return False
        self._known, self._wanted = known, wanted
        self.make(now)
        return True

    def make(self, now: Situation) -> None:
        """Make the plan anew."""
        whole = self.problem(now)
        before = {name: tour.cells for name, tour in self.tours.items()}
        docks = list(self.ground.docks)
        self.tours, self.made_s, self.cost = {}, now.now_s, 0
        for number, part in enumerate(groups(self.ground)):
            mine = [p for p in whole.patrols if docks[p.dock] in part.docks]
            problem = whole.part(mine, part.cells)
            solved = improve(problem, before, self.iterations, self.seed + number)
            self.cost += solved.cost
            for tour in solved.tours:
                self.tours[tour.drone] = self._planned(tour, now, mine)

    def _planned(self, tour: Tour, now: Situation, patrols: Sequence[Patrol]) -> Planned:
        dock = next(p.dock for p in patrols if p.drone == tour.drone)
        start, end = now.now_s + tour.start_s, now.now_s + tour.end_s
        return Planned(tour.drone, list(self.ground.docks)[dock], tour.cells, start, end)

    def closed(self, now: Situation) -> list[int]:
        """Return the cells that are wanted and cannot be flown: closed ground leaves too little.

        Raises
        ------
        PlanError
            If the wind lets nobody fly.
        """
        return np.flatnonzero((now.weight > 0) & ~np.isfinite(self._service(now))).tolist()

    def unready(self, now: Situation) -> str | None:
        """Return why no drone that stands in a dock is to leave by itself; None where one is."""
        standing = [d for d in now.fleet if able(d) and d.doing is Doing.DOCKED]
        charged = sum(answers_s(self.ground, d) <= 0.0 for d in standing)
        if 0 < charged <= now.reserve:
            return f"{charged} charged drones stand in docks; the shift keeps {now.reserve} ready"
        if not standing or any(p.ready_s == 0 for p in self._patrols(now)):
            return None
        best = max(standing, key=lambda d: (d.battery_percent, d.id))
        ready_s, percent = leaves(self.ground, best)
        if ready_s > 0:
            return (
                f"{best.id}: {best.battery_percent:g} % of battery; a patrol leaves with "
                f"{percent:g} %, in {ready_s / 60:.0f} min"
            )
        return f"{best.id} stays in its dock to answer calls"

    def problem(self, now: Situation) -> Problem:
        """Return the whole city as one problem, however large."""
        ground, service = self.ground, self._service(now)
        speed = mean_speed(usual_drone(ground), now.wind)
        worth = self._worth(now)
        worth[~np.isfinite(service)] = 0
        wanted = np.flatnonzero(worth > 0)
        return Problem(
            docks=[ground.places[dock] for dock in ground.docks],
            cells=wanted,
            middles=np.array([ground.cells[c].center for c in wanted]).reshape(-1, 2),
            service_s=np.rint(service[wanted]).astype(np.int64),
            prizes=worth[wanted],
            patrols=self._patrols(now),
            speed_m_s=speed,
            turn_s=turn_s(speed),
        )

    def _service(self, now: Situation) -> Floats:
        """Return what flying each cell takes, seconds; infinite where it cannot be flown."""
        drone = usual_drone(self.ground)
        speed = mean_speed(drone, now.wind)
        return service_s(self.ground, drone.camera.hfov_deg, patrol_m(self.ground), speed)

    def _worth(self, now: Situation) -> npt.NDArray[np.int64]:
        """Return what a visit of each cell is worth that nobody flies to."""
        worth = prizes(now.age_s, now.owed_s, now.weight)
        coming = {cell for d in now.fleet for cell in d.left}
        worth[[self.ground.index[cell] for cell in coming if cell in self.ground.index]] = 0
        return worth

    def spare(self, now: Situation) -> Floats:
        """Return what a visit of each cell is worth that is in no tour and that nobody flies to."""
        worth = self._worth(now).astype(np.float64)
        worth[[cell for tour in self.tours.values() for cell in tour.cells]] = 0.0
        return worth

    def _patrols(self, now: Situation) -> list[Patrol]:
        """Return who can leave within the horizon, and when."""
        docks, ground, found = list(self.ground.docks), self.ground, []
        for drone in sorted(now.fleet, key=lambda d: d.id):
            if not able(drone):
                continue
            ready_s, percent = leaves(ground, drone)
            ready_s = max(ready_s, self._relieved_s(drone, now))
            usable = usable_s(ground, drone.id, percent, patrol_m(ground), now.wind)
            if ready_s <= HORIZON_S and usable >= SHORTEST_S:
                found.append(Patrol(drone.id, docks.index(drone.dock), int(ready_s), int(usable)))
        return found

    def _relieved_s(self, drone: DroneNow, now: Situation) -> float:
        """Return in how long as many of its dock as are kept ready can answer calls without it."""
        mates = (d for d in now.fleet if d.id != drone.id and d.dock == drone.dock and able(d))
        waits = sorted(answers_s(self.ground, mate) for mate in mates)[: now.ready]
        return waits[-1] if waits else 0.0

    def due(self, now: Situation) -> list[Planned]:
        """Return the tours that leave now, the most wanted first."""
        service, worth = self._service(now), self._worth(now).astype(np.float64)
        planned = {name: tour.cells for name, tour in self.tours.items()}
        due = Launch(self.ground, now, patrol_m(self.ground), service, worth, planned).due()
        self.tours.update((tour.drone, tour) for tour in due)
        return due


def patrol_m(ground: Ground) -> float:
    """Return the layer at which patrols are planned."""
    wanted = ground.city.limits.patrol_m
    if wanted is None:
        return ground.layers[len(ground.layers) // 2]
    return min(ground.layers, key=lambda layer: abs(layer - wanted))
