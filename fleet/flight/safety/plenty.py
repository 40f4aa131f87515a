"""A cheap figure that coming home never takes more than. Pure.

The energy of the way home is asked at every change of telemetry, and nearly always the battery
holds far more. So a bound is worked out first, by the same model with every term at its worst
(all wind against the drone, the higher of the powers), and the way itself only where that bound
is not enough.
"""

from __future__ import annotations

import math

from fleet.flight.safety.flat import Flat
from missions.city import Drone
from missions.energy import (
    ACCELERATION_M_S2,
    CLIMB_FACTOR,
    CLIMB_M_S,
    DESCENT_M_S,
    LANDING_FROM_M,
    LANDING_M_S,
    SLOWEST_M_S,
)

WIDER = 1.01
"""The plane that distances are taken in is wrong by less."""


def at_most_percent(
    drone: Drone,
    place: tuple[float, float],
    altitude_m: float,
    home: tuple[float, float],
    transit_altitude_m: float,
    wind_m_s: float,
) -> float:
    """Return what coming home takes at most, percent of the battery; infinite where not known.

    Parameters
    ----------
    place, home
        (lon, lat).
    altitude_m
        Of the drone above home.
    transit_altitude_m
        Height at which it comes home.
    wind_m_s
        From anywhere.
    """
    air_speed = drone.cruise_m_s
    speed = air_speed - wind_m_s
    if not speed >= SLOWEST_M_S:
        return math.inf
    east, north = Flat.at(home).to(*place)
    altitude = max(0.0, altitude_m)
    height = max(transit_altitude_m, altitude)
    battery = drone.battery
    still_w = max(battery.hover_w, battery.cruise_w)  # slower than cruise: between the two
    way_s = WIDER * math.hypot(east, north) / speed + air_speed / ACCELERATION_M_S2
    slow_m = min(height, LANDING_FROM_M)
    landing_s = slow_m / LANDING_M_S + (height - slow_m) / DESCENT_M_S
    climb_s = (height - altitude) / CLIMB_M_S
    joules = still_w * (CLIMB_FACTOR * climb_s + way_s + landing_s)
    return 100.0 * joules / 3600.0 / battery.capacity_wh
