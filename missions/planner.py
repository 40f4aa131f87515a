"""The first planner: the drone of the nearest dock to the cell longest unvisited.

A pure function of its arguments. Sorties are spread over altitude layers so that any two that
come near each other anywhere keep 15 m vertically.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from missions.airspace import Tube
from missions.build import Builder, Draft, Ground, ground_of
from missions.city import City, Site
from missions.coverage import Metres
from missions.energy import CALM, Wind
from missions.errors import PlanError
from missions.ferry import ferry
from missions.relief import ASIDE_S, Station, beside, must_go
from missions.sortie import FERRY, Sortie
from missions.wishes import DroneOffer, OrderWish, Plan, Refusal

__all__ = ["DroneOffer", "OrderWish", "Plan", "Refusal", "plan"]

MAX_PATROL_S = 720.0
"""A patrol that reaches this takes no further cell."""
NEAREST_DOCKS = 3
"""How many docks are tried for one cell."""
MAX_CROWDED_CELLS = 20
"""After so many cells that other drones are in the way of, no further one is tried now."""
CROWDED = "no altitude layer is free of other drones"
MAX_TRIED_NEIGHBOURS = 3


def plan(
    city: City,
    now: datetime,
    orders: Sequence[OrderWish],
    drones: Sequence[DroneOffer],
    visits: Mapping[str, datetime],
    wind: Wind = CALM,
    *,
    flying: Sequence[Sortie] = (),
    stations: Sequence[Station] = (),
    new_id: Callable[[], str],
    max_patrol_s: float = MAX_PATROL_S,
) -> Plan:
    """Return the sorties to start now.

    Stare orders come first, then patrols, each by priority, then by age. A patrol takes the cell
    longest unvisited and as many neighbours of it as energy and ``max_patrol_s`` allow. Among
    cells that were never visited, that one is next which lies nearest to a dock with the fewest
    drones out. Guests of other docks that nothing wants are flown home, last.

    Parameters
    ----------
    city
        The city. What is worked out from it is kept for the next call with an equal one.
    now
        Time of the plan; a visit after it counts as now.
    orders
        Active orders.
    drones
        Drones with their batteries. One that is not ready, or that flies, gets nothing.
    visits
        Last visit by cell id; a cell that is missing was never visited.
    wind
        Mean wind over the city.
    flying
        Sorties that are under way or about to be: their drones, cells, sites and airspace are
        taken.
    stations
        Those of them that stare, with when each must leave. A relief is planned so that it is
        there before.
    new_id
        Called once for each sortie, in the order of the plan.
    max_patrol_s
        A patrol takes no further cell that would make it longer than this, seconds.
    """
    return _Planning(city, now, drones, visits, wind, flying, stations, new_id, max_patrol_s).run(
        orders
    )


@dataclass
class _Planning:
    """The state of one call of ``plan``."""

    city: City
    now: datetime
    offers: Sequence[DroneOffer]
    visits: Mapping[str, datetime]
    wind: Wind
    flying: Sequence[Sortie]
    stations: Sequence[Station]
    new_id: Callable[[], str]
    max_patrol_s: float
    sorties: list[Sortie] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def run(self, orders: Sequence[OrderWish]) -> Plan:
        limits = self.city.limits
        if self.wind.speed_m_s > limits.wind_m_s:
            reason = f"wind {self.wind.speed_m_s:g} m/s is above the limit of {limits.wind_m_s:g}"
            return Plan(refusals=tuple(Refusal(o.id, "", reason) for o in orders))
        self._prepare()
        ranked = sorted(orders, key=lambda o: (-o.priority, o.created, o.id))
        for order in ranked:
            if order.kind == "stare":
                self._stares(order)
        patrols = [order for order in ranked if order.kind == "patrol"]
        for priority in dict.fromkeys(order.priority for order in patrols):
            self._patrols([order for order in patrols if order.priority == priority])
        self._ferries()
        return Plan(tuple(self.sorties), tuple(dict.fromkeys(self.refusals)))

    def _prepare(self) -> None:
        self.ground: Ground = ground_of(self.city)
        busy = {sortie.drone for sortie in self.flying}
        self.free = {
            offer.id: offer
            for offer in sorted(self.offers, key=lambda o: o.id)
            if offer.ready and offer.id not in busy and offer.id in self.ground.drones
        }
        self.taken = {cell for sortie in self.flying for cell in sortie.cells}
        self.taken |= {site for sortie in self.flying for site in sortie.sites}
        self.served = {sortie.order for sortie in self.flying}
        self.load = dict.fromkeys(self.ground.docks, 0)
        self.tubes: list[Tube] = []
        self.tube_of: dict[str, Tube] = {}
        for sortie in self.flying:
            self.load[sortie.dock] = self.load.get(sortie.dock, 0) + 1
            self.tube_of[sortie.id] = _tube(self.ground, sortie)
            self.tubes.append(self.tube_of[sortie.id])

    def _room(self) -> int:
        return self.city.limits.max_airborne - len(self.flying) - len(self.sorties)

    def _refuse(self, order: str, target: str, reason: str) -> None:
        self.refusals.append(Refusal(order, target, reason))

    def _nobody(self) -> str | None:
        """Return why no drone at all can be sent now, or None."""
        if self._room() <= 0:
            limit = self.city.limits.max_airborne
            return f"{limit - self._room()} drones are in the air; {limit} are allowed"
        if not self.free:
            why = [f"{o.id}: {o.reason}" for o in self.offers if not o.ready and o.reason]
            return "no drone is ready" + (f" ({'; '.join(why)})" if why else "")
        return None

    def _layers(self, dock: str) -> Iterator[float]:
        """Yield the altitudes to try for a dock: its own layer, then the ones after it."""
        levels = self.ground.layers
        own = list(self.ground.docks).index(dock) % len(levels)
        yield from (levels[(own + i) % len(levels)] for i in range(len(levels)))

    def _clear(self, tube: Tube) -> bool:
        return not any(tube.meets(other) for other in self.tubes)

    def _take(
        self, builder: Builder, draft: Draft, order: str, ends_at: str | None = None
    ) -> Sortie:
        """Add a sortie to the plan."""
        sortie = builder.finish(draft, "", order, ends_at)  # may refuse; then no id is drawn
        sortie = replace(sortie, id=self.new_id())
        self.sorties.append(sortie)
        self.tubes.append(builder.tube(draft))
        self.served.add(order)
        self.taken.update(sortie.cells)
        self.taken.update(sortie.sites)
        self.load[sortie.dock] += 1
        del self.free[sortie.drone]
        return sortie

    # guests

    def _ferries(self) -> None:
        """Send home the guests that are left, each to its own dock."""
        for offer in sorted(self.free.values(), key=lambda o: o.id):
            if offer.home is None or offer.home == offer.dock:
                continue
            reason = self._nobody() or self._ferry(offer, offer.home)
            if reason:
                self._refuse(FERRY, offer.id, reason)

    def _ferry(self, offer: DroneOffer, home: str) -> str | None:
        """Send one home at the first altitude that is clear; return why not."""
        for altitude in self._layers(offer.dock):
            builder = self._builder(offer, altitude)
            try:
                draft = ferry(builder, home, self.tubes)
                if draft is not None:
                    self._take(builder, draft, FERRY, home)
                    return None
            except PlanError as error:
                return str(error)
        return CROWDED

    # stares

    def _stares(self, order: OrderWish) -> None:
        for name in order.sites:
            if name in self.taken:
                self._relieve(order, name)
                continue
            if name not in self.ground.sites:
                known = ", ".join(self.ground.sites) or "none"
                self._refuse(order.id, name, f"there is no site {name!r}; there are {known}")
                continue
            reason = self._nobody() or self._stare(order, name)
            if reason:
                self._refuse(order.id, name, reason)

    def _stare(self, order: OrderWish, name: str) -> str | None:
        """Send the nearest drone that can; return why not where none can."""
        site = self.ground.sites[name]
        target = site.stare.position if site.stare is not None else site.position
        place = self.ground.frame.to_enu(*target)

        def watch(builder: Builder) -> Draft | None:
            draft = builder.stare(site)
            return draft if self._clear(builder.tube(draft)) else None

        return self._nearest(order, place, watch)

    def _nearest(
        self, order: OrderWish, place: Metres, build: Callable[[Builder], Draft | None]
    ) -> str | None:
        """Send the nearest drone that can, at the first altitude that is free; return why none can.

        ``build`` returns the whole sortie, or None where that altitude is taken.
        """
        away = {dock: math.dist(pad, place) for dock, pad in self.ground.places.items()}
        reasons = []
        for offer in self._by_distance(away):
            reason = CROWDED
            for altitude in self._layers(offer.dock):
                builder = self._builder(offer, altitude)
                try:
                    draft = build(builder)
                    if draft is None:
                        continue
                    self._take(builder, draft, order.id)
                except PlanError as error:
                    reason = str(error)
                    break
                return None
            reasons.append(f"{offer.id}: {reason}")
        return reasons[0]

    def _relieve(self, order: OrderWish, name: str) -> None:
        """Send a relief to a site that one drone stares at, where it must leave now."""
        there = [sortie for sortie in self.flying if name in sortie.sites]
        station = next((s for s in self.stations if there and s.sortie == there[0].id), None)
        site = self.ground.sites.get(name)
        if len(there) != 1 or station is None or site is None or site.stare is None:
            return
        place = self.ground.frame.to_enu(*site.stare.position)
        away = {dock: math.dist(pad, place) for dock, pad in self.ground.places.items()}
        speed = min((d.cruise_m_s for d in self.ground.drones.values()), default=1.0)
        farthest_s = 2.0 * max(away.values()) / speed + 120.0
        if not must_go(station, self.now, farthest_s):
            return  # long before any could have to
        reason = self._nobody() or self._send_relief(order, site, there[0], station, place)
        if reason:
            self._refuse(order.id, name, f"no relief: {reason}")

    def _send_relief(
        self, order: OrderWish, site: Site, there: Sortie, station: Station, place: Metres
    ) -> str | None:
        """Send the nearest drone that can, where it must go now; return why none can."""
        leaves_for = self.ground.places[there.dock]
        theirs = self.tube_of[there.id]

        def relieve(builder: Builder) -> Draft | None:
            aside = beside(place, leaves_for, self.ground.places[builder.dock])
            whole, out = builder.relieve(site, aside)
            if not must_go(station, self.now, out.cost.duration_s - ASIDE_S):
                raise _NotYetError
            tube = builder.tube(whole)
            others = [t for t in self.tubes if t is not theirs]
            crowded = builder.tube(out).meets(theirs) or any(tube.meets(t) for t in others)
            return None if crowded else whole

        try:
            return self._nearest(order, place, relieve)
        except _NotYetError:
            return None

    def _builder(self, offer: DroneOffer, altitude: float) -> Builder:
        drone = self.ground.drones[offer.id]
        return Builder(self.ground, drone, altitude, offer.battery_percent, self.wind, offer.dock)

    def _by_distance(self, distance: Mapping[str, float]) -> list[DroneOffer]:
        """Return the free drones, those of the nearest dock first, the fuller battery first."""
        return sorted(
            self.free.values(), key=lambda o: (distance[o.dock], -o.battery_percent, o.id)
        )

    # patrols

    def _patrols(self, orders: Sequence[OrderWish]) -> None:
        """Plan the patrol orders of one priority together."""
        pool = self._pool(orders)
        failed: dict[tuple[str, str], list[tuple[str, str]]] = {}
        crowded = 0
        while pool and crowded < MAX_CROWDED_CELLS and self._nobody() is None:
            index = self._next_cell(pool)
            cell, order = self.ground.cells[index], pool[index]
            reason = self._patrol(order, index, pool)
            if reason is None:
                continue
            del pool[index]
            failed.setdefault((order, cell.beat), []).append((cell.id, reason))
            crowded += reason.endswith(CROWDED)
        for (order, beat), cells in failed.items():
            name, reason = cells[0]
            if len(cells) == 1:
                self._refuse(order, name, reason)
            else:
                self._refuse(order, beat, f"{len(cells)} cells, the first {name!r}: {reason}")
        left = set(pool.values())
        nobody = self._nobody()
        for wish in orders:
            if wish.id in left and wish.id not in self.served and nobody is not None:
                self._refuse(wish.id, "", nobody)

    def _pool(self, orders: Iterable[OrderWish]) -> dict[int, str]:
        """Return the cells that are wanted and not taken, each with the oldest order for it."""
        beats = {beat.id for beat in self.city.beats}
        wanted: dict[str, str] = {}
        for order in orders:
            for beat in order.beats:
                if beat in beats:
                    wanted.setdefault(beat, order.id)
                else:
                    known = ", ".join(b.id for b in self.city.beats)
                    self._refuse(order.id, beat, f"there is no beat {beat!r}; there are {known}")
        return {
            index: wanted[cell.beat]
            for index, cell in enumerate(self.ground.cells)
            if cell.beat in wanted and cell.id not in self.taken
        }

    def _age_s(self, cell: int) -> float:
        """Return for how long a cell has not been seen; infinite where it never was."""
        seen = self.visits.get(self.ground.cells[cell].id)
        return float("inf") if seen is None else max(0.0, (self.now - seen).total_seconds())

    def _next_cell(self, pool: Mapping[int, str]) -> int:
        """Return the cell longest unvisited; of equals the nearest to a dock with least to do."""
        ages = {cell: self._age_s(cell) for cell in pool}
        oldest = max(ages.values())
        equals = np.array(sorted(cell for cell, age in ages.items() if age == oldest))
        docks = sorted({offer.dock for offer in self.free.values()})
        least = min(self.load[dock] for dock in docks)
        nearest = [
            (float(self.ground.distances[dock][equals].min()), dock)
            for dock in docks
            if self.load[dock] == least
        ]
        dock = min(nearest)[1]
        return int(equals[int(self.ground.distances[dock][equals].argmin())])

    def _patrol(self, order: str, cell: int, pool: dict[int, str]) -> str | None:
        """Send a drone over a cell and its neighbours; return why not where none can."""
        offers = self._by_distance({d: float(v[cell]) for d, v in self.ground.distances.items()})
        near = list(dict.fromkeys(offer.dock for offer in offers))[:NEAREST_DOCKS]
        first = ""
        for offer in offers:
            if offer.dock not in near:
                break
            reason = self._send(order, offer, cell, pool)
            if reason is None:
                return None
            first = first or f"{offer.id}: {reason}"
        return first

    def _send(self, order: str, offer: DroneOffer, cell: int, pool: dict[int, str]) -> str | None:
        """Send one drone, at the first altitude that is clear; return why not."""
        for altitude in self._layers(offer.dock):
            builder = self._builder(offer, altitude)
            try:
                builder.check_reach(cell)
                draft = builder.survey(builder.start(), cell)
                whole = builder.home(draft)
                builder.check_energy(whole)
                if not self._clear(builder.tube(whole)):
                    continue
                whole = self._extend(builder, draft, whole, cell, order, pool)
                sortie = self._take(builder, whole, order)
            except PlanError as error:
                return str(error)
            for name in sortie.cells:
                pool.pop(self.ground.index[name], None)
            return None
        return CROWDED

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
                for cell in self.ground.neighbours[member]
                if cell not in chosen and pool.get(cell) == order
            }
            middles = {c: self.ground.cells[c].center for c in near}
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
        fits = whole.cost.duration_s <= self.max_patrol_s and builder.fits(whole)
        return (draft, whole) if fits and self._clear(builder.tube(whole)) else None


class _NotYetError(Exception):
    """A relief need not leave yet."""


def _tube(ground: Ground, sortie: Sortie) -> Tube:
    points = [w for leg in sortie.legs for w in leg.waypoints]
    places = ground.frame.points_to_enu([(w.lon, w.lat) for w in points])
    return Tube.of(
        sortie.dock,
        [(float(e), float(n), w.altitude_m) for (e, n), w in zip(places, points, strict=True)],
    )
