"""What a camera sees of flat ground, standing and flown along a track.

A pinhole: the picture's corners are rays that are cut with the ground. Metres; the drone is at the
origin, its nose along the first axis, the second to the right.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import MultiPoint, Polygon
from shapely.geometry.base import BaseGeometry

from missions.city import CameraSpec
from missions.errors import GeometryError
from missions.sortie import Aim
from missions.tracks import Track

FLATTEST_DEG = 10.0
"""What is seen at a flatter angle than this is not counted as seen."""
TURN_STEP_DEG = 10.0
DOWN = Aim(-90.0)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Footprint:
    """The ground in a picture: a trapezoid, as seen along the camera's own bearing.

    Parameters
    ----------
    near_m, far_m
        Where it begins and ends, ahead of the drone; it begins behind where ``near_m`` is negative.
    near_width_m, far_width_m
        How wide it is there.
    yaw_deg
        The camera's bearing from the nose, clockwise.
    """

    near_m: float
    far_m: float
    near_width_m: float
    far_width_m: float
    yaw_deg: float = 0.0

    @property
    def depth_m(self) -> float:
        """From where it begins to where it ends."""
        return self.far_m - self.near_m

    def corners(self) -> Floats:
        """Return its four corners as (ahead of the nose, to the right of it)."""
        near, far = self.near_width_m / 2.0, self.far_width_m / 2.0
        flat = np.array(
            [
                (self.near_m, -near),
                (self.far_m, -far),
                (self.far_m, far),
                (self.near_m, near),
            ]
        )
        return _turned(flat, self.yaw_deg)


def footprint(camera: CameraSpec, altitude_m: float, aim: Aim = DOWN) -> Footprint:
    """Return what a camera sees of the ground from a height.

    The picture's width is ``2 tan(hfov / 2)`` and its height that by the ratio of its sides.

    Raises
    ------
    GeometryError
        If the height is not above 0, or the camera does not look down far enough to see ground.
    """
    if not altitude_m > 0:
        raise GeometryError(f"altitude {altitude_m!r} m: must be above 0 to see the ground")
    half_width = math.tan(math.radians(camera.hfov_deg) / 2.0)
    half_height_deg = math.degrees(math.atan(half_width * camera.height_px / camera.width_px))
    steepest = aim.pitch_deg - half_height_deg
    flattest = min(aim.pitch_deg + half_height_deg, -FLATTEST_DEG)
    if not (-90.0 <= aim.pitch_deg <= 90.0 and steepest < -FLATTEST_DEG):
        raise GeometryError(
            f"camera at {aim.pitch_deg:g} degrees sees no ground at {FLATTEST_DEG:g} degrees or "
            f"steeper; at most {half_height_deg - FLATTEST_DEG:.0f} is allowed, -90 is straight down"
        )

    def cut(ray_deg: float) -> tuple[float, float]:
        """Return how far ahead a ray in the middle of the picture ends, and the width there."""
        off_axis = math.radians(ray_deg - aim.pitch_deg)
        ahead = altitude_m / math.tan(math.radians(-ray_deg))
        slant = altitude_m / math.sin(math.radians(-ray_deg))
        return ahead, 2.0 * half_width * slant * math.cos(off_axis)

    near, near_width = cut(steepest)
    far, far_width = cut(flattest)
    return Footprint(near, far, near_width, far_width, aim.yaw_deg)


def swath_m(camera: CameraSpec, altitude_m: float) -> float:
    """Return the width on flat ground that a camera looking straight down sees across the track."""
    return footprint(camera, altitude_m).near_width_m


def most_speed(seen: Footprint, forward_overlap: float, pictures_per_s: float) -> float:
    """Return the speed, m/s, at which pictures still overlap so much along the track.

    Raises
    ------
    GeometryError
        If the overlap is not in 0 to 1.
    """
    if not 0 <= forward_overlap < 1:
        raise GeometryError(f"forward overlap {forward_overlap!r}: must be 0 or more and below 1")
    return seen.depth_m * (1.0 - forward_overlap) * pictures_per_s


def swept(tracks: Iterable[Track], seen: Footprint) -> BaseGeometry:
    """Return all ground that is seen along tracks, each flown with the nose ahead.

    Where a track bends, what the camera sweeps as the drone turns is seen too.
    """
    corners = seen.corners()
    pieces: list[BaseGeometry] = []
    for track in tracks:
        before: float | None = None
        for a, b in pairwise(track):
            if a == b:
                continue
            heading = math.degrees(math.atan2(b[0] - a[0], b[1] - a[1]))
            if before is not None:
                pieces += _sweep_of_turn(corners, a, before, heading)
            there = _placed(corners, heading)
            ends = np.concatenate([there + a, there + b])
            pieces.append(MultiPoint(ends).convex_hull)
            before = heading
    return shapely.union_all(pieces) if pieces else Polygon()


def _sweep_of_turn(
    corners: Floats, at: tuple[float, float], old: float, new: float
) -> list[Polygon]:
    turn = math.remainder(new - old, 360.0)
    steps = math.ceil(abs(turn) / TURN_STEP_DEG)
    return [
        Polygon(_placed(corners, old + turn * step / steps) + np.array(at))
        for step in range(1, steps)
    ]


def _placed(corners: Floats, heading_deg: float) -> Floats:
    """Return (ahead, right) as (east, north) for a heading."""
    ahead, right = _turned(corners, heading_deg).T
    return np.column_stack([right, ahead])


def _turned(points: Floats, clockwise_deg: float) -> Floats:
    """Turn (ahead, right) clockwise."""
    angle = math.radians(clockwise_deg)
    cos, sin = math.cos(angle), math.sin(angle)
    return points @ np.array([(cos, sin), (-sin, cos)])
