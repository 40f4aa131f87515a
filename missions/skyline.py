"""Buildings as prisms: what they hide, and where a drone keeps away from them.

Exact for footprints with flat roofs on level ground. Metres in one frame; heights above ground.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import shapely
from shapely import STRtree
from shapely.geometry import LineString, Point, Polygon

from missions.geo import LocalFrame
from missions.places import Building

Place3 = tuple[float, float, float]
"""East, north, height."""

WALL_M = 10.0
"""Kept from walls: what a position may be off."""
ROOF_M = 10.0
"""Kept above roofs: what stands on them, and what a height by barometer may be off."""


@dataclass(frozen=True, slots=True, eq=False)
class Prism:
    """A building in a city's frame; ``wide`` is its ground with what is kept from its walls."""

    id: str
    ground: Polygon
    height_m: float
    wide: Polygon

    @classmethod
    def of(cls, building: Building, frame: LocalFrame) -> Prism:
        """Return a building in a frame.

        Raises
        ------
        missions.errors.GeometryError
            If its ring cannot be used.
        """
        ground = frame.polygon(building.ring)
        wide = ground.convex_hull.buffer(WALL_M, join_style="mitre", mitre_limit=2.0)
        return cls(building.id, ground, building.height_m, wide)


@dataclass(frozen=True, eq=False)
class Skyline:
    """All buildings of a city, ready to be asked."""

    prisms: tuple[Prism, ...] = ()
    _tree: STRtree = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Index the buildings."""
        object.__setattr__(self, "_tree", STRtree([prism.ground for prism in self.prisms]))

    @classmethod
    def of(cls, buildings: Iterable[Building], frame: LocalFrame) -> Skyline:
        """Return the skyline of a city's buildings.

        Raises
        ------
        missions.errors.GeometryError
            If a ring cannot be used.
        """
        return cls(tuple(Prism.of(building, frame) for building in buildings))

    def closed_at(self, altitude_m: float) -> list[Polygon]:
        """Return the ground, with what is kept from walls, that is not flown over at a height."""
        return [prism.wide for prism in self.prisms if altitude_m < prism.height_m + ROOF_M]

    def hides(self, eye: Place3, target: Place3) -> str | None:
        """Return the building that stands between two places, the first in the file; None: none.

        A line that only touches a wall, an edge or a roof passes.
        """
        for prism in self._near([eye, target]):
            if any(low < prism.height_m for low in _heights_over(prism.ground, eye, target)):
                return prism.id
        return None

    def struck_by(self, path: Sequence[Place3]) -> str | None:
        """Return the building that a path leads into, or None."""
        for a, b in pairwise(path):
            struck = self.hides(a, b)
            if struck is not None:
                return struck
        return None

    def _near(self, places: Sequence[Place3]) -> Iterator[Prism]:
        if not self.prisms:
            return
        flat = [place[:2] for place in places]
        line = LineString(flat) if len(set(flat)) > 1 else Point(flat[0])
        for index in sorted(self._tree.query(line, predicate="intersects").tolist()):
            yield self.prisms[index]


def _heights_over(ground: Polygon, a: Place3, b: Place3) -> Iterator[float]:
    """Yield the lowest height of each piece of a straight way that lies over some ground."""
    length = math.dist(a[:2], b[:2])
    if length < 1e-9:
        if ground.contains(Point(a[:2])):
            yield min(a[2], b[2])
        return
    within = LineString([a[:2], b[:2]]).intersection(ground)
    for part in shapely.get_parts(within).tolist():
        if not isinstance(part, LineString) or part.length < 1e-6:
            continue
        if part.intersection(ground.boundary).length > part.length - 1e-6:
            continue  # along a wall
        yield min(
            a[2] + (b[2] - a[2]) * math.dist(a[:2], corner) / length for corner in part.coords
        )
