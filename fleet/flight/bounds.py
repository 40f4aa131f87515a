"""Where a pilot may not send a drone: over the ceiling, out of a fence, into a no-fly zone. Pure.

A pilot's command outranks the controller's plan, and this outranks the pilot. The vehicle's own
fence would stop it there as well, but by a failsafe, and without a word before.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import shapely
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from fleet.errors import OrderError
from fleet.flight.carried import Carried, Place, wider
from fleet.flight.policy import Policy
from fleet.model.command import Demand, GoTo, Orbit
from fleet.model.live import Telemetry
from missions.airspace import Airspace
from missions.errors import GeometryError, PlanError
from missions.geo import LocalFrame
from missions.sortie import Sortie

MARGIN_M = 10.0
"""Kept inside a fence: braking from 8 m/s at 4 m/s² takes 8 m."""
CORNERS = 36
"""Of the circle that stands for an orbit."""

Points = list[Place]


def refuses(
    demand: Demand,
    t: Telemetry,
    space: Airspace,
    sortie: Sortie | None,
    reach_m: float,
    carried: Carried | None = None,
) -> str | None:
    """Say what a demand would break, in words for the pilot; None where it breaks nothing.

    See ``fence_for``.
    """
    try:
        fence_for(demand, t, space, sortie, reach_m, carried)
    except OrderError as error:
        return str(error)
    return None


def too_low(
    demand: Demand, frame: LocalFrame, pads: Iterable[tuple[float, float]], policy: Policy
) -> str | None:
    """Say that a place is too near to the ground: people and houses are there; None where not.

    Over a dock a drone may be as low as it likes.

    Parameters
    ----------
    pads
        The docks' (lon, lat).
    """
    if not isinstance(demand, GoTo | Orbit) or demand.altitude_m >= policy.lowest_m:
        return None
    if isinstance(demand, GoTo):
        there = frame.to_enu(demand.lon, demand.lat)
        if any(math.dist(there, frame.to_enu(*pad)) <= policy.over_dock_m for pad in pads):
            return None
    return (
        f"altitude {demand.altitude_m:g} m is too low; the lowest is {policy.lowest_m:g} m above "
        "home, but for a place over a dock"
    )


def fence_for(
    demand: Demand,
    t: Telemetry,
    space: Airspace,
    sortie: Sortie | None,
    reach_m: float,
    carried: Carried | None = None,
) -> Carried | None:
    """Return the wider fence that a demand needs; None where the one in the vehicle will do.

    Looked at are the straight way there and the circle, and, outside the sortie's own fence, the
    straight way home from there, which is what the autopilot flies by itself. Where the drone is
    already outside, only the place it is sent to counts, so that it may be sent back in.

    Parameters
    ----------
    demand, t
        What is asked, and where the drone is.
    space, sortie
        The city's ceiling, fence and no-fly zones, and what the drone flies.
    reach_m
        How far a full battery brings the drone, there and back; a city need have no fence.
    carried
        The fence in the vehicle, where that is another than its sortie's.

    Raises
    ------
    OrderError
        Where it would break something, in words for the pilot.
    """
    if not isinstance(demand, GoTo | Orbit):
        return None
    if t.lon is None or t.lat is None:
        raise OrderError("where the drone is is not known, so the way there cannot be checked")
    if demand.altitude_m > space.ceiling_m:
        raise OrderError(
            f"altitude {demand.altitude_m:g} m is above the ceiling of {space.ceiling_m:g} m "
            "above home"
        )
    try:
        east, north = space.frame.to_enu(t.lon, t.lat)
        here = (east, north, min(max(t.altitude_m or 0.0, 0.0), space.ceiling_m))
        there = _there(demand, space, here[:2])
        away = max(math.dist(here[:2], place[:2]) for place in there)
        if not away <= reach_m:  # also where it is no number
            raise OrderError(
                f"that is {away / 1000:.1f} km away; it flies {reach_m / 1000:.1f} km and back"
            )
        _city(space, here, there)
        own = Carried.of(sortie)
        if sortie is None or own is None:
            return None
        return _fence(space, here, there, sortie, carried, own)
    except (GeometryError, PlanError) as error:
        raise OrderError(str(error)) from error


def around(
    demand: GoTo | Orbit, t: Telemetry, space: Airspace, sortie: Sortie | None
) -> Carried | None:
    """Return a fence for a demand that ``fence_for`` allows, whatever the vehicle has; None for none.

    Raises
    ------
    OrderError
        If there is no such fence.
    """
    if sortie is None or Carried.of(sortie) is None or t.lon is None or t.lat is None:
        return None
    try:
        here = (*space.frame.to_enu(t.lon, t.lat), t.altitude_m or 0.0)
        return wider(space, sortie, here, _there(demand, space, here[:2]))
    except (GeometryError, PlanError) as error:
        raise OrderError(str(error)) from error


def _there(demand: GoTo | Orbit, space: Airspace, here: tuple[float, float]) -> Points:
    """Return the point, or the circle from where the drone meets it and round to there again."""
    east, north = space.frame.to_enu(demand.lon, demand.lat)
    if isinstance(demand, GoTo):
        return [(east, north, demand.altitude_m)]
    first = math.atan2(here[1] - north, here[0] - east)
    radius = demand.radius_m / math.cos(math.pi / CORNERS)  # its sides touch the circle
    angles = [first + 2 * math.pi * corner / CORNERS for corner in range(CORNERS + 1)]
    return [
        (east + radius * math.cos(a), north + radius * math.sin(a), demand.altitude_m)
        for a in angles
    ]


def _city(space: Airspace, here: Place, there: Points) -> None:
    try:
        space.check([here, here])
        path = [here, *there]
    except PlanError:  # it is outside already: it may come back in
        path = [there[0], *there]
    space.check(path)


def _fence(
    space: Airspace,
    here: Place,
    there: Points,
    sortie: Sortie,
    carried: Carried | None,
    own: Carried,
) -> Carried | None:
    """Hold the way against the fence in the vehicle, or find a wider one that it keeps to."""
    if _breaks(space, here, there, carried or own) is None:
        if carried is not None:
            _see_home(space, there, sortie, carried)
        return None
    wide = wider(space, sortie, here, there)
    words = _breaks(space, here, there, wide)
    if words is not None:
        raise OrderError(words)
    _see_home(space, there, sortie, wide)
    return wide


def _breaks(space: Airspace, here: Place, there: Points, fence: Carried) -> str | None:
    """Say what a way would break of a fence; its rings reach to any height."""
    places = [point[:2] for point in there]
    goal, way = _line(places), _line([here[:2], *places])
    at = Point(here[:2])
    if fence.ring:
        ring = space.frame.polygon(fence.ring)
        if not _narrower(ring).covers(goal) or (ring.covers(at) and not ring.covers(way)):
            return f"that leaves the city's fence, or comes within {MARGIN_M:g} m of it"
    for exclusion in fence.exclusions:
        area = space.frame.polygon(exclusion)
        if shapely.dwithin(area, goal, MARGIN_M):
            return f"that is in {_name(space, area)}, or within {MARGIN_M:g} m of it"
        if not area.intersects(at) and area.intersects(way):
            return f"the straight way there crosses {_name(space, area)}; send it round in steps"
    return None


def _see_home(space: Airspace, there: Points, sortie: Sortie, fence: Carried) -> None:
    """See that the autopilot comes home from there by itself without breaking the fence.

    Raises
    ------
    OrderError
        Where it does not.
    """
    home = space.frame.to_enu(sortie.home_lon, sortie.home_lat)
    ways = [_line([place[:2], home]) for place in there]
    if fence.ring:
        ring = space.frame.polygon(fence.ring)
        if not all(ring.covers(way) for way in ways):
            raise OrderError("from there the straight way home leaves the city's fence")
    for exclusion in fence.exclusions:
        area = space.frame.polygon(exclusion)
        if any(area.intersects(way) for way in ways):
            raise OrderError(f"from there the straight way home crosses {_name(space, area)}")


def straight(space: Airspace, t: Telemetry, to: tuple[float, float], fence: Carried) -> str | None:
    """Say what the straight way to a place (lon, lat) would break of a fence; None where nothing."""
    if t.lon is None or t.lat is None:
        return "where the drone is is not known"
    here = (*space.frame.to_enu(t.lon, t.lat), 0.0)
    try:
        return _breaks(space, here, [(*space.frame.to_enu(*to), 0.0)], fence)
    except GeometryError as error:
        return str(error)


def inside(space: Airspace, t: Telemetry, fence: Carried, margin_m: float = MARGIN_M) -> bool:
    """Whether a drone is well inside a fence."""
    if t.lon is None or t.lat is None:
        return False
    return fence.guard.deeper_than(t.lon, t.lat, margin_m)


def _name(space: Airspace, area: Polygon) -> str:
    for zone in space.no_fly:
        if zone.area.intersection(area).area > area.area / 2:
            return f"no-fly zone {zone.zone.id!r}"
    return "a no-fly zone of its sortie's fence"


def _narrower(ring: Polygon) -> BaseGeometry:
    return ring.buffer(-MARGIN_M)


def _line(places: list[tuple[float, float]]) -> BaseGeometry:
    return LineString(places) if len(set(places)) > 1 else Point(places[0])
