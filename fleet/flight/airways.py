"""What of the air is closed now, and what that closes to a drone. Pure but for what it keeps.

A city's zones that are always closed are known to every sortie. *Shut* is what a drone in the air
may not know of: closures, zones that were read in, and zones that are active at some hours alone.
Heights are metres above the dock, which is taken for above ground.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import shapely
from shapely.geometry import LineString, Point, Polygon
from shapely.ops import nearest_points

from fleet.model.closure import Closure
from missions.airspace import Airspace
from missions.city import City, Zone
from missions.hours import active_between
from missions.zones import Closed

Place = tuple[float, float, float]
"""East, north, height: metres."""
OUT_M = 5.0
"""A drone that leaves goes so far out of the margin."""


@dataclass(frozen=True, slots=True, eq=False)
class Shut:
    """What is closed now and may not be known to a sortie."""

    closed: Closed
    why: str

    @property
    def words(self) -> str:
        """Its name and why it is closed."""
        name = self.closed.zone.name or self.closed.zone.id
        return f"{name}: {self.why}" if self.why else name

    def holds(self, place: Place) -> bool:
        """Whether a place is within it; its border is not."""
        east, north, height = place
        return self.closed.reaches(height, height) and bool(
            shapely.contains_xy(self.closed.area, east, north)
        )

    def crossed(self, way: Sequence[Place]) -> bool:
        """Whether a way of straight pieces leads through it."""
        low, high = min(p[2] for p in way), max(p[2] for p in way)
        if not self.closed.reaches(low, high):
            return False
        for a, b in zip(way, way[1:] or way, strict=False):
            if self.closed.reaches(min(a[2], b[2]), max(a[2], b[2])) and self._on(a, b):
                return True
        return False

    def _on(self, a: Place, b: Place) -> bool:
        line = LineString([a[:2], b[:2]]) if a[:2] != b[:2] else Point(a[:2])
        return bool(self.closed.area.intersects(line) and not self.closed.area.touches(line))


class Airways:
    """The city's airspace as it changes.

    Parameters
    ----------
    city
        The city as its file has it.

    Attributes
    ----------
    version
        Counts up whenever what is in force has changed.
    city
        The city with the closures as further zones, whatever their hours: what planners are given.
    space
        Its airspace as it is in force now.
    known
        The airspace that every sortie knows of: without closures and hours.
    shut
        What is in force now and may not be known to a sortie.
    """

    def __init__(self, city: City) -> None:
        self._file = city
        self._closures: tuple[Closure, ...] = ()
        self._active: tuple[Zone, ...] = ()
        self._closed: dict[str, Closed] = {}
        self.version = 0
        self.city = city
        always = tuple(zone for zone in city.zones if zone.active is None)
        self.known = Airspace.of(city.model_copy(update={"zones": always}))
        self.space = self.known
        self.shut: tuple[Shut, ...] = ()

    def take(self, closures: Sequence[Closure], now: datetime) -> None:
        """Take the closures that have not ended in place of those before."""
        self._closures = tuple(closures)
        zones = (*self._file.zones, *(one.zone for one in closures))
        self.city = self._file.model_copy(update={"zones": zones}) if closures else self._file
        self.look(now)

    def look(self, now: datetime) -> bool:
        """Look at the clock; say whether what is in force has changed."""
        timezone = self._file.city.timezone
        why = {one.zone.id: one.reason for one in self._closures}
        changing = [z for z in self.city.zones if z.active is not None or z.id in why]
        active = tuple(z for z in changing if active_between(z.active, timezone, now, now))
        if active == self._active:
            return False
        self._active = active
        self.shut = tuple(Shut(self._made(zone), why.get(zone.id, "")) for zone in active)
        self._closed = {one.closed.zone.id: one.closed for one in self.shut}
        closed = [one.closed for one in self.shut]
        self.space = self.known.with_closed(closed) if closed else self.known
        self.version += 1
        return True

    def _made(self, zone: Zone) -> Closed:
        known = self._closed.get(zone.id)
        if known is not None and known.zone == zone:
            return known
        return Closed.of(zone, self.known.frame, self._file.city.elevation_m)

    def place(self, lon: float, lat: float, height_m: float) -> Place:
        """Return a position in the city's frame."""
        return (*self.known.frame.to_enu(lon, lat), height_m)

    def at(self, place: Place) -> Shut | None:
        """Return what is shut that holds a place, or None."""
        return next((one for one in self.shut if one.holds(place)), None)

    def on(self, way: Sequence[Place]) -> Shut | None:
        """Return what is shut that a way leads through, or None."""
        return next((one for one in self.shut if one.crossed(way)), None)

    def way_out(self, place: Place, within: Polygon | None) -> tuple[float, float] | None:
        """Return the nearest place out of everything that is closed at a height, with its margin.

        Parameters
        ----------
        place
            Where the drone is.
        within
            What it must not leave meanwhile, metres; None: the city's fence.

        Returns
        -------
        East and north; None where there is none.
        """
        here, closed = Point(place[:2]), self.space.closed_at(place[2])
        piece = next((p for p in shapely.get_parts(closed).tolist() if p.covers(here)), None)
        if piece is None:
            return place[:2]
        border = piece.buffer(OUT_M, join_style="mitre").boundary.difference(closed)
        bounds = within if within is not None else self.space.bounds
        if bounds is not None:
            border = border.intersection(bounds)
        if border.is_empty:
            return None
        out = nearest_points(here, border)[1]
        return float(out.x), float(out.y)
