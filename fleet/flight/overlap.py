"""Two orders for one place at one time: only one of them is flown.

Patrols are not among them: a beat that two officers want to be patrolled is patrolled once, for both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache

from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from fleet.errors import OrderUnfit
from fleet.flight.orderrules import Wanted
from missions.cells import city_frame
from missions.city import City
from missions.geo import LocalFrame
from missions.recurrence import Occurrence
from missions.task import Task

SAME = 0.5
"""Two tasks are for one place where they share more than this part of the smaller."""
ROUTE_M = 15.0
STARE_M = 15.0


def check_apart(found: Wanted, others: Iterable[tuple[str, Wanted]], city: City) -> None:
    """Refuse an order for a place that another is for, of the same kind and at the same time.

    Parameters
    ----------
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
    frame = city_frame(city)
    for order, other in others:
        what = _shared(found, other, frame)
        when = _when(found.windows, other.windows) if what else None
        if what and when is not None:
            field = "geometry" if found.task else "sites"
            raise OrderUnfit(
                field,
                f"order {order} is for {what} too, at {when.isoformat()}; change or cancel that",
            )


def _shared(one: Wanted, other: Wanted, frame: LocalFrame) -> str:
    """Return in words what two orders share; empty where that is nothing."""
    sites = sorted(set(one.sites) & set(other.sites))
    if sites:
        return f"site {', '.join(sites)}"
    if one.task is None or other.task is None or one.task.kind != other.task.kind:
        return ""
    a, b = _ground(one.task, frame), _ground(other.task, frame)
    if a.intersection(b).area > SAME * min(a.area, b.area):
        return f"the same place ({one.task.kind})"
    return ""


@lru_cache(maxsize=512)
def _ground(task: Task, frame: LocalFrame) -> BaseGeometry:
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
