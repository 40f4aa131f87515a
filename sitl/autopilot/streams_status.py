"""Telemetry about state: heartbeat, health, battery, home, mission, link."""

from __future__ import annotations

import math
import struct
import time

from sitl.autopilot.codec import Layout, layout
from sitl.autopilot.core import Core
from sitl.autopilot.modes import Mode
from sitl.autopilot.streams_motion import quaternion

HEARTBEAT = layout("heartbeat")
SYS_STATUS = layout("sys_status")
EXTENDED_SYS_STATE = layout("extended_sys_state")
BATTERY_STATUS = layout("battery_status")
HOME_POSITION = layout("home_position")
ESTIMATOR_STATUS = layout("estimator_status")
SYSTEM_TIME = layout("system_time")
TIMESYNC = layout("timesync")
PING = layout("ping")
REMOTE_ID_LOCATION = layout("open_drone_id_location")
REMOTE_ID_SYSTEM = layout("open_drone_id_system")
AUTOPILOT_VERSION = layout("autopilot_version")
MISSION_ITEM_REACHED = layout("mission_item_reached")
# in MAVLink's XML but not in pymavlink's common dialect (marked as work in progress there)
MISSION_CURRENT = Layout(42, 28, struct.Struct("<HHBBIII"), "MISSION_CURRENT")
CURRENT_MODE = Layout(436, 193, struct.Struct("<IIB"), "CURRENT_MODE")
TIME_ESTIMATE = Layout(380, 232, struct.Struct("<iiiii"), "TIME_ESTIMATE_TO_TARGET")

_PREARM = 0x10000000
_BATTERY = 0x02000000
_GPS = 0x20
_POSITION_CONTROL = 0x4000
# the masks that PX4's SIH showed in the recordings: before and after its estimator had settled
_PRESENT, _ENABLED, _HEALTH = 0x200402F, 0x201402F, 0x320883F
_PRESENT_EARLY, _ENABLED_EARLY, _HEALTH_EARLY = 0x200400F, 0x221480F, 0x300803F

_CAPABILITIES = 59647
_VERSION = 0x011200FF
"""1.18.0, development: the release that the recordings come from."""


def _ms(core: Core) -> int:
    return int(core.now * 1000.0)


def _us(core: Core) -> int:
    return int(core.now * 1e6)


def heartbeat(core: Core, ready: bool) -> bytes:
    """Pack HEARTBEAT: quadrotor, PX4, its custom mode."""
    base = 1 | 4 | 8 | 16 | (128 if core.armed else 0)
    if core.failsafe:
        status = 5
    elif core.armed:
        status = 4
    else:
        status = 3 if ready else 0
    return HEARTBEAT.pack(core.mode.custom_mode, 2, 12, base, status, 3)


def sys_status(core: Core, ready: bool, battery_level: int) -> bytes:
    """Pack SYS_STATUS, with the pre-arm bit."""
    battery = core.battery
    if core.estimator.settled:
        present, enabled, health = _PRESENT, _ENABLED, _HEALTH
        if core.estimator.position_ok:
            health |= _POSITION_CONTROL
    else:
        present, enabled, health = _PRESENT_EARLY, _ENABLED_EARLY, _HEALTH_EARLY
    if not core.gps:
        health &= ~_GPS
    if battery_level:
        health &= ~_BATTERY
    if ready or core.armed:
        health |= _PREARM
    return SYS_STATUS.pack(
        present,
        enabled,
        health,
        200,
        round(battery.voltage_v * 1000),
        round(battery.current_a * 100),
        0,
        0,
        0,
        0,
        0,
        0,
        math.ceil(battery.percent),
        0,
        0,
        1,
    )


def extended_sys_state(core: Core) -> bytes:
    """Pack EXTENDED_SYS_STATE."""
    return EXTENDED_SYS_STATE.pack(0, core.landed_state)


def battery_status(core: Core, battery_level: int) -> bytes:
    """Pack BATTERY_STATUS."""
    battery = core.battery
    charge = 7 if battery.charging_w > 0 else battery_level + 1
    left = 0
    if core.armed and battery.power_w > 50:
        left = int(3600.0 * battery.remaining_wh / battery.power_w)
    return BATTERY_STATUS.pack(
        round(battery.consumed_mah),
        -1,
        32767,
        min(65534, round(battery.voltage_v * 1000)),
        *(65535,) * 9,
        round(battery.current_a * 100),
        0,
        1,
        1,
        math.ceil(battery.percent),
        left,
        charge,
        *(0,) * 4,
        0,
        0,
    )


def home_position(core: Core) -> bytes | None:
    """Pack HOME_POSITION; nothing as long as home is not set."""
    if core.home_amsl is None:
        return None
    lon, lat = core.frame.to_lonlat(core.home_north, core.home_east)
    return HOME_POSITION.pack(
        round(lat * 1e7),
        round(lon * 1e7),
        round(core.home_amsl * 1000),
        core.home_north,
        core.home_east,
        core.spec.amsl_m - core.home_amsl,
        *quaternion(0.0, 0.0, math.radians(core.spec.heading_deg)),
        0.0,
        0.0,
        0.0,
        _us(core),
    )


def estimator_status(core: Core) -> bytes:
    """Pack ESTIMATOR_STATUS."""
    if not core.estimator.position_ok and core.estimator.settled:
        flags, accuracy = 101, 20.0
    else:
        flags, accuracy = (895 if core.armed else 1023), 0.3
    return ESTIMATOR_STATUS.pack(
        _us(core), 0.05, 0.05, 0.03, 0.09, 0.01, math.nan, accuracy, 0.3, flags
    )


def system_time(core: Core) -> bytes:
    """Pack SYSTEM_TIME."""
    return SYSTEM_TIME.pack(int(time.time() * 1e6), _ms(core))


def timesync(core: Core) -> bytes:
    """Pack the TIMESYNC request that PX4 sends."""
    return TIMESYNC.pack(0, _us(core) * 1000)


def current_mode(core: Core) -> bytes:
    """Pack CURRENT_MODE."""
    return CURRENT_MODE.pack(core.mode.custom_mode, core.intended.custom_mode, core.mode.standard)


def mission_state(core: Core) -> tuple[int, int]:
    """Return MISSION_CURRENT's mission_state and mission_mode, by PX4's rules."""
    active = core.mode in (Mode.MISSION, Mode.TAKEOFF, Mode.LAND, Mode.DESCEND)
    plan = core.plan
    if not plan.mission or not plan.valid:
        state = 1
    elif plan.finished:
        state = 5
    elif active:
        state = 3
    elif plan.reached >= 0:
        state = 4
    else:
        state = 2
    return state, 1 if active else 2


def mission_current(core: Core) -> bytes:
    """Pack MISSION_CURRENT."""
    plan = core.plan
    state, mode = mission_state(core)
    seq = plan.current if plan.valid or not plan.mission else 65535
    return MISSION_CURRENT.pack(seq, len(plan.mission) or 65535, state, mode, *plan.ids)


def time_estimate(core: Core) -> bytes:
    """Pack TIME_ESTIMATE_TO_TARGET: how long a return would take."""
    if core.landed:
        return TIME_ESTIMATE.pack(0, -1, -1, -1, -1)
    far = math.hypot(core.north - core.home_north, core.east - core.home_east)
    down = max(core.altitude, 0.0)
    seconds = far / max(core.params["MPC_XY_CRUISE"], 0.1) + down / 1.0
    return TIME_ESTIMATE.pack(int(seconds), -1, -1, -1, -1)


def remote_id_location(core: Core) -> bytes:
    """Pack OPEN_DRONE_ID_LOCATION."""
    b = core.body
    lon, lat = core.frame.to_lonlat(core.north, core.east)
    course = round(math.degrees(math.atan2(b.ve, b.vn)) % 360.0) * 100
    return REMOTE_ID_LOCATION.pack(
        round(lat * 1e7),
        round(lon * 1e7),
        core.true_amsl,
        core.amsl,
        core.altitude,
        65535.0,
        course,
        int(b.speed * 100),
        int(b.vu * 100),
        0,
        0,
        *(0,) * 20,
        1 if core.landed else 2,
        0,
        12,
        5,
        0,
        3,
        0,
    )


def remote_id_system(core: Core) -> bytes | None:
    """Pack OPEN_DRONE_ID_SYSTEM: the operator is where home is."""
    if core.home_amsl is None:
        return None
    lon, lat = core.frame.to_lonlat(core.home_north, core.home_east)
    return REMOTE_ID_SYSTEM.pack(
        round(lat * 1e7),
        round(lon * 1e7),
        -1000.0,
        -1000.0,
        core.home_amsl,
        max(0, int(time.time()) - 1_546_300_800),
        1,
        0,
        0,
        0,
        *(0,) * 20,
        0,
        0,
        0,
        0,
    )


def autopilot_version(core: Core) -> bytes:
    """Pack AUTOPILOT_VERSION."""
    zero8 = (0,) * 8
    uid = (core.spec.system_id - 1, *(0,) * 17)
    return AUTOPILOT_VERSION.pack(
        _CAPABILITIES,
        5283920058631409231 + core.spec.system_id - 1,
        _VERSION,
        _VERSION,
        101854463,
        1,
        0,
        0,
        *zero8,
        *zero8,
        *zero8,
        *uid,
    )
