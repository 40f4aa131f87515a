"""Telemetry about motion: position, attitude, sensors and wind.

Each function packs one message of one vehicle; ``age`` is how long ago (s) the sample was taken.
"""

from __future__ import annotations

import math

from sitl.autopilot.codec import layout
from sitl.autopilot.core import Core
from sitl.autopilot.frame import wrap_pi
from sitl.autopilot.physics import GRAVITY

ATTITUDE = layout("attitude")
ATTITUDE_QUATERNION = layout("attitude_quaternion")
HIGHRES_IMU = layout("highres_imu")
GLOBAL_POSITION_INT = layout("global_position_int")
LOCAL_POSITION_NED = layout("local_position_ned")
ODOMETRY = layout("odometry")
ALTITUDE = layout("altitude")
VFR_HUD = layout("vfr_hud")
DISTANCE_SENSOR = layout("distance_sensor")
GPS_RAW_INT = layout("gps_raw_int")
SCALED_PRESSURE = layout("scaled_pressure")
VIBRATION = layout("vibration")
WIND_COV = layout("wind_cov")

_NAN = math.nan
_ZERO4 = (0.0, 0.0, 0.0, 0.0)
_POSE_COVARIANCE = (
    0.06, 0, 0, 0, 0, 0, 0.06, 0, 0, 0, 0, 0.01, 0, 0, 0, 4.5e-4, 0, 0, 4.5e-4, 0, 2e-3,
)  # fmt: skip
_VELOCITY_COVARIANCE = (
    0.015, 0, 0, 0, 0, 0, 0.015, 0, 0, 0, 0, 0.003, 0, 0, 0, 0, 0, 0, 0, 0, 0,
)  # fmt: skip


def _ms(core: Core, age: float = 0.0) -> int:
    return int((core.now - age) * 1000.0)


def _us(core: Core) -> int:
    return int(core.now * 1e6)


def quaternion(roll: float, pitch: float, yaw: float) -> tuple[float, float, float, float]:
    """Return the quaternion (w, x, y, z) of aeronautical angles in radians."""
    cr, sr = math.cos(roll / 2), math.sin(roll / 2)
    cp, sp = math.cos(pitch / 2), math.sin(pitch / 2)
    cy, sy = math.cos(yaw / 2), math.sin(yaw / 2)
    return (
        cr * cp * cy + sr * sp * sy,
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
    )


def heading_deg(core: Core) -> float:
    """Return the heading, 0 <= degrees < 360."""
    return math.degrees(core.body.yaw) % 360.0


def attitude(core: Core, age: float) -> bytes:
    """Pack ATTITUDE."""
    b = core.body
    return ATTITUDE.pack(
        _ms(core, age),
        b.roll - b.roll_rate * age,
        b.pitch - b.pitch_rate * age,
        wrap_pi(b.yaw - b.yaw_rate * age),
        b.roll_rate,
        b.pitch_rate,
        b.yaw_rate,
    )


def attitude_quaternion(core: Core, age: float) -> bytes:
    """Pack ATTITUDE_QUATERNION."""
    b = core.body
    q = quaternion(b.roll, b.pitch, b.yaw)
    return ATTITUDE_QUATERNION.pack(_ms(core), *q, b.roll_rate, b.pitch_rate, b.yaw_rate, *_ZERO4)


def highres_imu(core: Core, age: float) -> bytes:
    """Pack HIGHRES_IMU: specific force in the body, rates, pressure."""
    b = core.body
    white = core.estimator.white
    # the body leans so that its thrust axis carries all but the drag of the air
    thrust = -(GRAVITY + b.au) / max(0.5, math.cos(b.roll) * math.cos(b.pitch))
    height = core.true_amsl
    return HIGHRES_IMU.pack(
        _us(core),
        white(0.05),
        white(0.05),
        thrust + white(0.05),
        b.roll_rate,
        b.pitch_rate,
        b.yaw_rate,
        0.36 * math.cos(b.yaw),
        -0.36 * math.sin(b.yaw),
        0.29,
        pressure_hpa(height),
        0.0,
        height + white(0.08),
        15.0,
        63,
        0,
    )


def pressure_hpa(amsl: float) -> float:
    """Return the pressure of the standard atmosphere at a height in metres."""
    return 1013.25 * (1.0 - 2.25577e-5 * amsl) ** 5.25588


def global_position_int(core: Core, age: float) -> bytes | None:
    """Pack GLOBAL_POSITION_INT; nothing as long as there is no position."""
    if not core.estimator.settled and core.now < 3.1:
        return None
    b = core.body
    lon, lat = core.frame.to_lonlat(core.north, core.east)
    return GLOBAL_POSITION_INT.pack(
        _ms(core),
        round(lat * 1e7),
        round(lon * 1e7),
        round(core.amsl * 1000),
        round(core.altitude * 1000),
        int(b.vn * 100),
        int(b.ve * 100),
        int(-b.vu * 100),
        int(heading_deg(core) * 100),
    )


def local_position_ned(core: Core, age: float) -> bytes:
    """Pack LOCAL_POSITION_NED, metres from where the vehicle started."""
    b = core.body
    down = core.spec.amsl_m - core.amsl
    return LOCAL_POSITION_NED.pack(_ms(core), core.north, core.east, down, b.vn, b.ve, -b.vu)


def odometry(core: Core, age: float) -> bytes:
    """Pack ODOMETRY (pose and velocity in the local NED frame)."""
    b = core.body
    down = core.spec.amsl_m - core.amsl
    return ODOMETRY.pack(
        _us(core),
        core.north,
        core.east,
        down,
        *quaternion(b.roll, b.pitch, b.yaw),
        b.vn,
        b.ve,
        -b.vu,
        b.roll_rate,
        b.pitch_rate,
        b.yaw_rate,
        *_POSE_COVARIANCE,
        *_VELOCITY_COVARIANCE,
        1,
        1,
        0,
        8,
        0,
    )


def altitude(core: Core, age: float) -> bytes:
    """Pack ALTITUDE."""
    up = core.amsl - core.spec.amsl_m
    return ALTITUDE.pack(
        _us(core), core.true_amsl, core.amsl, up, core.altitude, 0.0, max(0.0, core.body.up)
    )


def vfr_hud(core: Core, age: float) -> bytes:
    """Pack VFR_HUD."""
    b = core.body
    hover = core.battery.power_w / core.spec.battery.hover_w if not core.landed else 0.0
    throttle = max(0, min(100, round(50.0 * hover)))
    return VFR_HUD.pack(_NAN, b.speed, core.amsl, b.vu, int(heading_deg(core)), throttle)


def distance_sensor(core: Core, age: float) -> bytes:
    """Pack DISTANCE_SENSOR, looking down."""
    distance = max(0, min(65535, int(core.body.up * 100)))
    return DISTANCE_SENSOR.pack(_ms(core), 0, 10000, distance, 0, 0, 25, 0, 0.0, 0.0, *_ZERO4, 0)


def gps_raw_int(core: Core, age: float) -> bytes:
    """Pack GPS_RAW_INT: what the receiver says, noisier than the estimate."""
    b, est = core.body, core.estimator
    if est.fix < 3:
        return GPS_RAW_INT.pack(0, 0, 0, 0, 10000, 10000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    north = b.north + est.gps_north + est.white(0.1)
    east = b.east + est.gps_east + est.white(0.1)
    lon, lat = core.frame.to_lonlat(north, east)
    amsl = round((core.true_amsl + est.gps_up + est.white(0.15)) * 1000)
    vn, ve = b.vn + est.white(0.06), b.ve + est.white(0.06)
    course = math.degrees(math.atan2(ve, vn)) % 360.0
    return GPS_RAW_INT.pack(
        0,
        round(lat * 1e7),
        round(lon * 1e7),
        amsl,
        70,
        110,
        int(math.hypot(vn, ve) * 100),
        int(course * 100) % 36000,
        est.fix,
        est.satellites,
        amsl,
        900,
        1780,
        400,
        0,
        0,
    )


def scaled_pressure(core: Core, age: float) -> bytes:
    """Pack SCALED_PRESSURE."""
    temperature = int((15.0 - 0.0065 * core.true_amsl) * 100)
    return SCALED_PRESSURE.pack(_ms(core), pressure_hpa(core.true_amsl), 0.0, temperature, 0)


def vibration(core: Core, age: float) -> bytes:
    """Pack VIBRATION."""
    level = 1.2 if not core.landed else 0.1
    return VIBRATION.pack(_us(core), 0.0, 0.1 * level, level, 0, 0, 0)


def wind_cov(core: Core, age: float) -> bytes | None:
    """Pack WIND_COV: where the wind blows to; nothing where it is not estimated."""
    wind = core.estimator.wind
    if wind is None or not core.feels_wind:
        return None
    return WIND_COV.pack(_us(core), wind[0], wind[1], 0.0, 0.16, 0.0, core.amsl, 0.0, 0.0)
