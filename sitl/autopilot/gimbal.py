"""A three-axis gimbal that turns at a real rate and keeps its aim in the earth frame."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from sitl.autopilot.frame import clamp, wrap_pi

PITCH_MIN, PITCH_MAX = math.radians(-90.0), math.radians(30.0)
RATE = math.radians(90.0)
_ACC_S = 0.15


class Aim(Enum):
    """What the gimbal follows."""

    NEUTRAL = "neutral"
    ANGLES = "angles"
    POINT = "point"


@dataclass(frozen=True, slots=True)
class Point:
    """A region of interest: metres north, east and up of home."""

    north: float
    east: float
    up: float


class Gimbal:
    """Where the camera looks, radians in the earth frame (yaw clockwise from true north).

    Roll is held at zero. Pitch is limited to -90..30 degrees, yaw is free.
    """

    __slots__ = (
        "aim",
        "lock_yaw",
        "owner",
        "pitch",
        "pitch_rate",
        "point",
        "want_pitch",
        "want_yaw",
        "yaw",
    )

    def __init__(self, yaw: float) -> None:
        self.aim = Aim.NEUTRAL
        self.pitch = 0.0
        self.pitch_rate = 0.0
        self.yaw = yaw
        self.want_pitch = 0.0
        self.want_yaw = 0.0
        self.lock_yaw = False
        self.point: Point | None = None
        self.owner = (0, 0)
        """System and component that took control (DO_GIMBAL_MANAGER_CONFIGURE)."""

    def neutral(self) -> None:
        """Look ahead, level."""
        self.aim, self.point = Aim.NEUTRAL, None

    def angles(self, pitch: float, yaw: float, *, lock_yaw: bool) -> None:
        """Hold angles: yaw from true north where ``lock_yaw``, else from the vehicle's nose."""
        self.aim, self.point = Aim.ANGLES, None
        self.want_pitch = clamp(pitch, PITCH_MIN, PITCH_MAX)
        self.want_yaw, self.lock_yaw = yaw, lock_yaw

    def look_at(self, point: Point) -> None:
        """Keep looking at a point."""
        self.aim, self.point = Aim.POINT, point

    def step(self, dt: float, north: float, east: float, up: float, heading: float) -> None:
        """Turn towards the aim, seen from a position in metres and a heading in radians."""
        pitch, yaw = self._wanted(north, east, up, heading)
        share = dt / (_ACC_S + dt)
        most = RATE * dt
        before = self.pitch
        self.pitch += clamp((clamp(pitch, PITCH_MIN, PITCH_MAX) - self.pitch) * share, -most, most)
        self.pitch_rate = (self.pitch - before) / dt if dt > 0 else 0.0
        self.yaw = wrap_pi(self.yaw + clamp(wrap_pi(yaw - self.yaw) * share, -most, most))

    def _wanted(self, north: float, east: float, up: float, heading: float) -> tuple[float, float]:
        if self.aim is Aim.POINT and self.point is not None:
            dn, de = self.point.north - north, self.point.east - east
            flat = math.hypot(dn, de)
            # straight below, the bearing to the point means nothing: keep the yaw
            yaw = math.atan2(de, dn) if flat > 0.5 else self.yaw
            return math.atan2(self.point.up - up, flat), yaw
        if self.aim is Aim.ANGLES:
            return self.want_pitch, self.want_yaw + (0.0 if self.lock_yaw else heading)
        return 0.0, heading
