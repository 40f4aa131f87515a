"""From a vehicle's pose to the picture's view and to the KLV that goes with it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from missions.geo import LocalFrame
from sitl import klv
from sitl.scene.view import Attitude, View, rotation


@dataclass(frozen=True, slots=True)
class CameraPose:
    """Where a platform is and where its camera looks in the earth frame.

    Degrees, WGS-84; metres above mean sea level; gimbal pitch -90 looks straight down and its roll
    is zero.
    """

    lon: float
    lat: float
    altitude_amsl_m: float
    roll_deg: float
    pitch_deg: float
    yaw_deg: float
    gimbal_pitch_deg: float
    gimbal_yaw_deg: float

    def numbers(self) -> list[float]:
        """Return the fields in order, for the wire."""
        return [
            self.lon, self.lat, self.altitude_amsl_m, self.roll_deg, self.pitch_deg, self.yaw_deg,
            self.gimbal_pitch_deg, self.gimbal_yaw_deg,
        ]  # fmt: skip


def attitude(pose: CameraPose) -> Attitude:
    """Return the gimbal's angles relative to the platform.

    The earth-frame gimbal is turned into the platform's axes and taken apart into azimuth,
    elevation and rotation about the platform's own axes, as ST 0601 items 18 to 20 say it.
    """
    body = rotation(pose.yaw_deg, pose.pitch_deg, pose.roll_deg)
    relative = body.T @ rotation(pose.gimbal_yaw_deg, pose.gimbal_pitch_deg, 0.0)
    elevation = -math.asin(float(np.clip(relative[2, 0], -1.0, 1.0)))
    if abs(relative[2, 0]) > 1 - 1e-9:  # straight down or up: azimuth and rotation are one angle
        azimuth = math.atan2(-relative[0, 1], relative[1, 1])
        turn = 0.0
    else:
        azimuth = math.atan2(relative[1, 0], relative[0, 0])
        turn = math.atan2(relative[2, 1], relative[2, 2])
    return Attitude(
        pose.yaw_deg, pose.pitch_deg, pose.roll_deg,
        math.degrees(azimuth), math.degrees(elevation), math.degrees(turn),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lens:
    """A pinhole camera: size of its picture and horizontal field of view."""

    width_px: int
    height_px: int
    hfov_deg: float

    @property
    def vfov_deg(self) -> float:
        """Vertical field of view."""
        half = math.tan(math.radians(self.hfov_deg) / 2) * self.height_px / self.width_px
        return 2 * math.degrees(math.atan(half))


def view(pose: CameraPose, lens: Lens, frame: LocalFrame, elevation_m: float) -> View:
    """Return what a camera at a pose sees; ``elevation_m`` is the ground above mean sea level."""
    east, north = frame.to_enu(pose.lon, pose.lat)
    position = (east, north, pose.altitude_amsl_m - elevation_m)
    return View(position, attitude(pose), lens.width_px, lens.height_px, lens.hfov_deg)


def metadata(
    pose: CameraPose, lens: Lens, frame: LocalFrame, elevation_m: float, time_us: int, platform: str
) -> bytes:
    """Return the KLV of a pose: one ST 0601 local set.

    ``pose`` is what the platform believes; the frame's centre is worked out from it on flat ground
    at ``elevation_m``.
    """
    angles = attitude(pose)
    seen = view(pose, lens, frame, elevation_m)
    centre = seen.ground_point()
    slant = lat = lon = None
    if centre is not None:
        slant = float(np.linalg.norm(centre - seen.centre))
        lon, lat = frame.to_lonlat(float(centre[0]), float(centre[1]))
    return klv.encode(
        klv.Frame(
            time_us=time_us,
            heading_deg=pose.yaw_deg, pitch_deg=pose.pitch_deg, roll_deg=pose.roll_deg,
            platform=platform,
            lat=pose.lat, lon=pose.lon, altitude_m=pose.altitude_amsl_m,
            hfov_deg=lens.hfov_deg, vfov_deg=lens.vfov_deg,
            azimuth_deg=angles.azimuth_deg, elevation_deg=angles.elevation_deg,
            rotation_deg=angles.rotation_deg,
            slant_range_m=slant, centre_lat=lat, centre_lon=lon,
            centre_elevation_m=None if lat is None else elevation_m,
        )
    )  # fmt: skip
