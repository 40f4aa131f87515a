"""Whether something that is ordered can be flown: now, or ever, and if not, why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from missions.city import City
from missions.energy import CALM, Wind
from missions.planner import plan
from missions.planning import CROWDED
from missions.relief import DOCK_S, Station
from missions.sortie import Sortie
from missions.wishes import DroneOffer, OrderWish, Plan, Refusal, Scheduled


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
        answer = plan(
            city,
            now,
            [wish],
            drones,
            visits,
            wind,
            flying=flying,
            stations=stations,
            new_id=lambda: "",
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
    return plan(city, at, [wish], fleet, visits, new_id=lambda: "")


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
