"""When a drone that flies to a place is overhead: before it stands still there."""

from __future__ import annotations

import math

from missions.energy import ACCELERATION_M_S2

BOUND_S = 120.0
"""A call is to have a drone overhead within this."""
OVER_M = 20.0
"""A drone that is so near to a place on the ground has it in the middle of a picture straight down."""


def sooner_s(leg_m: float, speed_m_s: float) -> float:
    """Return how much sooner a drone is overhead than it stands at the end of its last leg.

    Parameters
    ----------
    leg_m
        Length of the leg, from a stand to a stand, on the level.
    speed_m_s
        Over ground, that it is flown at where it is long enough.
    """
    if leg_m <= 0.0:
        return 0.0
    top = min(speed_m_s, math.sqrt(leg_m * ACCELERATION_M_S2))
    near = min(OVER_M, leg_m)
    braked = top**2 / (2.0 * ACCELERATION_M_S2)
    if near <= braked:
        return math.sqrt(2.0 * near / ACCELERATION_M_S2)
    if near == leg_m:
        return 2.0 * top / ACCELERATION_M_S2 + (leg_m - 2.0 * braked) / top
    return top / ACCELERATION_M_S2 + (near - braked) / top
