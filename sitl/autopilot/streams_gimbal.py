"""Telemetry about the gimbal, by MAVLink's gimbal protocol v2 and its older messages."""

from __future__ import annotations

import math

from sitl.autopilot.codec import layout
from sitl.autopilot.core import Core
from sitl.autopilot.gimbal import PITCH_MAX, PITCH_MIN
from sitl.autopilot.streams_motion import quaternion

GIMBAL_ATTITUDE = layout("gimbal_device_attitude_status")
GIMBAL_MANAGER_STATUS = layout("gimbal_manager_status")
GIMBAL_MANAGER_INFORMATION = layout("gimbal_manager_information")
GIMBAL_DEVICE_INFORMATION = layout("gimbal_device_information")
MOUNT_ORIENTATION = layout("mount_orientation")


def _ms(core: Core) -> int:
    return int(core.now * 1000.0)


_YAW_IN_EARTH_FRAME = 64
_RETRACT_FLAGS = 4 | 8
"""Roll lock, pitch lock."""


def gimbal_attitude(core: Core) -> bytes:
    """Pack GIMBAL_DEVICE_ATTITUDE_STATUS, yaw in the earth frame."""
    g = core.gimbal
    return GIMBAL_ATTITUDE.pack(
        _ms(core),
        *quaternion(0.0, g.pitch, g.yaw),
        0.0,
        g.pitch_rate,
        0.0,
        0,
        _RETRACT_FLAGS | 16 | _YAW_IN_EARTH_FRAME,
        0,
        0,
        core.body.yaw,
        core.body.yaw_rate,
        1,
    )


def mount_orientation(core: Core) -> bytes:
    """Pack MOUNT_ORIENTATION, degrees; yaw from the nose, and from true north."""
    g = core.gimbal
    relative = math.degrees(math.remainder(g.yaw - core.body.yaw, 2.0 * math.pi))
    absolute = math.degrees(g.yaw)
    return MOUNT_ORIENTATION.pack(_ms(core), 0.0, math.degrees(g.pitch), relative, absolute)


def gimbal_manager_status(core: Core) -> bytes:
    """Pack GIMBAL_MANAGER_STATUS: who is in control of the gimbal."""
    return GIMBAL_MANAGER_STATUS.pack(_ms(core), _RETRACT_FLAGS, 1, *core.gimbal.owner, 0, 0)


def gimbal_manager_information(core: Core) -> bytes:
    """Pack GIMBAL_MANAGER_INFORMATION."""
    caps = 8 | 32 | 256 | 1024 | 2048 | 131072  # pitch and yaw axes, follow, lock, look at a place
    return GIMBAL_MANAGER_INFORMATION.pack(
        _ms(core), caps, 0.0, 0.0, PITCH_MIN, PITCH_MAX, -math.inf, math.inf, 1
    )


def gimbal_device_information(core: Core) -> bytes:
    """Pack GIMBAL_DEVICE_INFORMATION."""
    return GIMBAL_DEVICE_INFORMATION.pack(
        core.spec.system_id,
        _ms(core),
        1,
        1,
        0.0,
        0.0,
        PITCH_MIN,
        PITCH_MAX,
        -math.inf,
        math.inf,
        8 | 32 | 256 | 1024 | 2048,
        0,
        b"Skybeat",
        b"simulated gimbal",
        b"",
        1,
        0,
    )
