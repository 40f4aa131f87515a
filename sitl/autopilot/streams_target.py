"""Telemetry about what is aimed at: attitude, position, circle, motors.

Each function packs one message of one vehicle; ``age`` is how long ago (s) the sample was taken.
"""

from __future__ import annotations

import math

from sitl.autopilot.codec import layout
from sitl.autopilot.core import Core
from sitl.autopilot.modes import Mode
from sitl.autopilot.orbit import Circle
from sitl.autopilot.streams_motion import quaternion

ATTITUDE_TARGET = layout("attitude_target")
POSITION_TARGET_LOCAL = layout("position_target_local_ned")
POSITION_TARGET_GLOBAL = layout("position_target_global_int")
SERVO_OUTPUT = layout("servo_output_raw")
ORBIT_STATUS = layout("orbit_execution_status")

_NAN = math.nan


def _ms(core: Core) -> int:
    return int(core.now * 1000.0)


def _us(core: Core) -> int:
    return int(core.now * 1e6)


def attitude_target(core: Core, age: float) -> bytes:
    """Pack ATTITUDE_TARGET."""
    b = core.body
    thrust = 0.5 if not core.landed else 0.001
    return ATTITUDE_TARGET.pack(
        _ms(core), *quaternion(b.roll, b.pitch, b.yaw), 0.0, 0.0, b.yaw_rate, thrust, 0
    )


def position_target_local(core: Core, age: float) -> bytes:
    """Pack POSITION_TARGET_LOCAL_NED."""
    b = core.body
    if core.landed:
        return POSITION_TARGET_LOCAL.pack(
            _ms(core), *(_NAN,) * 6, 0.0, 0.0, 100.0, b.yaw, 0.0, 63, 1
        )
    down = core.spec.amsl_m - core.amsl
    return POSITION_TARGET_LOCAL.pack(
        _ms(core),
        core.north,
        core.east,
        down,
        b.vn,
        b.ve,
        -b.vu,
        b.an,
        b.ae,
        -b.au,
        b.yaw,
        0.0,
        0,
        1,
    )


def position_target_global(core: Core, age: float) -> bytes | None:
    """Pack POSITION_TARGET_GLOBAL_INT: where it is bound for; sent in flight only."""
    if not core.armed or core.bound_for is None:
        return None
    b = core.body
    north, east, altitude = core.bound_for
    lon, lat = core.frame.to_lonlat(north, east)
    return POSITION_TARGET_GLOBAL.pack(
        _ms(core),
        round(lat * 1e7),
        round(lon * 1e7),
        core.home_alt + altitude,
        b.vn,
        b.ve,
        -b.vu,
        b.an,
        b.ae,
        -b.au,
        b.yaw,
        0.0,
        0,
        5,
    )


def servo_output(core: Core, age: float) -> bytes:
    """Pack SERVO_OUTPUT_RAW of four motors."""
    motors: tuple[int, ...]
    if core.landed:
        motors = (1000,) * 4 if core.armed else (900,) * 4
    else:
        b = core.body
        mean = 1500.0
        motors = tuple(
            int(mean + r * b.roll_rate * 40 + p * b.pitch_rate * 40)
            for r, p in ((-1, 1), (1, -1), (1, 1), (-1, -1))
        )
    rest = (900,) * 4
    return SERVO_OUTPUT.pack(_us(core) & 0xFFFFFFFF, *motors, *rest, 0, *(900,) * 8)


def orbit_status(core: Core, circle: Circle | None) -> bytes | None:
    """Pack ORBIT_EXECUTION_STATUS; nothing where no circle is flown."""
    if circle is None or core.mode is not Mode.ORBIT or core.landed:
        return None
    lon, lat = core.frame.to_lonlat(circle.north, circle.east)
    radius = circle.radius if circle.clockwise else -circle.radius
    return ORBIT_STATUS.pack(
        _us(core), radius, round(lat * 1e7), round(lon * 1e7), core.home_alt + circle.altitude, 0
    )
