"""Manned aircraft, by ADS-B: what is near, what will be, and what is none."""

from __future__ import annotations

import math
from typing import NamedTuple

from fleet.flight.safety.flat import Flat
from fleet.flight.safety.separation import Relative, Room, too_near
from fleet.flight.safety.sky import placed
from fleet.flight.safety.view import View
from fleet.model.states import DroneState
from fleet.model.traffic import Aircraft

NEAR = Room(1000.0, 300.0)
CLEAR = Room(1200.0, 350.0)
"""Of a drone that has got out of the way, so that it does not waver at the edge."""
AHEAD_S = 30.0
OLD_S = 15.0
"""A report that is older says nothing any more; a younger one is flown on to now."""
OUR_M = 30.0
OUR_M_S = 3.0
"""What is this near to one of our drones and moves with it is that drone."""
FASTEST_M_S = 350.0


class Traffic(NamedTuple):
    """An aircraft that a drone must get out of the way of."""

    aircraft: Aircraft
    relative: Relative
    in_s: float


def ahead(v: View) -> Traffic | None:
    """Return the aircraft that is too near, or the first that will be; None where there is none."""
    if not v.aircraft:
        return None
    known = v.worked_out.get("traffic")
    if isinstance(known, list):
        return known[0] if known else None
    t = v.telemetry
    found = []
    if t.lon is not None and t.lat is not None and placed(t.lon, t.lat):
        plane = Flat.at((t.lon, t.lat))
        room = CLEAR if v.state is DroneState.AVOIDING else NEAR
        for aircraft in v.aircraft:
            seen = _seen(v, plane, aircraft, room)
            if seen is not None:
                found.append(seen)
    found.sort(key=lambda seen: (seen.in_s, seen.relative.distance_m, seen.aircraft.icao))
    v.worked_out["traffic"] = found
    return found[0] if found else None


def _seen(v: View, plane: Flat, a: Aircraft, room: Room) -> Traffic | None:
    age_s = (v.now - a.at).total_seconds()
    if not age_s <= OLD_S or not placed(a.lon, a.lat):
        return None
    age_s = max(0.0, age_s)  # its clock may be ahead of ours
    speed = a.speed_m_s if 0.0 <= a.speed_m_s <= FASTEST_M_S else 0.0
    east, north = plane.to(a.lon, a.lat)
    reach = room.radius_m + (age_s + AHEAD_S) * (speed + 30.0)
    if abs(east) > reach or abs(north) > reach:
        return None
    v_east, v_north = _over_ground(a, speed, east, north)
    climb = a.climb_m_s if abs(a.climb_m_s) < 100.0 else 0.0
    east, north = east + age_s * v_east, north + age_s * v_north
    up = _up(v, a.altitude_amsl_m + age_s * climb)
    if _is_ours(v, a, (v_east, v_north), age_s):
        return None
    t = v.telemetry
    relative = Relative(
        east,
        north,
        up,
        v_east - t.velocity_east_m_s,
        v_north - t.velocity_north_m_s,
        climb + t.velocity_down_m_s,
    )
    in_s = too_near(relative, room, AHEAD_S)
    return None if in_s is None else Traffic(a, relative, in_s)


def _over_ground(a: Aircraft, speed: float, east: float, north: float) -> tuple[float, float]:
    """Return the aircraft's velocity; with no heading told, straight at the drone."""
    if a.heading_deg is not None and math.isfinite(a.heading_deg):
        heading = math.radians(a.heading_deg)
        return speed * math.sin(heading), speed * math.cos(heading)
    away = math.hypot(east, north)
    return (-speed * east / away, -speed * north / away) if away > 1.0 else (0.0, 0.0)


def _up(v: View, altitude_amsl_m: float) -> float | None:
    """Return how far above the drone a height is; None where either is not known.

    Which then is taken to be the drone's own height.
    """
    t = v.telemetry
    own = t.altitude_amsl_m
    if own is None and t.altitude_m is not None:
        own = t.altitude_m + v.ground_amsl_m
    up = math.nan if own is None else altitude_amsl_m - own
    return up if math.isfinite(up) else None


def _is_ours(v: View, a: Aircraft, velocity: tuple[float, float], age_s: float) -> bool:
    """Whether a report is of one of our own drones: at its place, and moving with it."""
    place = v.sky.at(a.lon, a.lat)
    if place is None:
        return False
    for mover in v.sky.around(*place):
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


def near(v: View) -> str | None:
    """Say that a manned aircraft is within 1 km and 300 m of height, or will be within 30 s."""
    seen = ahead(v)
    if seen is None:
        return None
    t = v.telemetry
    if v.state is DroneState.LANDING and (t.altitude_m or 0.0) <= v.limits.refuge_m:
        return None  # on its way down is out of the way
    a, r = seen.aircraft, seen.relative
    name = a.callsign.strip() or f"{a.icao:06X}"
    height = (
        "at a height that is not known"
        if r.up_m is None
        else f"{abs(r.up_m):.0f} m {'above' if r.up_m >= 0 else 'below'}"
    )
    when = f", nearer in {seen.in_s:.0f} s" if seen.in_s >= 1.0 else ""
    return f"aircraft {name} is {r.distance_m:.0f} m away, {height}{when}"
