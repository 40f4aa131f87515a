"""The station file: which structure the water stands at, and how it looks when nothing is wrong.

.. code-block:: yaml

    station: zhangzhou-bridge
    datum: "Yellow Sea 1985"
    fixed: false                       # true: the camera does not move
    references:
      - file: bridge-day.jpg           # relative to the station file
        points:                        # pixel (column, row) <-> metres (along, height on the datum)
          - {px: [412.0, 180.5], at_m: [0.0, 6.0]}
          - ...                        # four or more, all on the face
    face: [[0.0, 0.0], [6.0, 0.0], [6.0, 6.0], [0.0, 6.0]]
    levels: {normal_m: 2.0, warning_m: 3.5, danger_m: 4.5}

A pixel's centre has whole coordinates: the middle of the picture's first pixel is ``[0, 0]``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from vision.errors import SourceError, StationError
from vision.frame import Image
from vision.source import read_picture

Matrix = NDArray[np.float64]
"""A homography, shape (3, 3)."""

MAX_MISFIT_PX = 4.0
"""Control points of a reference may lie this far off the plane through them, root mean square."""

Pair = Annotated[tuple[float, float], Field(description="two numbers")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ControlPoint(_Part):
    """A point of the face whose place in the picture is known."""

    px: Pair = Field(description="pixel (column, row) in the reference picture")
    at_m: Pair = Field(description="metres (along the structure, height on the datum)")


class ReferenceEntry(_Part):
    """A picture of the structure with its control points."""

    file: str = Field(min_length=1, description="picture, relative to the station file")
    points: tuple[ControlPoint, ...] = Field(min_length=4)


class Levels(_Part):
    """Levels of the river, metres on the datum, rising."""

    normal_m: float
    warning_m: float
    danger_m: float

    @model_validator(mode="after")
    def _rise(self) -> Levels:
        if not self.normal_m < self.warning_m < self.danger_m:
            raise ValueError(
                f"normal_m {self.normal_m}, warning_m {self.warning_m}, danger_m {self.danger_m} must rise"
            )
        return self


class StationFile(_Part):
    """What a station file says."""

    station: str = Field(min_length=1, max_length=64)
    datum: str = Field(default="", description="what heights are measured on, in words")
    fixed: bool = Field(default=False, description="the camera does not move")
    references: tuple[ReferenceEntry, ...] = Field(min_length=1, max_length=16)
    face: tuple[Pair, ...] = Field(
        min_length=3, description="outline of the part that is read, (along, height) metres"
    )
    levels: Levels

    @model_validator(mode="after")
    def _has_area(self) -> StationFile:
        outline = np.array(self.face, np.float32)
        if cv2.contourArea(outline) < 1e-4:
            raise ValueError(f"face {[list(p) for p in self.face]} has no area")
        return self


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference picture and where the face lies in it.

    Attributes
    ----------
    to_pixels
        (along, height) metres -> pixel of this picture.
    """

    name: str
    image: Image
    to_pixels: Matrix


@dataclass(frozen=True, slots=True)
class Station:
    """A station with its pictures, ready to measure against."""

    file: StationFile
    references: tuple[Reference, ...]

    @property
    def face(self) -> Matrix:
        """Outline of the part that is read, (along, height) metres, shape (n, 2)."""
        return np.array(self.file.face, float)


def load(path: Path) -> Station:
    """Read a station file and the pictures it names.

    Raises
    ------
    StationError
        Naming the file, the key and the value.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise StationError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StationError(f"{path}: is no text") from error
    try:
        raw = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise StationError(f"{path}: is no YAML: {' '.join(str(error).split())}") from error
    return build(raw, lambda name: read_picture(path.parent / name), where=str(path))


def build(raw: Any, picture: Callable[[str], Image], *, where: str) -> Station:
    """Return the station that `raw` (what YAML or JSON held) describes.

    Parameters
    ----------
    picture
        Returns the picture of a name, raises SourceError where it cannot.
    where
        Name of the file or address, for messages.

    Raises
    ------
    StationError
        Naming the key and the value.
    """
    if not isinstance(raw, dict):
        raise StationError(
            f"{where}: holds {type(raw).__name__}, a mapping with the key `station` is wanted"
        )
    try:
        file = StationFile.model_validate(raw)
    except ValidationError as error:
        raise StationError(_explained(error, where)) from error
    references = []
    for index, entry in enumerate(file.references):
        try:
            image = picture(entry.file)
        except SourceError as error:
            raise StationError(f"{where}: references.{index}.file: {error}") from error
        try:
            references.append(Reference(entry.file, image, _fit(entry)))
        except ValueError as error:
            raise StationError(f"{where}: references.{index}.points: {error}") from error
    return Station(file, tuple(references))


def project(matrix: Matrix, points: Matrix) -> Matrix:
    """Return `points`, shape (n, 2), moved by the homography `matrix`."""
    p = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    moved: Matrix = p[:, :2] / p[:, 2:]
    return moved


def _fit(entry: ReferenceEntry) -> Matrix:
    """Return metres -> pixels through the control points, by least squares."""
    metres = np.array([p.at_m for p in entry.points], float)
    pixels = np.array([p.px for p in entry.points], float)
    for name, points in (("at_m", metres), ("px", pixels)):
        flat = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
        if flat[1] < 0.02 * flat[0] or len(np.unique(points, axis=0)) < 4:
            raise ValueError(
                f"{name} of the points lie on one line, or are fewer than 4 different ones"
            )
    matrix, _ = cv2.findHomography(metres, pixels, 0)
    if matrix is None:
        raise ValueError("no plane goes through the points")
    misfit = float(
        np.sqrt(((project(np.asarray(matrix, float), metres) - pixels) ** 2).sum(axis=1).mean())
    )
    if not misfit <= MAX_MISFIT_PX:
        raise ValueError(
            f"points lie {misfit:.1f} px off the plane through them, {MAX_MISFIT_PX} are allowed"
        )
    return np.asarray(matrix, float)


def _explained(error: ValidationError, where: str) -> str:
    lines = []
    for one in error.errors()[:8]:
        key = ".".join(str(part) for part in one["loc"]) or "station file"
        value = repr(one["input"])
        value = value if len(value) <= 80 else value[:77] + "..."
        said = one["msg"].removeprefix("Value error, ")
        lines.append(
            f"{key}: {said}"
            + ("" if one["type"] in ("missing", "value_error") else f", not {value}")
        )
    more = error.error_count() - len(lines)
    return f"{where}: " + "; ".join(lines) + (f"; and {more} more" if more > 0 else "")
