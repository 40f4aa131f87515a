"""Where a pilot may not send a drone: over the ceiling, out of a fence, into a no-fly zone. Pure.

A pilot's command outranks the controller's plan, and this outranks the pilot. The vehicle's own
fence would stop it there as well, but by a failsafe, and without a word before.
"""

from __future__ import annotations

import math

import shapely
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from fleet.model.command import Demand, GoTo, Orbit
from fleet.model.live import Telemetry
from missions.airspace import Airspace
from missions.errors import GeometryError, PlanError
from missions.sortie import Sortie

MARGIN_M = 10.0
"""Kept inside the sortie's fence: braking from 8 m/s at 4 m/s² takes 8 m."""
CORNERS = 36
"""Of the circle that stands for an orbit."""

Points = list[tuple[float, float, float]]


def refuses(
    demand: Demand, t: Telemetry, space: Airspace, sortie: Sortie | None, reach_m: float
) -> str | None:
    """Say what a demand would break, in words for the pilot; None where it breaks nothing.

    Looked at are the straight way there and the circle. Where the drone is already outside, only
    the place it is sent to counts, so that it may be sent back in.

    Parameters
    ----------
    demand, t
        What is asked, and where the drone is.
    space, sortie
        The city's ceiling, fence and no-fly zones, and the fence that the vehicle carries.
    reach_m
        How far a full battery brings the drone, there and back; a city need have no fence.
    """
    if not isinstance(demand, GoTo | Orbit):
        return None
    if t.lon is None or t.lat is None:
        return "where the drone is is not known, so the way there cannot be checked"
    if demand.altitude_m > space.ceiling_m:
        return (
            f"altitude {demand.altitude_m:g} m is above the ceiling of {space.ceiling_m:g} m "
            "above home"
        )
    try:
        east, north = space.frame.to_enu(t.lon, t.lat)
        altitude = min(max(t.altitude_m or 0.0, 0.0), space.ceiling_m)
        there = _there(demand, space, (east, north))
        away = max(math.dist((east, north), place[:2]) for place in there)
        if not away <= reach_m:  # also where it is no number
            return f"that is {away / 1000:.1f} km away; it flies {reach_m / 1000:.1f} km and back"
        return _city(space, (east, north, altitude), there) or _fence(
            space, (east, north), there, sortie
        )
    except GeometryError as error:
        return str(error)


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


def _city(space: Airspace, here: tuple[float, float, float], there: Points) -> str | None:
    try:
        space.check([here, here])
        path = [here, *there]
    except PlanError:  # it is outside already: it may come back in
        path = [there[0], *there]
    try:
        space.check(path)
    except PlanError as error:
        return str(error)
    return None


def _fence(
    space: Airspace, here: tuple[float, float], there: Points, sortie: Sortie | None
) -> str | None:
    """Hold the way against the fence that the vehicle carries; its rings reach to any height."""
    if sortie is None:
        return None
    places = [point[:2] for point in there]
    goal, way = _line(places), _line([here, *places])
    if sortie.fence:
        ring = space.frame.polygon(sortie.fence)
        if not _narrower(ring).covers(goal) or (ring.covers(Point(here)) and not ring.covers(way)):
            return f"that leaves the fence of its sortie, or comes within {MARGIN_M:g} m of it"
    for exclusion in sortie.exclusions:
        area = space.frame.polygon(exclusion)
        inside = area.intersects(Point(here))
        if shapely.dwithin(area, goal, MARGIN_M) or (not inside and area.intersects(way)):
            return "that enters a no-fly zone of its sortie's fence"
    return None


def _narrower(ring: Polygon) -> BaseGeometry:
    return ring.buffer(-MARGIN_M)


def _line(places: list[tuple[float, float]]) -> BaseGeometry:
    return LineString(places) if len(set(places)) > 1 else Point(places[0])
