"""What was closed beside a drone's way joins the fence in the vehicle while it flies its mission.

Should nobody be there to turn it back, a hand or a gust that takes it there is stopped by the
vehicle itself. Tried on real PX4: a fence is taken in the middle of a mission, which goes on. Not so
where one of its waypoints, also one that was passed, is closed: PX4 holds there, and refuses the
mission's way home. So of what is nearer than ``CLEAR_M`` the vehicle is told nothing.
"""

from __future__ import annotations

from itertools import pairwise

import shapely
import structlog
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from fleet.errors import FleetError
from fleet.flight import bounds
from fleet.flight.airways import Shut
from fleet.flight.carried import Carried
from fleet.flight.supervisor import Supervisor
from missions.airspace import FENCE_POINTS, Ring
from missions.geo import LocalFrame
from missions.sortie import Sortie

CLEAR_M = 40.0
"""Kept between a mission and what its fence leaves out: PX4 looks ahead by its way to brake, 20 m
from 12 m/s, and turns wide."""
MOST_CORNERS = 12
"""What has more is told as the rectangle around it."""
COVERED_M = 1.0
log = structlog.get_logger(__name__)


def flown_with(s: Supervisor) -> Carried | None:
    """Return the fence to fly a mission with: its sortie's, and what is closed beside its way."""
    own, sortie, airways = Carried.of(s.sortie), s.sortie, s.world.airways
    if own is None or sortie is None or not airways.shut:
        return own
    frame, rings = airways.known.frame, list(own.exclusions)
    known = unary_union([frame.polygon(ring) for ring in rings]).buffer(COVERED_M)
    way = _way(s, frame, sortie)
    left = FENCE_POINTS - len(own.items)
    for shut in airways.shut:
        ring = _beside(shut, frame, sortie, known, way)
        if ring is not None and len(ring) <= left:
            rings.append(ring)
            left -= len(ring)
    return Carried(own.ring, tuple(rings))


def _beside(
    shut: Shut, frame: LocalFrame, sortie: Sortie, known: BaseGeometry, way: BaseGeometry
) -> Ring | None:
    """Return what is closed as a ring, where it is beside the way, and not known to the sortie."""
    closed = shut.closed
    if not closed.reaches(0.0, sortie.altitude_m) or known.covers(closed.area):
        return None
    area = closed.area.convex_hull
    if shapely.get_num_coordinates(area) - 1 > MOST_CORNERS:
        area = area.minimum_rotated_rectangle
    if not isinstance(area, Polygon) or shapely.dwithin(area, way, CLEAR_M):
        return None
    return frame.ring(area)


def _way(s: Supervisor, frame: LocalFrame, sortie: Sortie) -> BaseGeometry:
    """Return all that the drone may fly with its mission: the whole of it, and the docks."""
    points = [w for leg in sortie.legs for w in leg.waypoints]
    places = [frame.to_enu(w.lon, w.lat) for w in points]
    docks = [frame.to_enu(w.lon, w.lat) for w in sortie.alternates]
    docks.append(frame.to_enu(sortie.home_lon, sortie.home_lat))
    here = s.concern.place(s.t)
    lines = [LineString([a, b]) for a, b in pairwise([docks[-1], *places]) if a != b]
    spots = [*docks, *([here[:2]] if here is not None else [])]
    return unary_union([*lines, *map(Point, spots)])


def due(s: Supervisor) -> bool:
    """Whether what is closed has changed since its fence was looked at."""
    return s.fenced_at != s.world.airways.version


async def keep_out(s: Supervisor) -> None:
    """See that the vehicle's fence leaves out what is closed beside its way; tried once a change.

    The drone goes on meanwhile, and also where the vehicle does not take it.
    """
    if not due(s):
        return
    s.fenced_at = s.world.airways.version
    want, own = flown_with(s), Carried.of(s.sortie)
    if want is None or own is None:
        return
    try:
        if s.fence_unread:  # a controller before this one may have told it of more
            held = Carried.read(await s.link.held_fence())
            s.carry(None if held is None or held.same(own) else held)
            s.fence_unread = False
        if (s.carried or own).same(want):
            return
        if not bounds.inside(s.world.space, s.t, want, 0.0):
            return  # it is somewhere that it was sent: this one would be broken at once
        s.fence_unsure = True
        await s.link.load_fence(want.items)
    except FleetError as error:
        log.warning("fence in flight", drone=s.drone.id, error=str(error))
        return
    s.carry(None if own.same(want) else want)
    log.info("fence", drone=s.drone.id, closed=len(want.exclusions) - len(own.exclusions))
