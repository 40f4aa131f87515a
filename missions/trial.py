"""Whether something that is ordered can be flown: now, or ever, and if not, why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from missions.builder import Builder
from missions.city import City
from missions.draft import Draft
from missions.energy import CALM, Wind
from missions.errors import PlanError
from missions.planner import plan
from missions.planning import CROWDED, Planning
from missions.relief import DOCK_S, Station
from missions.sortie import Sortie
from missions.trajectory import Trajectory
from missions.wishes import DroneOffer, OrderWish, Plan, Refusal, Scheduled

TRIED_CELLS = 8
"""Of a patrol so many cells are tried; one that can be flown is enough."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it.

    Parameters
    ----------
    scheduled
        Who would fly it, from when to when: now, or from the beginning of its window on.
    waits
        Why some of it is not flown now.
    never
        Why some of it no drone of the city can fly, with a full battery, in calm air and with
        nobody else about.
    """

    scheduled: tuple[Scheduled, ...] = ()
    waits: tuple[Refusal, ...] = ()
    never: tuple[Refusal, ...] = ()

    @property
    def hopeless(self) -> bool:
        """Whether nothing of it can ever be flown, or a task not all of it."""
        return not (self.scheduled or self.waits)


def trial(
    city: City,
    now: datetime,
    wish: OrderWish,
    drones: Sequence[DroneOffer],
    visits: Mapping[str, datetime],
    wind: Wind = CALM,
    *,
    flying: Sequence[Sortie] = (),
    stations: Sequence[Station] = (),
) -> Trial:
    """Return whether a wish can be flown; nothing is ordered by it.

    Parameters
    ----------
    city, now, drones, visits, wind, flying, stations
        As ``missions.planner.plan`` has them.
    wish
        What is wanted; its window may be to come.
    """
    begins = now if wish.window is None else max(now, wish.window[0])
    answer = Plan()
    if begins == now:
        answer = _first(
            Planning(city, now, drones, visits, wind, flying, stations, lambda: ""), wish
        )
        if answer.sorties and not answer.refusals:
            return Trial(_shown(wish, answer, now))
    best = _at_best(city, begins, wish, visits)
    never = tuple(r for r in best.refusals if _for_ever(r))
    if not best.sorties or (wish.kind == "task" and never):
        return Trial(never=never or best.refusals)
    if begins > now:
        return Trial(_shown(wish, best, begins), never=never)
    told = {r.target for r in never}
    waits = tuple(r for r in answer.refusals if r.target not in told)
    return Trial(_shown(wish, answer, now), waits, never)


def _at_best(city: City, at: datetime, wish: OrderWish, visits: Mapping[str, datetime]) -> Plan:
    """Return the plan of a fleet that stands in its docks, full, in calm air, and is all free."""
    fleet = tuple(DroneOffer(d.id, d.dock, 100.0) for d in city.drones)
    return _first(Planning(city, at, fleet, visits, CALM, (), (), lambda: ""), wish)


def _first(planning: Planning, wish: OrderWish) -> Plan:
    """Return the sorties that a wish begins with: of a patrol, which goes on for long, the first.

    A patrol's tours are the rolling plan's to find, which takes longer than somebody who orders
    waits.
    """
    if wish.kind != "patrol":
        return plan(
            planning.city,
            planning.now,
            [wish],
            planning.offers,
            planning.visits,
            planning.wind,
            flying=planning.flying,
            stations=planning.stations,
            new_id=planning.new_id,
        )
    limit = planning.city.limits.wind_m_s
    if planning.wind.speed_m_s > limit:
        words = f"wind {planning.wind.speed_m_s:g} m/s is above the limit of {limit:g}"
        return Plan(refusals=(Refusal(wish.id, "", words, "wind"),))
    nobody = planning.nobody()
    if nobody is not None:
        return Plan(refusals=(Refusal(wish.id, "", nobody, "fleet"),))
    for cell in _sample(planning, wish):
        error = _visit(planning, wish.id, cell)
        if error is None:
            return Plan(tuple(planning.sorties))
        planning.refuse(wish.id, planning.ground.cells[cell].id, str(error), error.constraint)
    return Plan(refusals=tuple(planning.refusals))


def _sample(planning: Planning, wish: OrderWish) -> list[int]:
    """Return some cells of a patrol, spread over all of it."""
    wanted = [
        index
        for index, cell in enumerate(planning.ground.cells)
        if cell.beat in wish.beats or cell.id in wish.cells
    ]
    return wanted[:: max(1, len(wanted) // TRIED_CELLS)]


def _visit(planning: Planning, order: str, cell: int) -> PlanError | None:
    """Send the nearest drone to a cell; return why none can go."""

    def fly(builder: Builder) -> tuple[Draft, Trajectory] | None:
        builder.check_reach(cell)
        draft = builder.home(builder.survey(builder.start(), cell))
        builder.check_energy(draft)
        trajectory = planning.timed(builder, draft)
        return (draft, trajectory) if planning.clear(trajectory) else None

    return planning.nearest(order, planning.ground.cells[cell].center, fly)


def _for_ever(refusal: Refusal) -> bool:
    """Whether no other time is better: the fleet is not too small, nor is another in the way."""
    return refusal.constraint != "fleet" and not refusal.reason.endswith(CROWDED)


def _shown(wish: OrderWish, answer: Plan, at: datetime) -> tuple[Scheduled, ...]:
    """Return the sorties of a plan with their times."""
    leaves = at + timedelta(seconds=DOCK_S)
    return tuple(
        Scheduled(
            drone=s.drone,
            dock=s.dock,
            order=wish.id,
            kind=wish.kind,
            start=leaves,
            end=leaves + timedelta(seconds=s.energy.duration_s),
            cells=s.cells,
        )
        for s in answer.sorties
    )
