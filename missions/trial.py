"""Whether something that is ordered can be flown: now, or ever, and if not, why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from missions.ahead import Ahead, gap_words, task_ahead, watch_ahead
from missions.builder import Builder
from missions.city import City
from missions.diary import Booking
from missions.draft import Draft
from missions.energy import CALM, Wind
from missions.errors import PlanError
from missions.planning import CROWDED, Planning
from missions.posts import Post
from missions.promised import still_to_leave, without
from missions.relief import DOCK_S, Station
from missions.rota import READY_PERCENT, Rota, rota
from missions.sortie import Sortie
from missions.stares import post_of, stares, watched
from missions.tasks import tasks
from missions.trajectory import Trajectory
from missions.wishes import FOREVER, DroneOffer, OrderWish, Plan, Refusal, Scheduled, order_of

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
    bookings
        Whom it counts on, in each of its windows.
    displaced
        Less important orders that counted on some of these, by id.
    """

    scheduled: tuple[Scheduled, ...] = ()
    waits: tuple[Refusal, ...] = ()
    never: tuple[Refusal, ...] = ()
    drones: int = 0
    bookings: tuple[Booking, ...] = ()
    displaced: tuple[str, ...] = ()

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
        What is wanted; its window may be to come. What it finds taken is its ``booked``.
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
        if answer.sorties and not answer.refusals and not wish.later and not _is_watch(wish):
            return Trial(_shown(wish, answer, now), bookings=tuple(_booked(wish, answer, now)))
    best = _best(city, begins, visits)
    found = _first(best, replace(wish, booked=()))
    never = tuple(r for r in found.refusals if _for_ever(r))
    if not found.sorties or (wish.kind == "task" and never):
        return Trial(never=never or found.refusals)
    ahead = _ahead(best, wish, begins, now)
    if begins == now:
        told = {r.target for r in never}
        waits = tuple(r for r in answer.refusals if r.target not in told)
        return Trial(
            _shown(wish, answer, now),
            (*waits, *ahead.refusals),
            never,
            bookings=(*_booked(wish, answer, now), *ahead.bookings),
            displaced=tuple(ahead.displaced),
        )
    if wish.kind != "task":  # what is kept up is begun all the same
        return Trial(
            _shown(wish, found, begins),
            tuple(ahead.refusals),
            never,
            bookings=tuple(ahead.bookings),
            displaced=tuple(ahead.displaced),
        )
    return _of_windows(wish, ahead, city)


def _of_windows(wish: OrderWish, ahead: Ahead, city: City, drones: int = 0) -> Trial:
    """Return the trial of what lies ahead: refused where all of it is others' at that time."""
    taken = [r for r in ahead.refusals if r.constraint == "drones"]
    if len(taken) == 1 + len(wish.later):
        return Trial(never=tuple(taken))
    docks = {drone.id: drone.dock for drone in city.drones}
    return Trial(
        tuple(
            Scheduled(b.drone, docks[b.drone], wish.id, wish.kind, b.start, b.home)
            for b in ahead.bookings
        ),
        tuple(ahead.refusals),
        drones=drones,
        bookings=tuple(ahead.bookings),
        displaced=tuple(ahead.displaced),
    )


def _ahead(best: Planning, wish: OrderWish, begins: datetime, now: datetime) -> Ahead:
    """Return what can be booked for a wish: in its later windows, and in the first if that is to come."""
    first = (begins, FOREVER if wish.window is None else wish.window[1])
    if wish.kind == "task":
        return task_ahead(best, wish, [*([first] if begins > now else []), *wish.later])
    found = Ahead()
    for name in watched(wish) if wish.kind == "stare" else ():
        try:
            post = post_of(best, wish, name)
        except PlanError:
            continue  # it was refused already
        gone = {booking.drone for booking in found.bookings}
        more = watch_ahead(without(best, gone), wish, post, [first, *wish.later])
        found.bookings += more.bookings
        found.refusals += more.refusals
        found.displaced |= more.displaced
    return found


def _is_watch(wish: OrderWish) -> bool:
    """Whether it takes turns for a time that is known: who takes them is counted on."""
    return wish.kind == "stare" and wish.window is not None and wish.window[1] < FOREVER


def _booked(wish: OrderWish, answer: Plan, at: datetime) -> Iterator[Booking]:
    """Yield whom a task counts on that begins now; who stares has turns instead."""
    if wish.kind == "task":
        for one in _shown(wish, answer, at):
            ready = one.end + timedelta(seconds=DOCK_S)
            yield Booking(order_of(wish.id), one.drone, one.start, one.end, ready)


def _best(city: City, at: datetime, visits: Mapping[str, datetime]) -> Planning:
    """Return a fleet that stands in its docks, full, in calm air, and is all free."""
    fleet = tuple(DroneOffer(d.id, d.dock, 100.0) for d in city.drones)
    return Planning(city, at, fleet, visits, CALM, (), (), lambda: "")


def _kept_watched(now: Planning, begins: datetime, wish: OrderWish) -> Trial:
    """Return who takes turns over a point, and whether nobody is there at some time between.

    The drones that others count on, who come first, are not counted on.
    """
    assert wish.window is not None
    (name,) = watched(wish)
    first = begins, wish.window[1]
    best = _best(now.city, begins, now.visits)
    try:
        post = post_of(best, wish, name)
        found = rota(best, wish, post, (first[1] - begins).total_seconds())
    except PlanError as error:
        return Trial(never=(Refusal(wish.id, name, str(error), error.constraint),))
    if found.gap is not None:
        return Trial(never=(_left_alone(wish, found, begins, best),))
    ahead = watch_ahead(best, wish, post, [first, *wish.later])
    whole = _of_windows(wish, ahead, now.city, found.drones)
    if whole.hopeless:
        return whole
    here = [b for b in ahead.bookings if b.meets(*first)]
    at = without(best, {d.id for d in now.city.drones} - {b.drone for b in here})
    if begins > now.now:
        turns = rota(at, wish, post, (first[1] - begins).total_seconds()) if here else Rota(0, ())
        return replace(whole, scheduled=tuple(_turns(wish, turns, begins)))
    return _watched_now(now, wish, post, whole)


def _watched_now(now: Planning, wish: OrderWish, post: Post, whole: Trial) -> Trial:
    """Return who takes turns from now on, and what it waits for."""
    assert wish.window is not None
    waits = (*_first(now, wish).refusals, *whole.waits)
    first = [b for b in wish.booked if b.first and b.meets(now.now, wish.window[1])]
    unpromised = without(now, still_to_leave(now, first)).offers
    charging = tuple(
        replace(o, ready=o.ready or o.battery_percent < READY_PERCENT) for o in unpromised
    )
    able = replace(now, offers=charging)
    try:
        lasts_s = (wish.window[1] - now.now).total_seconds()
        soon = rota(able, wish, post, lasts_s)
    except PlanError as error:
        none = (Refusal(wish.id, post.name, str(error), error.constraint),)
        return replace(whole, scheduled=(), waits=waits or none)
    if soon.gap is not None:
        waits = (*waits, _left_alone(wish, soon, now.now, able))
    return replace(whole, scheduled=tuple(_turns(wish, soon, now.now)), waits=waits)


def _left_alone(wish: OrderWish, found: Rota, begins: datetime, fleet: Planning) -> Refusal:
    """Say when nobody is at a point that is to be kept watched."""
    return Refusal(wish.id, watched(wish)[0], gap_words(found, begins, wish, fleet), "fleet")


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
