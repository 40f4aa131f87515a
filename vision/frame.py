"""A picture with the time and the pose it was taken at, and what a detector makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vision.camera import Pose

Image = NDArray[np.uint8]
"""Shape (height, width, 3), blue-green-red."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture from a source.

    Attributes
    ----------
    image
        Shape (height, width, 3), blue-green-red, 8 bit.
    captured_at
        When it was taken: from the stream's metadata where it has them, else when it arrived.
    index
        Number of the picture since the source was started, from 0; a gap is a dropped picture.
    pose
        Where the camera was, ``None`` where the stream does not say.
    name
        File name of a single picture, else empty.
    """

    image: Image
    captured_at: datetime
    index: int
    pose: Pose | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a detector read from one frame.

    Attributes
    ----------
    value
        The number in `unit`; ``None`` where it could not be measured, and then `reason` says why.
    confidence
        0 to 1; 0 where it could not be measured.
    sigma
        Rough standard deviation in `unit`, ``None`` where unknown.
    details
        Numbers of the detector's own, ready for JSON.
    """

    captured_at: datetime
    unit: str
    value: float | None = None
    confidence: float = 0.0
    sigma: float | None = None
    reason: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.value is None) != bool(self.reason):
            raise ValueError(
                f"a measurement has a value or a reason: {self.value!r}, {self.reason!r}"
            )


class FrameDetector(Protocol):
    """Measures one thing in frames of one stream; keeps what it learns from frame to frame."""

    @property
    def name(self) -> str:
        """Name and version, as posted with a detection."""

    def measure(self, frame: Frame) -> Measurement:
        """Return what `frame` shows; never raises for a picture that shows nothing usable."""

    def overlay(self, frame: Frame) -> Image:
        """Return a copy of `frame`'s picture with the last measurement drawn in."""
