"""Which of the tours ahead leave now: those that cover calls which nobody else would reach in time.

Batteries let only so many drones be in the air for good. So a tour leaves when there are fewer, or
when its drone is full; among those that could, the one that adds most to what is covered, in the
direction in which it adds most. In each dock some stay ready.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import dist

import numpy as np

from missions.build import Ground
from missions.geo import Floats
from missions.patrol.cells import service_s
from missions.patrol.cover import Cover, Covered
from missions.patrol.ready import (
    EARLY_PERCENT,
    FULL_PERCENT,
    LEAVE_PERCENT,
    able,
    docks_ready_s,
    standing,
    sustained,
)
from missions.patrol.situation import Planned, Situation
from missions.picture import Doing, DroneNow

LITTLE = 0.004
"""A drone that is not charged leaves early only where it covers so much more of the calls."""


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
    """

    ground: Ground
    now: Situation
    altitude_m: float
    _standing: set[str] = field(init=False)
    """Drones that can answer a call from their docks."""
    _left: list[str] = field(default_factory=list)
    """Drones that leave."""

    def __post_init__(self) -> None:
        """See who stands ready."""
        self._standing = standing(self.ground, self.now.fleet)

    def due(self, tours: Sequence[Planned]) -> list[Planned]:
        """Return the tours that leave now, the most wanted first."""
        now, by_id = self.now, {d.id: d for d in self.now.fleet}
        waiting = [t for t in tours if self._may(t, by_id[t.drone], EARLY_PERCENT)]
        if not waiting:
            return []
        count = sum(d.in_air or d.doing is Doing.LEAVING for d in now.fleet)
        able_count = sum(map(able, now.fleet))
        lasting = sustained(self.ground, able_count, self.altitude_m, now.wind)
        cover = now.cover(self.ground)
        aloft = cover.aloft(now.trajectories.values())
        leaving: list[Planned] = []
        while waiting and count < now.ceiling:
            gain, tour, covers = self._best(cover, aloft, waiting)
            drone = by_id[tour.drone]
            waiting = [t for t in waiting if t.drone != tour.drone]
            percent = drone.battery_percent
            if count >= lasting and percent < FULL_PERCENT:
                continue
            if percent < LEAVE_PERCENT and gain < LITTLE:
                continue
            leaving.append(replace(tour, start_s=now.now_s))
            self._standing.discard(drone.id)
            self._left.append(drone.id)
            aloft |= covers
            count += 1
            waiting = [t for t in waiting if self._may(t, by_id[t.drone], EARLY_PERCENT)]
        return leaving

    def _may(self, tour: Planned, drone: DroneNow, percent: float) -> bool:
        """Whether a drone stands charged in its tour's dock, and enough others stay ready there."""
        if drone.doing is not Doing.DOCKED or not able(drone) or drone.dock != tour.dock:
            return False
        if drone.battery_percent < percent:
            return False
        mates = [
            d.id for d in self.now.fleet if d.dock == drone.dock and d is not drone and able(d)
        ]
        return sum(mate in self._standing for mate in mates) >= min(self.now.ready, len(mates))

    def _best(
        self, cover: Cover, aloft: Covered, tours: Sequence[Planned]
    ) -> tuple[float, Planned, Covered]:
        """Return the tour, or its reverse, that adds most, and what it covers."""
        by_id = {d.id: d for d in self.now.fleet}
        found = []
        for tour in tours:
            others = docks_ready_s(self.ground, self.now.fleet, {tour.drone, *self._left})
            covered = aloft | cover.standing(others)
            for cells in (tour.cells, tour.cells[::-1]):
                passed, places = self._passed(tour, cells, cover)
                covers = cover.tour(passed, places)
                found.append((cover.gain(covered, covers), replace(tour, cells=cells), covers))
        return max(found, key=lambda one: (round(one[0], 6), by_id[one[1].drone].battery_percent))

    def _passed(
        self, tour: Planned, cells: Sequence[int], cover: Cover
    ) -> tuple[Floats, list[tuple[float, float]]]:
        """Return where a tour is when, roughly: from middle to middle."""
        ground = self.ground
        drone = ground.drones[tour.drone]
        service = service_s(ground, drone.camera.hfov_deg, self.altitude_m, cover.speed_m_s)
        pad = ground.places[tour.dock]
        places = [pad, *(ground.cells[c].center for c in cells), pad]
        stays = [0.0, *(float(service[c]) for c in cells), 0.0]
        waits = ground.city.limits.checks_s + ground.docks[tour.dock].door_s + cover.climb_s
        times, now_s = [waits], waits
        for (a, b), stay in zip(pairwise(places), stays[1:], strict=True):
            now_s += dist(a, b) / cover.speed_m_s + cover.turn_s + stay / 2.0
            times.append(now_s)
            now_s += stay / 2.0
        return np.array(times), places
