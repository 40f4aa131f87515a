"""Who sends patrols in a simulated day: the rolling plan, or one of those it is held against."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from missions.day.view import View
from missions.demand import Demand
from missions.geo import Floats
from missions.ground import Ground
from missions.guests import ferries
from missions.patrol.leaving import leave
from missions.patrol.ready import LEAVE_PERCENT, READY_PERCENT
from missions.patrol.rolling import RollingPlan
from missions.patrol.situation import Planned, Situation
from missions.picture import Doing
from missions.planning import Planning
from missions.sortie import Sortie
from missions.wishes import DroneOffer

ORDER = "patrol"


def launch(
    view: View, tours: Sequence[Planned], numbers: Iterator[int], spare: Floats | None = None
) -> list[Sortie]:
    """Return tours as sorties, and guests' flights home, by the planner's own code."""
    offers = list(_offers(view))
    if not tours and not any(offer.home for offer in offers):
        return []
    planning = Planning(
        view.ground.city,
        view.now,
        offers,
        {},
        view.wind,
        view.flying,
        (),
        new_id=lambda: str(next(numbers)),
        trajectories=view.trajectories,
    )
    leave(planning, tours, lambda _: ORDER, spare)
    ferries(planning)
    return planning.sorties


def _offers(view: View) -> Iterator[DroneOffer]:
    """Yield the drones that stand in docks; a guest's home where it has a slot for it."""
    bound = Counter(d.dock for d in view.fleet)
    for drone in view.fleet:
        if drone.doing is Doing.DOCKED and not drone.reason:
            own = view.ground.drones[drone.id].dock
            room = bound[own] < view.ground.docks[own].slots
            charged = drone.battery_percent >= READY_PERCENT
            home = own if own != drone.dock and room and charged else None
            yield DroneOffer(drone.id, drone.dock, drone.battery_percent, home=home)


class Rolling:
    """The rolling plan, as the controller asks it."""

    def __init__(self, plan: RollingPlan, demand: Demand) -> None:
        self._plan = plan
        self._demand = demand
        self._numbers = itertools.count()

    def leaving(self, view: View) -> list[Sortie]:
        """Return what leaves now."""
        now = Situation(
            now_s=view.now_s,
            fleet=view.fleet,
            age_s=view.age_s,
            owed_s=view.owed_s,
            weight=np.ones(len(view.age_s)),
            wind=view.wind,
            ceiling=self._demand.ceiling(view.now),
            ready=view.ground.city.limits.ready_per_dock,
            reserve=self._demand.reserve(view.now),
            calls=self._demand.weights(view.now),
            trajectories=view.trajectories,
        )
        self._plan.ground = view.ground
        self._plan.refresh(now)
        due = self._plan.due(now)
        return launch(view, due, self._numbers, self._plan.spare(now) if due else None)


class Idle:
    """Nobody patrols: what pure response would reach."""

    def __init__(self) -> None:
        self._numbers = itertools.count()

    def leaving(self, view: View) -> list[Sortie]:
        """Return guests' flights home."""
        return launch(view, (), self._numbers)


class _Alone:
    """Each drone for itself: it leaves when it is charged, over cells that it picks alone."""

    def __init__(self, ground: Ground, ceiling: int) -> None:
        self._ground = ground
        self._ceiling = ceiling
        self._numbers = itertools.count()
        docks = list(ground.docks)
        away = np.array([ground.distances[dock] for dock in docks])
        nearest = away.argmin(axis=0)
        self._own = {dock: np.flatnonzero(nearest == at) for at, dock in enumerate(docks)}

    def leaving(self, view: View) -> list[Sortie]:
        """Return what leaves now."""
        room = self._ceiling - sum(d.in_air or d.doing is Doing.LEAVING for d in view.fleet)
        sorties: list[Sortie] = launch(view, (), self._numbers)
        for drone in sorted(view.fleet, key=lambda d: (-d.battery_percent, d.id)):
            if room <= 0:
                break
            flies = any(sortie.drone == drone.id for sortie in sorties)
            ready = drone.doing is Doing.DOCKED and not drone.reason and not flies
            if not ready or drone.battery_percent < LEAVE_PERCENT:
                continue
            taken = {c for d in view.fleet for c in d.left} | {c for s in sorties for c in s.cells}
            cells = [
                c for c in self._cells(view, drone.dock) if view.ground.cells[c].id not in taken
            ]
            tour = Planned(drone.id, drone.dock, tuple(cells), view.now_s, view.now_s)
            found = [s for s in launch(view, [tour], self._numbers) if s.order == ORDER]
            for sortie in found:
                self._left(sortie)
            sorties += found
            room -= len(found)
        return sorties

    def _cells(self, view: View, dock: str) -> list[int]:
        raise NotImplementedError

    def _left(self, sortie: Sortie) -> None:
        """Note a sortie that leaves."""


MOST_TRIED = 40


class RoundRobin(_Alone):
    """The cells nearest to a dock in turn, row by row, from where the last drone of it ended."""

    def __init__(self, ground: Ground, ceiling: int) -> None:
        super().__init__(ground, ceiling)
        self._next = dict.fromkeys(ground.docks, 0)
        self._order = {dock: self._rows(cells) for dock, cells in self._own.items()}

    def _rows(self, cells: np.ndarray[tuple[int], np.dtype[np.intp]]) -> list[int]:
        """Return cells row by row, to and fro."""
        edge = float(np.sqrt(np.mean([self._ground.cells[int(c)].area_m2 for c in cells])))
        rows: dict[int, list[tuple[float, int]]] = {}
        for cell in cells.tolist():
            east, north = self._ground.cells[cell].center
            rows.setdefault(int(north // edge), []).append((east, cell))
        found: list[int] = []
        for number, row in enumerate(sorted(rows)):
            found += [cell for _, cell in sorted(rows[row], reverse=bool(number % 2))]
        return found

    def _cells(self, view: View, dock: str) -> list[int]:
        order, at = self._order[dock], self._next[dock]
        return (order[at:] + order[:at])[:MOST_TRIED]

    def _left(self, sortie: Sortie) -> None:
        order = self._order[sortie.dock]
        last = self._ground.index[sortie.cells[-1]]
        self._next[sortie.dock] = (order.index(last) + 1) % len(order)


class Greedy(_Alone):
    """The most overdue cells near a dock, the most overdue first."""

    def _cells(self, view: View, dock: str) -> list[int]:
        own = self._own[dock]
        late = view.age_s[own] / view.owed_s[own]
        return [int(own[i]) for i in np.argsort(-late, kind="stable")[:MOST_TRIED]]
