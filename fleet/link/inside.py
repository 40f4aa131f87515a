"""Whether a programme stays within its own fence, before any of it is sent.

PX4 takes a mission that leaves the fence, and only then finds it not feasible; and it looks at the
waypoints alone, not at the ways between them.
"""

from __future__ import annotations

from itertools import pairwise

from shapely import prepare
from shapely.geometry import LineString, Point, Polygon

from fleet.link.items import Programme
from missions.geo import LocalFrame

SLACK_M = 0.5
"""So far beyond a border counts as on it: a planned way may follow one, and places are rounded."""


def leaves(programme: Programme) -> str:
    """Return where a programme's mission leaves its fence, in words; empty where it does not.

    The ways are straight lines from waypoint to waypoint, from home on. A programme without a
    fence leaves none.
    """
    sortie = programme.sortie
    if not sortie.fence:
        return ""
    frame = LocalFrame(sortie.home_lon, sortie.home_lat)
    ring = Polygon([frame.to_enu(*corner) for corner in sortie.fence]).buffer(SLACK_M)
    prepare(ring)
    zones = [
        Polygon([frame.to_enu(*corner) for corner in zone]).buffer(-SLACK_M)
        for zone in sortie.exclusions
    ]
    points = [("home", sortie.home_lon, sortie.home_lat)]
    points += [
        (f"waypoint {number} of leg {index} ({leg.kind})", point.lon, point.lat)
        for index, leg in enumerate(sortie.legs)
        for number, point in enumerate(leg.waypoints, 1)
    ]
    placed = [(name, frame.to_enu(lon, lat)) for name, lon, lat in points]
    for (_, before), (name, at) in pairwise(placed):
        way = LineString([before, at]) if before != at else Point(at)
        if not ring.covers(way):
            return f"the way to {name} leaves the fence"
        if any(zone.intersects(way) for zone in zones):
            return f"the way to {name} enters a no-fly zone of the fence"
    return ""
