"""How far inside its fence a drone is. Pure; its answers depend on nothing but what is asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from fleet.flight.safety.flat import Flat
from missions.sortie import Sortie

Ring = Sequence[tuple[float, float]]
Metres = tuple[float, float]
_Segment = tuple[float, float, float, float, float]


class Fence:
    """A ring that must not be left, and rings that must not be entered.

    Parameters
    ----------
    ring
        (lon, lat); empty where there is none.
    exclusions
        Rings of (lon, lat).
    """

    def __init__(self, ring: Ring, exclusions: Sequence[Ring] = ()) -> None:
        rings = [r for r in (ring, *exclusions) if len(r) >= 3]
        self._flat = flat = Flat.at(rings[0][0] if rings else (0.0, 0.0))
        self._outer = [flat.to(*corner) for corner in ring] if len(ring) >= 3 else None
        self._holes = [[flat.to(*corner) for corner in r] for r in exclusions if len(r) >= 3]
        sides = [] if self._outer is None else _segments(self._outer)
        self._sides: list[_Segment] = sides + [s for hole in self._holes for s in _segments(hole)]
        self._known: tuple[float, float, float] | None = None
        """A place asked before and its depth: 1 m away the depth is at most 1 m less."""

    @classmethod
    def of(cls, sortie: Sortie) -> Fence | None:
        """Return the fence that a sortie's drone carries, or None where it has none."""
        if len(sortie.fence) < 3 and not sortie.exclusions:
            return None
        return cls(sortie.fence, sortie.exclusions)

    def depth_m(self, lon: float, lat: float) -> float:
        """Return the distance to the nearest border, metres; negative outside or in an exclusion.

        Infinite where there is no ring at all.
        """
        if not self._sides:
            return math.inf
        x, y = self._flat.to(lon, lat)
        depth = math.sqrt(min(_apart2(x, y, side) for side in self._sides))
        outside = self._outer is not None and not _within(x, y, self._outer)
        if outside or any(_within(x, y, hole) for hole in self._holes):
            depth = -depth
        self._known = (x, y, depth)
        return depth

    def deeper_than(self, lon: float, lat: float, depth_m: float) -> bool:
        """Return whether a place is more than so far inside; cheap where it clearly is."""
        if not self._sides:
            return True
        if self._known is not None:
            x, y = self._flat.to(lon, lat)
            kx, ky, known = self._known
            if known - math.hypot(x - kx, y - ky) > depth_m + 1e-6:
                return True
        return self.depth_m(lon, lat) > depth_m

    def moved(self, lon: float, lat: float, east_m: float, north_m: float) -> tuple[float, float]:
        """Return the position (lon, lat) some metres away."""
        return lon + east_m / self._flat.east_m, lat + north_m / self._flat.north_m


def _segments(ring: Sequence[Metres]) -> list[_Segment]:
    return [
        (ax, ay, bx - ax, by - ay, (bx - ax) ** 2 + (by - ay) ** 2)
        for (ax, ay), (bx, by) in pairwise([*ring, ring[0]])
    ]


def _apart2(x: float, y: float, side: _Segment) -> float:
    """Return the square of the distance from a point to a segment."""
    ax, ay, dx, dy, length2 = side
    px, py = x - ax, y - ay
    along = (px * dx + py * dy) / length2 if length2 > 0 else 0.0
    along = min(1.0, max(0.0, along))
    return (px - along * dx) ** 2 + (py - along * dy) ** 2


def _within(x: float, y: float, ring: Sequence[Metres]) -> bool:
    """Even-odd rule: count the sides that a ray to the east crosses."""
    inside = False
    bx, by = ring[-1]
    for ax, ay in ring:
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            inside = not inside
        bx, by = ax, ay
    return inside
