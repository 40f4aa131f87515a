"""Draws textured flat faces into a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sitl.scene.view import Floats, View

Image = npt.NDArray[Any]
"""Picture of 8-bit channels. OpenCV's stubs do not say which integers come back, hence Any."""

_SHIFT = 4  # fractional bits of polygon corners
_FINER = (2, 4)  # columns and rows of a soft mask in one of the picture


class Texture:
    """A picture that covers ``width_m`` x ``height_m``, with halved copies against flicker.

    Parameters
    ----------
    image
        BGR picture; its first row is the *top* (largest v) of a face.
    width_m, height_m
        What it covers.
    """

    def __init__(self, image: Image, width_m: float, height_m: float) -> None:
        self.levels: list[Image] = [image]
        while min(self.levels[-1].shape[:2]) > 16:
            self.levels.append(cv2.pyrDown(self.levels[-1]))
        self.width_m = width_m
        self.height_m = height_m

    def level(self, px_per_m: float) -> tuple[Image, Floats]:
        """Return the copy that fits a scale, and the matrix from its pixels to metres (u, v)."""
        own = self.levels[0].shape[1] / self.width_m
        index = round(math.log2(max(1.0, own / max(px_per_m, 1e-6))) - 0.25)
        image = self.levels[min(max(index, 0), len(self.levels) - 1)]
        rows, columns = image.shape[:2]
        x, y = self.width_m / columns, self.height_m / rows
        return image, np.array([[x, 0, x / 2], [0, -y, self.height_m - y / 2], [0, 0, 1.0]])


@dataclass(frozen=True)
class Face:
    """A flat rectangle in the world: origin (lower left), unit axes u and v, a texture.

    ``outline`` in metres (u, v) cuts it; without one the whole texture is drawn. ``two_sided``
    faces are drawn from behind too; ``soft`` ones have smooth edges.
    """

    origin: tuple[float, float, float]
    u: tuple[float, float, float]
    v: tuple[float, float, float]
    texture: Texture
    outline: Floats | None = None
    two_sided: bool = False
    soft: bool = True

    def corners(self) -> Floats:
        """Return the outline as (N, 3) points of the world."""
        w, h = self.texture.width_m, self.texture.height_m
        flat = (
            self.outline if self.outline is not None else np.array([[0, 0], [w, 0], [w, h], [0, h]])
        )
        return (
            np.asarray(self.origin)
            + flat[:, :1] * np.asarray(self.u)
            + flat[:, 1:] * np.asarray(self.v)
        )

    def mirrored(self, up_m: float) -> Face:
        """Return the face as water at ``up_m`` mirrors it."""
        o, u, v = self.origin, self.u, self.v
        return Face(
            (o[0], o[1], 2 * up_m - o[2]),
            (u[0], u[1], -u[2]),
            (v[0], v[1], -v[2]),
            self.texture,
            self.outline,
            two_sided=True,
            soft=False,
        )

    def faces(self, view: View) -> bool:
        """Whether its front can be seen from where the view is."""
        (ux, uy, uz), (vx, vy, vz), (ox, oy, oz) = self.u, self.v, self.origin
        x, y, z = view.position
        normal = (uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx)
        toward = normal[0] * (x - ox) + normal[1] * (y - oy) + normal[2] * (z - oz)
        return self.two_sided or toward > 0


@dataclass
class Box:
    """A part of the picture: columns x0..x1 and rows y0..y1, half open."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def empty(self) -> bool:
        """Whether nothing is in it."""
        return self.x1 <= self.x0 or self.y1 <= self.y0

    def within(self, other: Box) -> Box:
        """Return what two boxes share."""
        return Box(
            max(self.x0, other.x0),
            max(self.y0, other.y0),
            min(self.x1, other.x1),
            min(self.y1, other.y1),
        )

    def of(self, image: Image) -> Image:
        """Return this part of an image, not copied."""
        return image[self.y0 : self.y1, self.x0 : self.x1]


@dataclass
class Canvas:
    """The picture that is being drawn."""

    image: Image
    view: View
    _all: Box = field(init=False)

    def __post_init__(self) -> None:
        self._all = Box(0, 0, self.image.shape[1], self.image.shape[0])

    def box(self, outline: Floats) -> Box:
        """Return the part of the picture that an outline in pixels touches."""
        if len(outline) < 3:
            return Box(0, 0, 0, 0)
        low = np.floor(outline.min(axis=0)).astype(int)
        high = np.ceil(outline.max(axis=0)).astype(int) + 1
        return Box(low[0], low[1], high[0], high[1]).within(self._all)

    @staticmethod
    def mask(outline: Floats, box: Box, *, soft: bool = True) -> Image:
        """Return the outline filled, 0 to 255, in a box of the picture.

        Soft edges are drawn finer and averaged: OpenCV's own smooth polygons are up to a pixel too
        large, which at a flood board is 2 cm of water.
        """
        x, y = _FINER if soft else (1, 1)
        width, height = box.x1 - box.x0, box.y1 - box.y0
        mask = np.zeros((height * y, width * x), np.uint8)
        points = (outline - [box.x0 - 0.5, box.y0 - 0.5]) * [x, y] - 0.5
        fixed = np.round(points * (1 << _SHIFT)).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, cv2.LINE_8, _SHIFT)
        return cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA) if soft else mask

    def draw(self, face: Face, within: Box | None = None) -> None:
        """Draw a face over what is there; with ``within``, only that part of the picture."""
        if not face.faces(self.view):
            return
        outline = self.view.polygon(face.corners())
        box = self.box(outline)
        if within is not None:
            box = box.within(within)
        if box.empty:
            return
        plane = self.view.plane(face.origin, face.u, face.v)
        image, to_metres = face.texture.level(_px_per_m(plane, outline))
        shift = np.array([[1, 0, -box.x0], [0, 1, -box.y0], [0, 0, 1.0]])
        warped = cv2.warpPerspective(
            image,
            shift @ plane @ to_metres,
            (box.x1 - box.x0, box.y1 - box.y0),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        mask = self.mask(outline, box, soft=face.soft)
        if face.soft:
            paste(box.of(self.image), warped, mask)
        else:
            cv2.copyTo(warped, mask, box.of(self.image))

    def draw_layers(self, faces: list[Face]) -> None:
        """Draw faces that lie on each other, last on top, none of them where it will be covered."""
        covered: Image = np.zeros(self.image.shape[:2], np.uint8)
        plan: list[tuple[Face, Box]] = []
        for face in reversed(faces):
            outline = self.view.polygon(face.corners())
            if self.box(outline).empty or not face.faces(self.view):
                continue
            mask = self.mask(outline, self._all, soft=False)
            x, y, w, h = cv2.boundingRect(cv2.subtract(mask, covered))
            if w and h:
                plan.append((face, Box(x, y, x + w, y + h)))
            covered = cv2.max(covered, mask)
        for face, box in reversed(plan):
            self.draw(face, box)


def fill(image: Image, colour: tuple[int, int, int]) -> None:
    """Fill a picture with one colour."""
    cv2.rectangle(image, (0, 0), (image.shape[1], image.shape[0]), colour, -1)


def _px_per_m(plane: Floats, outline: Floats) -> float:
    """Return how many pixels a metre has in the middle of an outline.

    It is the root of the change of area that the homography makes there.
    """
    middle = np.linalg.solve(plane, [*outline.mean(axis=0), 1.0])
    if abs(middle[2]) < 1e-12:
        return 1.0
    depth = float(plane[2] @ (middle / middle[2]))
    return math.sqrt(abs(float(np.linalg.det(plane))) / max(abs(depth) ** 3, 1e-9))


def paste(target: Image, source: Image, mask: Image) -> None:
    """Put a source over a target where a mask of 0 to 255 says; the target is changed."""
    edge = cv2.findNonZero(cv2.inRange(mask, 1, 254))
    if edge is not None:
        columns, rows = edge.reshape(-1, 2).T
        weight = mask[rows, columns].astype(np.float32)[:, None] / 255
        mixed = source[rows, columns] * weight + target[rows, columns] * (1 - weight)
        target[rows, columns] = mixed.astype(np.uint8)
    cv2.copyTo(source, cv2.inRange(mask, 255, 255), target)
