"""What is known while a plan is made: who is free, what is taken, where others fly."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from missions.airspace import APART_M
from missions.builder import Builder
from missions.city import City
from missions.conflict import Traffic
from missions.draft import Draft
from missions.energy import Wind
from missions.errors import PlanError
from missions.ground import Ground, ground_of
from missions.picture import Doing, DroneNow
from missions.relief import Station
from missions.sortie import Sortie
from missions.tracks import Metres
from missions.trajectory import Trajectory
from missions.wishes import DroneOffer, Refusal
from missions.zones import ahead, in_force

CROWDED = "no altitude layer is free of other drones"
DOUBT_S, DRIFT = 15.0, 0.03
"""By how much a sortie may be early or late when it leaves, and how much more for each second."""
REASONS = 6
"""So many are told of why nobody can fly."""
WHENEVER_S = 7200.0
"""One of which nothing is known but its way may be anywhere on it: two batteries early or late."""


@dataclass
class Planning:
    """The state of one call of ``plan``; each part of the planner takes from it and adds to it.

    Parameters
    ----------
    city, now, offers, visits, wind, flying, stations, new_id
        As ``missions.planner.plan`` has them.
    trajectories
        Where all that fly are, by drone, in seconds from now. None where that is not known: then
        any two sorties are taken to be anywhere on their ways, whenever.
    sorties, refusals
        What the plan has so far.
    """

    city: City
    now: datetime
    offers: Sequence[DroneOffer]
    visits: Mapping[str, datetime]
    wind: Wind
    flying: Sequence[Sortie]
    stations: Sequence[Station]
    new_id: Callable[[], str]
    trajectories: Mapping[str, Trajectory] | None = None
    sorties: list[Sortie] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    ground: Ground = field(init=False)
    free: dict[str, DroneOffer] = field(init=False)
    """Drones that nothing has been given to, by id."""
    taken: set[str] = field(init=False)
    """Cells and sites that somebody flies to."""
    served: set[str] = field(init=False)
    """Orders that something is flown of."""
    load: dict[str, int] = field(init=False)
    """Drones out, by dock."""
    traffic: dict[str, Trajectory] = field(init=False)
    """Where others are, and when, by drone: those that fly, and those that the plan sends."""

    def __post_init__(self) -> None:
        """Work out what is free and what is taken."""
        city = in_force(self.city, self.now, self.now + ahead(self.city))
        self.ground = ground_of(city)
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
        for sortie in self.flying:
            self.load[sortie.dock] = self.load.get(sortie.dock, 0) + 1
        if self.trajectories is None:
            self.traffic = {sortie.drone: whenever(self.ground, sortie) for sortie in self.flying}
        else:
            self.traffic = dict(self.trajectories)

    def fleet(self) -> Iterator[DroneNow]:
        """Yield the drones as offers and sorties under way have them."""
        places = self.ground.places
        for sortie in self.flying:
            yield DroneNow(
                sortie.drone,
                sortie.ends_at or sortie.dock,
                Doing.PATROL,
                self.city.limits.reserve_percent,
                places[sortie.dock],
                sortie.altitude_m,
                sortie=sortie,
                left=sortie.cells,
                ends_in_s=sortie.energy.duration_s,
            )
        busy = {sortie.drone for sortie in self.flying}
        for offer in self.offers:
            if offer.id in self.ground.drones and offer.id not in busy:
                why = "" if offer.ready else offer.reason or "not ready"
                place = places[offer.dock]
                yield DroneNow(
                    offer.id, offer.dock, Doing.DOCKED, offer.battery_percent, place, reason=why
                )

    def room(self) -> int:
        """Return how many more drones may be in the air."""
        return self.city.limits.max_airborne - len(self.flying) - len(self.sorties)

    def refuse(self, order: str, target: str, reason: str, constraint: str = "") -> None:
        """Note why something is not flown now."""
        self.refusals.append(Refusal(order, target, reason, constraint))

    def nobody(self) -> str | None:
        """Return why no drone at all can be sent now, or None."""
        if self.room() <= 0:
            limit = self.city.limits.max_airborne
            return f"{limit - self.room()} drones are in the air; {limit} are allowed"
        if not self.free:
            why = [f"{o.id}: {o.reason}" for o in self.offers if not o.ready and o.reason]
            return "no drone is ready" + (f" ({'; '.join(why)})" if why else "")
        return None

    def layers(self, dock: str) -> Iterator[float]:
        """Yield the altitudes to try for a dock: its own layer, then the ones after it."""
        levels = self.ground.layers
        own = list(self.ground.docks).index(dock) % len(levels)
        yield from (levels[(own + i) % len(levels)] for i in range(len(levels)))

    def patrol_layers(self, dock: str) -> list[float]:
        """Return the altitudes to try for a patrol: the city's for it, then those next to that."""
        wanted = self.city.limits.patrol_m
        levels = list(self.layers(dock))
        return levels if wanted is None else sorted(levels, key=lambda m: abs(m - wanted))

    def timed(self, builder: Builder, draft: Draft, early_s: float = 0.0) -> Trajectory:
        """Return where a sortie will be that leaves now.

        Parameters
        ----------
        builder, draft
            The whole sortie.
        early_s
            So much sooner it may be called home.
        """
        if self.trajectories is None:
            return builder.trajectory(draft, doubt_s=WHENEVER_S)
        return builder.trajectory(draft, doubt_s=DOUBT_S + early_s, drift=DRIFT)

    def clear(self, trajectory: Trajectory, but: str = "") -> bool:
        """Whether nobody else, but for one drone, comes near at the same time."""
        others = [known for drone, known in self.traffic.items() if drone != but]
        return Traffic.of(others).clear(trajectory, horizontal_m=APART_M)

    def builder(self, offer: DroneOffer, altitude: float) -> Builder:
        """Return what makes the sorties of a drone at an altitude."""
        drone = self.ground.drones[offer.id]
        percent, cold = offer.battery_percent, offer.temperature_c
        return Builder(self.ground, drone, altitude, percent, self.wind, offer.dock, cold)

    def by_distance(self, distance: Mapping[str, float]) -> list[DroneOffer]:
        """Return the free drones, those of the nearest dock first, the fuller battery first."""
        return sorted(
            self.free.values(), key=lambda o: (distance[o.dock], -o.battery_percent, o.id)
        )

    def away(self, place: Metres) -> dict[str, float]:
        """Return how far each dock is from a place, metres."""
        return {dock: math.dist(pad, place) for dock, pad in self.ground.places.items()}

    def send(
        self,
        order: str,
        place: Metres,
        build: Callable[[Builder], tuple[Draft, Trajectory] | None],
        drones: Collection[str] = (),
    ) -> None:
        """Send the nearest drone that can, at the first altitude that is free.

        Parameters
        ----------
        order
            What it flies for.
        place
            Where it flies to, metres.
        build
            Returns the whole sortie and when it is where, or None where that altitude is taken.
        drones
            Only these may fly it; empty: any.

        Raises
        ------
        PlanError
            If none can: why each cannot, the nearest first.
        """
        nobody = self.nobody()
        if nobody is not None:
            raise PlanError(nobody, "fleet")
        refused: list[tuple[str, PlanError]] = []
        for offer in self.by_distance(self.away(place)):
            if drones and offer.id not in drones:
                continue
            found = self._sent(order, offer, build)
            if found is None:
                return
            refused.append((offer.id, found))
        if not refused:
            raise PlanError(f"it is for {', '.join(drones)} alone, and none is free", "fleet")
        raise all_of(refused)

    def _sent(
        self,
        order: str,
        offer: DroneOffer,
        build: Callable[[Builder], tuple[Draft, Trajectory] | None],
    ) -> PlanError | None:
        """Send a drone at the first altitude that is free; return why it cannot fly."""
        why = PlanError(CROWDED, "airspace")
        for altitude in self.layers(offer.dock):
            builder = self.builder(offer, altitude)
            try:
                found = build(builder)
                if found is not None:
                    self.take(builder, *found, order)
                    return None
            except PlanError as error:
                why = error
                if error.constraint != "altitude":
                    break
        return why

    def take(
        self,
        builder: Builder,
        draft: Draft,
        trajectory: Trajectory,
        order: str,
        ends_at: str | None = None,
    ) -> Sortie:
        """Add a sortie to the plan; ``trajectory`` says when it is where, in seconds from now.

        Raises
        ------
        PlanError
            If it breaks the airspace; then nothing is added.
        """
        sortie = builder.finish(draft, "", order, ends_at)  # may refuse; then no id is drawn
        sortie = replace(sortie, id=self.new_id())
        self.sorties.append(sortie)
        self.traffic[sortie.drone] = trajectory
        self.served.add(order)
        self.taken.update(sortie.cells)
        self.taken.update(sortie.sites)
        self.load[sortie.dock] += 1
        del self.free[sortie.drone]
        return sortie


def all_of(refused: Sequence[tuple[str, PlanError]]) -> PlanError:
    """Return why none of some drones can fly, each reason once; of the kind that the first has."""
    said: dict[str, list[str]] = {}
    for drone, error in refused:
        said.setdefault(str(error), []).append(drone)
    words = [f"{_names(drones)}: {reason}" for reason, drones in said.items()]
    more = f"; and {len(words) - REASONS} more reasons" if len(words) > REASONS else ""
    return PlanError("; ".join(words[:REASONS]) + more, refused[0][1].constraint)


def _names(drones: Sequence[str]) -> str:
    more = f" and {len(drones) - 3} more" if len(drones) > 3 else ""
    return ", ".join(drones[:3]) + more


def whenever(ground: Ground, sortie: Sortie) -> Trajectory:
    """Return where a sortie may be of which nothing is known but its way: anywhere, whenever.

    Without climb and landing, as ``Builder.trajectory`` has it.
    """
    points = [w for leg in sortie.legs for w in leg.waypoints]
    places = ground.frame.points_to_enu([(w.lon, w.lat) for w in points])
    times = [
        (float(index), float(east), float(north), w.altitude_m)
        for index, ((east, north), w) in enumerate(zip(places, points, strict=True))
    ]
    return Trajectory.of(times, doubt_s=WHENEVER_S)
