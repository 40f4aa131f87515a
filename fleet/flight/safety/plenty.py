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
    LANDING_FROM_M,
    LANDING_M_S,
    LEAN,
    SLOWEST_M_S,
    PowerModel,
    Wind,
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
    temperature_c: float | None = None,
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
    temperature_c
        Of the battery at take-off; None: not known.
    """
    air_speed = drone.cruise_m_s
    speed = air_speed - wind_m_s
    if not speed >= SLOWEST_M_S:
        return math.inf
    east, north = Flat.at(home).to(*place)
    altitude = max(0.0, altitude_m)
    height = max(transit_altitude_m, altitude)
    model = PowerModel.of(drone, temperature_c)
    way_m = WIDER * math.hypot(east, north)
    most_w = model.most_w(0.0, air_speed + wind_m_s)
    way_j = 2.0 * air_speed / ACCELERATION_M_S2 * LEAN * most_w + way_m * max(
        model.power_w(air_speed) / speed, most_w / air_speed
    )
    slow_m = min(height, LANDING_FROM_M)
    down_s = slow_m / LANDING_M_S + (height - slow_m) / model.descent_m_s
    up_m = height - altitude
    still_j = (up_m / model.climb_m_s + down_s) * model.still_w(Wind(wind_m_s))
    needed_wh = (way_j + still_j) / 3600.0 + model.climb_wh(up_m)
    return 100.0 * needed_wh / model.capacity_wh
