"""A three-axis gimbal that turns at a real rate and keeps its aim in the earth frame."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from sitl.autopilot.frame import clamp, wrap_pi

PITCH_MIN, PITCH_MAX = math.radians(-90.0), math.radians(30.0)
RATE = math.radians(90.0)
NEUTRAL_AFTER_S = 0.25
"""PX4's navigator turns it to the front so long after a mission is left."""
_ACC_S = 0.15
_FLAG_NEUTRAL, _FLAG_YAW_LOCK = 2, 16
_ITSELF, _RELEASE = -2, -3


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
        "_neutral_in",
        "aim",
        "itself",
        "lock_yaw",
        "owner",
        "pitch",
        "pitch_rate",
        "point",
        "want_pitch",
        "want_yaw",
        "yaw",
    )

    def __init__(self, yaw: float, itself: tuple[int, int] = (1, 1)) -> None:
        self.aim = Aim.NEUTRAL
        self.pitch = 0.0
        self.pitch_rate = 0.0
        self.yaw = yaw
        self.want_pitch = 0.0
        self.want_yaw = 0.0
        self.lock_yaw = False
        self.point: Point | None = None
        self.itself = itself
        """System and component of the autopilot that it belongs to."""
        self.owner = (0, 0)
        """System and component that took control (DO_GIMBAL_MANAGER_CONFIGURE)."""
        self._neutral_in: float | None = None

    def configure(self, asked: tuple[float, ...], sender: tuple[int, int]) -> None:
        """Carry out DO_GIMBAL_MANAGER_CONFIGURE: -2 is the autopilot itself, to PX4."""

        def chosen(asked: float, held: int, sender: int, itself: int) -> int:
            if asked >= 0:
                return int(asked)
            if asked == _ITSELF:
                return itself
            return 0 if asked == _RELEASE and held == sender else held

        (system, component), held = asked[:2], self.owner
        self.owner = (
            chosen(system, held[0], sender[0], self.itself[0]),
            chosen(component, held[1], sender[1], self.itself[1]),
        )

    def pitch_yaw(self, pitch_deg: float, yaw_deg: float, flags: int) -> None:
        """Carry out DO_GIMBAL_MANAGER_PITCHYAW, for one who is in control."""
        if flags & _FLAG_NEUTRAL:
            self.neutral()
        elif math.isfinite(pitch_deg):
            yaw = math.radians(yaw_deg) if math.isfinite(yaw_deg) else 0.0
            self.angles(math.radians(pitch_deg), yaw, lock_yaw=bool(flags & _FLAG_YAW_LOCK))

    def neutral_soon(self) -> None:
        """Look ahead in a moment, whatever is asked for until then, in nobody's control."""
        if self._neutral_in is None:
            self._neutral_in = NEUTRAL_AFTER_S

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
        if self._neutral_in is not None:
            self._neutral_in -= dt
            if self._neutral_in < 0.0:
                self.neutral()
                self.owner, self._neutral_in = (0, 0), None
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
