"""A multicopter as a point that is accelerated, with the attitude that this takes."""

from __future__ import annotations

import math

from sitl.autopilot.frame import clamp, wrap_pi
from sitl.autopilot.wind import Wind

GRAVITY = 9.80665
DRAG = 0.2
"""Deceleration per airspeed, 1/s: 12 m/s of airspeed takes a lean of 14 degrees."""
_UNHEARD = 0.25
"""Share of a gust that the position loop does not cancel; it makes the hover wander."""
_ATTITUDE_S = 0.15
_VELOCITY_GAIN = 2.5
_AT_ONCE, _SLOW_S = 0.78, 10.0
_UP_AT_ONCE, _UP_SLOW_S = 0.75, 2.5
"""Share of a demanded velocity that is reached at once, and how long the rest takes, s.

Measured on SIH, whose drag the velocity loop's integrator takes its time to overcome: it flies
3.9 of 5 m/s at first, a circle at 3.3 of 4 m/s, and 1 m past a place at which it is to stop."""


class Body:
    """Position, velocity and attitude of one vehicle.

    Metres north, east and up of the true home; m/s; radians (aeronautical: roll right, pitch up,
    yaw clockwise from true north positive).
    """

    __slots__ = (
        "ae",
        "an",
        "au",
        "east",
        "north",
        "pitch",
        "pitch_rate",
        "roll",
        "roll_rate",
        "slow_east",
        "slow_north",
        "slow_up",
        "up",
        "ve",
        "vn",
        "vu",
        "yaw",
        "yaw_rate",
    )

    def __init__(self, yaw: float = 0.0) -> None:
        self.north = self.east = self.up = 0.0
        self.vn = self.ve = self.vu = 0.0
        self.an = self.ae = self.au = 0.0
        self.slow_north = self.slow_east = self.slow_up = 0.0
        self.roll = self.pitch = 0.0
        self.roll_rate = self.pitch_rate = self.yaw_rate = 0.0
        self.yaw = yaw

    @property
    def speed(self) -> float:
        """Horizontal speed over ground, m/s."""
        return math.hypot(self.vn, self.ve)

    def rest(self) -> None:
        """Stand on the ground."""
        self.up = 0.0
        self.vn = self.ve = self.vu = 0.0
        self.an = self.ae = self.au = 0.0
        self.slow_north = self.slow_east = self.slow_up = 0.0
        self.roll = self.pitch = 0.0
        self.roll_rate = self.pitch_rate = self.yaw_rate = 0.0

    def fly(
        self,
        dt: float,
        velocity: tuple[float, float, float],
        yaw: float,
        limits: Limits,
        wind: Wind,
        ahead: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Go on by ``dt`` seconds towards a demanded velocity (north, east, up) and yaw.

        Acceleration follows the error in velocity within the limits, and changes no faster than
        the jerk; gusts push on top of it. ``ahead`` is acceleration (north, east) that the way
        itself takes, as a circle does.
        """
        vn, ve, vu = velocity
        slow, slow_up = dt / (_SLOW_S + dt), dt / (_UP_SLOW_S + dt)
        self.slow_north += (vn - self.slow_north) * slow
        self.slow_east += (ve - self.slow_east) * slow
        self.slow_up += (vu - self.slow_up) * slow_up
        vn = _AT_ONCE * vn + (1.0 - _AT_ONCE) * self.slow_north
        ve = _AT_ONCE * ve + (1.0 - _AT_ONCE) * self.slow_east
        vu = _UP_AT_ONCE * vu + (1.0 - _UP_AT_ONCE) * self.slow_up
        an = ahead[0] + _VELOCITY_GAIN * (vn - self.vn)
        ae = ahead[1] + _VELOCITY_GAIN * (ve - self.ve)
        size = math.hypot(an, ae)
        if size > limits.acc:
            an, ae = an * limits.acc / size, ae * limits.acc / size
        au = clamp(_VELOCITY_GAIN * (vu - self.vu), -limits.acc_down, limits.acc_up)
        most = limits.jerk * dt
        self.an += clamp(an - self.an, -most, most)
        self.ae += clamp(ae - self.ae, -most, most)
        self.au += clamp(au - self.au, -2.0 * most, 2.0 * most)
        push_n = _UNHEARD * DRAG * (wind.north - wind.mean_north)
        push_e = _UNHEARD * DRAG * (wind.east - wind.mean_east)
        push_u = _UNHEARD * DRAG * wind.up
        self._move(dt, self.an + push_n, self.ae + push_e, self.au + push_u)
        self._lean(dt, wind)
        self._turn(dt, yaw, limits)

    def drift(self, dt: float, climb: float, limits: Limits, wind: Wind) -> None:
        """Go on without position control: level, carried by the wind, at a demanded climb rate."""
        self.an = DRAG * (wind.north - self.vn)
        self.ae = DRAG * (wind.east - self.ve)
        au = clamp(_VELOCITY_GAIN * (climb - self.vu), -limits.acc_down, limits.acc_up)
        self.au = au
        self._move(dt, self.an, self.ae, self.au)
        self._settle(dt, 0.0, 0.0)
        self.yaw_rate = 0.0

    def fall(self, dt: float, wind: Wind) -> None:
        """Go on with a motor gone: spinning, falling at a terminal 9 m/s."""
        self.an = DRAG * (wind.north - self.vn)
        self.ae = DRAG * (wind.east - self.ve)
        self.au = clamp(2.0 * (-9.0 - self.vu), -GRAVITY, GRAVITY)
        self._move(dt, self.an, self.ae, self.au)
        self._settle(dt, 0.3, 0.3)
        self.yaw_rate = 6.0
        self.yaw = wrap_pi(self.yaw + self.yaw_rate * dt)

    def _move(self, dt: float, an: float, ae: float, au: float) -> None:
        self.north += self.vn * dt + 0.5 * an * dt * dt
        self.east += self.ve * dt + 0.5 * ae * dt * dt
        self.up += self.vu * dt + 0.5 * au * dt * dt
        self.vn += an * dt
        self.ve += ae * dt
        self.vu += au * dt

    def _lean(self, dt: float, wind: Wind) -> None:
        """Tilt so that thrust carries the acceleration and the drag of the air."""
        fn = self.an + DRAG * (self.vn - wind.north)
        fe = self.ae + DRAG * (self.ve - wind.east)
        fu = GRAVITY + self.au
        c, s = math.cos(self.yaw), math.sin(self.yaw)
        forward, right = c * fn + s * fe, c * fe - s * fn
        pitch = -math.atan2(forward, fu)
        roll = math.atan2(right * math.cos(pitch), fu)
        self._settle(dt, clamp(roll, -0.785, 0.785), clamp(pitch, -0.785, 0.785))

    def _settle(self, dt: float, roll: float, pitch: float) -> None:
        share = dt / (_ATTITUDE_S + dt)
        roll_step, pitch_step = (roll - self.roll) * share, (pitch - self.pitch) * share
        self.roll += roll_step
        self.pitch += pitch_step
        self.roll_rate, self.pitch_rate = roll_step / dt, pitch_step / dt

    def _turn(self, dt: float, yaw: float, limits: Limits) -> None:
        """Turn towards a yaw: rate- and acceleration-limited, braking in time."""
        error = wrap_pi(yaw - self.yaw)
        reach = math.sqrt(2.0 * limits.yaw_acc * abs(error))
        rate = math.copysign(min(limits.yaw_rate, reach, abs(error) * 2.0), error)
        most = limits.yaw_acc * dt
        self.yaw_rate += clamp(rate - self.yaw_rate, -most, most)
        self.yaw = wrap_pi(self.yaw + self.yaw_rate * dt)


class Limits:
    """What PX4's parameters allow the body to do: m/s2, m/s3, rad/s, rad/s2."""

    __slots__ = ("acc", "acc_down", "acc_up", "jerk", "yaw_acc", "yaw_rate")

    def __init__(
        self,
        *,
        acc: float,
        acc_up: float,
        acc_down: float,
        jerk: float,
        yaw_rate: float,
        yaw_acc: float,
    ) -> None:
        self.acc = acc
        self.acc_up = acc_up
        self.acc_down = acc_down
        self.jerk = jerk
        self.yaw_rate = yaw_rate
        self.yaw_acc = yaw_acc


def braking_speed(distance: float, acc: float, jerk: float, final: float = 0.0) -> float:
    """Return the speed from which ``final`` is reached in ``distance`` metres.

    PX4's rule (``math::trajectory::computeMaxSpeedFromDistance``): deceleration ``acc`` that takes
    its time to build up at ``jerk``.
    """
    b = 4.0 * acc * acc / jerk
    c = -2.0 * acc * max(0.0, distance) - final * final
    return max(final, 0.5 * (-b + math.sqrt(b * b - 4.0 * c)))
