"""What is to be flown in windows that lie ahead, beside what other orders count on by then.

Reckoned with a fleet that stands in its docks, full, in calm air. An order that comes first keeps
its drones; who counts on the same and comes later is told whose they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from missions.charge import seconds_to
from missions.diary import Booking, Diary, Flight, in_the_way
from missions.errors import PlanError
from missions.planning import Planning
from missions.posts import Post
from missions.power import PowerModel
from missions.promised import without
from missions.relief import DOCK_S
from missions.rota import READY_PERCENT, Rota, rota
from missions.sortie import Sortie
from missions.task import Task
from missions.tasks import middle, parts_of
from missions.wishes import OrderWish, Refusal, order_of, part_of

Window = tuple[datetime, datetime]
Load = tuple[Flight, ...]
"""The flights that could fly a part of a task, the nearest drone's first."""
Fit = Callable[[Window, Sequence[Booking]], tuple[list[Booking], str]]
"""Returns what can be booked in a window beside others, and why some of it cannot; empty: all can."""


@dataclass
class Ahead:
    """What came of some windows.

    Parameters
    ----------
    bookings
        Who flies, and when.
    refusals
        For each window that is not flown as it should be: why.
    displaced
        Less important orders that counted on some of these drones, by id.
    """

    bookings: list[Booking] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    displaced: dict[str, None] = field(default_factory=dict)

    def fit(self, wish: OrderWish, window: Window, target: str, fit: Fit) -> None:
        """Book a window: beside everybody if that can be, else beside those that come first."""
        begin, end = window
        others = [b for b in wish.booked if b.meets(begin, end)]
        ours = [b for b in self.bookings if b.meets(begin, end)]
        found, words = fit(window, [*others, *ours])
        before = [b for b in others if b.first]
        if words and len(before) < len(others):
            found, words = fit(window, [*before, *ours])
        for mine in found:
            for other in others:
                if other.drone == mine.drone and other.meets(mine.start, mine.ready):
                    self.displaced[other.order] = None
        self.bookings += found
        if words and before:
            told = f"{words}; taken by orders that come first: {in_the_way(before)}"
            self.refusals.append(Refusal(wish.id, target, _at(window, told), "drones"))
        elif words:
            self.refusals.append(Refusal(wish.id, target, _at(window, words), "fleet"))


def task_ahead(best: Planning, wish: OrderWish, windows: Sequence[Window]) -> Ahead:
    """Return who flies a task in each of some windows.

    Parameters
    ----------
    best
        A plan of the task that a whole, ready fleet has made.
    wish
        The task; others' drones are its ``booked``.
    windows
        When it is flown, oldest first.

    Raises
    ------
    PlanError
        If it cannot be cut to parts that a battery holds.
    """
    loads = list(_loads(best, wish, parts_of(best.city, wish)))
    found = Ahead()
    for window in windows:
        found.fit(wish, window, "", partial(_placed, best, wish, loads))
    return found


def watch_ahead(best: Planning, wish: OrderWish, post: Post, windows: Sequence[Window]) -> Ahead:
    """Return who takes turns over a place in each of some windows; each is there for all of it.

    Parameters
    ----------
    best
        A whole, ready fleet.
    wish
        What wants it watched; others' drones are its ``booked``.
    post
        The place.
    windows
        When it is watched, oldest first.
    """
    known: dict[tuple[frozenset[str], float], Rota | PlanError] = {}

    def turns(gone: frozenset[str], lasts_s: float) -> Rota | PlanError:
        if (gone, lasts_s) not in known:
            try:
                known[gone, lasts_s] = rota(without(best, gone), wish, post, lasts_s)
            except PlanError as error:
                known[gone, lasts_s] = error
        return known[gone, lasts_s]

    def placed(window: Window, taken: Sequence[Booking]) -> tuple[list[Booking], str]:
        begin, end = window
        gone = frozenset(b.drone for b in taken)
        kept = turns(gone, (end - begin).total_seconds())
        if isinstance(kept, PlanError):
            return [], str(kept)
        words = gap_words(kept, begin, wish, without(best, gone))
        return list(_standing_by(order_of(wish.id), kept, window)), words

    found = Ahead()
    for window in windows:
        found.fit(wish, window, post.name, placed)
    return found


def gap_words(found: Rota, begins: datetime, wish: OrderWish, fleet: Planning) -> str:
    """Say when nobody is at a place that is to be kept watched; empty where somebody always is."""
    if found.gap is None:
        return ""
    since, until = (begins + timedelta(seconds=s) for s in found.gap)
    may = sum(not wish.drones or drone in wish.drones for drone in fleet.free)
    return (
        f"to be watched without a gap it takes {found.drones} drones that take turns; of {may} that "
        f"may fly it nobody is there from {since:%H:%M:%S} to {until:%H:%M:%S} UTC"
    )


def _standing_by(order: str, kept: Rota, window: Window) -> Iterator[Booking]:
    """Yield a booking for each that takes turns: one of them is in the air."""
    begin, end = window
    for number, drone in enumerate(dict.fromkeys(turn.drone for turn in kept.turns)):
        yield Booking(order, drone, begin, begin if number else end, end)


def _loads(best: Planning, wish: OrderWish, parts: Sequence[Task]) -> Iterator[Load]:
    """Yield what each part takes of each drone; one that found none takes the most of those that did.

    Others' ways are longer or shorter on the straight line, flown at cruise speed.
    """
    flown = {part_of(sortie.order): sortie for sortie in best.sorties}
    names = [(wish.id, number, len(parts)) for number in range(len(parts))]
    works = {name: _work(best, s, middle(best.ground, parts[name[1]])) for name, s in _of(flown)}
    most = tuple(max(work[i] for work in works.values()) for i in (0, 1))
    for name, part in zip(names, parts, strict=True):
        place, work = middle(best.ground, part), works.get(name, most)
        flights = ((_flight(best, drone, place, work), drone) for drone in best.ground.drones)
        able = [
            (math.dist(best.ground.places[best.ground.drones[drone].dock], place), drone, flight)
            for flight, drone in flights
            if flight is not None and (not wish.drones or drone in wish.drones)
        ]
        yield tuple(flight for _, _, flight in sorted(able, key=lambda one: one[:2]))


def _of(
    flown: dict[tuple[str, int, int] | None, Sortie],
) -> Iterator[tuple[tuple[str, int, int], Sortie]]:
    yield from ((name, sortie) for name, sortie in flown.items() if name is not None)


def _work(best: Planning, sortie: Sortie, place: tuple[float, float]) -> tuple[float, ...]:
    """Return what a part takes without the straight ways there and back: seconds, watt hours."""
    drone = best.ground.drones[sortie.drone]
    ways_s = 2.0 * math.dist(best.ground.places[sortie.dock], place) / drone.cruise_m_s
    ways_wh = ways_s * PowerModel.of(drone).cruise_w / 3600.0
    energy = sortie.energy
    return max(0.0, energy.duration_s - ways_s), max(0.0, energy.needed_wh - ways_wh)


def _flight(
    best: Planning, name: str, place: tuple[float, float], work: Sequence[float]
) -> Flight | None:
    """Return the flight of a drone for some work at a place, or None where it is too much."""
    drone = best.ground.drones[name]
    model, reserve = PowerModel.of(drone), best.city.limits.reserve_percent
    ways_s = 2.0 * math.dist(best.ground.places[drone.dock], place) / drone.cruise_m_s
    takes = 100.0 * (work[1] + ways_s * model.cruise_w / 3600.0) / model.capacity_wh
    if takes + reserve > 100.0:
        return None
    again = max(READY_PERCENT, min(99.0, takes + reserve))
    charges_s = seconds_to(drone.battery, 100.0 - takes, again)
    return Flight(name, timedelta(seconds=work[0] + ways_s), timedelta(seconds=charges_s + DOCK_S))


def _placed(
    best: Planning,
    wish: OrderWish,
    loads: Sequence[Load],
    window: Window,
    taken: Sequence[Booking],
) -> tuple[list[Booking], str]:
    """Return the flights of a task in a window, and what of it finds no drone."""
    diary = Diary(taken, best.city.limits.max_airborne)
    since, until = window[0] + timedelta(seconds=DOCK_S), window[1]
    found, left = list[Booking](), 0
    for load in loads:
        starts = ((diary.earliest(f, since, until), f) for f in load)
        able = [(start + f.lasts, start, f) for start, f in starts if start is not None]
        if not able:
            left += 1
            continue
        _, start, flight = min(able, key=lambda one: one[0])
        found.append(diary.book(order_of(wish.id), flight, start))
    if not left:
        return found, ""
    of = f"{left} of its {len(loads)} parts find" if len(loads) > 1 else "it finds"
    return found, f"{of} no drone that is free and home again by then"


def _at(window: Window, words: str) -> str:
    return f"{window[0]:%Y-%m-%d %H:%M} to {window[1]:%Y-%m-%d %H:%M} UTC: {words}"
