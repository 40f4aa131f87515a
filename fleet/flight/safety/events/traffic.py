"""Manned aircraft, by ADS-B: what is near, what will be, and what is none."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from fleet.flight.safety.flat import Flat
from fleet.flight.safety.separation import Relative, Room, too_near
from fleet.flight.safety.sky import Mover, Sky, finite, placed
from fleet.flight.safety.view import View
from fleet.model.states import DroneState
from fleet.model.traffic import Aircraft

NEAR = Room(1000.0, 300.0)
CLEAR = Room(1200.0, 350.0)
"""Of a drone that has got out of the way, so that it does not waver at the edge."""
AHEAD_S = 30.0
OLD_S = 15.0
"""A report that is older says nothing any more; a younger one is flown on to now."""
OUR_M = 50.0
OUR_M_S = 5.0
"""What is this near to one of our drones, in the plane and in height, and moves with it, is that
drone: its transmitter tells where it was a second or two ago."""
FASTEST_M_S = 350.0
FASTEST_CLIMB_M_S = 100.0


class Own(NamedTuple):
    """The drone that aircraft are seen from; ``amsl_m`` None: its height is not known."""

    lon: float
    lat: float
    amsl_m: float | None
    velocity_east_m_s: float = 0.0
    velocity_north_m_s: float = 0.0
    velocity_up_m_s: float = 0.0


class Traffic(NamedTuple):
    """An aircraft that a drone must get out of the way of."""

    aircraft: Aircraft
    relative: Relative
    in_s: float


def nearest(
    own: Own, aircraft: Iterable[Aircraft], now: datetime, sky: Sky, room: Room
) -> list[Traffic]:
    """Return the aircraft that are too near, or will be within 30 s, the soonest first."""
    if not placed(own.lon, own.lat):
        return []
    plane = Flat.at((own.lon, own.lat))
    seen = (_seen(own, plane, a, now, sky, room) for a in aircraft)
    return sorted(
        (traffic for traffic in seen if traffic is not None),
        key=lambda t: (t.in_s, t.relative.distance_m, t.aircraft.icao),
    )


def in_words(traffic: Traffic) -> str:
    """Return which aircraft, where, and when it is nearer."""
    a, r, in_s = traffic
    name = a.callsign.strip() or f"{a.icao:06X}"
    height = (
        "at a height that is not known"
        if r.up_m is None
        else f"{abs(r.up_m):.0f} m {'above' if r.up_m >= 0 else 'below'}"
    )
    when = f", nearer in {in_s:.0f} s" if in_s >= 1.0 else ""
    return f"aircraft {name} is {r.distance_m:.0f} m away, {height}{when}"


def near(v: View) -> str | None:
    """Say that a manned aircraft is within 1 km and 300 m of height, or will be within 30 s."""
    seen = ahead(v)
    if seen is None:
        return None
    if v.state is DroneState.LANDING and (v.telemetry.altitude_m or 0.0) <= v.limits.refuge_m:
        return None  # on its way down is out of the way
    return in_words(seen)


def ahead(v: View) -> Traffic | None:
    """Return the aircraft that is too near, or the first that will be; None where there is none."""
    if not v.aircraft:
        return None
    known = v.worked_out.get("traffic")
    if not isinstance(known, list):
        room = CLEAR if v.state is DroneState.AVOIDING else NEAR
        own = _own(v)
        known = [] if own is None else nearest(own, v.aircraft, v.now, v.sky, room)
        v.worked_out["traffic"] = known
    return known[0] if known else None


def concerned(news: Iterable[Aircraft], now: datetime, sky: Sky) -> list[str]:
    """Return the drones in the air that one of some aircraft comes near, as far as it is known.

    All are held to the wider room: some may be getting out of the way already.
    """
    found: dict[str, None] = {}
    for a in news:
        age_s, place = _age_s(a, now), sky.at(a.lon, a.lat)
        if age_s is None or place is None:
            continue
        if _is_ours(sky, a, _over_ground(a, *place), age_s):
            continue
        for mover in sky:
            away = place[0] - mover.east_m, place[1] - mover.north_m
            relative = _relative(_of(mover, sky), a, away, age_s, CLEAR)
            if relative is not None and too_near(relative, CLEAR, AHEAD_S) is not None:
                found[mover.drone] = None
    return list(found)


def _of(mover: Mover, sky: Sky) -> Own:
    lon, lat = sky.position(mover) or (0.0, 0.0)
    east, north = mover.velocity_east_m_s, mover.velocity_north_m_s
    return Own(lon, lat, mover.height_m, east, north, mover.velocity_up_m_s)


def _own(v: View) -> Own | None:
    t = v.telemetry
    if t.lon is None or t.lat is None:
        return None
    height = t.altitude_amsl_m
    if height is None and t.altitude_m is not None:
        height = t.altitude_m + v.ground_amsl_m
    east, north, down = t.velocity_east_m_s, t.velocity_north_m_s, t.velocity_down_m_s
    return Own(t.lon, t.lat, height, finite(east), finite(north), -finite(down))


def _seen(
    own: Own, plane: Flat, a: Aircraft, now: datetime, sky: Sky, room: Room
) -> Traffic | None:
    age_s = _age_s(a, now)
    if age_s is None:
        return None
    away = plane.to(a.lon, a.lat)
    relative = _relative(own, a, away, age_s, room)
    if relative is None or _is_ours(sky, a, _over_ground(a, *away), age_s):
        return None
    in_s = too_near(relative, room, AHEAD_S)
    return None if in_s is None else Traffic(a, relative, in_s)


def _age_s(a: Aircraft, now: datetime) -> float | None:
    """Return how old a report is; None where it says nothing any more, or not where."""
    age_s = (now - a.at).total_seconds()
    if not age_s <= OLD_S or not placed(a.lon, a.lat):
        return None
    return max(0.0, age_s)  # its clock may be ahead of ours


def _relative(
    own: Own, a: Aircraft, away: tuple[float, float], age_s: float, room: Room
) -> Relative | None:
    """Return an aircraft as it is now, from a drone; None where it is far out of reach.

    ``away`` is where it was when it was told of: metres east and north of the drone.
    """
    east, north = away
    reach = room.radius_m + (age_s + AHEAD_S) * (_speed(a) + 30.0)
    if abs(east) > reach or abs(north) > reach:
        return None
    v_east, v_north = _over_ground(a, east, north)
    climb = a.climb_m_s if abs(a.climb_m_s) < FASTEST_CLIMB_M_S else 0.0
    return Relative(
        east + age_s * v_east,
        north + age_s * v_north,
        _up(own, a.altitude_amsl_m + age_s * climb),
        v_east - own.velocity_east_m_s,
        v_north - own.velocity_north_m_s,
        climb - own.velocity_up_m_s,
    )


def _speed(a: Aircraft) -> float:
    return a.speed_m_s if 0.0 <= a.speed_m_s <= FASTEST_M_S else 0.0


def _over_ground(a: Aircraft, east: float, north: float) -> tuple[float, float]:
    """Return the aircraft's velocity; with no heading told, straight at the drone."""
    speed = _speed(a)
    if a.heading_deg is not None and math.isfinite(a.heading_deg):
        heading = math.radians(a.heading_deg)
        return speed * math.sin(heading), speed * math.cos(heading)
    away = math.hypot(east, north)
    return (-speed * east / away, -speed * north / away) if away > 1.0 else (0.0, 0.0)


def _up(own: Own, amsl_m: float) -> float | None:
    """Return how far above the drone a height is; None where either is not known.

    Which then is taken to be the drone's own height.
    """
    up = math.nan if own.amsl_m is None else amsl_m - own.amsl_m
    return up if math.isfinite(up) else None


def _is_ours(sky: Sky, a: Aircraft, velocity: tuple[float, float], age_s: float) -> bool:
    """Whether a report is of one of our own drones: at its place, and moving with it."""
    place = sky.at(a.lon, a.lat)
    if place is None:
        return False
    for mover in sky.around(*place):
        apart = math.hypot(
            place[0] + age_s * velocity[0] - mover.east_m,
            place[1] + age_s * velocity[1] - mover.north_m,
        )
        differs = math.hypot(
            velocity[0] - mover.velocity_east_m_s, velocity[1] - mover.velocity_north_m_s
        )
        level = mover.height_m is None or not abs(a.altitude_amsl_m - mover.height_m) > OUR_M
        if apart < OUR_M and differs < OUR_M_S and level:
            return True
    return False
