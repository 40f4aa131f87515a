"""A dock's pad: concrete, a lid in two halves that slide apart, and the marker under it.

Local coordinates are metres east and north of the dock; up is zero at the ground, and so is the pad.
"""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np

from missions.city import Dock
from sitl.errors import SimError
from sitl.scene.canvas import Box, Canvas, Face, Image, Texture, paste
from sitl.scene.view import View

PAD_M = 3.0
"""Edge of the pad and of the lid over it."""
FAR_M = 150.0
"""From farther away a dock is not drawn."""
_SMALL_PX = 1.0
"""A pad that looks smaller than this is not drawn."""
_BITS = 4
_MODULES = _BITS + 4
"""Along an edge: the code, its black border, and the white margin around that."""
_MODULE_TEXELS = 16
_FINE_PX = 200
"""Markers up to this wide are drawn finer and averaged: their corners are measured."""
_FINER = 4
_DICTIONARIES = (
    (50, cv2.aruco.DICT_4X4_50),
    (100, cv2.aruco.DICT_4X4_100),
    (250, cv2.aruco.DICT_4X4_250),
    (1000, cv2.aruco.DICT_4X4_1000),
)
"""Each holds the markers of the ones before it."""

X, Y = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)


class MarkerError(SimError, ValueError):
    """A marker that does not exist or does not fit on the pad."""


def marker_picture(number: int) -> Image:
    """Return a marker with its white margin, BGR; its edge is ``8 / 6`` of the black square's.

    Raises
    ------
    MarkerError
        If the dictionary has no such marker.
    """
    for size, name in _DICTIONARIES:
        if 0 <= number < size:
            book = cv2.aruco.getPredefinedDictionary(name)
            edge = (_BITS + 2) * _MODULE_TEXELS
            black = cv2.aruco.generateImageMarker(book, number, edge)
            white = cv2.copyMakeBorder(
                black, *(_MODULE_TEXELS,) * 4, cv2.BORDER_CONSTANT, value=255
            )
            return np.asarray(cv2.cvtColor(white, cv2.COLOR_GRAY2BGR))
    raise MarkerError(f"marker {number}: DICT_4X4_1000 has 0 to 999")


@lru_cache(maxsize=64)
def _marker(number: int, size_m: float) -> Texture:
    """Return a marker's texture, halved by averaging: other filters would shift its corners."""
    edge = size_m * _MODULES / (_BITS + 2)
    texture = Texture(marker_picture(number), edge, edge)
    while len(texture.levels) > 1:
        texture.levels.pop()
    while texture.levels[-1].shape[0] > 2 * _MODULES:
        last = texture.levels[-1]
        half = (last.shape[1] // 2, last.shape[0] // 2)
        texture.levels.append(cv2.resize(last, half, interpolation=cv2.INTER_AREA))
    return texture


@lru_cache(maxsize=1)
def _concrete() -> Texture:
    rng = np.random.default_rng(11)
    grey = rng.normal(128, 6, (96, 96)).clip(90, 170).astype(np.uint8)
    image = cv2.cvtColor(cv2.GaussianBlur(grey, (3, 3), 0), cv2.COLOR_GRAY2BGR)
    cv2.rectangle(image, (2, 2), (93, 93), (60, 190, 220), 2)
    return Texture(image, PAD_M, PAD_M)


@lru_cache(maxsize=1)
def _lid() -> Texture:
    image = np.full((96, 48, 3), (186, 180, 172), np.uint8)
    image[:, ::12] = (150, 146, 140)
    cv2.rectangle(image, (0, 0), (47, 95), (90, 90, 90), 1)
    return Texture(image, PAD_M / 2, PAD_M)


class Pad:
    """Draws one dock.

    Parameters
    ----------
    dock
        Its part of the city file.
    origin
        East and north of it in metres.

    Raises
    ------
    MarkerError
        If its marker does not exist, or with its margin is larger than the pad.
    """

    def __init__(self, dock: Dock, origin: tuple[float, float]) -> None:
        self.id = dock.id
        self.origin = origin
        self.open = 0.0
        """How far the lid is open: 0 to 1."""
        self._marker: Face | None = None
        if dock.marker is None:
            return
        edge = dock.marker.size_m * _MODULES / (_BITS + 2)
        if edge > PAD_M:
            raise MarkerError(
                f"dock {dock.id!r}: a marker of {dock.marker.size_m} m needs {edge:.2f} m with its "
                f"margin; the pad has {PAD_M} m"
            )
        x, y = origin
        texture = _marker(dock.marker.id, dock.marker.size_m)
        self._marker = Face((x - edge / 2, y - edge / 2, 0.0), X, Y, texture)

    def near(self, view: View) -> bool:
        """Whether it can be in the picture with something to see of it."""
        x, y = self.origin
        east, north, up = view.position
        away = math.dist((x, y, 0.0), (east, north, up))
        if away > FAR_M or up <= 0 or view.focal_px * PAD_M / away < _SMALL_PX:
            return False
        # a cone about the optical axis that holds the whole picture, and the pad's half diagonal
        ahead = float(np.dot(view.forward, (x - east, y - north, -up)))
        half = math.hypot(view.width_px, view.height_px) / 2 / view.focal_px
        aside = math.sqrt(max(0.0, away * away - ahead * ahead))
        return ahead > -PAD_M and aside <= max(0.0, ahead) * half + PAD_M

    def draw(self, canvas: Canvas) -> None:
        """Draw the pad, what is on it, and the lid as far as it covers them."""
        x, y = self.origin
        half = PAD_M / 2
        canvas.draw(Face((x - half, y - half, 0.0), X, Y, _concrete(), soft=False))
        if self._marker is not None and self.open > 0:
            _draw_fine(canvas, self._marker)
        covered = half * (1.0 - self.open)
        if covered > 0:
            outline = np.array([[0.0, 0.0], [covered, 0.0], [covered, PAD_M], [0.0, PAD_M]])
            canvas.draw(Face((x - half, y - half, 0.0), X, Y, _lid(), outline))
            canvas.draw(Face((x + half - covered, y - half, 0.0), X, Y, _lid(), outline))


def _draw_fine(canvas: Canvas, face: Face) -> None:
    """Draw a face; a small one in sub-pixels that are averaged, as a sensor's pixels do."""
    view = canvas.view
    if not face.faces(view):
        return
    outline = view.polygon(face.corners())
    box = canvas.box(outline)
    if box.empty:
        return
    width, height = box.x1 - box.x0, box.y1 - box.y0
    if max(width, height) > _FINE_PX:
        canvas.draw(face)
        return
    image, mask = _averaged(view, face, outline, box)
    paste(box.of(canvas.image), image, mask)


def _averaged(view: View, face: Face, outline: np.ndarray, box: Box) -> tuple[Image, Image]:
    """Return a face's picture in a box and how much of each pixel it covers, 0 to 255."""
    width, height, n = box.x1 - box.x0, box.y1 - box.y0, _FINER
    plane = view.plane(face.origin, face.u, face.v)
    span = float(np.ptp(outline, axis=0).max())
    image, to_metres = face.texture.level(n * span / face.texture.width_m)
    # the middle of the first sub-pixel lies (n - 1) / 2 sub-pixels before that of the first pixel
    finer = np.array(
        [
            [n, 0, (n - 1) / 2 - n * box.x0],
            [0, n, (n - 1) / 2 - n * box.y0],
            [0, 0, 1.0],
        ]
    )
    warped = cv2.warpPerspective(
        image, finer @ plane @ to_metres, (width * n, height * n), flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    small = cv2.resize(warped, (width, height), interpolation=cv2.INTER_AREA)
    return small, Canvas.mask(outline, box)
