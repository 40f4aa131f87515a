"""Flying circles about a point (PX4's orbit flight task)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

from sitl.autopilot.core import CRITICAL, Core
from sitl.autopilot.frame import clamp
from sitl.autopilot.guidance import Target, cruise_speed, fly_to, stop_point, vertical_to

RADIUS_MIN_M = 1.0
_ACC_M_S2 = 2.0
"""Most acceleration towards the centre: it limits the speed on a small circle."""
_ON_CIRCLE_M = 2.0
_FIRST_SPEED_M_S = 1.0


class Facing(IntEnum):
    """ORBIT_YAW_BEHAVIOUR."""

    CENTRE = 0
    AS_BEFORE = 1
    FREE = 2
    TANGENT = 3
    STICKS = 4
    UNCHANGED = 5


@dataclass(slots=True)
class Circle:
    """A circle to fly: centre in metres, altitude above home, radius, speed, its sense and yaw."""

    north: float
    east: float
    altitude: float
    radius: float = RADIUS_MIN_M
    speed: float = _FIRST_SPEED_M_S
    clockwise: bool = True
    facing: int = Facing.CENTRE
    heading: float = 0.0


@dataclass(frozen=True, slots=True)
class OrbitCommand:
    """What DO_ORBIT asks for; None where it leaves something as it is."""

    radius: float | None
    speed: float | None
    facing: int | None
    centre: tuple[float, float] | None
    altitude: float | None


class OrbitFlight:
    """Flies to the nearest point of the circle, then along it."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.circle: Circle | None = None
        """The circle that is flown, None where the last command could not be carried out."""
        self._approach = True
        self._speed = 0.0
        self._stop: Target | None = None

    def command(self, asked: OrbitCommand, *, anew: bool) -> None:
        """Take a command; one with a radius that cannot be flown stops the vehicle."""
        core = self._core
        if anew or self.circle is None:
            circle = Circle(core.north, core.east, core.altitude, heading=core.body.yaw)
            circle.facing = core.params.integer("MC_ORBIT_YAW_MOD")
            self._speed = 0.0
        else:
            circle = self.circle
        if asked.radius is not None:
            circle.clockwise, radius = asked.radius > 0, abs(asked.radius)
            if not RADIUS_MIN_M <= radius <= core.params["MC_ORBIT_RAD_MAX"]:
                core.say(CRITICAL, "Orbit radius limit exceeded\t")
                self.circle, self._stop = None, stop_point(core)
                return
            circle.radius = radius
        if asked.speed is not None:
            circle.clockwise ^= asked.speed < 0
            circle.speed = abs(asked.speed)
        fastest = math.sqrt(_ACC_M_S2 * circle.radius)
        circle.speed = min(circle.speed, core.params["MPC_XY_VEL_MAX"], fastest)
        if asked.facing is not None and asked.facing != Facing.UNCHANGED:
            circle.facing = asked.facing
        circle.heading = core.body.yaw
        if asked.centre is not None:
            circle.north, circle.east = asked.centre
        if asked.altitude is not None:
            circle.altitude = asked.altitude
        self.circle = circle
        self._approach = not self._on_circle(circle)

    def step(self, dt: float) -> None:
        """Go on by ``dt`` seconds."""
        core, circle = self._core, self.circle
        if circle is None:
            self._stop = self._stop or stop_point(core)
            fly_to(core, self._stop, dt)
            return
        dn, de = core.north - circle.north, core.east - circle.east
        distance = max(math.hypot(dn, de), 0.01)
        out_n, out_e = dn / distance, de / distance
        if self._approach and self._on_circle(circle):
            self._approach, self._speed = False, 0.0
        if self._approach:
            to = Target(
                circle.north + out_n * circle.radius,
                circle.east + out_e * circle.radius,
                circle.altitude,
                cruise_speed(core),
                yaw=math.atan2(-de, -dn),
            )
            fly_to(core, to, dt)
            return
        slew = core.params["MPC_ACC_HOR"] * dt
        self._speed += clamp(circle.speed - self._speed, -slew, slew)
        way = self._speed if circle.clockwise else -self._speed
        back = circle.radius - distance
        vn = -out_e * way + out_n * back
        ve = out_n * way + out_e * back
        # the circle itself takes v**2 / r inwards, which the velocity loop must be led by
        lead = self._speed * self._speed / circle.radius
        ahead = (-out_n * lead, -out_e * lead)
        climb = vertical_to(core, circle.altitude - core.altitude)
        yaw = self._yaw(circle, dn, de)
        core.body.fly(dt, (vn, ve, climb), yaw, core.limits, core.wind, ahead)

    def _yaw(self, circle: Circle, dn: float, de: float) -> float:
        if circle.facing == Facing.AS_BEFORE:
            return circle.heading
        if circle.facing in (Facing.FREE, Facing.STICKS):
            return self._core.body.yaw
        if circle.facing == Facing.TANGENT:
            return math.atan2(dn, -de) if circle.clockwise else math.atan2(-dn, de)
        return math.atan2(-de, -dn)

    def _on_circle(self, circle: Circle) -> bool:
        core = self._core
        distance = math.hypot(core.north - circle.north, core.east - circle.east)
        high = abs(circle.altitude - core.altitude)
        return abs(distance - circle.radius) < _ON_CIRCLE_M and high < core.params["NAV_MC_ALT_RAD"]
