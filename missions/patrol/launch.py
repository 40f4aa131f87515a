"""Who leaves now, and over which cells: drones that cover calls which nobody else reaches in time.

Batteries let only so many drones be in the air for good. So a drone leaves when there are fewer, or
when it is full; among those that could, the one whose best tour gains most. Where calls have taken
the drones of a part of the city, one leaves sooner to cover it. In each dock some stay ready.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from missions.geo import Floats
from missions.ground import Ground
from missions.patrol.cover import Cover
from missions.patrol.polish import polished
from missions.patrol.ready import (
    EARLY_PERCENT,
    FULL_PERCENT,
    able,
    docks_ready_s,
    free,
    standing,
    sustained,
    usable_s,
)
from missions.patrol.situation import Planned, Situation
from missions.patrol.watch import Watch
from missions.picture import Doing, DroneNow

SOON_PERCENT = 60.0
"""With so much a drone may leave to cover calls that nobody reaches in time now."""
GAP = 0.03
"""Share of calls that nobody reaches in time from which on one does."""


@dataclass
class Launch:
    """Chooses who leaves.

    Parameters
    ----------
    ground
        The city.
    now
        What is known.
    altitude_m
        Flown at.
    service_s, worth
        What flying each cell takes, seconds, and what a visit of it is worth.
    planned
        The cells that the plan has each drone fly next.
    """

    ground: Ground
    now: Situation
    altitude_m: float
    service_s: Floats
    worth: Floats
    planned: Mapping[str, tuple[int, ...]]
    _standing: set[str] = field(init=False)
    """Drones that can answer a call from their docks."""
    _left: list[str] = field(default_factory=list)
    """Drones that leave."""

    def __post_init__(self) -> None:
        """See who stands ready."""
        self._standing = standing(self.ground, self.now.fleet)

    def due(self) -> list[Planned]:
        """Return the tours that leave now, the most wanted first."""
        now, leaving = self.now, list[Planned]()
        count = sum(d.in_air or d.doing is Doing.LEAVING for d in now.fleet)
        able_count = sum(map(able, now.fleet))
        lasting = sustained(self.ground, able_count, self.altitude_m, now.wind)
        cover, aloft, worth = now.cover(self.ground), None, self.worth.copy()
        while count < now.ceiling:
            waiting = [d for d in now.fleet if self._may(d, SOON_PERCENT)]
            if not waiting:
                break
            if aloft is None:
                aloft = cover.aloft(now.trajectories[d] for d in self._free())
            ready = docks_ready_s(self.ground, now.fleet, self._left)
            missing = cover.missing([*aloft, *cover.standing(ready)])
            least = EARLY_PERCENT if count < lasting else FULL_PERCENT
            charged = [d for d in waiting if d.battery_percent >= least]
            gap = cover.gap(missing)
            if not charged and gap < GAP:
                break
            watch = Watch.of(cover, self.service_s, worth, missing)
            best = self._choice(watch, charged)
            if best is None and gap >= GAP:
                best = self._choice(watch, waiting, fills=missing)
            if best is None:
                break
            drone, cells = best
            passed, places = watch.passed(cells, drone.dock, self._begins_s(drone, cover))
            aloft.append(cover.over(passed, places))
            end_s = now.now_s + float(passed[-1])
            leaving.append(Planned(drone.id, drone.dock, cells, now.now_s, end_s))
            worth[list(cells)] = 0.0
            self._standing.discard(drone.id)
            self._left.append(drone.id)
            count += 1
        return leaving

    def _choice(
        self, watch: Watch, drones: Sequence[DroneNow], fills: Floats | None = None
    ) -> tuple[DroneNow, tuple[int, ...]] | None:
        """Return the drone whose best tour gains most, and that tour; None where none has one.

        Parameters
        ----------
        fills
            How likely nobody covers each cell, shape (times, cells): the tour that brings most
            calls within reach is taken, and only one that fills half of the gap.
        """
        found = []
        for drone in drones:
            rate, cells = self._best(watch, drone)
            if not cells:
                continue
            if fills is not None:
                way = watch.passed(cells, drone.dock, self._begins_s(drone, watch.cover))
                rate = watch.cover.gap(fills) - watch.cover.gap(fills, watch.cover.over(*way))
                if rate < GAP / 2:
                    continue
            found.append((rate, drone.battery_percent, drone.id, drone, cells))
        if not found:
            return None
        *_, drone, cells = max(found)
        return drone, cells if fills is not None else self._polished(watch, drone, cells)

    def _free(self) -> list[str]:
        """Return the drones that are out and can be taken for a call."""
        return [d.id for d in self.now.fleet if d.id in self.now.trajectories and free(d)]

    def _begins_s(self, drone: DroneNow, cover: Cover) -> float:
        """Return in how many seconds a drone that is sent now is over its dock."""
        return self.ground.leaves_s(drone.dock) + cover.climb_s

    def _best(self, watch: Watch, drone: DroneNow) -> tuple[float, tuple[int, ...]]:
        """Return what the best tour of a drone gains a second, and its cells."""
        begin_s = self._begins_s(drone, watch.cover)
        return watch.tour(drone.dock, begin_s, self._usable_s(drone))

    def _polished(self, watch: Watch, drone: DroneNow, cells: tuple[int, ...]) -> tuple[int, ...]:
        """Return the better of a tour and the plan's, and what PyVRP makes of that."""
        begin_s, usable = self._begins_s(drone, watch.cover), self._usable_s(drone)
        tours = (self.planned.get(drone.id, ()), cells)
        return polished(watch, drone.dock, begin_s, usable, tours)

    def _usable_s(self, drone: DroneNow) -> float:
        """Return for how long a drone may fly that leaves now, seconds."""
        percent, wind = drone.battery_percent, self.now.wind
        return usable_s(self.ground, drone.id, percent, self.altitude_m, wind)

    def _may(self, drone: DroneNow, percent: float) -> bool:
        """Whether a drone stands charged in its dock, and enough others stay ready there."""
        if drone.doing is not Doing.DOCKED or not able(drone) or drone.id in self._left:
            return False
        if drone.battery_percent < percent:
            return False
        if len(self._standing - {drone.id}) < self.now.reserve:
            return False
        others = [d.id for d in self.now.fleet if d.dock == drone.dock and d is not drone]
        living = sum(d.dock == drone.dock for d in self.ground.drones.values() if d.id != drone.id)
        return sum(other in self._standing for other in others) >= min(self.now.ready, living)
