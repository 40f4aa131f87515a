"""From tours to sorties: each leaves at a height that is free, with as many of its cells as fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from missions.builder import Builder
from missions.draft import Draft
from missions.errors import PlanError
from missions.geo import Floats
from missions.patrol.situation import Planned
from missions.planning import CROWDED, Planning
from missions.sortie import Sortie

MOST_FILLED = 6
"""Cells that are tried to use up what a battery has left."""


def leave(
    planning: Planning,
    tours: Sequence[Planned],
    order: Callable[[int], str],
    spare: Floats | None = None,
) -> list[tuple[Planned, Sortie | PlanError]]:
    """Give each tour's drone its sortie; return what came of each.

    Parameters
    ----------
    planning
        The plan that is made; the sorties are added to it.
    tours
        What is due.
    order
        Returns whom a cell is flown for; a sortie is its first cell's.
    spare
        What a visit of each cell is worth that no tour has: where a battery has something left,
        such cells by the way are flown too; shape (cells,).
    """
    spare = None if spare is None else spare.copy()
    found: list[tuple[Planned, Sortie | PlanError]] = []
    for tour in tours:
        if tour.drone in planning.free and planning.room() > 0:
            try:
                found.append((tour, _sortie(planning, tour, order, spare)))
            except PlanError as error:
                found.append((tour, error))
    return found


def _sortie(
    planning: Planning, tour: Planned, order: Callable[[int], str], spare: Floats | None
) -> Sortie:
    """Return a tour as a sortie, at the first height that is clear.

    Raises
    ------
    PlanError
        If no cell of it can be flown, or no height is clear.
    """
    offer = planning.free[tour.drone]
    why = PlanError(CROWDED)
    for altitude in planning.patrol_layers(offer.dock):
        kept = planning.city.limits.patrols_keep_percent
        builder = replace(planning.builder(offer, altitude), keeps_percent=kept)
        try:
            flown = _longest(builder, [c for c in tour.cells if _free(planning, c)])
            if spare is not None:
                flown = _filled(builder, flown, spare)
            whole = builder.home(flown)
        except PlanError as error:
            why = error
            continue
        trajectory = planning.timed(builder, whole)
        if planning.clear(trajectory):
            sortie = planning.take(builder, whole, trajectory, order(tour.cells[0]))
            if spare is not None:
                spare[[planning.ground.index[cell] for cell in sortie.cells]] = 0.0
            return sortie
    raise why


def _free(planning: Planning, cell: int) -> bool:
    return planning.ground.cells[cell].id not in planning.taken


def _longest(builder: Builder, cells: Sequence[int]) -> Draft:
    """Return as many of the cells, in order, as the battery holds, without the way home.

    Raises
    ------
    PlanError
        If it does not hold one of them.
    """
    draft, some = builder.start(), False
    why = PlanError("no cell of it is left to fly over")
    for cell in cells:
        try:
            longer = builder.survey(draft, cell)
            builder.check_energy(builder.home(longer))
        except PlanError as error:
            why = error
            continue
        draft, some = longer, True
    if not some:
        raise why
    return draft


def _filled(builder: Builder, draft: Draft, spare: Floats) -> Draft:
    """Return the draft with cells around its end that the battery still holds, the best first."""
    ground = builder.ground
    flown = {ground.index[leg.cell] for leg in draft.legs if leg.cell is not None}
    tried: set[int] = set()
    while len(tried) < MOST_FILLED:
        near = {c for cell in flown for c in ground.neighbours[cell] if spare[c] > 0}
        left = near - flown - tried
        if not left:
            break
        cell = max(left, key=lambda c: (spare[c], -c))
        tried.add(cell)
        try:
            longer = builder.survey(draft, cell)
            builder.check_energy(builder.home(longer))
        except PlanError:
            continue  # it stays in the plan's next tours
        draft = longer
        flown.add(cell)
    return draft
