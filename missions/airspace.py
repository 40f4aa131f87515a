"""Where a sortie may be: no-fly zones, ceiling, the fence it is given, layers, and ways around.

Shapes are metres in the city's frame unless a name says lon/lat. Altitudes are metres above the
dock; the city's ground is taken as level, so they are also above ground.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise

import shapely
from shapely import prepared
from shapely.geometry import LineString, MultiPoint, MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry

from missions.city import City, Zone
from missions.coverage import Metres, city_frame
from missions.errors import PlanError
from missions.geo import LocalFrame

MARGIN_M = 30.0
"""Kept from a no-fly zone by routes."""
FENCE_MARGIN_M = 60.0
"""Kept between a route and its fence: braking from 20 m/s at 4 m/s² takes 50 m."""
FENCE_POINTS = 64
"""What PX4 holds, all rings of a fence together (measured; more is answered NO_SPACE)."""
KEEP_M = 30.0
"""Horizontal distance that two drones keep, or else ``LAYER_M`` vertically."""
LAYER_M = 15.0
FIRST_LAYER_M = 40.0

Ring = tuple[tuple[float, float], ...]


def layers(ceiling_m: float) -> tuple[float, ...]:
    """Return the transit altitudes: 40 m and every 15 m above it, up to the ceiling.

    Where the ceiling is lower than the first layer there is one, at the ceiling.
    """
    count = int((ceiling_m - FIRST_LAYER_M) // LAYER_M) + 1
    if count < 1:
        return (ceiling_m,)
    return tuple(FIRST_LAYER_M + LAYER_M * index for index in range(count))


def _line(places: Sequence[Metres]) -> BaseGeometry:
    """Return a line through places, or a point where they are all one."""
    return LineString(places) if len(set(places)) > 1 else Point(places[0])


@dataclass(frozen=True, slots=True)
class _NoFly:
    zone: Zone
    area: Polygon
    wide: Polygon
    """The zone with the margin around it, few corners."""


@dataclass(frozen=True)
class Airspace:
    """A city's zones, ready to be asked.

    Parameters
    ----------
    frame
        The city's frame.
    ceiling_m
        Highest altitude.
    no_fly
        No-fly zones.
    bounds
        The city's fence, or None where it has none.
    """

    frame: LocalFrame
    ceiling_m: float
    no_fly: tuple[_NoFly, ...] = ()
    bounds: Polygon | None = None
    _ways: dict[float, _Ways] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, city: City) -> Airspace:
        """Return the airspace of a city.

        Raises
        ------
        missions.errors.GeometryError
            If a zone's ring cannot be used.
        """
        frame = city_frame(city)
        no_fly = []
        bounds: Polygon | None = None
        for zone in city.zones:
            area = frame.polygon(zone.area)
            if zone.kind == "no_fly":
                wide = area.convex_hull.buffer(MARGIN_M, join_style="mitre", mitre_limit=2.0)
                no_fly.append(_NoFly(zone, area, wide))
            elif bounds is None:
                bounds = area
            else:
                joined = bounds.union(area)
                if not isinstance(joined, Polygon):
                    raise PlanError(f"fence {zone.id!r} does not touch the other fences")
                bounds = joined
        return cls(frame, city.limits.ceiling_m, tuple(no_fly), bounds)

    def closed_at(self, altitude_m: float) -> BaseGeometry:
        """Return the no-fly zones, with their margin, that are closed at an altitude."""
        return self._at(altitude_m).closed

    def _at(self, altitude_m: float) -> _Ways:
        ways = self._ways.get(altitude_m)
        if ways is None:
            active = [
                z.wide
                for z in self.no_fly
                if z.zone.floor_m - LAYER_M / 2 < altitude_m < z.zone.ceiling_m + LAYER_M / 2
            ]
            ways = self._ways.setdefault(altitude_m, _Ways(shapely.union_all(active)))
        return ways

    def route(self, start: Metres, goal: Metres, altitude_m: float) -> tuple[Metres, ...]:
        """Return a way from start to goal around no-fly zones, both ends included.

        The shortest way over the corners of the zones with their margin.

        Raises
        ------
        PlanError
            If an end lies in a zone, the altitude is above the ceiling, or there is no way.
        """
        if altitude_m > self.ceiling_m:
            raise PlanError(
                f"altitude {altitude_m:g} m is above the ceiling of {self.ceiling_m:g} m"
            )
        way = self._at(altitude_m).way(start, goal)
        if way is None:
            raise PlanError(
                f"no way at {altitude_m:g} m from {self._show(start)} to {self._show(goal)}: "
                f"no-fly zones {', '.join(z.zone.id for z in self.no_fly)}"
            )
        return way

    def _show(self, place: Metres) -> str:
        lon, lat = self.frame.to_lonlat(*place)
        return f"({lon:.5f}, {lat:.5f})"

    def check(self, points: Sequence[tuple[float, float, float]]) -> None:
        """Hold a path of (east, north, altitude) against ceiling, zones and the city's fence.

        Raises
        ------
        PlanError
            Naming the first limit that the path breaks.
        """
        for east, north, altitude in points:
            if not 0 <= altitude <= self.ceiling_m:
                raise PlanError(
                    f"waypoint {self._show((east, north))} at {altitude:g} m; allowed are 0 to "
                    f"{self.ceiling_m:g} m"
                )
        whole = _line([p[:2] for p in points])
        if self.bounds is not None and not self.bounds.covers(whole):
            raise PlanError(f"the way {self._worst(points)} leaves the city's fence")
        for zone in self.no_fly:
            if not zone.area.intersects(whole):
                continue
            for a, b in pairwise(points):
                line = _line([a[:2], b[:2]])
                low, high = min(a[2], b[2]), max(a[2], b[2])
                overlap = zone.zone.floor_m < high and low < zone.zone.ceiling_m
                if overlap and zone.area.intersects(line):
                    raise PlanError(
                        f"the way to {self._show(b[:2])} crosses no-fly zone {zone.zone.id!r}"
                    )

    def _worst(self, points: Sequence[tuple[float, float, float]]) -> str:
        """Return the first waypoint outside the city's fence, or the first way that cuts it."""
        bounds = self.bounds
        for a, b in pairwise([points[0], *points]):
            if bounds is not None and not bounds.covers(_line([a[:2], b[:2]])):
                return f"to {self._show(b[:2])}"
        return "as a whole"

    def fence(self, points: Sequence[Metres], top_m: float) -> tuple[Ring, tuple[Ring, ...]]:
        """Return the fence ring of a sortie and its exclusions, (lon, lat).

        The ring is the convex hull of all points, 60 m wider, cut at the city's fence. The
        exclusions are the no-fly zones within it that reach down to the heights flown. Together
        they have no more than 64 corners.

        Raises
        ------
        PlanError
            If the ring does not hold a point, or there are too many corners.
        """
        cloud = MultiPoint([(x, y) for x, y in points])
        hull = cloud.convex_hull.simplify(5.0)
        wide = hull.buffer(FENCE_MARGIN_M + 5.0, quad_segs=2).simplify(2.0)
        inside: BaseGeometry = wide if self.bounds is None else wide.intersection(self.bounds)
        if not isinstance(inside, Polygon) or not inside.covers(cloud):
            raise PlanError("the sortie does not stay within the city's fence")
        near: list[Polygon] = [
            z.area
            for z in self.no_fly
            if z.zone.floor_m < top_m + LAYER_M and z.area.intersects(inside)
        ]
        corners = [len(shape.exterior.coords) - 1 for shape in (inside, *near)]
        if sum(corners) > FENCE_POINTS:
            raise PlanError(
                f"the sortie's fence has {corners[0]} corners and its no-fly zones "
                f"{sum(corners[1:])}; a vehicle holds {FENCE_POINTS}"
            )
        return self.frame.ring(inside), tuple(self.frame.ring(shape) for shape in near)


class _Ways:
    """Shortest ways in the plane around closed polygons: a visibility graph."""

    def __init__(self, closed: BaseGeometry) -> None:
        self.closed = closed
        # a hair smaller, so that going along a border and by its corners is allowed
        core = closed.buffer(-0.05)
        self._core = prepared.prep(core)
        self._empty = core.is_empty
        self._bounds = core.bounds
        shapes = closed.geoms if isinstance(closed, MultiPolygon) else [closed]
        self._corners: list[Metres] = [
            (float(x), float(y))
            for shape in shapes
            if isinstance(shape, Polygon) and not shape.is_empty
            for x, y in list(shape.exterior.coords)[:-1]
        ]
        self._edges: dict[Metres, list[Metres]] = {corner: [] for corner in self._corners}
        for a, b in combinations(self._corners, 2):
            if self._sees(a, b):
                self._edges[a].append(b)
                self._edges[b].append(a)

    def _sees(self, a: Metres, b: Metres) -> bool:
        west, south, east, north = self._bounds
        if (
            self._empty
            or max(a[0], b[0]) < west
            or min(a[0], b[0]) > east
            or max(a[1], b[1]) < south
            or min(a[1], b[1]) > north
        ):
            return True
        return not self._core.intersects(LineString([a, b]))

    def way(self, start: Metres, goal: Metres) -> tuple[Metres, ...] | None:
        """Return the shortest way, or None."""
        if self._sees(start, goal):
            return (start, goal)
        reach_goal = {corner for corner in self._corners if self._sees(corner, goal)}
        begin = [corner for corner in self._corners if self._sees(start, corner)]
        done: set[Metres] = set()
        queue: list[tuple[float, Metres, tuple[Metres, ...]]] = [
            (math.dist(start, c), c, (start, c)) for c in begin
        ]
        heapq.heapify(queue)
        while queue:
            length, here, way = heapq.heappop(queue)
            if here == goal:
                return way
            if here in done:
                continue
            done.add(here)
            after = [*self._edges.get(here, ()), *([goal] if here in reach_goal else [])]
            for there in after:
                if there not in done:
                    heapq.heappush(queue, (length + math.dist(here, there), there, (*way, there)))
        return None


@dataclass(frozen=True, slots=True)
class Tube:
    """Where a sortie is, without time: level tracks and vertical columns.

    Parameters
    ----------
    dock
        The dock it lives in.
    altitude_m
        Of the level track.
    track
        The level track.
    columns
        Vertical flights: place, lowest altitude; up to ``altitude_m``.
    """

    dock: str
    altitude_m: float
    track: BaseGeometry
    columns: tuple[tuple[Point, float], ...]

    @classmethod
    def of(cls, dock: str, points: Sequence[tuple[float, float, float]]) -> Tube:
        """Return the tube of a path of (east, north, altitude) that begins over its dock."""
        altitude = max(p[2] for p in points)
        places = [p[:2] for p in points]
        track = _line(places)
        columns = [(Point(places[0]), 0.0)]
        columns += [(Point(p[:2]), p[2]) for p in points if p[2] < altitude]
        return cls(dock, altitude, track, tuple(columns))

    def meets(self, other: Tube) -> bool:
        """Return whether the two come nearer than 30 m while less than 15 m apart vertically.

        Time is not looked at, so this says yes too often. The columns over one dock are left
        out for two drones that live in it: the dock's door lets them through one at a time.
        """
        if abs(self.altitude_m - other.altitude_m) < LAYER_M and (
            self.dock == other.dock or shapely.dwithin(self.track, other.track, KEEP_M)
        ):
            return True
        if self._crossed_by(other) or other._crossed_by(self):
            return True
        return any(
            shapely.dwithin(place, other_place, KEEP_M)
            and low - LAYER_M < other.altitude_m
            and other_low - LAYER_M < self.altitude_m
            for place, low in self._own_columns(other)
            for other_place, other_low in other._own_columns(self)
        )

    def _own_columns(self, other: Tube) -> tuple[tuple[Point, float], ...]:
        return self.columns[1:] if self.dock == other.dock else self.columns

    def _crossed_by(self, other: Tube) -> bool:
        """Return whether the other's level track passes through one of the own columns."""
        return any(
            low - LAYER_M < other.altitude_m < self.altitude_m + LAYER_M
            and shapely.dwithin(place, other.track, KEEP_M)
            for place, low in self._own_columns(other)
        )
