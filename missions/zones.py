"""No-fly zones as they are kept from: their ground, heights and times; and who flies into one.

Shapes are metres in the city's frame, heights metres above ground. Which of a city's zones count
in a span of time is ``in_force``; whether a planned way passes one while it is active, at its
height, is ``crossing``, which samples nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import shapely
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from missions.city import City, Zone
from missions.errors import GeometryError
from missions.geo import LocalFrame
from missions.hours import active_between, active_spans
from missions.power import PowerModel
from missions.trajectory import Trajectory

MARGIN_M = 30.0
"""Kept from a no-fly zone by routes."""
FENCED_CORNERS = 16
"""A zone with more is fenced in a vehicle by a plainer ring around it: it holds 64 in all."""
LEAST_AHEAD = timedelta(hours=1)
"""What is closed within it concerns a sortie that is planned now, however soon that is back."""
WIDE_CORNERS = 32
"""A zone with more is kept from by its hull: ways lead over corners, and the fewer the sooner."""
HAIR_M = 1e-6
Place = tuple[float, float, float]
"""East, north, height: metres."""


@dataclass(frozen=True, slots=True, eq=False)
class Closed:
    """A no-fly zone.

    Parameters
    ----------
    zone
        As the city has it.
    area
        Its ground.
    wide
        The same with the margin around it, few corners.
    fenced
        What a vehicle's fence leaves out for it: its outer ring, or a plainer one around that.
    floor_m, ceiling_m
        Above ground.
    """

    zone: Zone
    area: Polygon
    wide: Polygon
    fenced: Polygon
    floor_m: float
    ceiling_m: float

    @classmethod
    def of(cls, zone: Zone, frame: LocalFrame, ground_amsl_m: float) -> Closed:
        """Return a zone in a city's frame.

        Raises
        ------
        GeometryError
            If a ring cannot be used.
        """
        area = polygon_of(zone, frame)
        wide = _wider(Polygon(area.exterior))
        for hole in area.interiors:
            kept = Polygon(hole).buffer(-MARGIN_M)
            left = wide.difference(kept) if isinstance(kept, Polygon) else wide
            wide = left if isinstance(left, Polygon) else wide
        outer = Polygon(area.exterior)
        return cls(zone, area, wide, _plainer(outer), *zone.heights_m(ground_amsl_m))

    def reaches(self, low_m: float, high_m: float) -> bool:
        """Whether it holds any height between two; its floor and ceiling are free."""
        return self.floor_m < high_m and low_m < self.ceiling_m

    def holds(self, place: Place) -> bool:
        """Whether a place is within it; its border is not."""
        east, north, height = place
        return self.reaches(height, height) and bool(shapely.contains_xy(self.area, east, north))

    def crossed(self, way: Sequence[Place]) -> bool:
        """Whether a way of straight pieces leads through it."""
        low, high = min(p[2] for p in way), max(p[2] for p in way)
        if not self.reaches(low, high):
            return False
        for a, b in zip(way, way[1:] or way, strict=False):
            if self.reaches(min(a[2], b[2]), max(a[2], b[2])) and self._on(a, b):
                return True
        return False

    def _on(self, a: Place, b: Place) -> bool:
        line = _line([a[:2], b[:2]])
        return bool(self.area.intersects(line) and not self.area.touches(line))


def polygon_of(zone: Zone, frame: LocalFrame) -> Polygon:
    """Return the ground of a zone, metres.

    Raises
    ------
    GeometryError
        If a ring cannot be used, or a hole does not lie within.
    """
    outer = frame.polygon(zone.area)
    if not zone.holes:
        return outer
    whole = Polygon(outer.exterior, [frame.polygon(hole).exterior for hole in zone.holes])
    if not whole.is_valid:
        raise GeometryError(f"holes of zone {zone.id!r} do not lie within it, or cross")
    return whole


def _wider(ring: Polygon) -> Polygon:
    """Return a ring with the margin around it; around its hull, where it has many corners."""
    few = len(ring.exterior.coords) - 1 <= WIDE_CORNERS
    around = ring if few else ring.convex_hull
    wide = around.buffer(MARGIN_M, join_style="mitre", mitre_limit=2.0)
    assert isinstance(wide, Polygon)
    return Polygon(wide.exterior)


def _plainer(ring: Polygon) -> Polygon:
    """Return a polygon with no more than ``FENCED_CORNERS`` corners that holds another.

    It reaches less far than routes keep away; where there is none, the ring as it is.
    """
    if len(ring.exterior.coords) - 1 <= FENCED_CORNERS:
        return ring
    hull = ring.convex_hull
    for room in (2.0, 5.0, 10.0, 20.0):
        plain = hull.buffer(room, join_style="mitre", mitre_limit=2.0).simplify(room)
        few = isinstance(plain, Polygon) and len(plain.exterior.coords) - 1 <= FENCED_CORNERS
        if isinstance(plain, Polygon) and few and plain.covers(ring):
            return plain
    return ring


def in_force(city: City, start: datetime, end: datetime) -> City:
    """Return a city with those of its zones alone that are active at any time between two.

    What plans a flight asks with its take-off and its landing: what is closed at no time of it is
    free. The city itself, where that is all of them.
    """
    timezone = city.city.timezone
    zones = tuple(z for z in city.zones if active_between(z.active, timezone, start, end))
    return city if len(zones) == len(city.zones) else city.model_copy(update={"zones": zones})


def ahead(city: City) -> timedelta:
    """Return how far ahead zones concern a sortie that is planned now: as long as a battery lasts."""
    longest_s = max((PowerModel.of(drone).endurance_s for drone in city.drones), default=0.0)
    return max(LEAST_AHEAD, timedelta(seconds=longest_s))


def crossing(
    way: Trajectory, closed: Closed, reference: datetime, timezone: str
) -> tuple[float, tuple[float, float, float]] | None:
    """Return when and where a planned way may first be within a zone; None where it never is.

    Parameters
    ----------
    way
        With its doubt: early or late it counts too.
    closed
        The zone, with its heights and hours.
    reference
        The time of second 0 of the way.
    timezone
        Of hours that name none.
    """
    widest = way.doubt_at(way.end_s)
    begin = reference + timedelta(seconds=way.start_s - widest)
    finish = reference + timedelta(seconds=way.end_s + widest)
    spans = [
        ((low - reference).total_seconds(), (high - reference).total_seconds())
        for low, high in active_spans(closed.zone.active, timezone, begin, finish)
    ]
    if not spans or not closed.area.intersects(_line(way.places[:, :2].tolist())):
        return None
    for index in range(len(way.times) - 1):
        found = _piece(way, index, closed, spans)
        if found is not None:
            return found
    return None


def _piece(
    way: Trajectory, index: int, closed: Closed, spans: Sequence[tuple[float, float]]
) -> tuple[float, tuple[float, float, float]] | None:
    """Return when and where one straight piece of a way is within a zone."""
    begin, end = float(way.times[index]), float(way.times[index + 1])
    here, there = way.places[index], way.places[index + 1]
    low, high = _between(float(here[2]), float(there[2]), closed.floor_m, closed.ceiling_m)
    parts: list[tuple[float, float]] = []
    for since, until in spans:
        # planned for t, it is there from t - doubt(t) to t + doubt(t)
        rate, lag = way.drift, way.doubt_s - way.drift * way.start_s
        first = (since - lag) / (1.0 + rate)
        last = (until + lag) / (1.0 - rate)
        length = end - begin
        if length > 0:
            parts.append((max(low, (first - begin) / length), min(high, (last - begin) / length)))
        elif first <= begin <= last:
            parts.append((low, high))
    for k0, k1 in sorted(parts):
        if k1 - k0 < 0 or k1 <= 0 or k0 >= 1:
            continue
        ends = [tuple((here + (there - here) * k)[:2].tolist()) for k in (k0, k1)]
        for k in _within(closed.area, ends, k0, k1):
            place = here + (there - here) * k
            return begin + k * (end - begin), (float(place[0]), float(place[1]), float(place[2]))
    return None


def _between(a: float, b: float, floor: float, ceiling: float) -> tuple[float, float]:
    """Return what part of a climb or descent from ``a`` to ``b`` lies between two heights."""
    if abs(b - a) < HAIR_M:
        return (0.0, 1.0) if floor < a < ceiling else (1.0, 0.0)
    one, other = (floor - a) / (b - a), (ceiling - a) / (b - a)
    return max(0.0, min(one, other)), min(1.0, max(one, other))


def _within(
    area: Polygon, ends: Sequence[tuple[float, ...]], k0: float, k1: float
) -> Iterator[float]:
    """Yield where along a line a polygon is first entered; along its border is not within."""
    line = _line(ends)
    inside = line.intersection(area)
    if inside.is_empty or area.touches(line):
        return
    start, length = Point(ends[0]), line.length
    away = shapely.distance(start, inside)
    yield k0 + (k1 - k0) * (float(away) / length if length > 0 else 0.0)


def _line(places: Sequence[Sequence[float]]) -> BaseGeometry:
    distinct = {tuple(place) for place in places}
    return LineString(places) if len(distinct) > 1 else Point(places[0])
