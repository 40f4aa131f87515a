"""The pinhole view: from metres in the city's frame to pixels.

World coordinates are east, north, up in metres about the city's origin; up is zero at the ground.
Camera coordinates are right, down, forward. Pixels are (column, row), the centre of the first
pixel is (0, 0).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

NEAR_M = 0.3
"""Nothing closer than this is drawn."""

MARGIN_PX = 64.0
"""Outlines are kept this far outside the picture."""

_NED_OF_ENU = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
_OPTICAL_OF_SENSOR = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])


def rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Floats:
    """Return the matrix that turns body (forward, right, down) into its parent's axes.

    Aerospace order: yaw about down, then pitch about right, then roll about forward.
    """
    y, p, r = (math.radians(a) for a in (yaw_deg, pitch_deg, roll_deg))
    cy, sy, cp, sp, cr, sr = (
        math.cos(y), math.sin(y), math.cos(p), math.sin(p), math.cos(r), math.sin(r),
    )  # fmt: skip
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


@dataclass(frozen=True, slots=True)
class Attitude:
    """Where the platform points, and where its gimbal points relative to the platform, degrees.

    ``azimuth``, ``elevation`` and ``rotation`` are MISB ST 0601's sensor relative angles: turned
    about the platform's axes in that order; elevation is negative when looking down.
    """

    heading_deg: float
    pitch_deg: float
    roll_deg: float
    azimuth_deg: float
    elevation_deg: float
    rotation_deg: float = 0.0

    def sensor_to_ned(self) -> Floats:
        """Return the matrix from sensor axes (forward, right, down) to north, east, down."""
        body = rotation(self.heading_deg, self.pitch_deg, self.roll_deg)
        return body @ rotation(self.azimuth_deg, self.elevation_deg, self.rotation_deg)


@dataclass(frozen=True)
class View:
    """A camera at a place: projects points and planes.

    Parameters
    ----------
    position
        East, north, up in metres.
    attitude
        Platform and gimbal angles.
    width_px, height_px
        Size of the picture.
    hfov_deg
        Horizontal field of view of the pinhole; pixels are square.
    """

    position: tuple[float, float, float]
    attitude: Attitude
    width_px: int
    height_px: int
    hfov_deg: float

    @cached_property
    def focal_px(self) -> float:
        """Focal length in pixels."""
        return self.width_px / 2 / math.tan(math.radians(self.hfov_deg) / 2)

    @cached_property
    def intrinsics(self) -> Floats:
        """3 x 3 camera matrix."""
        f = self.focal_px
        return np.array(
            [[f, 0, (self.width_px - 1) / 2], [0, f, (self.height_px - 1) / 2], [0, 0, 1.0]]
        )

    @cached_property
    def world_to_camera(self) -> Floats:
        """3 x 3 rotation from east, north, up to right, down, forward."""
        return _OPTICAL_OF_SENSOR @ self.attitude.sensor_to_ned().T @ _NED_OF_ENU

    @cached_property
    def centre(self) -> Floats:
        """The position as an array."""
        return np.asarray(self.position, dtype=np.float64)

    @cached_property
    def forward(self) -> Floats:
        """Unit vector of the optical axis in the world."""
        return self.world_to_camera[2]

    def to_camera(self, points: npt.ArrayLike) -> Floats:
        """Return (N, 3) points of the world in camera coordinates."""
        return (np.asarray(points, dtype=np.float64) - self.centre) @ self.world_to_camera.T

    def project(self, points: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Return (N, 2) pixels and (N,) depths in metres; a depth <= 0 is behind the camera."""
        camera = self.to_camera(points)
        depth = camera[:, 2]
        safe = np.where(np.abs(depth) < 1e-9, 1e-9, depth)
        pixels = (camera @ self.intrinsics.T)[:, :2] / safe[:, None]
        return pixels, depth

    def plane(self, origin: npt.ArrayLike, u: npt.ArrayLike, v: npt.ArrayLike) -> Floats:
        """Return the homography from plane coordinates (metres along u and v) to pixels."""
        turn = self.world_to_camera
        columns = [
            turn @ np.asarray(u, dtype=np.float64),
            turn @ np.asarray(v, dtype=np.float64),
            turn @ (np.asarray(origin, dtype=np.float64) - self.centre),
        ]
        return self.intrinsics @ np.column_stack(columns)

    def polygon(self, corners: npt.ArrayLike) -> Floats:
        """Return the (M, 2) outline in pixels of a flat polygon; empty where none of it is seen.

        The polygon is cut at the near plane and a little outside the picture's edges first
        (Sutherland and Hodgman), so every point of the outline is in front of the camera.
        """
        points = self.to_camera(corners)
        outside = (points @ self._cuts[:, :3].T + self._cuts[:, 3] < 0).any(axis=0)
        for plane in self._cuts[outside]:
            points = _cut(points, plane)
            if len(points) < 3:
                return np.empty((0, 2))
        return (points @ self.intrinsics.T)[:, :2] / points[:, 2:]

    @cached_property
    def _cuts(self) -> Floats:
        """Planes (a, b, c, d) with ``a x + b y + c z + d >= 0`` for what is kept."""
        f = self.focal_px
        w, h = self.width_px / 2 + MARGIN_PX, self.height_px / 2 + MARGIN_PX
        return np.array(
            [[0, 0, 1, -NEAR_M], [f, 0, w, 0], [-f, 0, w, 0], [0, f, h, 0], [0, -f, h, 0]],
            np.float64,
        )

    def ground_point(self, up_m: float = 0.0) -> Floats | None:
        """Return where the optical axis meets the plane at ``up_m``, or None if it does not."""
        if self.forward[2] > -1e-3:
            return None
        return self.centre + self.forward * ((up_m - self.centre[2]) / self.forward[2])


def _cut(points: Floats, plane: Floats) -> Floats:
    """Return a polygon of (N, 3) points less what lies on the negative side of a plane."""
    side = points @ plane[:3] + plane[3]
    kept: list[Floats] = []
    for i in range(len(points)):
        j = (i + 1) % len(points)
        if side[i] >= 0:
            kept.append(points[i])
        if (side[i] >= 0) != (side[j] >= 0):
            kept.append(points[i] + (points[j] - points[i]) * (side[i] / (side[i] - side[j])))
    return np.array(kept).reshape(-1, 3)
