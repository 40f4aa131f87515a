"""The marker on a dock's pad: one ArUco square in a picture -> where it is from the camera, metres.

The marker lies flat and its size is known, and the picture's metadata says how the camera is
turned; so two unknowns of its place and one of its turn are all that is left beside the height.
The four corners, as rays with a fall of one (`vision.camera`), lie on a plane one metre below the
camera; there a square of edge ``e`` is fitted to them by least squares, and the height over the
marker is ``size / e``. Neither the platform's altitude nor its position enters: both are wrong by
metres where a landing needs centimetres. A shape that is no square on that plane is no marker on
the ground, and is refused.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from missions.geo import LocalFrame
from vision.camera import Intrinsics
from vision.errors import DetectorError
from vision.frame import Frame, Image, Measurement

VERSION = "marker 1"
ATTITUDE_SIGMA_DEG = 0.3
"""How wrong the metadata's attitude is taken to be: that of a stabilised gimbal of a survey drone."""
LEAST_SIGMA_PX = 0.15
"""A corner is never taken to be known better than this."""
MOST_MISFIT, MISFIT_PX = 0.04, 1.5
"""A shape whose corners miss a square by more than this part of its edge (and by more than so many
pixels, which matters from high up) is half hidden, or no marker on the ground."""
LEAST_FALL = 0.35
"""Rays that fall less steeply than this (20 degrees) are not followed to the ground."""
MOST_RANGE_M = 60.0
STRAY_M = 25.0
"""A marker this far from where its dock stands, by the picture's own position, is another dock's."""
_DICTIONARIES = (
    (50, cv2.aruco.DICT_4X4_50),
    (100, cv2.aruco.DICT_4X4_100),
    (250, cv2.aruco.DICT_4X4_250),
    (1000, cv2.aruco.DICT_4X4_1000),
)
"""Each holds the markers of the ones before it; the smallest tells its own apart best."""
_SQUARE = np.array([0.5 - 0.5j, 0.5 + 0.5j, -0.5 + 0.5j, -0.5 - 0.5j])
"""Corners as OpenCV orders them, north + i east, of a marker whose upper edge is to the north."""

Corners = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where the marker's middle is from the camera: metres north, east and down.

    Attributes
    ----------
    captured_at
        When the picture was taken.
    turn_deg
        Bearing of the marker's upper edge, 0 to 360.
    sigma_m, down_sigma_m
        Standard deviations of each horizontal coordinate and of the height.
    edge_px
        How long its edge is in the picture.
    corners
        In pixels, shape (4, 2).
    """

    captured_at: datetime
    north_m: float
    east_m: float
    down_m: float
    turn_deg: float
    sigma_m: float
    down_sigma_m: float
    edge_px: float
    corners: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class NotSeen:
    """Why a picture gives no sighting."""

    captured_at: datetime
    reason: str


class MarkerFinder:
    """Finds one dock's marker.

    Parameters
    ----------
    marker_id
        Its number in OpenCV's DICT_4X4_1000, 0 to 999; of the smallest DICT_4X4 that has it.
    size_m
        Edge of its black square.
    dock
        Where it lies, (longitude, latitude) in degrees; what is seen more than ``STRAY_M`` from there is
        refused. ``None``: anywhere.

    Raises
    ------
    DetectorError
        If there is no such marker, or it has no size.
    """

    name = VERSION

    def __init__(
        self, marker_id: int, size_m: float, dock: tuple[float, float] | None = None
    ) -> None:
        book = _book(marker_id)
        if not 0 < size_m <= 5:
            raise DetectorError(f"marker of {size_m!r} m: more than 0 and up to 5 m are allowed")
        self.marker_id = marker_id
        self.size_m = size_m
        self._frame = LocalFrame(*dock) if dock is not None else None
        self._detector = cv2.aruco.ArucoDetector(book, _parameters())
        self._twice = cv2.createCLAHE(clipLimit=4.0, tileGridSize=(8, 5))

    def find(self, frame: Frame) -> Sighting | NotSeen:
        """Return where the marker is in a frame, or why it is not seen; never raises for a picture."""
        if frame.pose is None:
            return NotSeen(frame.captured_at, "the picture does not say where the camera looks")
        grey = cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY)
        squares = self._squares(grey)
        if not squares:  # again with the contrast raised: night, haze, rain
            squares = self._squares(self._twice.apply(grey))
        if not squares:
            return NotSeen(frame.captured_at, f"marker {self.marker_id} is not in the picture")
        sighted = [self._place(frame, corners) for corners in squares]
        good = [one for one in sighted if isinstance(one, Sighting)]
        if len(good) == 1:
            return good[0]
        if good:
            return NotSeen(
                frame.captured_at, f"{len(good)} markers {self.marker_id} in the picture"
            )
        return sighted[0]

    def _squares(self, grey: NDArray[Any]) -> list[Corners]:
        """Return the corners of every marker in a picture that has the right number."""
        corners, ids, _ = self._detector.detectMarkers(grey)
        if ids is None:
            return []
        return [
            np.asarray(four, np.float64).reshape(4, 2)
            for four, number in zip(corners, np.ravel(ids), strict=True)
            if int(number) == self.marker_id
        ]

    def _place(self, frame: Frame, corners: Corners) -> Sighting | NotSeen:
        """Return what a square in the picture means on the ground."""
        pose = frame.pose
        assert pose is not None
        height, width = frame.image.shape[:2]
        camera = Intrinsics.from_fov(width, height, pose.hfov_deg, pose.vfov_deg)
        x = (corners[:, 0] - camera.cx) / camera.fx
        y = (corners[:, 1] - camera.cy) / camera.fy
        rays = np.column_stack([np.ones(4), x, y]) @ pose.world.T
        steep = rays[:, 2] / np.linalg.norm(rays, axis=1)
        if (steep < LEAST_FALL).any():
            return NotSeen(frame.captured_at, "the marker is seen too flat to be measured")
        points = (rays[:, 0] + 1j * rays[:, 1]) / rays[:, 2]
        middle = complex(points.mean())
        turn = complex((np.conj(_SQUARE) * (points - middle)).sum() / (np.abs(_SQUARE) ** 2).sum())
        edge = abs(turn)
        if edge < 1e-9:
            return NotSeen(frame.captured_at, "what has the marker's number is seen from behind")
        misfit = np.abs(points - middle - turn * _SQUARE)
        if misfit.max() > max(MOST_MISFIT * edge, MISFIT_PX / camera.fx):
            return NotSeen(
                frame.captured_at,
                "what has the marker's number is half hidden, or does not lie flat",
            )
        down = self.size_m / edge
        if down > MOST_RANGE_M:
            return NotSeen(frame.captured_at, f"the marker is {down:.0f} m below: too far")
        place = middle * down
        if stray := self._stray(pose.lon, pose.lat, place):
            return NotSeen(frame.captured_at, stray)
        sigma, down_sigma = _sigmas(misfit, middle, down, edge, camera.fx)
        return Sighting(
            frame.captured_at, place.real, place.imag, down,
            math.degrees(math.atan2(turn.imag, turn.real)) % 360.0,
            sigma, down_sigma, edge * camera.fx,
            tuple((float(u), float(v)) for u, v in corners),
        )  # fmt: skip

    def _stray(self, lon: float, lat: float, place: complex) -> str:
        """Return why a place cannot be this dock's marker, empty where it can."""
        if self._frame is None:
            return ""
        east, north = self._frame.to_enu(lon, lat)
        away = math.hypot(east + place.imag, north + place.real)
        if away <= STRAY_M:
            return ""
        return f"a marker {self.marker_id} is seen {away:.0f} m from the dock: another's"

    def measure(self, frame: Frame) -> Measurement:
        """Return how far from over the marker the camera is, metres, and the rest in the details."""
        seen = self.find(frame)
        if isinstance(seen, NotSeen):
            return Measurement(frame.captured_at, "m", reason=seen.reason)
        details = {
            "north_m": round(seen.north_m, 4), "east_m": round(seen.east_m, 4),
            "down_m": round(seen.down_m, 3), "down_sigma_m": round(seen.down_sigma_m, 3),
            "turn_deg": round(seen.turn_deg, 1), "edge_px": round(seen.edge_px, 1),
        }  # fmt: skip
        away = math.hypot(seen.north_m, seen.east_m)
        return Measurement(frame.captured_at, "m", away, 1.0, seen.sigma_m, details=details)

    def overlay(self, frame: Frame) -> Image:
        """Return a copy of a frame's picture with the marker outlined."""
        image = frame.image.copy()
        seen = self.find(frame)
        if isinstance(seen, Sighting):
            corners = np.round(np.array(seen.corners)).astype(np.int32)
            cv2.polylines(image, [corners.reshape(-1, 1, 2)], True, (0, 255, 0), 2)
            words = f"N {seen.north_m:+.2f}  E {seen.east_m:+.2f}  down {seen.down_m:.2f} m"
        else:
            words = seen.reason
        cv2.putText(image, words, (10, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 255, 0), 2)
        return image


def picture(marker_id: int, edge_px: int) -> NDArray[Any]:
    """Return a marker to print, grey, with the white margin that it needs; ``edge_px`` with it.

    The edge of the black square, which is the ``size_m`` of a city file, is 6 / 8 of the whole.

    Raises
    ------
    DetectorError
        If there is no such marker, or so few pixels cannot show it.
    """
    if edge_px < 64 or edge_px % 8:
        raise DetectorError(f"{edge_px} pixels: a multiple of 8 from 64 on is wanted")
    black = cv2.aruco.generateImageMarker(_book(marker_id), marker_id, edge_px * 6 // 8)
    margin = edge_px // 8
    return np.asarray(
        cv2.copyMakeBorder(black, *(margin,) * 4, cv2.BORDER_CONSTANT, value=255), np.uint8
    )


def _book(marker_id: int) -> cv2.aruco.Dictionary:
    """Return the smallest dictionary that has a marker."""
    name = next((name for size, name in _DICTIONARIES if 0 <= marker_id < size), None)
    if name is None:
        raise DetectorError(f"marker {marker_id}: DICT_4X4_1000 has 0 to 999")
    return cv2.aruco.getPredefinedDictionary(name)


def _parameters() -> cv2.aruco.DetectorParameters:
    """Return how squares are looked for: from 12 pixels of edge, corners to a part of a pixel."""
    asked = cv2.aruco.DetectorParameters()
    asked.adaptiveThreshWinSizeMin = 5
    asked.adaptiveThreshWinSizeMax = 45
    asked.adaptiveThreshWinSizeStep = 20
    asked.minMarkerPerimeterRate = 0.04
    asked.polygonalApproxAccuracyRate = 0.05
    asked.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    asked.relativeCornerRefinmentWinSize = 0.5
    asked.cornerRefinementWinSize = 5
    asked.cornerRefinementMaxIterations = 30
    asked.cornerRefinementMinAccuracy = 0.01
    asked.errorCorrectionRate = 0.4
    return asked


def _sigmas(
    misfit: NDArray[Any], middle: complex, down: float, edge: float, focal_px: float
) -> tuple[float, float]:
    """Return the standard deviations of each horizontal coordinate and of the height, metres.

    The corners' own is taken from what the fit leaves over: eight numbers less its four unknowns.
    A mean of four corners is known twice as well as one, and the edge is fitted to four arms of
    length edge / sqrt(2): ``sigma / (sqrt(2) edge)``.
    """
    corner = max(LEAST_SIGMA_PX / focal_px, math.sqrt(float((misfit**2).sum()) / 4))
    share = corner / (math.sqrt(2) * edge)
    tilt = math.radians(ATTITUDE_SIGMA_DEG) * down * (1 + abs(middle) ** 2)
    across = math.hypot(corner / 2 * down, share * down * abs(middle) / math.sqrt(2))
    return math.hypot(across, tilt), down * math.hypot(share, abs(middle) * tilt / max(down, 1e-9))
