"""Where a sortie may be: no-fly zones, ceiling, the fence it is given, layers, and ways around.

Shapes are metres in the city's frame unless a name says lon/lat. Altitudes are metres above the
dock; the city's ground is taken as level, so they are also above ground.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import shapely
from shapely.geometry import LineString, MultiPoint, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import nearest_points

from missions.cells import city_frame
from missions.city import City, Zone
from missions.errors import PlanError
from missions.geo import LocalFrame
from missions.skyline import Skyline
from missions.tracks import Metres
from missions.ways import Ways
from missions.zones import Closed

FENCE_MARGIN_M = 60.0
"""Kept between a route and its fence: braking from 20 m/s at 4 m/s² takes 50 m."""
FENCE_POINTS = 64
"""What PX4 holds, all rings of a fence together (measured; more is answered NO_SPACE)."""
KEEP_M = 30.0
"""Horizontal distance that two drones keep, or else ``LAYER_M`` vertically."""
GPS_M = 10.0
"""Of that distance, what two positions and two autopilots may be off together."""
APART_M = KEEP_M + GPS_M
"""Kept by plans; also the radius of the column of air over a dock."""
LAYER_M = 15.0
FIRST_LAYER_M = 40.0

OUT_M = 5.0
"""A drone that leaves what was closed about it goes so far out of the margin."""

Ring = tuple[tuple[float, float], ...]


def layers(ceiling_m: float, *, first_m: float = FIRST_LAYER_M) -> tuple[float, ...]:
    """Return the transit altitudes: the first and every 15 m above it, up to the ceiling.

    Where the ceiling is lower than the first layer there is one, at the ceiling.
    """
    count = int((ceiling_m - first_m) // LAYER_M) + 1
    if count < 1:
        return (ceiling_m,)
    return tuple(first_m + LAYER_M * index for index in range(count))


def _line(places: Sequence[Metres]) -> BaseGeometry:
    """Return a line through places, or a point where they are all one."""
    return LineString(places) if len(set(places)) > 1 else Point(places[0])


def _column(place: Metres) -> Polygon:
    """Return an octagon around a dock, no corner or side of it nearer than ``APART_M``."""
    return Point(place).buffer(APART_M / math.cos(math.pi / 8.0), quad_segs=2)


@dataclass(frozen=True, slots=True)
class _Level:
    """What is closed at one altitude, worked out once."""

    closed: BaseGeometry
    kept_from: BaseGeometry
    ways: Ways

    @classmethod
    def of(cls, zones: Sequence[Polygon], columns: Sequence[Polygon]) -> _Level:
        closed = shapely.union_all(zones)
        kept_from = shapely.union_all([closed, *columns])
        shapely.prepare([closed, kept_from])
        pieces = [p for p in shapely.get_parts(closed).tolist() if not p.is_empty]
        return cls(closed, kept_from, Ways(pieces, columns))


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
    columns
        The air over the docks, in which their drones climb and sink.
    skyline
        Buildings, which are flown around where they are not lower by enough.
    """

    frame: LocalFrame
    ceiling_m: float
    no_fly: tuple[Closed, ...] = ()
    bounds: Polygon | None = None
    columns: tuple[Polygon, ...] = ()
    skyline: Skyline = field(default_factory=Skyline, repr=False, compare=False)
    _levels: dict[float, _Level] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, city: City, closures: Sequence[Zone] = ()) -> Airspace:
        """Return the airspace of a city, whatever the hours of its zones: see ``zones.in_force``.

        Parameters
        ----------
        city
            The city.
        closures
            Further zones that are closed.

        Raises
        ------
        missions.errors.GeometryError
            If a zone's ring cannot be used.
        """
        frame = city_frame(city)
        no_fly = []
        bounds: Polygon | None = None
        for zone in (*city.zones, *closures):
            if zone.kind == "no_fly":
                no_fly.append(Closed.of(zone, frame, city.city.elevation_m))
                continue
            area = frame.polygon(zone.area)
            if bounds is None:
                bounds = area
            else:
                joined = bounds.union(area)
                if not isinstance(joined, Polygon):
                    raise PlanError(f"fence {zone.id!r} does not touch the other fences")
                bounds = joined
        columns = tuple(_column(frame.to_enu(*dock.position)) for dock in city.docks)
        skyline = Skyline.of(city.buildings, frame)
        return cls(frame, city.limits.ceiling_m, tuple(no_fly), bounds, columns, skyline)

    def with_closed(self, more: Sequence[Closed]) -> Airspace:
        """Return it with more no-fly zones; all else stays, the buildings too."""
        return replace(self, no_fly=(*self.no_fly, *more), _levels={})

    def closed_at(self, altitude_m: float) -> BaseGeometry:
        """Return the no-fly zones and buildings, with their margins, closed at an altitude."""
        return self._at(altitude_m).closed

    def kept_from_at(self, altitude_m: float) -> BaseGeometry:
        """Return what is not flown over for its own sake: what is closed, and docks' columns."""
        return self._at(altitude_m).kept_from

    def _at(self, altitude_m: float) -> _Level:
        level = self._levels.get(altitude_m)
        if level is None:
            zones = [
                z.wide
                for z in self.no_fly
                if z.floor_m - LAYER_M / 2 < altitude_m < z.ceiling_m + LAYER_M / 2
            ]
            shut = [*zones, *self.skyline.closed_at(altitude_m)]
            level = self._levels.setdefault(altitude_m, _Level.of(shut, self.columns))
        return level

    def route(self, start: Metres, goal: Metres, altitude_m: float) -> tuple[Metres, ...]:
        """Return a way from start to goal, both ends included: the shortest that is allowed.

        It goes around no-fly zones, with their margin, and around the columns over docks, but for
        one that it begins or ends in: there it goes straight out and in.

        Raises
        ------
        PlanError
            If an end lies in a zone, the altitude is above the ceiling, or there is no way.
        """
        if altitude_m > self.ceiling_m:
            raise PlanError(
                f"altitude {altitude_m:g} m is above the ceiling of {self.ceiling_m:g} m",
                "altitude",
            )
        way = self._at(altitude_m).ways.way(start, goal)
        if way is None:
            raise PlanError(
                f"no way at {altitude_m:g} m from {self._show(start)} to {self._show(goal)}: "
                f"no-fly zones {', '.join(z.zone.id for z in self.no_fly) or 'none'}, and "
                f"{len(self.columns)} docks of which {APART_M:g} m are kept",
                "airspace",
            )
        return way

    def way_out(
        self, place: tuple[float, float, float], within: Polygon | None = None
    ) -> Metres | None:
        """Return the nearest place out of everything that is closed at a height, with its margin.

        Parameters
        ----------
        place
            Where the drone is: east, north, height.
        within
            What it must not leave meanwhile, metres; None: the city's fence.

        Returns
        -------
        East and north; None where there is none.
        """
        here, closed = Point(place[:2]), self.closed_at(place[2])
        piece = next((p for p in shapely.get_parts(closed).tolist() if p.covers(here)), None)
        if piece is None:
            return place[:2]
        border = piece.buffer(OUT_M, join_style="mitre").boundary.difference(closed)
        bounds = within if within is not None else self.bounds
        if bounds is not None:
            border = border.intersection(bounds)
        if border.is_empty:
            return None
        out = nearest_points(here, border)[1]
        return float(out.x), float(out.y)

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
                    f"{self.ceiling_m:g} m",
                    "altitude",
                )
        struck = self.skyline.struck_by(points)
        if struck is not None:
            raise PlanError(f"the way leads into building {struck!r}", "airspace")
        whole = _line([p[:2] for p in points])
        if self.bounds is not None and not self.bounds.covers(whole):
            raise PlanError(f"the way {self._worst(points)} leaves the city's fence", "airspace")
        for zone in self.no_fly:
            if not zone.area.intersects(whole):
                continue
            for a, b in pairwise(points):
                line = _line([a[:2], b[:2]])
                low, high = min(a[2], b[2]), max(a[2], b[2])
                if zone.reaches(low, high) and zone.area.intersects(line):
                    raise PlanError(
                        f"the way to {self._show(b[:2])} crosses no-fly zone {zone.zone.id!r}",
                        "airspace",
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
        # around each point first: the hull of points in a line is a sliver, whose ends no buffer rounds
        wide = cloud.buffer(FENCE_MARGIN_M + 10.0, quad_segs=2).convex_hull.simplify(5.0)
        inside: BaseGeometry = wide if self.bounds is None else wide.intersection(self.bounds)
        near: list[Polygon] = []
        for zone in self.no_fly:
            if zone.floor_m >= top_m + LAYER_M or not zone.area.intersects(inside):
                continue
            hole = next((h for h in map(Polygon, zone.area.interiors) if h.covers(cloud)), None)
            if hole is None:
                near.append(zone.fenced)
            else:  # a ring that leaves out the zone would hold the sortie too
                inside = inside.intersection(hole)
        if not isinstance(inside, Polygon) or not inside.covers(cloud):
            raise PlanError("the sortie does not stay within the city's fence", "airspace")
        corners = [len(shape.exterior.coords) - 1 for shape in (inside, *near)]
        if sum(corners) > FENCE_POINTS:
            raise PlanError(
                f"the sortie's fence has {corners[0]} corners and its no-fly zones "
                f"{sum(corners[1:])}; a vehicle holds {FENCE_POINTS}"
            )
        return self.frame.ring(inside), tuple(self.frame.ring(shape) for shape in near)
