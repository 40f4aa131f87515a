"""Where a vehicle is against its dock, and what it takes to come home. Pure."""

from __future__ import annotations

import math

from fleet.model.live import Telemetry
from missions.city import Drone
from missions.energy import PowerModel, Wind, come_home_cost
from missions.errors import PlanError
from missions.geo import LocalFrame
from missions.sortie import Waypoint


def distance_m(telemetry: Telemetry, position: tuple[float, float]) -> float:
    """Return the horizontal distance in metres to a (lon, lat); infinite where none is known."""
    if telemetry.lon is None or telemetry.lat is None:
        return math.inf
    east, north = LocalFrame(*position).to_enu(telemetry.lon, telemetry.lat)
    return math.hypot(east, north)


def speed_m_s(telemetry: Telemetry) -> float:
    """Return the speed in m/s, all three axes."""
    return math.hypot(
        telemetry.velocity_north_m_s, telemetry.velocity_east_m_s, telemetry.velocity_down_m_s
    )


def heading_to(telemetry: Telemetry, position: tuple[float, float], within_deg: float) -> bool:
    """Whether a vehicle moves, and towards a (lon, lat) within an angle."""
    if telemetry.lon is None or telemetry.lat is None:
        return False
    east, north = LocalFrame(telemetry.lon, telemetry.lat).to_enu(*position)
    v_east, v_north = telemetry.velocity_east_m_s, telemetry.velocity_north_m_s
    away, speed = math.hypot(east, north), math.hypot(v_east, v_north)
    if away < 0.1 or speed < 1.0:
        return False
    return east * v_east + north * v_north > away * speed * math.cos(math.radians(within_deg))


def endurance_s(drone: Drone) -> float:
    """Return for how long a full battery can keep the drone in the air at most, seconds."""
    model = PowerModel.of(drone)
    return 3600.0 * drone.battery.capacity_wh / model.least_w


def landed(telemetry: Telemetry) -> bool:
    """Whether the vehicle is on the ground with its motors stopped."""
    return not telemetry.in_air and not telemetry.armed


def come_home_percent(
    drone: Drone,
    telemetry: Telemetry,
    home: tuple[float, float],
    altitude_m: float,
    wind: Wind | float,
    temperature_c: float | None = None,
) -> float:
    """Return the battery, in percent, that coming home and landing takes from here.

    A wind with no direction (a bare speed in m/s has none) is taken to be against the drone. Where
    the wind is too strong for its cruise speed the answer is infinite: come home now.
    """
    if telemetry.lon is None or telemetry.lat is None:
        return 0.0
    model = PowerModel.of(drone, temperature_c)
    here = Waypoint(telemetry.lon, telemetry.lat, max(0.0, telemetry.altitude_m or 0.0))
    try:
        blows = wind if isinstance(wind, Wind) else Wind(wind)
        cost = come_home_cost(here, home, altitude_m, model, blows)
    except PlanError:
        return math.inf
    return 100.0 * cost.energy_wh / model.capacity_wh
