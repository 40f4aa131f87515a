"""The water level of a station, read from a picture: register, rectify, find the line, to metres."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.frame import Frame, Image, Measurement
from vision.overlay import caption
from vision.water import register
from vision.water.register import Features, Fit, features_of, grey_of
from vision.water.station import Matrix, Reference, Station, project
from vision.water.waterline import Strip, Waterline, find_waterline

UNIT = "m"
STRIP_ROWS = (96, 900)
"""Fewest and most rows of the rectified face."""
SURE_INLIERS = 40
"""With so many the reference that worked last is taken without trying the others."""
MIN_LIKENESS = 0.25
"""Correlation that the dry part of the face must have with some reference."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A reference picture, prepared."""

    reference: Reference
    features: Features
    dry: Strip  # rectified face, NaN where it is wet or outside


@dataclass(frozen=True, slots=True)
class Grid:
    """The rectified face: `per_m` pixels per metre from (`left`, `top`) right and down."""

    left: float
    top: float
    per_m: float
    columns: int
    rows: int

    @property
    def to_metres(self) -> Matrix:
        """Pixel of the strip -> (along, height) metres."""
        step = 1 / self.per_m
        return np.array(
            [[step, 0, self.left + step / 2], [0, -step, self.top - step / 2], [0, 0, 1]]
        )

    def height_of(self, row: float) -> float:
        """Return the height in metres of a border between rows."""
        return self.top - row / self.per_m


class WaterDetector:
    """Reads the level of one station in frames of one camera.

    Parameters
    ----------
    station
        The station with its reference pictures.
    """

    name = "water/1"

    def __init__(self, station: Station) -> None:
        self.station = station
        self.grid = _grid(station)
        self._mask = _outline_mask(station, self.grid)
        self._known = [self._prepare(r) for r in station.references]
        self._last: Fit | None = None
        self._drawn: tuple[Fit | None, Waterline | None, str] = (None, None, "")

    def measure(self, frame: Frame) -> Measurement:
        """Return the level in metres on the datum, or why it cannot be read."""
        grey = grey_of(frame.image)
        found = self._locate(grey)
        if isinstance(found, str):
            return self._cannot(frame, found)
        strip = self._rectify(grey, found.to_pixels)
        likeness, best = self._likeness(strip)
        if likeness is not None and likeness < MIN_LIKENESS:
            self._last = None
            return self._cannot(
                frame,
                f"the face looks like none of the references: likeness {likeness:.2f} is under {MIN_LIKENESS}",
            )
        line = find_waterline(strip, self._known[best].dry)
        self._last = found
        if isinstance(line, str):
            return self._cannot(frame, line, found)
        self._drawn = (found, line, "")
        return self._result(frame, found, line, likeness)

    def overlay(self, frame: Frame) -> Image:
        """Return a copy of the picture with the face and the waterline drawn in."""
        image = frame.image.copy()
        fit, line, reason = self._drawn
        if fit is not None:
            outline = project(fit.to_pixels, self.station.face)
            cv2.polylines(
                image, [outline.round().astype(np.int32)], True, (0, 255, 255), 1, cv2.LINE_AA
            )
        text = reason
        if fit is not None and line is not None:
            height = self.grid.height_of(line.row)
            right = self.grid.left + self.grid.columns / self.grid.per_m
            ends = project(fit.to_pixels, np.array([[self.grid.left, height], [right, height]]))
            a, b = (tuple(int(v) for v in end.round()) for end in ends)
            cv2.line(image, a, b, (0, 0, 255), 1, cv2.LINE_AA)
            text = f"{height:.3f} m  confidence {line.confidence:.2f}"
        caption(image, text)
        return image

    def _prepare(self, reference: Reference) -> _Known:
        grey = grey_of(reference.image)
        strip = self._rectify(grey, reference.to_pixels)
        line = find_waterline(strip)
        dry = strip.copy()
        if isinstance(line, str):
            dry[:] = np.nan
            bottom = None
        else:
            dry[max(0, int(line.row) - 2) :] = np.nan
            bottom = self.grid.height_of(line.row)
        mask = _feature_mask(reference, self.station.face, grey.shape, bottom)
        return _Known(reference, features_of(grey, mask), dry)

    def _locate(self, grey: register.Grey) -> Fit | str:
        """Return where the face is, trying the reference first that worked last."""
        height, width = grey.shape
        if self.station.file.fixed:
            return self._where_it_was(width, height)
        mask = None
        if self._last is not None:
            mask = _around(self._last.to_pixels, self.station.face, grey.shape)
            fit = self._fit(features_of(grey, mask), self._last.reference, (width, height))
            if isinstance(fit, Fit) and fit.inliers >= max(SURE_INLIERS, self._last.inliers // 2):
                return fit
        present = features_of(grey)
        fits, reasons = [], []
        for index in range(len(self._known)):
            fit = self._fit(present, index, (width, height))
            if isinstance(fit, Fit):
                fits.append(fit)
            else:
                reasons.append(fit)
        if fits:
            return max(fits, key=lambda f: f.inliers)
        return "the face was not found: " + max(reasons, key=reasons.count)

    def _where_it_was(self, width: int, height: int) -> Fit | str:
        first = self.station.references[0]
        there = (first.image.shape[1], first.image.shape[0])
        if there != (width, height):
            return f"the picture is {width}x{height} px, the reference of this fixed camera {there[0]}x{there[1]}"
        return Fit(first.to_pixels, 0, 0, 0.0)

    def _fit(self, present: Features, index: int, size: tuple[int, int]) -> Fit | str:
        known = self._known[index]
        return register.fit(
            known.features, present, index, known.reference.to_pixels, self.station.face, size
        )

    def _rectify(self, grey: register.Grey, to_pixels: Matrix) -> Strip:
        matrix = to_pixels @ self.grid.to_metres
        size = (self.grid.columns, self.grid.rows)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        warped = cv2.warpPerspective(
            grey.astype(np.float32), matrix, size, flags=flags, borderValue=float("nan")
        )
        strip: Strip = np.asarray(warped, np.float32)
        strip[self._mask == 0] = np.nan
        return strip

    def _likeness(self, strip: Strip) -> tuple[float | None, int]:
        """Return (best correlation of the upper face with a dry reference, its index)."""
        scores = [_correlation(strip, known.dry) for known in self._known]
        valid = [s for s in scores if s is not None]
        if not valid:
            return None, 0
        best = max(
            range(len(scores)), key=lambda i: -2.0 if scores[i] is None else float(scores[i] or 0)
        )
        return scores[best], best

    def _result(
        self, frame: Frame, fit: Fit, line: Waterline, likeness: float | None
    ) -> Measurement:
        sigma_px = float(np.hypot(line.sigma_rows, fit.rms_px / 2))
        return Measurement(
            frame.captured_at,
            UNIT,
            round(self.grid.height_of(line.row), 4),
            round(line.confidence, 3),
            round(sigma_px / self.grid.per_m, 4),
            details={
                "reference": self._known[fit.reference].reference.name,
                "inliers": fit.inliers,
                "reprojection_px": round(fit.rms_px, 2),
                "likeness": None if likeness is None else round(likeness, 2),
                "step": round(line.step, 1),
                "mirror": round(line.mirror, 2),
                "agreement": round(line.agreement, 2),
                "pixels_per_m": round(self.grid.per_m, 1),
            },
        )

    def _cannot(self, frame: Frame, reason: str, fit: Fit | None = None) -> Measurement:
        self._drawn = (fit, None, reason)
        return Measurement(frame.captured_at, UNIT, reason=reason)


def _grid(station: Station) -> Grid:
    low, high = station.face.min(axis=0), station.face.max(axis=0)
    scale = max(_pixels_per_m(r.to_pixels, (low + high) / 2.0) for r in station.references)
    rows = float(np.clip((high[1] - low[1]) * scale, *STRIP_ROWS))
    per_m = rows / (high[1] - low[1])
    columns = int(np.clip(round((high[0] - low[0]) * per_m), 16, 2 * STRIP_ROWS[1]))
    return Grid(float(low[0]), float(high[1]), float(per_m), columns, round(rows))


def _pixels_per_m(to_pixels: Matrix, at: Matrix) -> float:
    x, y = float(at[0]), float(at[1])
    ends: Matrix = np.array([[x, y], [x, y + 0.01]])
    a, b = project(to_pixels, ends)
    return float(np.linalg.norm(b - a)) / 0.01


def _outline_mask(station: Station, grid: Grid) -> NDArray[np.uint8]:
    mask = np.zeros((grid.rows, grid.columns), np.uint8)
    to_strip: Matrix = np.asarray(np.linalg.inv(grid.to_metres), np.float64)
    outline = project(to_strip, station.face)
    cv2.fillPoly(mask, [outline.round().astype(np.int32)], 1)
    return mask


def _feature_mask(
    reference: Reference,
    face: Matrix,
    shape: tuple[int, ...],
    bottom: float | None,
    margin: float = 0.25,
) -> NDArray[np.uint8]:
    """Return where features of a reference are taken: the dry face and a margin around it."""
    low, high = face.min(axis=0), face.max(axis=0)
    wide = margin * float(max(high - low))
    floor = low[1] if bottom is None else max(low[1], bottom)
    corners = np.array(
        [
            [low[0] - wide, floor],
            [high[0] + wide, floor],
            [high[0] + wide, high[1] + wide],
            [low[0] - wide, high[1] + wide],
        ]
    )
    return _filled(project(reference.to_pixels, corners), shape)


def _around(to_pixels: Matrix, face: Matrix, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return where the face and its surroundings should be in the next picture."""
    middle = face.mean(axis=0)
    return _filled(project(to_pixels, middle + 2.0 * (face - middle)), shape)


def _filled(outline: Matrix, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    mask = np.zeros(shape[:2], np.uint8)
    clipped = np.clip(outline, -1e5, 1e5)
    cv2.fillPoly(mask, [clipped.round().astype(np.int32)], 255)
    return mask


def _correlation(strip: Strip, dry: Strip) -> float | None:
    """Return how alike the edges of two strips are where both are known, ``None`` where nowhere."""
    both = np.isfinite(strip) & np.isfinite(dry)
    rows = np.flatnonzero(both.mean(axis=1) > 0.5)
    if len(rows) < 12:
        return None
    # the upper half of what was dry then is the likeliest to be dry now
    rows = rows[: max(12, len(rows) // 2)]
    a, b = (
        _edges(np.nan_to_num(s[rows[0] : rows[-1] + 1], nan=float(np.nanmean(s))))
        for s in (strip, dry)
    )
    energy = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / energy if energy > 0 else 0.0


def _edges(part: Strip) -> Strip:
    smooth = cv2.GaussianBlur(part, (0, 0), 2.0)
    x = cv2.Sobel(smooth, cv2.CV_32F, 1, 0)
    y = cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    size = np.hypot(x, y)
    return np.asarray(size - size.mean(), np.float32)
