"""Where a drone may hover for a call: over it, or at the allowed place that is nearest to it."""

from __future__ import annotations

import math

import shapely
from shapely.geometry import Point
from shapely.geometry.base import BaseGeometry
from shapely.ops import nearest_points

from missions.airspace import Airspace
from missions.errors import PlanError
from missions.tracks import Metres

FAR_M = 1000.0
"""A camera that is farther from a call than this sees nothing of it."""
INSIDE_M = 15.0
"""Kept inside the city's fence, for the wind and for what a position may be off."""
OUTSIDE_M = 1.0
"""Kept from what is closed, on top of its own margin."""


def hover_at(airspace: Airspace, call: Metres, altitude_m: float) -> Metres:
    """Return the allowed place that is nearest to a call at an altitude.

    That is outside no-fly zones and the columns of air over docks, and inside the city's fence.

    Raises
    ------
    PlanError
        If there is none within ``FAR_M``.
    """
    there = Point(call)
    kept = airspace.kept_from_at(altitude_m)
    bounds = airspace.bounds
    if not kept.intersects(there) and (bounds is None or _well_inside(bounds, there)):
        return call
    closed = kept.buffer(OUTSIDE_M, join_style="mitre")
    near: BaseGeometry = there.buffer(FAR_M)
    if bounds is not None:
        near = near.intersection(bounds.buffer(-INSIDE_M))
    allowed = near.difference(closed)
    if allowed.is_empty:
        raise PlanError(
            f"at {altitude_m:g} m no drone may be within {FAR_M:g} m of the call: no-fly zones, docks "
            "and the city's fence leave no place",
            "airspace",
        )
    place = nearest_points(allowed, there)[0]
    return float(place.x), float(place.y)


def _well_inside(bounds: BaseGeometry, place: Point) -> bool:
    away: float = shapely.distance(bounds.boundary, place)
    inside: bool = bounds.covers(place)
    return inside and away >= INSIDE_M


def off_m(call: Metres, place: Metres) -> float:
    """Return how far from a call a place is; 0 where it is the call's own."""
    return math.dist(call, place)
