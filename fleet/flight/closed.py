"""What that is closed concerns one drone: where it is, on its mission, on its way home."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from shapely.geometry import Point

from fleet.flight.airways import Airways, Shut
from fleet.flight.berths import AT_M
from fleet.flight.place import endurance_s
from fleet.flight.route import way_home
from fleet.flight.safety.sky import placed
from fleet.flight.world import World
from fleet.link.items import NAV_LOITER_TIME, NAV_WAYPOINT, Programme
from fleet.model.live import Telemetry
from missions.city import Drone
from missions.geo import distance_m as between_m
from missions.hours import active_between
from missions.sortie import Sortie
from missions.zones import Place

_FLOWN_TO = frozenset({NAV_WAYPOINT, NAV_LOITER_TIME})


LONG_FACTOR, LONG_M = 2.0, 300.0
"""A way home by the mission that is longer than so many times the straight line, and so much, is not
flown: by points around what is closed it is nearer."""


class Concern:
    """What is closed to one drone. What its mission leads through is looked up once an item.

    Parameters
    ----------
    world, drone
        The city's airways and clock; whose.
    """

    def __init__(self, world: World, drone: Drone) -> None:
        self._world = world
        self._drone = drone
        self._asked: tuple[object, ...] = ()
        self._rest: Shut | None = None
        self._next: Place | None = None

    @property
    def _airways(self) -> Airways:
        return self._world.airways

    def here(self, t: Telemetry) -> Shut | None:
        """Return what is shut where the drone is, or None."""
        place = self.place(t) if self._airways.shut else None
        return None if place is None else self._airways.at(place)

    def place(self, t: Telemetry) -> Place | None:
        """Return where a vehicle is in the city's frame; None where that is not known."""
        if t.lon is None or t.lat is None or not placed(t.lon, t.lat):
            return None
        return self._airways.place(t.lon, t.lat, max(0.0, t.altitude_m or 0.0))

    def ahead(self, t: Telemetry, programme: Programme | None, *, begun: bool) -> Shut | None:
        """Return what is shut that the rest of a mission leads through before it opens, or None.

        ``begun``: it is under way, at the vehicle's current item; else all of it counts.
        """
        airways = self._airways
        if not airways.shut or programme is None:
            return None
        here = self.place(t)
        current = min(max(t.mission_current, 0), programme.last) if begun else 0
        asked = (airways.version, programme.sortie.id, current)
        if asked != self._asked:
            self._asked = asked
            way = self._items(programme, current)
            self._next = way[0] if way else None
            start = [here] if here is not None and begun else []
            self._rest = self._led_through([*start, *way])
        if begun and here is not None and self._next is not None and self._rest is None:
            return self._led_through([here, self._next])
        return self._rest

    def _items(self, programme: Programme, current: int) -> list[Place]:
        """Return where the items of a mission lead, from one on; from the pad where it is first."""
        sortie = programme.sortie
        items = [i for i in programme.items[current:] if i.command in _FLOWN_TO]
        way = [self._airways.place(item.lon, item.lat, item.z) for item in items]
        if current == 0:
            pad = self._airways.place(sortie.home_lon, sortie.home_lat, 0.0)
            way = [pad, (*pad[:2], sortie.altitude_m), *way]
        return way

    def _led_through(self, way: Sequence[Place]) -> Shut | None:
        """Return what is shut that a way leads through while it is, at the soonest; or None."""
        flown_m, now = 0.0, self._world.clock.now()
        lasts = timedelta(seconds=endurance_s(self._drone))
        timezone = self._world.city.city.timezone
        for a, b in pairwise(way):
            for found in self._airways.shut:
                if not found.closed.crossed([a, b]):
                    continue
                to_m = flown_m + found.closed.area.distance(Point(a[:2]))
                first = now + timedelta(seconds=to_m / self._drone.cruise_m_s)
                if active_between(found.closed.zone.active, timezone, first, now + lasts):
                    return found
            flown_m += math.dist(a[:2], b[:2])
        return None

    def sortie(self, sortie: Sortie) -> Shut | None:
        """Return what is shut that a sortie which has not begun would lead through, or None."""
        airways = self._airways
        if not airways.shut:
            return None
        pad = airways.place(sortie.home_lon, sortie.home_lat, 0.0)
        way = [
            airways.place(w.lon, w.lat, w.altitude_m) for leg in sortie.legs for w in leg.waypoints
        ]
        return self._led_through([pad, *way])

    def to(self, t: Telemetry, lon: float, lat: float, height_m: float) -> Shut | None:
        """Return what is shut on the straight way to a place, or None."""
        here = self.place(t) if self._airways.shut else None
        if here is None:
            return None
        return self._airways.on([here, self._airways.place(lon, lat, height_m)])

    def home(
        self, t: Telemetry, programme: Programme | None, pad: tuple[float, float]
    ) -> Shut | None:
        """Return what is shut on the way to a dock, as a drone would fly it; None where nothing is.

        By its mission where that ends there, else straight.
        """
        airways, here = self._airways, self.place(t)
        if not airways.shut or here is None:
            return None
        if programme is not None:
            end = programme.sortie.end
            if between_m(pad, (end.lon, end.lat)) <= AT_M:
                item = way_home(programme, t, self.free)
                way = [here, *self._items(programme, max(item, 1))]
                # a mission that goes on for long before it comes home is no way home
                return airways.on(way) or (airways.on([here, way[-1]]) if _long(way) else None)
            height = max(here[2], programme.sortie.altitude_m)
        else:
            height = here[2]
        return airways.on([here, airways.place(*pad, height)])

    def free(self, way: Sequence[tuple[float, float, float]]) -> bool:
        """Whether nothing is shut on a way over (lon, lat, height), and it leads home soon."""
        airways = self._airways
        if not airways.shut:
            return True
        places = [airways.place(*point) for point in way]
        return not _long(places) and airways.on(places) is None


def _long(way: Sequence[Place]) -> bool:
    """Whether a way is far longer than one around what lies on the straight line would be."""
    length = sum(math.dist(a[:2], b[:2]) for a, b in pairwise(way))
    return length > LONG_FACTOR * math.dist(way[0][:2], way[-1][:2]) + LONG_M
