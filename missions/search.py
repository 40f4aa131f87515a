"""Searches: outward from a point, or over an area; and how likely they are to find something.

Patterns are those of the IAMSAR Manual (ICAO Doc 9731, IMO IG960E), volume II, chapter 5, and
volume III, section 3: expanding square (legs of 1, 1, 2, 2, 3, 3 ... track spacings, each turned
90 degrees) and sector search (three triangles of equal sides that meet in the middle, turned 120
degrees at each end, flown again 30 degrees on). Probability of detection is that of B. O. Koopman,
"Search and Screening" (OEG Report 56, 1946), for what is not where the tracks would have it: with
coverage factor C = sweep width / track spacing it is 1 - exp(-C). Metres.
"""

from __future__ import annotations

import math

from missions.errors import GeometryError
from missions.tracks import Metres, Track

MOST_LEGS = 200
TURNED_ON_DEG = 30.0


def sweep_width_m(swath: float, detection: float) -> float:
    """Return the sweep width: what is seen across the track, by how likely it is noticed there.

    Raises
    ------
    GeometryError
        If a number is out of range.
    """
    if not (swath > 0 and 0 < detection <= 1):
        raise GeometryError(
            f"swath {swath!r} m must be above 0 and detection {detection!r} above 0, up to 1"
        )
    return swath * detection


def detected(sweep_width: float, spacing: float) -> float:
    """Return the probability of detection, 0 to 1, of parallel tracks so far apart."""
    return 1.0 - math.exp(-sweep_width / spacing)


def spacing_for(sweep_width: float, probability: float, swath: float) -> float:
    """Return the track spacing that gives a probability of detection; no more than the swath.

    Raises
    ------
    GeometryError
        If the probability is not above 0 and below 1.
    """
    if not 0 < probability < 1:
        raise GeometryError(f"probability {probability!r}: must be above 0 and below 1")
    return min(swath, -sweep_width / math.log(1.0 - probability))


def expanding_square(
    middle: Metres, radius_m: float, spacing: float, heading_deg: float = 0.0
) -> Track:
    """Return an expanding square that reaches a distance from its middle on every side.

    It is entered half a spacing before the middle, straight through it: else the ground just
    behind its beginning would be seen from no leg.

    Parameters
    ----------
    middle
        Where what is searched for was last known.
    radius_m
        How far the outermost leg is from the middle, at least.
    spacing
        Of the tracks, metres.
    heading_deg
        Of the first leg, clockwise from north: into the drift, by the manual.

    Raises
    ------
    GeometryError
        If a number is out of range, or the search has more than 200 legs.
    """
    if not (radius_m > 0 and spacing > 0):
        raise GeometryError(f"radius {radius_m!r} m and spacing {spacing!r} m must be above 0")
    legs = 4 * math.ceil(radius_m / spacing - 0.5 - 1e-9) + 1
    legs = max(4, legs)
    if legs > MOST_LEGS:
        raise GeometryError(
            f"a search out to {radius_m:g} m at {spacing:g} m has {legs} legs; at most "
            f"{MOST_LEGS} are allowed: search an area instead"
        )
    places = [_from(middle, -spacing / 2.0, heading_deg), middle]
    for index in range(legs):
        heading = math.radians(heading_deg + 90.0 * index)
        length = spacing * (index // 2 + 1)
        east, north = places[-1]
        places.append((east + length * math.sin(heading), north + length * math.cos(heading)))
    return tuple(places)


def sector(middle: Metres, radius_m: float, heading_deg: float = 0.0, patterns: int = 1) -> Track:
    """Return a sector search: nine legs of a radius each, through the middle three times.

    Parameters
    ----------
    middle
        Where what is searched for was last known.
    radius_m
        Length of each leg.
    heading_deg
        Of the first leg, clockwise from north.
    patterns
        How often it is flown, each 30 degrees on from the one before.

    Raises
    ------
    GeometryError
        If a number is out of range.
    """
    if not (radius_m > 0 and 1 <= patterns <= 4):
        raise GeometryError(
            f"radius {radius_m!r} m must be above 0, and {patterns!r} patterns from 1 to 4"
        )
    places = [middle]
    for pattern in range(patterns):
        heading = heading_deg + TURNED_ON_DEG * pattern
        for _ in range(3):
            out = _from(middle, radius_m, heading)
            across = _from(middle, radius_m, heading + 60.0)
            places += [out, across, middle]
            heading += 240.0  # straight on through the middle
    return tuple(places)


def _from(place: Metres, distance: float, heading_deg: float) -> Metres:
    heading = math.radians(heading_deg)
    return place[0] + distance * math.sin(heading), place[1] + distance * math.cos(heading)
