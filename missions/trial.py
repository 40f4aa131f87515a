"""Whether something that is ordered can be flown: now, or ever, and if not, why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from missions.builder import Builder
from missions.city import City
from missions.draft import Draft
from missions.energy import CALM, Wind
from missions.errors import PlanError
from missions.planning import CROWDED, Planning
from missions.promised import Promised, promised, still_to_leave, without
from missions.relief import DOCK_S, Station
from missions.rota import READY_PERCENT, Rota, rota
from missions.sortie import Sortie
from missions.stares import post_of, stares, watched
from missions.tasks import tasks
from missions.trajectory import Trajectory
from missions.wishes import DroneOffer, OrderWish, Plan, Refusal, Scheduled, order_of

NONE: Promised = {}
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
    drones
        How many take turns over a point that is kept watched; 0 where nobody does.
    """

    scheduled: tuple[Scheduled, ...] = ()
    waits: tuple[Refusal, ...] = ()
    never: tuple[Refusal, ...] = ()
    drones: int = 0

    @property
    def hopeless(self) -> bool:
        """Whether nothing of it can ever be flown, or a task not all of it."""
        return bool(self.never) and not (self.scheduled or self.waits)


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
    trajectories: Mapping[str, Trajectory] | None = None,
) -> Trial:
    """Return whether a wish can be flown; nothing is ordered by it.

    Parameters
    ----------
    city, now, drones, visits, wind, flying, stations
        As ``missions.planner.plan`` has them.
    wish
        What is wanted; its window may be to come.
    trajectories
        Where all that fly will be, by drone, in seconds from now; None: they may be anywhere on
        their ways.
    """
    begins = now if wish.window is None else max(now, wish.window[0])
    planning = Planning(city, now, drones, visits, wind, flying, stations, lambda: "", trajectories)
    if wish.kind == "stare" and wish.task is not None:
        return _kept_watched(planning, begins, wish)
    answer = Plan()
    if begins == now:
        answer = _first(planning, wish)
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
    return _first(_best(city, at, visits), wish)


def _best(city: City, at: datetime, visits: Mapping[str, datetime]) -> Planning:
    fleet = tuple(DroneOffer(d.id, d.dock, 100.0) for d in city.drones)
    return Planning(city, at, fleet, visits, CALM, (), (), lambda: "")


def _kept_watched(now: Planning, begins: datetime, wish: OrderWish) -> Trial:
    """Return who takes turns over a point, and whether nobody is there at some time between.

    The drones that take turns for the watches before it are not counted on.
    """
    assert wish.window is not None
    (name,) = watched(wish)
    lasts_s = (wish.window[1] - begins).total_seconds()
    best = _best(now.city, begins, now.visits)
    try:
        found = rota(best, wish, post_of(best, wish, name), lasts_s)
    except PlanError as error:
        return Trial(never=(Refusal(wish.id, name, str(error), error.constraint),))
    if found.gap is not None:
        return Trial(never=(_left_alone(wish, found, begins, best),))
    others = promised(best, wish, begins)
    if any(others.values()):
        left = without(best, (drone for drones in others.values() for drone in drones))
        try:
            found = rota(left, wish, post_of(left, wish, name), lasts_s)
        except PlanError as error:
            words = f"{error}{_for_others(others)}"
            return Trial(never=(Refusal(wish.id, name, words, "fleet"),))
        if found.gap is not None:
            return Trial(never=(_left_alone(wish, found, begins, left, others),))
    if begins > now.now:
        return Trial(tuple(_turns(wish, found, begins)), drones=found.drones)
    waits = _first(now, wish).refusals
    unpromised = without(now, still_to_leave(now, others)).offers
    charging = tuple(
        replace(o, ready=o.ready or o.battery_percent < READY_PERCENT) for o in unpromised
    )
    try:
        now = replace(now, offers=charging)
        soon = rota(now, wish, post_of(now, wish, name), lasts_s)
    except PlanError as error:
        return Trial(waits=waits or (Refusal(wish.id, name, str(error), error.constraint),))
    if soon.gap is not None:
        waits = (*waits, _left_alone(wish, soon, begins, now))
    return Trial(tuple(_turns(wish, soon, begins)), waits, drones=found.drones)


def _for_others(others: Promised) -> str:
    """Say who takes turns for watches that come first."""
    told = (f"{', '.join(d)} for order {order_of(o)}" for o, d in others.items() if d)
    return f"; others take turns for watches that come first: {'; '.join(told)}"


def _left_alone(
    wish: OrderWish, found: Rota, begins: datetime, planning: Planning, others: Promised = NONE
) -> Refusal:
    """Say when nobody is at a point that is to be kept watched."""
    assert found.gap is not None
    since, until = (begins + timedelta(seconds=s) for s in found.gap)
    may = sum(not wish.drones or drone in wish.drones for drone in planning.free)
    reason = (
        f"to be watched without a gap it takes {found.drones} drones that take turns; of {may} that "
        f"may fly it nobody is there from {since:%H:%M:%S} to {until:%H:%M:%S} UTC"
    )
    words = reason + (_for_others(others) if any(others.values()) else "")
    return Refusal(wish.id, watched(wish)[0], words, "fleet")


def _turns(wish: OrderWish, found: Rota, begins: datetime) -> Iterator[Scheduled]:
    for turn in found.turns:
        leaves, home = (begins + timedelta(seconds=s) for s in (turn.leaves_s, turn.home_s))
        yield Scheduled(turn.drone, turn.dock, wish.id, wish.kind, leaves, home)


def _first(planning: Planning, wish: OrderWish) -> Plan:
    """Return the sorties that a wish begins with: of a patrol, which goes on for long, the first.

    A patrol's tours are the rolling plan's to find, which takes longer than somebody who orders
    waits.
    """
    limit = planning.city.limits.wind_m_s
    if planning.wind.speed_m_s > limit:
        words = f"wind {planning.wind.speed_m_s:g} m/s is above the limit of {limit:g}"
        return Plan(refusals=(Refusal(wish.id, "", words, "wind"),))
    if wish.kind != "patrol":
        (stares if wish.kind == "stare" else tasks)(planning, wish)
        return Plan(tuple(planning.sorties), tuple(dict.fromkeys(planning.refusals)))
    nobody = planning.nobody()
    if nobody is not None:
        return Plan(refusals=(Refusal(wish.id, "", nobody, "fleet"),))
    for cell in _sample(planning, wish):
        try:
            _visit(planning, wish.id, cell)
        except PlanError as error:
            name = planning.ground.cells[cell].id
            planning.refuse(wish.id, name, str(error), error.constraint)
        else:
            return Plan(tuple(planning.sorties))
    return Plan(refusals=tuple(planning.refusals))


def _sample(planning: Planning, wish: OrderWish) -> list[int]:
    """Return some cells of a patrol, spread over all of it."""
    wanted = [
        index
        for index, cell in enumerate(planning.ground.cells)
        if cell.beat in wish.beats or cell.id in wish.cells
    ]
    return wanted[:: max(1, len(wanted) // TRIED_CELLS)]


def _visit(planning: Planning, order: str, cell: int) -> None:
    """Send the nearest drone to a cell.

    Raises
    ------
    PlanError
        If none can go.
    """

    def fly(builder: Builder) -> tuple[Draft, Trajectory] | None:
        builder.check_reach(cell)
        draft = builder.home(builder.survey(builder.start(), cell))
        builder.check_energy(draft)
        trajectory = planning.timed(builder, draft)
        return (draft, trajectory) if planning.clear(trajectory) else None

    planning.send(order, planning.ground.cells[cell].center, fly)


def _for_ever(refusal: Refusal) -> bool:
    """Whether no other time is better: the fleet is not too small, nor is another in the way."""
    return refusal.constraint != "fleet" and CROWDED not in refusal.reason


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
