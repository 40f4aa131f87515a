"""What flying over each cell takes, worked out once a city, camera, height and speed."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from missions.city import CameraSpec, Drone
from missions.energy import ACCELERATION_M_S2, Cost, Point, PowerModel, Wind, step_cost
from missions.errors import PlanError
from missions.geo import Floats
from missions.ground import Ground
from missions.wind import held_speed

DIRECTIONS = 16
FAR_M = 10_000.0
"""A way on which gaining and losing speed counts for little."""


def mean_speed(drone: Drone, wind: Wind) -> float:
    """Return a drone's speed over ground in the mean over all directions, by time: m/s.

    Raises
    ------
    PlanError
        If there is a direction in which the wind leaves none.
    """
    tracks = [360.0 * index / DIRECTIONS for index in range(DIRECTIONS)]
    known = wind if wind.from_deg is not None else Wind(wind.speed_m_s, 0.0)
    speeds = [held_speed(drone.cruise_m_s, drone.top_air_m_s, track, known) for track in tracks]
    return DIRECTIONS / sum(1.0 / speed for speed in speeds)


@lru_cache(maxsize=256)
def mean_w(model: PowerModel, wind: Wind) -> float:
    """Return the power that ways take in the mean over all directions, as plans count it, W."""
    total = Cost()
    for index in range(DIRECTIONS):
        track = math.tau * index / DIRECTIONS
        there = Point(FAR_M * math.sin(track), FAR_M * math.cos(track), 0.0)
        total += step_cost(Point(0.0, 0.0, 0.0), there, model.cruise_m_s, model, wind)
    return total.energy_wh * 3600.0 / total.duration_s


def usual_drone(ground: Ground) -> Drone:
    """Return the drone that stands for all of a city: its first."""
    return next(iter(ground.drones.values()))


def turn_s(speed_m_s: float) -> float:
    """Return what stopping and starting again takes, seconds."""
    return speed_m_s / ACCELERATION_M_S2


def service_s(ground: Ground, hfov_deg: float, altitude_m: float, speed_m_s: float) -> Floats:
    """Return what flying each cell takes, from the begin of its first track to the end of its last.

    Parameters
    ----------
    ground
        The city.
    hfov_deg
        Of the camera that looks down.
    altitude_m
        Flown at.
    speed_m_s
        Over ground.

    Returns
    -------
    ndarray of float, shape (cells,)
        Seconds; infinite where a cell cannot be flown at that height.
    """
    lengths, bends = _tracks(ground, hfov_deg, altitude_m)
    return np.asarray(lengths / speed_m_s + bends * turn_s(speed_m_s), dtype=np.float64)


class _Same:
    """A city's ground, as a key that is the same only for the same object."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground

    def __hash__(self) -> int:
        return id(self.ground)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.ground is self.ground


def middles_of(ground: Ground) -> tuple[Floats, npt.NDArray[np.float32]]:
    """Return the middles of the cells, and how far they are from each other, metres."""
    return _middles(_Same(ground))


@lru_cache(maxsize=8)
def _middles(same: _Same) -> tuple[Floats, npt.NDArray[np.float32]]:
    middles = np.array([cell.center for cell in same.ground.cells])
    near = middles.astype(np.float32)  # a city of 5,000 cells has 25 million pairs
    return middles, np.hypot(*(near[:, None, k] - near[None, :, k] for k in (0, 1)))


def _tracks(ground: Ground, hfov_deg: float, altitude_m: float) -> tuple[Floats, Floats]:
    return _measured(_Same(ground), hfov_deg, altitude_m)


@lru_cache(maxsize=32)
def _measured(same: _Same, hfov_deg: float, altitude_m: float) -> tuple[Floats, Floats]:
    """Return length and number of ways of each cell's tracks; infinite where it has none."""
    ground = same.ground
    camera = CameraSpec(hfov_deg=hfov_deg)
    lengths, bends = [], []
    for cell in range(len(ground.cells)):
        try:
            tracks = ground.tracks(cell, altitude_m, camera)
        except PlanError:
            lengths.append(math.inf)
            bends.append(0.0)
            continue
        places = [place for track in tracks for place in track]
        lengths.append(sum(math.dist(a, b) for a, b in pairwise(places)))
        bends.append(float(len(places) - 1))
    return np.array(lengths), np.array(bends)
