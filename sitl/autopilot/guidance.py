"""From a place to fly to, to the velocity that flies there as PX4's parameters allow."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sitl.autopilot.core import LANDING, TAKING_OFF, Core
from sitl.autopilot.frame import clamp
from sitl.autopilot.physics import braking_speed

_TAKEOFF_STEP = 0.45
"""Most that a take-off's climb is demanded to be above the present one, m/s."""
_LANDING_SHARE = 0.75
"""Share of MPC_LAND_SPEED at which SIH comes down near the ground."""


@dataclass(slots=True)
class Target:
    """A place to fly to: believed metres north and east of the start, altitude above home.

    ``end_speed`` is what the vehicle may still have when it gets there (m/s), ``speed`` its limit
    on the way. ``yaw`` is radians from true north, None to keep the present one.
    """

    north: float
    east: float
    altitude: float
    speed: float
    end_speed: float = 0.0
    yaw: float | None = None


def here(core: Core, altitude: float | None = None) -> Target:
    """Return a target at the present position, at a given altitude or the present one."""
    return Target(
        core.north,
        core.east,
        core.altitude if altitude is None else altitude,
        cruise_speed(core),
    )


def stop_point(core: Core) -> Target:
    """Return a target where the vehicle comes to rest if it brakes now."""
    body, speed = core.body, core.body.speed
    stop = speed * speed / (2.0 * core.params["MPC_ACC_HOR"]) + 0.5 * speed
    share = stop / speed if speed > 0.1 else 0.0
    return Target(
        core.north + body.vn * share,
        core.east + body.ve * share,
        core.altitude + body.vu * 0.4,
        cruise_speed(core),
    )


def cruise_speed(core: Core) -> float:
    """Return PX4's speed in automatic modes, m/s."""
    return min(core.params["MPC_XY_CRUISE"], core.params["MPC_XY_VEL_MAX"])


def velocity_to(core: Core, target: Target) -> tuple[float, float, float]:
    """Return the velocity (north, east, up) that flies a straight line to a target."""
    params = core.params
    acc, jerk = params["MPC_ACC_HOR"], params["MPC_JERK_AUTO"]
    dn, de = target.north - core.north, target.east - core.east
    du = target.altitude - core.altitude
    flat = math.hypot(dn, de)
    near = max(target.end_speed, params["MPC_XY_P"] * flat)
    speed = min(target.speed, near, braking_speed(flat, acc, jerk, target.end_speed))
    climb = vertical_to(core, du)
    if flat > 2.0 and abs(du) > 0.5 and speed > 0.1:
        # whichever takes longer sets the time, so that the path is a straight line
        flat_s, climb_s = flat / speed, abs(du) / max(abs(climb), 0.05)
        if climb_s > flat_s:
            speed = max(flat / climb_s, min(speed, 0.5))
        else:
            climb = math.copysign(min(abs(climb), abs(du) / flat_s), du)
    if flat < 1e-6:
        return 0.0, 0.0, climb
    return speed * dn / flat, speed * de / flat, climb


def vertical_to(core: Core, du: float) -> float:
    """Return the climb rate (m/s) that takes a vehicle ``du`` metres up, and stops there."""
    params = core.params
    if du >= 0:
        limit = min(params["MPC_Z_V_AUTO_UP"], params["MPC_Z_VEL_MAX_UP"])
        acc = params["MPC_ACC_UP_MAX"]
        if core.landed_state == TAKING_OFF and core.body.up < params["MPC_LAND_ALT1"]:
            limit = min(limit, params["MPC_TKO_SPEED"], core.body.vu + _TAKEOFF_STEP)
    else:
        limit = min(params["MPC_Z_V_AUTO_DN"], params["MPC_Z_VEL_MAX_DN"])
        acc = params["MPC_ACC_DOWN_MAX"]
    return math.copysign(min(limit, braking_speed(abs(du), acc, params["MPC_JERK_AUTO"])), du)


def landing_rate(core: Core) -> float:
    """Return the descent rate of a landing at the present height, m/s (positive down)."""
    params = core.params
    high, low = params["MPC_LAND_ALT1"], params["MPC_LAND_ALT2"]
    fast = min(params["MPC_Z_V_AUTO_DN"], params["MPC_Z_VEL_MAX_DN"])
    slow = _LANDING_SHARE * params["MPC_LAND_SPEED"]
    height = core.body.up
    if height < params["MPC_LAND_ALT3"]:
        return params["MPC_LAND_CRWL"]
    share = clamp((height - low) / max(high - low, 0.1), 0.0, 1.0)
    return slow + (fast - slow) * share


def fly_to(core: Core, target: Target, dt: float) -> None:
    """Go on by ``dt`` seconds towards a target."""
    core.bound_for = target.north, target.east, target.altitude
    yaw = core.body.yaw if target.yaw is None else target.yaw
    core.body.fly(dt, velocity_to(core, target), yaw, core.limits, core.wind)


def land_at(core: Core, target: Target, dt: float) -> None:
    """Go on by ``dt`` seconds with a landing at a target's position."""
    core.landed_state = LANDING
    core.bound_for = target.north, target.east, target.altitude
    vn, ve, _ = velocity_to(core, target)
    yaw = core.body.yaw if target.yaw is None else target.yaw
    core.body.fly(dt, (vn, ve, -landing_rate(core)), yaw, core.limits, core.wind)


def corner_speed(before: float, after: float, acc: float, radius: float, cruise: float) -> float:
    """Return the speed at which a waypoint may be passed, m/s.

    PX4's rule (``computeMaxSpeedInWaypoint``): the speed on the circle that cuts the corner within
    the acceptance radius.

    Parameters
    ----------
    before, after
        Bearings into and out of the waypoint, radians.
    acc
        Acceleration that may be used sideways, m/s2.
    radius
        Acceptance radius, m.
    cruise
        Speed on the legs, m/s.
    """
    turn = abs((after - before + math.pi) % (2.0 * math.pi) - math.pi)
    half = 0.5 * (math.pi - turn)
    if half < 0.01:
        return 0.0
    if half > 1.56:
        return cruise
    return min(cruise, math.sqrt(acc * radius * math.tan(half)))
