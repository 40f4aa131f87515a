"""Geofence geometry: where a vehicle may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sitl.autopilot.frame import HomeFrame
from sitl.autopilot.items import CIRCLE_IN, CIRCLE_OUT, POLYGON_IN, POLYGON_OUT, Item

Ring = tuple[tuple[float, float], ...]


def inside_ring(ring: Ring, x: float, y: float) -> bool:
    """Return whether a point lies in a polygon (even-odd rule, any orientation).

    A point on an edge may count as in or out, as in PX4.
    """
    inside = False
    j = len(ring) - 1
    for i, (xi, yi) in enumerate(ring):
        xj, yj = ring[j]
        if (yi >= y) != (yj >= y) and x <= (xj - xi) * (y - yi) / (yj - yi) + xi:
            inside = not inside
        j = i
    return inside


@dataclass(frozen=True, slots=True)
class Polygon:
    """A ring of (lon, lat); ``keep_in`` where one must be inside of it."""

    ring: Ring
    keep_in: bool

    def contains(self, lon: float, lat: float) -> bool:
        """Return whether the point is inside."""
        return inside_ring(self.ring, lon, lat)

    def allows(self, lon: float, lat: float) -> bool:
        """Return whether this fence alone lets a vehicle be at the point."""
        return self.contains(lon, lat) == self.keep_in


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle of ``radius_m`` about (lon, lat)."""

    lon: float
    lat: float
    radius_m: float
    keep_in: bool

    def contains(self, lon: float, lat: float) -> bool:
        """Return whether the point is inside."""
        north, east = HomeFrame(self.lon, self.lat).to_ne(lon, lat)
        return north * north + east * east < self.radius_m**2

    def allows(self, lon: float, lat: float) -> bool:
        """Return whether this fence alone lets a vehicle be at the point."""
        return self.contains(lon, lat) == self.keep_in


class Fence:
    """All fences of a vehicle.

    Allowed is what lies inside at least one inclusion (where there is any) and inside no
    exclusion, as PX4 judges it.

    Parameters
    ----------
    items
        Fence items as uploaded; polygons are runs of vertices that each carry their number.
    """

    def __init__(self, items: Sequence[Item] = ()) -> None:
        self.shapes: list[Polygon | Circle] = []
        i = 0
        while i < len(items):
            item = items[i]
            if item.command in (POLYGON_IN, POLYGON_OUT):
                count = max(1, round(item.params[0]))
                ring = tuple((v.lon, v.lat) for v in items[i : i + count])
                self.shapes.append(Polygon(ring, item.command == POLYGON_IN))
                i += count
                continue
            if item.command in (CIRCLE_IN, CIRCLE_OUT):
                keep_in = item.command == CIRCLE_IN
                self.shapes.append(Circle(item.lon, item.lat, item.params[0], keep_in))
            i += 1

    def __bool__(self) -> bool:
        return bool(self.shapes)

    def allows(self, lon: float, lat: float) -> bool:
        """Return whether a vehicle may be at a position."""
        included, inclusions = False, False
        for shape in self.shapes:
            contains = shape.contains(lon, lat)
            if shape.keep_in:
                inclusions = True
                included = included or contains
            elif contains:
                return False
        return included or not inclusions
