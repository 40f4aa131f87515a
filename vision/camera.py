"""Pixel <-> ground, for a pinhole camera on a gimbal under a drone.

Frames and conventions
----------------------
World: local north-east-down (NED) metres around the camera. Body and camera boresight axes are
forward-right-down. With ``Rz, Ry, Rx`` the right-handed rotations about down, right and forward,
MISB ST 0601 gives the boresight in the world as ::

    R = Rz(heading) Ry(pitch) Rx(roll) . Rz(azimuth) Ry(elevation) Rx(sensor roll)

with heading and azimuth clockwise seen from above, pitch and elevation positive upwards, roll
positive right side down (clockwise seen from behind). A pixel (u right, v down; the centre of the
first pixel is (0, 0)) looks along the boresight-frame ray ::

    (1, (u - cx) / fx, (v - cy) / fy),   fx = width / (2 tan(hfov / 2))

so that ``ray_ned = R ray``, and it meets the plane ``h`` metres below the camera at
``ray_ned * h / ray_ned[2]`` where ``ray_ned[2] > 0``. Lens distortion is not modelled.

Degrees to metres is `missions.geo.LocalFrame`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from missions.geo import LocalFrame
from vision.errors import GeometryError
from vision.klv import Metadata

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Intrinsics:
    """A pinhole camera: size in pixels, focal lengths and principal point in pixels."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float

    @classmethod
    def from_fov(
        cls, width: int, height: int, hfov_deg: float, vfov_deg: float | None = None
    ) -> Intrinsics:
        """Return the camera with these fields of view; square pixels where `vfov_deg` is ``None``.

        Raises
        ------
        GeometryError
            If a size is not positive or an angle not between 0 and 180 degrees.
        """
        if width <= 0 or height <= 0:
            raise GeometryError(f"picture is {width}x{height} px, both must be positive")
        for angle in (hfov_deg, vfov_deg):
            if angle is not None and not 0 < angle < 180:
                raise GeometryError(f"field of view is {angle!r} degrees, 0 to 180 are allowed")
        fx = width / (2 * math.tan(math.radians(hfov_deg) / 2))
        fy = fx
        if vfov_deg is not None:
            fy = height / (2 * math.tan(math.radians(vfov_deg) / 2))
        return cls(width, height, fx, fy, (width - 1) / 2, (height - 1) / 2)


def rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Array:
    """Return ``Rz(yaw) Ry(pitch) Rx(roll)``, forward-right-down to north-east-down, shape (3, 3)."""
    cy, sy = math.cos(math.radians(yaw_deg)), math.sin(math.radians(yaw_deg))
    cp, sp = math.cos(math.radians(pitch_deg)), math.sin(math.radians(pitch_deg))
    cr, sr = math.cos(math.radians(roll_deg)), math.sin(math.radians(roll_deg))
    rz = np.array([[cy, -sy, 0.0], [sy, cy, 0.0], [0.0, 0.0, 1.0]])
    ry = np.array([[cp, 0.0, sp], [0.0, 1.0, 0.0], [-sp, 0.0, cp]])
    rx = np.array([[1.0, 0.0, 0.0], [0.0, cr, -sr], [0.0, sr, cr]])
    turned: Array = rz @ ry @ rx
    return turned


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a camera is and how it is turned.

    Attributes
    ----------
    lon, lat
        Degrees, WGS-84.
    altitude_amsl_m
        Metres above mean sea level.
    ground_amsl_m
        Metres above mean sea level of the plane that is looked at.
    world
        Boresight frame (forward-right-down) to north-east-down, shape (3, 3).
    hfov_deg, vfov_deg
        Fields of view; ``vfov_deg`` may be ``None`` (square pixels).
    """

    lon: float
    lat: float
    altitude_amsl_m: float
    ground_amsl_m: float
    world: Array
    hfov_deg: float
    vfov_deg: float | None = None

    @classmethod
    def from_metadata(cls, meta: Metadata) -> Pose | None:
        """Return the pose that `meta` holds, ``None`` where it does not hold a whole one."""
        needed = (
            meta.lon,
            meta.lat,
            meta.altitude_amsl_m,
            meta.centre_elevation_m,
            meta.heading_deg,
            meta.pitch_deg,
            meta.roll_deg,
            meta.hfov_deg,
        )
        if any(v is None for v in needed):
            return None
        lon, lat, altitude, ground, heading, pitch, roll, hfov = (float(v or 0.0) for v in needed)
        if not 0 < hfov < 180:
            return None
        world = rotation(heading, pitch, roll) @ rotation(
            meta.sensor_azimuth_deg or 0.0,
            meta.sensor_elevation_deg or 0.0,
            meta.sensor_roll_deg or 0.0,
        )
        vfov = meta.vfov_deg if meta.vfov_deg and meta.vfov_deg < 180 else None
        return cls(lon, lat, altitude, ground, world, hfov, vfov)

    @property
    def height_m(self) -> float:
        """Height of the camera over the plane, metres."""
        return self.altitude_amsl_m - self.ground_amsl_m


@dataclass(frozen=True, slots=True)
class View:
    """A camera at a pose, for one size of picture.

    Ground points are (longitude, latitude), or (east, north) metres of `frame`.
    """

    pose: Pose
    camera: Intrinsics
    frame: LocalFrame

    @classmethod
    def of(cls, pose: Pose, width: int, height: int, frame: LocalFrame | None = None) -> View:
        """Return the view of a picture of `width` x `height` pixels taken at `pose`.

        Without a `frame`, one with its origin within 1 km of the camera is taken, the same one
        for all poses nearby.
        """
        if not pose.height_m > 0:
            raise GeometryError(f"camera is {pose.height_m!r} m over the ground, must be positive")
        return cls(
            pose,
            Intrinsics.from_fov(width, height, pose.hfov_deg, pose.vfov_deg),
            frame or LocalFrame(round(pose.lon, 2), round(pose.lat, 2)),
        )

    @property
    def position(self) -> tuple[float, float]:
        """The camera in the frame, (east, north) metres."""
        return self.frame.to_enu(self.pose.lon, self.pose.lat)

    def rays(self, pixels: Array) -> Array:
        """Return the north-east-down directions of `pixels`, shapes (n, 2) -> (n, 3)."""
        p = np.asarray(pixels, float).reshape(-1, 2)
        x = (p[:, 0] - self.camera.cx) / self.camera.fx
        y = (p[:, 1] - self.camera.cy) / self.camera.fy
        rays: Array = np.column_stack([np.ones(len(p)), x, y]) @ self.pose.world.T
        return rays

    def to_plane(self, pixels: Array, height_m: float = 0.0) -> Array:
        """Return (east, north) metres where `pixels` meet the plane, shape (n, 2).

        The plane lies `height_m` metres above the ground. A pixel that looks at or above the
        horizon gives NaN.
        """
        rays = self.rays(pixels)
        fall = self.pose.height_m - height_m
        down = np.where(rays[:, 2] > 1e-6, rays[:, 2], np.nan)
        points: Array = rays[:, 1::-1] * (fall / down)[:, None] + np.array(self.position)
        return points

    def to_ground(self, pixels: Array) -> Array:
        """Return (longitude, latitude) where `pixels` meet the ground, NaN in the sky, shape (n, 2)."""
        points = self.to_plane(pixels)
        result = np.full_like(points, np.nan)
        seen = np.isfinite(points).all(axis=1)
        if seen.any():
            result[seen] = self.frame.points_to_lonlat(points[seen])
        return result

    def to_pixels(self, positions: Array, height_m: float = 0.0) -> Array:
        """Return pixels of (longitude, latitude) `positions`, `height_m` metres above the ground.

        Shapes (n, 2) -> (n, 2). What lies behind the camera gives NaN; a pixel may lie outside
        the picture.
        """
        return self.plane_to_pixels(
            self.frame.points_to_enu(np.asarray(positions, float)), height_m
        )

    def plane_to_pixels(self, east_north: Array, height_m: float = 0.0) -> Array:
        """Return pixels of (east, north) metres, `height_m` metres above the ground, shape (n, 2)."""
        away = np.asarray(east_north, float).reshape(-1, 2) - np.array(self.position)
        down = np.full(len(away), self.pose.height_m - height_m)
        rays = np.column_stack([away[:, 1], away[:, 0], down]) @ self.pose.world
        depth = np.where(rays[:, 0] > 1e-6, rays[:, 0], np.nan)
        u = self.camera.cx + self.camera.fx * rays[:, 1] / depth
        v = self.camera.cy + self.camera.fy * rays[:, 2] / depth
        return np.column_stack([u, v])

    def footprint(self, margin: float = 0.0, range_m: float = 2000.0) -> Array:
        """Return the seen part of the ground as a polygon of (east, north) metres, shape (n, 2).

        Parameters
        ----------
        margin
            Part of the picture that is added on each side.
        range_m
            A ray that meets the ground farther away than this, or never, ends here.
        """
        w, h = self.camera.width, self.camera.height
        left, right, top, bottom = -margin * w, (1 + margin) * w, -margin * h, (1 + margin) * h
        steps = np.linspace(0, 1, 17)[:-1, None]
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        after = np.roll(corners, -1, axis=0)
        edge = np.vstack([a + steps * (b - a) for a, b in zip(corners, after, strict=True)])
        rays = self.rays(edge)
        flat = np.linalg.norm(rays[:, :2], axis=1)
        down = np.maximum(rays[:, 2], flat * self.pose.height_m / range_m)
        points: Array = rays[:, 1::-1] * (self.pose.height_m / down)[:, None] + np.array(
            self.position
        )
        return points

    def metres_per_pixel(self, pixel: tuple[float, float]) -> float:
        """Return the ground sample distance across the line of sight, metres, NaN in the sky."""
        u, v = pixel
        a, b = self.to_plane(np.array([[u - 0.5, v], [u + 0.5, v]]))
        return float(np.linalg.norm(b - a))

    def depression_deg(self, pixel: tuple[float, float]) -> float:
        """Return how far below the horizon `pixel` looks, degrees."""
        ray = self.rays(np.array([pixel]))[0]
        return math.degrees(math.atan2(ray[2], math.hypot(ray[0], ray[1])))

    def sees(self, position: tuple[float, float], margin: float = 0.25) -> bool:
        """Return whether a (longitude, latitude) on the ground lies in the picture.

        `margin` is the part of the picture's size that it may lie outside of it.
        """
        u, v = self.to_pixels(np.array([position]))[0]
        w, h = self.camera.width, self.camera.height
        return bool(-margin * w <= u <= (1 + margin) * w and -margin * h <= v <= (1 + margin) * h)
