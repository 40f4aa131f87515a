"""Shortest ways in the plane around closed ground. Pure geometry, metres."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

from shapely import STRtree
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

Place = tuple[float, float]

HAIR_M = 0.05
"""Ground is closed from so far within its border, so that a way may lead along it."""


class Ways:
    """Ways around closed ground, and around columns of air, where a way may begin or end.

    A way goes over the corners of what it goes around: those are the corners of the shortest.

    Parameters
    ----------
    closed
        Where no way leads; they do not overlap.
    columns
        Convex pieces in which a way may begin or end, but which it does not cross on the way.
    """

    def __init__(self, closed: Sequence[Polygon], columns: Sequence[Polygon] = ()) -> None:
        self._shapes = [*closed, *columns]
        self._first_column = len(closed)
        self._cores = [shape.buffer(-HAIR_M) for shape in self._shapes]
        self._tree = STRtree(self._cores)

    def way(self, start: Place, goal: Place) -> tuple[Place, ...] | None:
        """Return the shortest way, both ends included; None where there is none.

        Only what was found to be in the way is gone around, until nothing more is found: few of
        a city's pieces are, and the way that is the shortest around those, and clear of all
        others, is the shortest around all.
        """
        on_line = self._on((start, goal))
        if not on_line:
            return (start, goal)
        ends = self._on((start,)) | self._on((goal,))
        if any(index < self._first_column for index in ends):
            return None
        obstacles = on_line - ends
        while True:
            found = self._shortest(start, goal, sorted(obstacles))
            if found is None:
                return None
            more = self._on(found) - ends - obstacles
            if not more:
                return found
            obstacles |= more

    def _on(self, way: Sequence[Place]) -> set[int]:
        """Return what lies on a way, or at a place."""
        line: BaseGeometry = LineString(way) if len(set(way)) > 1 else Point(way[0])
        return {int(i) for i in self._tree.query(line, predicate="intersects")}

    def _shortest(
        self, start: Place, goal: Place, obstacles: Sequence[int]
    ) -> tuple[Place, ...] | None:
        """Return the shortest way around some pieces, whatever else there is."""
        if not obstacles:
            return (start, goal)
        corners = [
            (float(x), float(y))
            for index in obstacles
            for ring in (self._shapes[index].exterior, *self._shapes[index].interiors)
            for x, y in list(ring.coords)[:-1]
        ]
        graph = _Graph([start, goal, *corners], [self._cores[index] for index in obstacles])
        return graph.way()


class _Graph:
    """Which places see which over some closed pieces; the first is the start, the second the goal."""

    def __init__(self, places: Sequence[Place], cores: Sequence[BaseGeometry]) -> None:
        self._places = list(places)
        self._cores = STRtree(cores)

    def _seen(self, here: int) -> list[int]:
        """Return the places that are seen from one."""
        others = [i for i in range(len(self._places)) if self._places[i] != self._places[here]]
        lines = [LineString([self._places[here], self._places[i]]) for i in others]
        hidden = set(self._cores.query(lines, predicate="intersects")[0].tolist())
        return [index for number, index in enumerate(others) if number not in hidden]

    def way(self) -> tuple[Place, ...] | None:
        """Return the shortest way from start to goal, or None: A* by the straight distance."""
        goal = self._places[1]
        queue: list[tuple[float, float, tuple[int, ...]]] = [(0.0, 0.0, (0,))]
        done: set[int] = set()
        while queue:
            _, length, way = heapq.heappop(queue)
            here = way[-1]
            if here == 1:
                return tuple(self._places[index] for index in way)
            if here in done:
                continue
            done.add(here)
            for there in self._seen(here):
                if there not in done:
                    far = length + math.dist(self._places[here], self._places[there])
                    left = math.dist(self._places[there], goal)
                    heapq.heappush(queue, (far + left, far, (*way, there)))
        return None
