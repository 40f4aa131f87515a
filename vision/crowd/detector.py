"""How many people are in the picture, or how dense they stand in a zone of the ground."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vision.camera import View
from vision.crowd import people
from vision.crowd.ground import MIN_PERSON_PX, Sight, Zone, look, person_heights
from vision.crowd.hog import HogDetector
from vision.crowd.motion import MotionDetector, people_in
from vision.crowd.network import NetworkDetector
from vision.crowd.occlusion import corrected_density
from vision.crowd.people import Boxes
from vision.crowd.size import LearntSize, Size
from vision.errors import GeometryError
from vision.frame import Frame, Image, Measurement
from vision.overlay import caption

SURE = 0.6
"""HOG score that needs no motion to support it."""
SUPPORTED = 0.1
"""HOG score that motion must support."""
GROW = 1.0
"""How far around an outline motion is explained by it."""
NMS = 0.45
MOVING_SHARE = 0.2
"""Part of a box that must move to support a weak outline."""
MEDIAN_OF = 5
MEDIAN_WITHIN_S = 4.0
GUESS_PX = 72.0
"""How tall people are taken to be at first where there is no pose."""
STEEP_PITCH_DEG = 60.0
UPRIGHT = 1.35
"""Height over width of the median box, under which people are seen from above."""


class CrowdDetector:
    """Counts people in frames of one camera.

    With a zone and a pose the result is people per square metre over the part of the zone that is
    seen; without, it is a count of the people in the picture.

    Parameters
    ----------
    zone
        The ground on which people are counted.
    model
        ONNX network in place of the built-in detector.
    person_px
        How tall people look, where there is no pose to tell; learnt where not given.
    person_height_m
        How tall people are.
    """

    def __init__(
        self,
        zone: Zone | None = None,
        *,
        model: Path | None = None,
        person_px: float | None = None,
        person_height_m: float = 1.7,
    ) -> None:
        self.zone = zone
        self._person_height_m = zone.person_height_m if zone else person_height_m
        self._network = NetworkDetector(model) if model else None
        self._hog = HogDetector()
        self._motion = MotionDetector()
        self._fixed_px = person_px
        self._learnt = LearntSize(person_px or GUESS_PX)
        self._recent: deque[tuple[datetime, float]] = deque(maxlen=MEDIAN_OF)
        self.boxes: Boxes = people.none()
        self._sight: Sight | None = None
        self._said = ""

    @property
    def name(self) -> str:
        """Name and version, as posted with a detection."""
        return "crowd-yolox/1" if self._network else "crowd-hog-motion/1"

    @property
    def unit(self) -> str:
        """Unit of the measurement."""
        return "1/m2" if self.zone else "people"

    def measure(self, frame: Frame) -> Measurement:
        """Return the density in the zone, or the count where there is no zone, or why neither."""
        self.boxes, self._sight = people.none(), None
        view, problem = self._view(frame)
        if problem:
            return self._cannot(frame, problem)
        if self.zone is None:
            return self._count(frame, view)
        if view is None:
            return self._cannot(
                frame, "the stream has no pose, so people cannot be put on the ground"
            )
        sight = look(self.zone, view)
        self._sight = sight
        problem = sight.reason()
        if problem:
            return self._cannot(frame, problem)
        return self._density(frame, sight)

    def overlay(self, frame: Frame) -> Image:
        """Return a copy of the picture with the people and the zone drawn in."""
        image = frame.image.copy()
        if self._sight is not None and not self._sight.seen.is_empty:
            edge = np.asarray(self._sight.seen.segmentize(1.0).exterior.coords)[:, :2]
            outline = self._sight.view.plane_to_pixels(edge)
            if np.isfinite(outline).all():
                cv2.polylines(
                    image, [np.rint(outline).astype(np.int32)], True, (0, 255, 255), 1, cv2.LINE_AA
                )
        for x, y, w, h, _ in self.boxes:
            cv2.rectangle(image, (int(x), int(y)), (int(x + w), int(y + h)), (0, 255, 0), 1)
        caption(image, self._said)
        return image

    def _view(self, frame: Frame) -> tuple[View | None, str]:
        if frame.pose is None:
            return None, ""
        height, width = frame.image.shape[:2]
        try:
            view = View.of(frame.pose, width, height, self.zone.frame if self.zone else None)
        except GeometryError as error:
            return None, f"the pose cannot be used: {error}"
        steep = view.depression_deg((width / 2, height / 2))
        if self.zone is None and steep > STEEP_PITCH_DEG:
            return (
                None,
                f"the camera looks {steep:.0f} degrees down, {STEEP_PITCH_DEG:.0f} are the most",
            )
        return view, ""

    def _density(self, frame: Frame, sight: Sight) -> Measurement:
        assert self.zone is not None
        boxes = self._find(frame.image, sight, (sight.farthest_px, sight.nearest_px), sight.box)
        self.boxes = boxes[sight.inside(people.feet(boxes))]
        area = float(sight.seen.area)
        density = corrected_density(sight, self.boxes)
        count = self._steady_count(frame.captured_at, density) * area
        details = {
            "people": len(self.boxes),
            "people_with_hidden": round(count, 1),
            "zone_seen": round(sight.share, 2),
            "area_m2": round(area, 1),
            "person_px": [round(sight.farthest_px), round(sight.nearest_px)],
            "depression_deg": round(sight.depression_deg, 1),
        }
        # people under 50 px tall are found less and less often: INDEX of recall by height
        trust = float(np.clip((sight.farthest_px - 8) / 40, 0.1, 1.0)) * sight.share
        return self._said_so(frame, count / area, trust, details, count / area * 0.2)

    def _count(self, frame: Frame, view: View | None) -> Measurement:
        size: Size = self._learnt
        tall = self._learnt.range_px
        if view is not None:
            height, width = frame.image.shape[:2]
            column = np.column_stack([np.full(8, width / 2), np.linspace(height / 4, height, 8)])
            heights = person_heights(view, column, self._person_height_m)
            seen = heights[np.isfinite(heights)]
            if not len(seen) or seen.max() < MIN_PERSON_PX:
                return self._cannot(
                    frame, f"people would be under {MIN_PERSON_PX:.0f} px tall in this picture"
                )
            size = _Posed(view, self._person_height_m)
            tall = (max(MIN_PERSON_PX, float(seen.min())), float(seen.max()))
        self.boxes = self._find(frame.image, size, tall, None)
        problem = "" if view is not None else self._doubt()
        if problem:
            return self._cannot(frame, problem)
        # pictures of a folder have nothing to do with each other
        count = float(len(self.boxes))
        count = count if frame.name else self._steady_count(frame.captured_at, count)
        details: dict[str, Any] = {"people": len(self.boxes), "person_px": [round(t) for t in tall]}
        return self._said_so(
            frame, count, 0.6 if view is not None else 0.4, details, max(1.0, 0.2 * count)
        )

    def _doubt(self) -> str:
        """Return why a count without a pose would be a guess, empty where it is not."""
        if self._network is None and self._fixed_px is None and not self._learnt.known:
            return (
                "how tall people look is not known: no pose, and too few were seen yet to learn it"
            )
        if not len(self.boxes) and not self._recent:
            return "nobody was found, and without a pose that does not mean that nobody is there"
        if self._network is None:
            return ""
        if len(self.boxes) and float(np.median(self.boxes[:, 3] / self.boxes[:, 2])) < UPRIGHT:
            return "people look as from straight above, where the network does not know them"
        return ""

    def _find(
        self,
        image: Image,
        size: Size,
        tall: tuple[float, float],
        box: tuple[int, int, int, int] | None,
    ) -> Boxes:
        if self._network is not None:
            unknown = self.zone is None and self._fixed_px is None
            return self._network.find(
                image, 1e6 if unknown else float(np.sqrt(tall[0] * tall[1])), box
            )
        moving = self._motion.moving(image)
        outlines = _right_size(self._hog.find(image, *tall, threshold=SUPPORTED, box=box), size)
        if self._fixed_px is None and self.zone is None:
            self._learnt.learn(outlines[outlines[:, 4] > 2 * SURE])
        if moving is None:
            return outlines[outlines[:, 4] >= SURE / 2]
        share = np.array([_share(moving, b) for b in outlines])
        kept = outlines[(outlines[:, 4] >= SURE) | (share >= MOVING_SHARE)]
        for x, y, w, h, _ in kept:  # what is explained by an outline is not counted again
            left, right = int(x - GROW * 0.15 * w), int(x + (1 + GROW * 0.15) * w)
            top, bottom = int(y - GROW * 0.1 * h), int(y + (1 + GROW * 0.1) * h)
            moving[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = 0
        return people.suppress(people.joined(kept, _apart(people_in(moving, size), kept)), NMS)

    def _steady_count(self, at: datetime, value: float) -> float:
        """Return the median over a short time."""
        self._recent.append((at, value))
        since = at - timedelta(seconds=MEDIAN_WITHIN_S)
        return float(np.median([v for t, v in self._recent if since <= t <= at]))

    def _said_so(
        self, frame: Frame, value: float, trust: float, details: dict[str, Any], sigma: float
    ) -> Measurement:
        self._said = f"{value:.3g} {self.unit}  {len(self.boxes)} people"
        if self._network is not None:
            details["lower_bound"] = True
        return Measurement(
            frame.captured_at,
            self.unit,
            round(value, 4),
            round(trust, 2),
            round(sigma, 4),
            details=details,
        )

    def _cannot(self, frame: Frame, reason: str) -> Measurement:
        self._said = reason
        return Measurement(frame.captured_at, self.unit, reason=reason)


class _Posed:
    """How tall people look, from the pose alone."""

    def __init__(self, view: View, person_height_m: float) -> None:
        self._view = view
        self._height_m = person_height_m

    def heights(self, feet: people.Boxes) -> people.Boxes:
        return person_heights(self._view, feet, self._height_m)


def _right_size(boxes: Boxes, size: Size, ratio: tuple[float, float] = (0.65, 1.55)) -> Boxes:
    """Return the boxes that are as tall as people look where they stand."""
    if not len(boxes):
        return boxes
    expected = size.heights(people.feet(boxes))
    with np.errstate(invalid="ignore"):
        relative = boxes[:, 3] / expected
        return boxes[(relative >= ratio[0]) & (relative <= ratio[1])]


def _apart(blobs: Boxes, outlines: Boxes, most: float = 0.5) -> Boxes:
    """Return the blobs that no outline explains: those not covered by one for more than `most`."""
    kept = [b for b in blobs if not len(outlines) or people.covered(b, outlines).max() <= most]
    return np.array(kept).reshape(-1, 5)


def _share(moving: people.Boxes | Image, box: people.Boxes) -> float:
    x, y, w, h = (max(0, int(v)) for v in box[:4])
    part = moving[y : y + h, x : x + w]
    return float((part > 0).mean()) if part.size else 0.0
