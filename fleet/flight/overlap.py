"""Two orders for one place at one time: only one of them is flown.

Of patrols one that adds nothing: cells that another patrols already, for which it is as important.
What only some of two patrols share is flown once, for both.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache

from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from fleet.errors import OrderUnfit
from fleet.flight.orderrules import Wanted
from missions.cells import city_cells, city_frame
from missions.city import City
from missions.geo import LocalFrame
from missions.recurrence import Occurrence
from missions.task import Task

SAME = 0.5
"""Two tasks are for one place where they share more than this part of the smaller."""
ROUTE_M = 15.0
STARE_M = 15.0


def check_apart(
    field: str, found: Wanted, others: Iterable[tuple[str, Wanted]], city: City
) -> None:
    """Refuse an order for a place that another is for, of the same kind and at the same time.

    Parameters
    ----------
    field
        Where the order names its place.
    found
        The order.
    others
        The other open orders, each with its id.
    city
        The city.

    Raises
    ------
    OrderUnfit
        Naming the other, the place and the time.
    """
    for order, other in others:
        what = _shared(found, other, city)
        when = _when(found.windows, other.windows) if what else None
        if what and when is not None:
            raise OrderUnfit(
                field,
                f"order {order} is for {what} too, at {when.isoformat()}; change or cancel that",
            )


def _shared(one: Wanted, other: Wanted, city: City) -> str:
    """Return in words what two orders share; empty where that is nothing."""
    sites = sorted(set(one.sites) & set(other.sites))
    if sites:
        return f"site {', '.join(sites)}"
    cells = patrolled(one, city)
    if cells and cells <= patrolled(other, city) and one.priority <= other.priority:
        return f"the same {'beats' if one.beats else 'cells'} (patrol)"
    frame = city_frame(city)
    for a, b in itertools.product(_tasks(one, city), _tasks(other, city)):
        mine, theirs = place_of(a, frame), place_of(b, frame)
        near = a.kind == b.kind and mine.intersects(theirs)
        if near and mine.intersection(theirs).area > SAME * min(mine.area, theirs.area):
            return f"the same place ({a.kind})"
    return ""


def patrolled(wanted: Wanted, city: City) -> set[str]:
    """Return the cells of a patrol."""
    if not (wanted.beats or wanted.cells):
        return set()
    named = {cell.id for cell in city_cells(city) if cell.beat in wanted.beats}
    return named | set(wanted.cells)


def _tasks(wanted: Wanted, city: City) -> list[Task]:
    """Return what is flown over some ground; a site that is stared at is a point like another."""
    sites = [Task("stare", (site.position,)) for site in city.sites if site.id in wanted.sites]
    return sites if wanted.task is None else [wanted.task]


@lru_cache(maxsize=512)
def place_of(task: Task, frame: LocalFrame) -> BaseGeometry:
    """Return the ground that a task is for, metres."""

    def metres(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        return [(float(e), float(n)) for e, n in frame.points_to_enu(places)]

    shape = metres(task.shape)
    if task.kind in ("area", "search") and len(shape) > 2:
        return Polygon(shape, [metres(hole) for hole in task.holes]).buffer(0)
    if task.kind == "corridor":
        return LineString(shape).buffer(task.width_m / 2)
    if task.kind == "route":
        return LineString(shape).buffer(ROUTE_M)
    return Point(shape[0]).buffer(STARE_M if task.kind == "stare" else task.radius_m)


def _when(ours: Sequence[Occurrence], theirs: Sequence[Occurrence]) -> datetime | None:
    """Return from when on two rows of windows first overlap; None where they do not."""
    i = j = 0
    while i < len(ours) and j < len(theirs):
        begins = max(ours[i].start, theirs[j].start)
        if begins < min(ours[i].end, theirs[j].end):
            return begins
        if ours[i].end <= theirs[j].end:
            i += 1
        else:
            j += 1
    return None
