"""Patrol orders: their cells are kept visited by the rolling plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

import numpy as np

from missions.errors import PlanError
from missions.geo import Floats
from missions.patrol.leaving import leave
from missions.patrol.owing import owed_by_beat
from missions.patrol.situation import Planned, Situation
from missions.patrol.work import PatrolWork
from missions.planning import Planning
from missions.wishes import OrderWish, Scheduled

PRIORITY_WEIGHT = 0.5
"""How much more a cell counts for each step of its order's priority."""


class Patrols:
    """Plans the patrol orders of a city, all together.

    Parameters
    ----------
    planning
        The plan that is made.
    work
        What patrols are planned by.
    """

    def __init__(self, planning: Planning, work: PatrolWork) -> None:
        self._plan = planning
        self._work = work
        self._rolling = work.rolling
        self._order: dict[int, str] = {}

    def run(self, orders: Sequence[OrderWish]) -> tuple[Scheduled, ...]:
        """Send who leaves now; return what is to be flown later.

        Parameters
        ----------
        orders
            The most important first: a cell that several want is flown for the first.
        """
        plan, ground = self._plan, self._plan.ground
        weight = np.zeros(len(ground.cells))
        for order in orders:
            for cell in self._cells(order):
                self._order.setdefault(cell, order.id)
                weight[cell] = max(weight[cell], 1.0 + PRIORITY_WEIGHT * order.priority)
        now = self._situation(weight)
        self._rolling.ground = ground
        wanted = [order for order in orders if order.id in self._order.values()]
        try:
            self._refuse_closed(self._rolling.closed(now))
            self._rolling.refresh(now)
            due = [tour for tour in self._rolling.due(now) if tour.drone in plan.free]
        except PlanError as error:
            for order in wanted:
                plan.refuse(order.id, "", str(error), error.constraint)
            return ()
        found = leave(plan, due, self._order_of, self._rolling.spare(now)) if due else []
        errors = [(tour, what) for tour, what in found if isinstance(what, PlanError)]
        self._refuse(wanted, errors, now)
        return tuple(self._scheduled(now, {sortie.drone for sortie in plan.sorties}))

    def _situation(self, weight: Floats) -> Situation:
        plan, work = self._plan, self._work
        limits = plan.city.limits
        return Situation(
            now_s=plan.now.timestamp(),
            fleet=work.fleet or tuple(plan.fleet()),
            age_s=self._ages(),
            owed_s=owed_by_beat(plan.ground) if work.owed_s is None else work.owed_s,
            weight=weight,
            wind=plan.wind,
            ceiling=limits.max_airborne if work.ceiling is None else work.ceiling,
            ready=limits.ready_per_dock,
            reserve=work.reserve,
            calls=work.calls,
            trajectories=work.trajectories or {},
        )

    def _refuse_closed(self, closed: Sequence[int]) -> None:
        """Refuse the cells that cannot be flown, by beat where there are several."""
        by_beat: dict[tuple[str, str], list[str]] = {}
        for index in closed:
            cell = self._plan.ground.cells[index]
            by_beat.setdefault((self._order.pop(index), cell.beat), []).append(cell.id)
        for (order, beat), cells in by_beat.items():
            name, many = (
                cells[0],
                f"{len(cells)} cells lie in a no-fly zone, the first {cells[0]!r}",
            )
            one = f"cell {name!r} lies in a no-fly zone"
            target, reason = (name, one) if len(cells) == 1 else (beat, many)
            self._plan.refuse(order, target, reason, "airspace")

    def _order_of(self, cell: int) -> str:
        return self._order[cell]

    def _cells(self, order: OrderWish) -> Iterator[int]:
        """Yield the cells of an order, by place; refuse what there is not."""
        ground, beats = self._plan.ground, [beat.id for beat in self._plan.city.beats]
        for beat in order.beats:
            if beat not in beats:
                known = ", ".join(beats)
                self._plan.refuse(order.id, beat, f"there is no beat {beat!r}; there are {known}")
        yield from (i for i, cell in enumerate(ground.cells) if cell.beat in order.beats)
        for cell in order.cells:
            if cell in ground.index:
                yield ground.index[cell]
            else:
                self._plan.refuse(order.id, cell, f"there is no cell {cell!r}")

    def _ages(self) -> Floats:
        """Return for how long each cell has not been seen; infinite where it never was."""
        seen, now = self._plan.visits, self._plan.now
        return np.array(
            [
                max(0.0, (now - seen[cell.id]).total_seconds()) if cell.id in seen else np.inf
                for cell in self._plan.ground.cells
            ]
        )

    def _refuse(
        self,
        orders: Sequence[OrderWish],
        errors: Sequence[tuple[Planned, PlanError]],
        now: Situation,
    ) -> None:
        """Say why an order has no drone in the air, and none that will be."""
        ahead = Counter(
            self._order[cell]
            for tour in self._rolling.tours.values()
            for cell in tour.cells
            if cell in self._order
        )
        nobody = self._plan.nobody()
        for tour, error in errors:
            self._plan.refuse(self._order[tour.cells[0]], tour.drone, str(error), error.constraint)
        told = {self._order[tour.cells[0]] for tour, _ in errors}
        for order in orders:
            if order.id in self._plan.served or order.id in told:
                continue
            if nobody is not None:
                self._plan.refuse(order.id, "", nobody, "fleet")
            elif (unready := self._rolling.unready(now)) is not None:
                self._plan.refuse(order.id, "", unready, "energy")
            elif not ahead[order.id]:
                self._plan.refuse(order.id, "", "nothing of it is due", "window")

    def _scheduled(self, now: Situation, leaving: set[str]) -> Iterator[Scheduled]:
        for tour in self._rolling.tours.values():
            if tour.drone in leaving:
                continue
            start = self._plan.now + timedelta(seconds=max(0.0, tour.start_s - now.now_s))
            yield Scheduled(
                tour.drone,
                tour.dock,
                self._order.get(tour.cells[0], ""),
                "patrol",
                start,
                start + timedelta(seconds=tour.end_s - tour.start_s),
                tuple(self._plan.ground.cells[cell].id for cell in tour.cells),
            )
