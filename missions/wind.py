"""Wind, and the speeds that a drone has in it.

A multicopter's autopilot holds the ground speed that it is told, and flies through the air as fast
as that takes (PX4's position controller works in the local frame: MPC_XY_CRUISE and
MAV_CMD_DO_CHANGE_SPEED are speeds over ground), up to what its airframe can do. Beyond that,
speed over ground is that of the wind triangle (FAA-H-8083-25C, chapter 16).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from missions.errors import PlanError

SLOWEST_M_S = 1.0
"""A leg that wind slows below this is refused."""


@dataclass(frozen=True, slots=True)
class Wind:
    """Mean wind: speed, and the direction it comes from, degrees clockwise from true north.

    With no direction known every leg is taken to be flown against it.
    """

    speed_m_s: float = 0.0
    from_deg: float | None = None

    def along(self, track_deg: float) -> tuple[float, float]:
        """Return what of it blows against a track (negative: from behind) and across it, m/s."""
        if self.from_deg is None:
            return self.speed_m_s, 0.0
        angle = math.radians(self.from_deg - track_deg)
        return self.speed_m_s * math.cos(angle), self.speed_m_s * math.sin(angle)


CALM = Wind()


def held_speed(speed: float, top_air: float, track_deg: float, wind: Wind) -> float:
    """Return the speed over ground of one that is told a speed and holds it.

    Parameters
    ----------
    speed
        That it is told, over ground, m/s.
    top_air
        That it can fly at through the air, m/s; less than ``speed`` counts as ``speed``.
    track_deg, wind
        Where to, and the mean wind.

    Raises
    ------
    PlanError
        If the wind leaves less than 1 m/s.
    """
    return min(speed, ground_speed(max(speed, top_air), track_deg, wind))


def ground_speed(air_speed: float, track_deg: float, wind: Wind) -> float:
    """Return the speed over ground on a track at an air speed, from the wind triangle.

    ``sqrt(va² - w_cross²) - w_head``; no more than ``air_speed``: a tail wind may drop.

    Raises
    ------
    PlanError
        If the wind leaves less than 1 m/s.
    """
    head, cross = wind.along(track_deg)
    left = air_speed**2 - cross**2
    speed = math.sqrt(left) - head if left > 0 else 0.0
    if speed < SLOWEST_M_S:
        raise PlanError(
            f"wind of {wind.speed_m_s:g} m/s leaves {max(speed, 0.0):.1f} m/s over ground on track "
            f"{track_deg:.0f} at {air_speed:g} m/s air speed; at least {SLOWEST_M_S:g} is needed",
            "wind",
        )
    return min(speed, air_speed)


def air_speeds(over_ground: float, track_deg: float, wind: Wind) -> tuple[float, float]:
    """Return the least and the most air speed that holds a ground speed on a track, m/s.

    In every wind from that direction up to the mean: it comes and goes.
    """
    head, cross = wind.along(track_deg)
    full = math.hypot(over_ground + head, cross)
    # the air's speed past the drone is least where the wind's share s is -v head / w², s in 0..1
    square = head**2 + cross**2
    share = min(1.0, max(0.0, -over_ground * head / square)) if square > 0 else 0.0
    least = math.hypot(over_ground + share * head, share * cross)
    return least, max(full, over_ground)
