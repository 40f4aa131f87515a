"""The ground that people stand on: how tall they look there, who is in the zone, how much is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon

from missions.geo import LocalFrame
from vision.camera import View
from vision.errors import DetectorError

Array = NDArray[np.float64]

STEEP_DEG = 60.0
"""People seen from more than this far above look like nothing that the detectors know."""
MIN_PERSON_PX = 12.0
"""People who look smaller than this cannot be told from anything else."""
MIN_SEEN = 0.6
"""Part of the zone that must be in the picture."""


@dataclass(frozen=True, slots=True)
class Zone:
    """The ground on which people are counted.

    Attributes
    ----------
    ring
        Corners as (longitude, latitude).
    person_height_m
        How tall people are.
    """

    ring: tuple[tuple[float, float], ...]
    frame: LocalFrame
    polygon: Polygon
    person_height_m: float

    @classmethod
    def of(cls, ring: Sequence[tuple[float, float]], person_height_m: float = 1.7) -> Zone:
        """Return the zone with this ring of (longitude, latitude).

        Raises
        ------
        missions.errors.GeometryError
            If the ring crosses itself or has no area.
        """
        lon, lat = (float(np.mean([p[i] for p in ring])) for i in (0, 1))
        frame = LocalFrame(lon, lat)
        return cls(tuple(ring), frame, frame.polygon(ring), person_height_m)


@dataclass(frozen=True, slots=True)
class Sight:
    """A zone as one picture shows it.

    Attributes
    ----------
    seen
        The part of the zone that is in the picture, east and north in metres.
    share
        How much of the zone that is, 0 to 1.
    nearest_px, farthest_px
        How tall people look at the near and the far end of it, pixels.
    depression_deg
        How far below the horizon its middle is seen.
    box
        Left, top, right, bottom of the pixels that people in it can cover.
    """

    zone: Zone
    view: View
    seen: Polygon
    share: float
    nearest_px: float
    farthest_px: float
    depression_deg: float
    box: tuple[int, int, int, int]

    def reason(self) -> str:
        """Return why people cannot be counted here, empty where they can."""
        if self.share < MIN_SEEN:
            return f"{self.share:.0%} of the zone is in the picture, {MIN_SEEN:.0%} are needed"
        if self.depression_deg > STEEP_DEG:
            return (
                f"seen from {self.depression_deg:.0f} degrees above, {STEEP_DEG:.0f} are the most"
            )
        if self.farthest_px < MIN_PERSON_PX:
            return f"people are {self.farthest_px:.0f} px tall, {MIN_PERSON_PX:.0f} px are needed"
        return ""

    def heights(self, feet: Array) -> Array:
        """Return how tall a person looks who stands at these pixels, NaN in the sky, shape (n,)."""
        return person_heights(self.view, feet, self.zone.person_height_m)

    def inside(self, feet: Array) -> NDArray[np.bool_]:
        """Return which of the people who stand at these pixels are in the seen part of the zone."""
        if not len(feet):
            return np.zeros(0, bool)
        points = self.view.to_plane(feet)
        points = np.nan_to_num(points, nan=1e9)
        return np.asarray(shapely.contains_xy(self.seen, points[:, 0], points[:, 1]), bool)


def look(zone: Zone, view: View) -> Sight:
    """Return how `view` shows `zone`; the view's frame must be the zone's."""
    footprint = Polygon(view.footprint(range_m=500.0))
    shown = zone.polygon.intersection(footprint.buffer(0))
    seen = max(shapely.get_parts(shown), key=lambda p: p.area, default=Polygon())
    share = float(shown.area / zone.polygon.area)
    if share < 0.01 or not isinstance(seen, Polygon):
        return Sight(zone, view, Polygon(), 0.0, 0.0, 0.0, 0.0, (0, 0, 0, 0))
    ground = shapely.segmentize(seen.exterior, 2.0)
    points = np.asarray(ground.coords)[:, :2]
    feet = view.plane_to_pixels(points)
    heads = view.plane_to_pixels(points, zone.person_height_m)
    tall = np.hypot(*(feet - heads).T)
    middle = np.array([seen.centroid.coords[0][:2]])
    u, v = view.plane_to_pixels(middle)[0]
    both = np.vstack([feet, heads])
    both = both[np.isfinite(both).all(axis=1)]
    margin = 0.5 * float(np.nanmax(tall))
    w, h = view.camera.width, view.camera.height
    low, high = both.min(axis=0) - margin, both.max(axis=0) + margin
    box = (
        int(np.clip(low[0], 0, w)), int(np.clip(low[1], 0, h)),
        int(np.clip(high[0], 0, w)), int(np.clip(high[1], 0, h)),
    )  # fmt: skip
    return Sight(
        zone,
        view,
        seen,
        share,
        float(np.nanmax(tall)),
        float(np.nanmin(tall)),
        view.depression_deg((u, v)),
        box,
    )


def person_heights(view: View, feet: Array, person_height_m: float) -> Array:
    """Return how many pixels tall people look who stand at the pixels `feet`, shape (n,)."""
    ground = view.to_plane(feet)
    heads = view.plane_to_pixels(np.nan_to_num(ground, nan=1e9), person_height_m)
    heights: Array = np.hypot(*(heads - feet).T)
    heights[~np.isfinite(ground).all(axis=1)] = np.nan
    return heights


def corners(text: str) -> list[tuple[float, float]]:
    """Return the ring that ``lon,lat lon,lat ...`` says.

    Raises
    ------
    DetectorError
        If it is not three or more pairs of numbers.
    """
    try:
        ring = [(float(lon), float(lat)) for lon, lat in (pair.split(",") for pair in text.split())]
    except ValueError as error:
        raise DetectorError(
            f"zone {text!r}: pairs 'lon,lat' parted by blanks are wanted"
        ) from error
    if len(ring) < 3:
        raise DetectorError(f"zone {text!r}: {len(ring)} corners, at least 3 are needed")
    return ring
