"""Checks of the way that the drone is about to fly, and of who else is there."""

from __future__ import annotations

from collections.abc import Iterator

import shapely
from shapely.geometry import LineString, Point

from fleet.flight.checks.situation import Situation
from fleet.flight.column import VERTICAL_M
from fleet.flight.safety.events.traffic import NEAR, Own, in_words, nearest
from fleet.flight.safety.flat import Flat
from fleet.flight.safety.sky import Mover
from fleet.flight.safety.standing import DEAF
from fleet.model.states import DroneState
from missions.airspace import KEEP_M
from missions.sortie import Sortie

_OFF_PLAN = frozenset({DroneState.HELD, DroneState.AVOIDING})


class UnderCeiling:
    """No waypoint is above the city's ceiling, nor below the ground of the dock."""

    name = "under-ceiling"
    hard = True
    comes = False

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        for leg in s.sortie.legs:
            for point in leg.waypoints:
                if not 0 < point.altitude_m <= s.limits.ceiling_m:
                    return (
                        f"sortie has a waypoint at {point.altitude_m:g} m; "
                        f"0 to {s.limits.ceiling_m:g} m is allowed"
                    )
        return None


class NoTraffic:
    """No manned aircraft is near the dock, nor will be while the drone climbs."""

    name = "no-traffic"
    hard = True
    comes = False

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        ground = s.telemetry.altitude_amsl_m
        height = (s.ground_amsl_m if ground is None else ground) + s.sortie.altitude_m
        own = Own(*s.pad, height)
        found = nearest(own, s.aircraft, s.now, s.sky, NEAR)
        return None if not found else in_words(found[0])


class NoConflict:
    """Nobody flies, or hangs about, where the sortie leads.

    Sorties are planned clear of each other; this holds them to it when they begin, against those
    that were planned meanwhile and those that do not fly their plan any more.
    """

    name = "no-conflict"
    hard = True
    comes = False

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        for drone, sortie in s.under_way.items():
            if drone == s.drone.id:
                continue
            shared = _hand_over(s.sortie, sortie)
            if shared is False:
                return f"{drone} watches the same site less than {VERTICAL_M:g} m above or below"
            if shared is None and s.meets_in_time(drone):
                return f"the sortie of {drone} comes nearer than {KEEP_M:g} m at the same time"
        for other in _loose(s):
            if _in_the_way(other, s):
                return f"{other.drone} is {other.state} where the sortie leads"
        return None


def _hand_over(own: Sortie, other: Sortie) -> bool | None:
    """Return whether one may relieve the other on station; None where they share no site.

    They meet there on purpose, one above the other: a relief comes to where it waits, while the
    other is where it stays. On the way the monitor keeps them apart.
    """
    stays = dict(_heights(other))
    comes = dict(reversed(_heights(own)))
    apart = [abs(comes[site] - stays[site]) >= VERTICAL_M for site in comes if site in stays]
    return all(apart) if apart else None


def _heights(sortie: Sortie) -> list[tuple[str, float]]:
    """Return each site with the heights at which it is watched, in order."""
    return [(leg.site, w.altitude_m) for leg in sortie.legs if leg.site for w in leg.waypoints]


def _loose(s: Situation) -> Iterator[Mover]:
    """Yield the drones in the air of which no plan says where they will be."""
    for other in s.sky:
        off = other.standing == DEAF or other.state in _OFF_PLAN
        if off and other.drone != s.drone.id:
            yield other


def _in_the_way(other: Mover, s: Situation) -> bool:
    here, plane = s.sky.position(other), Flat.at(s.pad)
    if here is None:
        return False
    points = [w for leg in s.sortie.legs for w in leg.waypoints]
    top_m = max(w.altitude_m for w in points)
    if other.height_m is not None and abs(other.height_m - s.ground_amsl_m - top_m) >= VERTICAL_M:
        return False
    way = LineString([plane.to(w.lon, w.lat) for w in points])
    return bool(shapely.dwithin(way, Point(plane.to(*here)), KEEP_M))
