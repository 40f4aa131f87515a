"""Cells kept visited: the drone of the nearest dock to the cell longest unvisited."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from missions.build import Builder, Draft
from missions.errors import PlanError
from missions.planning import CROWDED, Planning, named
from missions.wishes import DroneOffer, OrderWish

MAX_PATROL_S = 720.0
"""A patrol that reaches this takes no further cell."""
NEAREST_DOCKS = 3
"""How many docks are tried for one cell."""
MAX_CROWDED_CELLS = 20
"""After so many cells that other drones are in the way of, no further one is tried now."""
MAX_TRIED_NEIGHBOURS = 3


class Patrols:
    """Plans patrol orders.

    Parameters
    ----------
    planning
        The plan that is made.
    max_patrol_s
        A patrol takes no further cell that would make it longer than this, seconds.
    """

    def __init__(self, planning: Planning, max_patrol_s: float = MAX_PATROL_S) -> None:
        self._plan = planning
        self._max_s = max_patrol_s

    def run(self, orders: Sequence[OrderWish]) -> None:
        """Plan the patrol orders of one priority together."""
        pool = self._pool(orders)
        failed: dict[tuple[str, str], list[tuple[str, PlanError]]] = {}
        crowded = 0
        while pool and crowded < MAX_CROWDED_CELLS and self._plan.nobody() is None:
            index = self._next_cell(pool)
            cell, order = self._plan.ground.cells[index], pool[index]
            error = self._patrol(order, index, pool)
            if error is None:
                continue
            del pool[index]
            failed.setdefault((order, cell.beat), []).append((cell.id, error))
            crowded += str(error).endswith(CROWDED)
        for (order, beat), cells in failed.items():
            name, error = cells[0]
            words, many = str(error), f"{len(cells)} cells, the first {name!r}: {error}"
            target, reason = (name, words) if len(cells) == 1 else (beat, many)
            self._plan.refuse(order, target, reason, error.constraint)
        left = set(pool.values())
        nobody = self._plan.nobody()
        for wish in orders:
            if wish.id in left and wish.id not in self._plan.served and nobody is not None:
                self._plan.refuse(wish.id, "", nobody, "fleet")

    def _pool(self, orders: Iterable[OrderWish]) -> dict[int, str]:
        """Return the cells that are wanted and not taken, each with the oldest order for it."""
        ground, wanted = self._plan.ground, dict[int, str]()
        for order in orders:
            for cell in self._cells(order):
                if ground.cells[cell].id not in self._plan.taken:
                    wanted.setdefault(cell, order.id)
        return dict(sorted(wanted.items()))

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

    def _age_s(self, cell: int) -> float:
        """Return for how long a cell has not been seen; infinite where it never was."""
        seen = self._plan.visits.get(self._plan.ground.cells[cell].id)
        return float("inf") if seen is None else max(0.0, (self._plan.now - seen).total_seconds())

    def _next_cell(self, pool: Mapping[int, str]) -> int:
        """Return the cell longest unvisited; of equals the nearest to a dock with least to do."""
        ages = {cell: self._age_s(cell) for cell in pool}
        oldest = max(ages.values())
        equals = np.array(sorted(cell for cell, age in ages.items() if age == oldest))
        docks = sorted({offer.dock for offer in self._plan.free.values()})
        least = min(self._plan.load[dock] for dock in docks)
        nearest = [
            (float(self._plan.ground.distances[dock][equals].min()), dock)
            for dock in docks
            if self._plan.load[dock] == least
        ]
        dock = min(nearest)[1]
        return int(equals[int(self._plan.ground.distances[dock][equals].argmin())])

    def _patrol(self, order: str, cell: int, pool: dict[int, str]) -> PlanError | None:
        """Send a drone over a cell and its neighbours; return why not where none can."""
        away = {d: float(v[cell]) for d, v in self._plan.ground.distances.items()}
        offers = self._plan.by_distance(away)
        near = list(dict.fromkeys(offer.dock for offer in offers))[:NEAREST_DOCKS]
        first: PlanError | None = None
        for offer in offers:
            if offer.dock not in near:
                break
            error = self._send(order, offer, cell, pool)
            if error is None:
                return None
            first = first or named(offer.id, error)
        return first

    def _send(
        self, order: str, offer: DroneOffer, cell: int, pool: dict[int, str]
    ) -> PlanError | None:
        """Send one drone, at the first altitude that is clear; return why not."""
        for altitude in self._plan.layers(offer.dock):
            builder = self._plan.builder(offer, altitude)
            try:
                builder.check_reach(cell)
                draft = builder.survey(builder.start(), cell)
                whole = builder.home(draft)
                builder.check_energy(whole)
                if not self._plan.clear(builder.tube(whole)):
                    continue
                whole = self._extend(builder, draft, whole, cell, order, pool)
                sortie = self._plan.take(builder, whole, order)
            except PlanError as error:
                return error
            for name in sortie.cells:
                pool.pop(self._plan.ground.index[name], None)
            return None
        return PlanError(CROWDED, "airspace")

    def _extend(
        self,
        builder: Builder,
        draft: Draft,
        whole: Draft,
        first: int,
        order: str,
        pool: Mapping[int, str],
    ) -> Draft:
        """Return the sortie with as many neighbouring cells as time and energy allow."""
        chosen = [first]
        while True:
            here = draft.here
            near = {
                cell
                for member in chosen
                for cell in self._plan.ground.neighbours[member]
                if cell not in chosen and pool.get(cell) == order
            }
            middles = {c: self._plan.ground.cells[c].center for c in near}
            away = {c: math.dist(m, (here.east, here.north)) for c, m in middles.items()}
            ranked = sorted(near, key=lambda c: (-self._age_s(c), away[c], c))
            for cell in ranked[:MAX_TRIED_NEIGHBOURS]:
                longer = self._longer(builder, draft, cell)
                if longer is not None:
                    draft, whole = longer
                    chosen.append(cell)
                    break
            else:
                return whole

    def _longer(self, builder: Builder, draft: Draft, cell: int) -> tuple[Draft, Draft] | None:
        """Return the draft with one more cell, and it with the way home, or None."""
        try:
            draft = builder.survey(draft, cell)
            whole = builder.home(draft)
        except PlanError:
            return None  # the cell stays in the pool and is refused by name when it is its turn
        fits = whole.cost.duration_s <= self._max_s and builder.fits(whole)
        return (draft, whole) if fits and self._plan.clear(builder.tube(whole)) else None
