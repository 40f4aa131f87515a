"""Patrols as a prize-collecting vehicle routing problem with many depots, solved by PyVRP.

Clients are cells, each with the time that flying it takes and the prize of a visit; vehicles are
drones, each with when it can leave, where it stands, and for how long its battery lasts. Durations
are whole seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from pyvrp import (
    Client,
    Depot,
    IteratedLocalSearchParams,
    Location,
    ProblemData,
    Route,
    Solution,
    SolveParams,
    VehicleType,
    solve,
)
from pyvrp.search import NeighbourhoodParams
from pyvrp.stop import MaxIterations, StoppingCriterion

from missions.tracks import Metres

Seconds = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Patrol:
    """A drone that can fly a patrol.

    Parameters
    ----------
    drone
        The drone.
    dock
        Index of the dock that it leaves and comes back to.
    ready_s
        When it can leave at the earliest, seconds from the plan's time.
    usable_s
        For how long it can fly between take-off and landing, seconds.
    """

    drone: str
    dock: int
    ready_s: int
    usable_s: int


@dataclass(frozen=True, slots=True)
class Tour:
    """Cells that a drone flies over in one sortie, in order, and when it leaves.

    ``start_s`` and ``end_s`` are seconds from the plan's time.
    """

    drone: str
    cells: tuple[int, ...]
    start_s: int
    end_s: int


@dataclass(frozen=True)
class Problem:
    """One problem.

    Parameters
    ----------
    docks
        Their places, metres.
    cells
        Cells that a visit is worth something of: index in the city.
    middles
        Their middles, metres, shape (n, 2).
    service_s
        What flying each takes, seconds.
    prizes
        What a visit of each is worth.
    patrols
        Who can fly.
    speed_m_s
        Over ground, in the mean over all directions.
    turn_s
        Lost at each way between two cells by braking and starting again.
    """

    docks: Sequence[Metres]
    cells: Seconds
    middles: npt.NDArray[np.float64]
    service_s: Seconds
    prizes: Seconds
    patrols: Sequence[Patrol]
    speed_m_s: float
    turn_s: float
    _index: dict[int, int] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self._index.update({int(cell): at for at, cell in enumerate(self.cells)})

    def part(self, patrols: Sequence[Patrol], cells: Seconds) -> Problem:
        """Return it for some of the patrols, and for those of its cells that are among some."""
        mine = np.isin(self.cells, cells)
        return replace(
            self,
            cells=self.cells[mine],
            middles=self.middles[mine],
            service_s=self.service_s[mine],
            prizes=self.prizes[mine],
            patrols=patrols,
        )

    def data(self) -> ProblemData:
        """Return it as PyVRP takes it."""
        places = np.vstack([np.asarray(self.docks, dtype=np.float64), self.middles])
        apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
        seconds = np.rint(apart / self.speed_m_s + self.turn_s).astype(np.int64)
        np.fill_diagonal(seconds, 0)
        count = len(self.docks)
        return ProblemData(
            [Location(x, y) for x, y in np.rint(places).astype(int).tolist()],
            [
                Client(count + at, service_duration=service, prize=prize, required=False)
                for at, (service, prize) in enumerate(
                    zip(self.service_s.tolist(), self.prizes.tolist(), strict=True)
                )
            ],
            [Depot(at) for at in range(count)],
            [
                VehicleType(
                    1,
                    start_depot=patrol.dock,
                    end_depot=patrol.dock,
                    tw_early=patrol.ready_s,
                    shift_duration=patrol.usable_s,
                    unit_distance_cost=0,
                    unit_duration_cost=1,
                    name=patrol.drone,
                )
                for patrol in self.patrols
            ],
            [np.zeros_like(seconds)],
            [seconds],
        )

    def solution(self, data: ProblemData, tours: Mapping[str, Sequence[int]]) -> Solution:
        """Return tours by drone as a solution; what the problem does not know is left out."""
        routes, taken = [], set[int]()
        for number, patrol in enumerate(self.patrols):
            known = [self._index[c] for c in tours.get(patrol.drone, ()) if c in self._index]
            visits = [at for at in known if at not in taken]
            taken.update(visits)
            while visits and not (route := Route(data, visits, number)).is_feasible():
                visits.pop()
            if visits:
                routes.append(route)
        return Solution(data, routes)

    def tours(self, solution: Solution) -> tuple[Tour, ...]:
        """Return a solution's tours, in the order in which they leave."""
        found = []
        for route in solution.routes():
            patrol = self.patrols[route.vehicle_type()]
            cells = tuple(
                int(self.cells[step.idx]) for step in route.schedule() if step.is_client()
            )
            if cells:
                found.append(Tour(patrol.drone, cells, patrol.ready_s, route.end_time()))
        return tuple(sorted(found, key=lambda tour: (tour.start_s, tour.drone)))


@dataclass(frozen=True, slots=True)
class Solved:
    """Tours, and what they cost: seconds flown, and the prizes that are not collected."""

    tours: tuple[Tour, ...]
    cost: int


_QUICK = SolveParams(
    ils=IteratedLocalSearchParams(history_length=30),
    neighbourhood=NeighbourhoodParams(num_neighbours=20),
)
"""For a second of search, where PyVRP's own are for minutes: on the reference city 1.5 % above what
it finds in 60 s, in place of 4 %."""
GAIN = 0.01
"""A plan is kept unless another is better by this part of its cost."""


def improve(
    problem: Problem,
    before: Mapping[str, Sequence[int]],
    stop: StoppingCriterion | int,
    seed: int,
    gain: float = GAIN,
) -> Solved:
    """Return better tours than those before, or those before where it finds none that gain.

    Parameters
    ----------
    problem
        What is to be flown.
    before
        Cells by drone of the plan before.
    stop
        When to end: a number of iterations, or one of PyVRP's criteria.
    seed
        The same seed and number of iterations give the same tours.
    gain
        By what part of the cost better tours are better.
    """
    if not problem.patrols or not len(problem.cells):
        return Solved((), int(problem.prizes.sum()))
    data = problem.data()
    old = problem.solution(data, before)
    until = MaxIterations(stop) if isinstance(stop, int) else stop
    warm = old if old.num_clients() else None
    result = solve(data, until, seed, collect_stats=False, params=_QUICK, initial_solution=warm)
    new = result.best
    old_cost, new_cost = _cost(old), _cost(new)
    kept = old if warm is not None and new_cost > (1.0 - gain) * old_cost else new
    return Solved(problem.tours(kept), _cost(kept))


def _cost(solution: Solution) -> int:
    return int(solution.duration() + solution.uncollected_prizes())
