"""How soon a drone can be there at best: straight, with the wind, for all drones at once.

Never more than what the exact way takes: wind and top speed let a drone reach a convex set of
places within a time, so no bent way is faster than the straight one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from missions.energy import SLOWEST_M_S, THERE_M, Wind
from missions.overhead import OVER_M
from missions.tracks import Metres

Floats = npt.NDArray[np.float64]


def least_s(
    origins: Floats, goal: Metres, cruise_m_s: Floats, top_air_m_s: Floats, wind: Wind
) -> Floats:
    """Return the least seconds until each of N is over a place; inf against too much wind.

    Parameters
    ----------
    origins
        East and north, (N, 2), metres.
    goal
        Where to.
    cruise_m_s, top_air_m_s
        Speeds over ground that they are told, and what they can fly at through the air, (N,).
    wind
        As in ``missions.energy``; with no direction known it is against each of them.
    """
    way = np.asarray(goal, dtype=np.float64) - origins
    distance = np.hypot(way[:, 0], way[:, 1])
    if wind.from_deg is None:
        cross = np.zeros_like(distance)
        tail = np.full_like(distance, -wind.speed_m_s)
    else:
        angle = np.radians(wind.from_deg) - np.arctan2(way[:, 0], way[:, 1])
        cross, tail = wind.speed_m_s * np.sin(angle), -wind.speed_m_s * np.cos(angle)
    left = np.maximum(cruise_m_s, top_air_m_s) ** 2 - cross**2
    speed = np.minimum(np.sqrt(np.maximum(left, 0.0)) + tail, cruise_m_s)
    slow = (left <= 0) | (speed < SLOWEST_M_S)
    # one that is already there needs no speed
    away = np.maximum(distance - OVER_M, 0.0)
    return np.where(
        distance < THERE_M, 0.0, np.where(slow, np.inf, away / np.where(slow, 1.0, speed))
    )
