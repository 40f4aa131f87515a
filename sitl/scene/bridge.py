"""A river in its cutting, a bridge over it, and a flood board on the pier's south face.

Local coordinates are the site's: x east, y north of the board's centre in plan, z up from the
ground. The board stands at y = 0 and covers the station's datum 0 m to 6 m, and the ground is at
6 m on that datum, so a height h on the datum is z = h - 6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from sitl.scene import textures
from sitl.scene.canvas import Box, Canvas, Face, Image, Texture, fill
from sitl.scene.view import Floats, View

BOARD_WIDTH_M = 6.0
BOARD_HEIGHT_M = 6.0
BOW_TIES_M = textures.BOW_TIES_M
GROUND_DATUM_M = 6.0
"""Datum height of the ground; the datum is 4 m above mean sea level where the ground is at 10 m."""

SOUTH_BANK_M, NORTH_BANK_M, REACH_M = -165.0, 7.0, 1500.0
BED_M = -9.0
PIER = (-5.0, 27.0)
DECK = (10.0, 24.0)
DECK_TOP_M, DECK_BOTTOM_M = 2.0, 0.5
FIELD_M = 24.0
"""The wave field repeats after this."""
WATER_BGR = (60, 67, 58)
SKY_BGR = (222, 206, 188)

X, Y, Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Waves:
    """Small waves along the board: sums of sines, ``height_m`` at the most."""

    height_m: float

    def at(self, x_m: Floats, t: float) -> Floats:
        """Return the water's height above its mean along the board at a time in seconds."""
        parts = (
            0.5 * np.sin(2 * math.pi * (x_m / 2.9 - t / 1.9))
            + 0.3 * np.sin(2 * math.pi * (x_m / 1.3 + t / 1.3) + 1.0)
            + 0.2 * np.sin(2 * math.pi * (x_m / 0.6 - t / 0.8) + 2.0)
        )
        return self.height_m * parts


class Bridge:
    """Draws the river, what stands in it and what it mirrors.

    Parameters
    ----------
    origin
        East and north of the board's centre in metres.
    wave_m
        Greatest height of the waves at the board.
    seed
        Of the textures.
    """

    def __init__(self, origin: tuple[float, float], wave_m: float, seed: int) -> None:
        self.origin = origin
        self.waves = Waves(wave_m)
        self._board = textures.flood_board(seed, BOARD_WIDTH_M, BOARD_HEIGHT_M, 100)
        pier_width = PIER[1] - PIER[0]
        self._pier = textures.concrete(seed + 1, pier_width, 0.5 - BED_M, 60, (150, 156, 160))
        self._side = textures.concrete(seed + 2, 6.0, 0.5 - BED_M, 40, (122, 128, 132))
        self._wall = textures.concrete(seed + 3, 120.0, -BED_M, 16, (120, 126, 126))
        self._fascia = textures.concrete(
            seed + 4, 200.0, DECK_TOP_M - DECK_BOTTOM_M, 16, (140, 146, 150)
        )
        self._deck = self._road(seed + 5)
        self._soffit = textures.box_texture((70, 74, 76), DECK[1] - DECK[0], 200.0, seed + 8)
        self._top = textures.concrete(seed + 7, pier_width, 6.0, 40, (164, 168, 170), flat=True)
        self._ripples = textures.ripples(seed + 6)

    @staticmethod
    def _road(seed: int) -> Texture:
        width, length = DECK[1] - DECK[0], 200.0
        texture = textures.concrete(seed, width, length, 16, (92, 92, 94), flat=True)
        image = texture.levels[0]
        columns, rows = image.shape[1], image.shape[0]
        for x in (0.06, 0.94):
            c = round(x * columns)
            cv2.line(image, (c, 0), (c, rows), (228, 230, 230), 2)
        for y in range(0, rows, 96):
            cv2.line(image, (columns // 2, y), (columns // 2, y + 48), (228, 230, 230), 2)
        return Texture(image, width, length)

    def near(self, view: View) -> bool:
        """Whether the river can be in the picture."""
        x, y = view.position[0] - self.origin[0], view.position[1] - self.origin[1]
        return abs(x) < 2 * REACH_M and abs(y) < 1500.0

    def _face(
        self, x: float, y: float, z: float, u: tuple[float, float, float],
        v: tuple[float, float, float], texture: Texture, outline: Floats | None = None,
    ) -> Face:  # fmt: skip
        origin = (self.origin[0] + x, self.origin[1] + y, z)
        return Face(origin, u, v, texture, outline)

    def _waterline(self, level_m: float, t: float) -> tuple[Floats, Floats]:
        """Return x along the pier and the water's height (z) there."""
        x = np.arange(PIER[0], PIER[1] + 0.01, 0.25)
        return x, level_m - GROUND_DATUM_M + self.waves.at(x, t)

    def _standing(self, level_m: float, t: float) -> list[Face]:
        """Return what stands in the water, each cut at the waterline, farthest first."""
        x, z = self._waterline(level_m, t)
        line = np.column_stack([x - PIER[0], z - BED_M])
        width, height = self._pier.width_m, self._pier.height_m
        pier = np.vstack([line, [[width, height], [0, height]]])
        on_board = (x >= -BOARD_WIDTH_M / 2) & (x <= BOARD_WIDTH_M / 2)
        cut = np.column_stack([x[on_board] + BOARD_WIDTH_M / 2, z[on_board] + GROUND_DATUM_M])
        board = np.vstack([cut, [[BOARD_WIDTH_M, BOARD_HEIGHT_M], [0, BOARD_HEIGHT_M]]])
        surface = z.mean() - BED_M
        side = np.array([[0, surface], [6, surface], [6, height], [0, height]])
        width, height = self._wall.width_m, self._wall.height_m
        bank = np.array([[0, surface], [width, surface], [width, height], [0, height]])
        walls = [
            self._face(start, NORTH_BANK_M, BED_M, X, Z, self._wall, bank)
            for start in np.arange(-300.0, 300.0, self._wall.width_m)
        ]
        return [
            *walls,
            self._face(PIER[0], 6.0, BED_M, (0.0, -1.0, 0.0), Z, self._side, side),
            self._face(PIER[1], 0.0, BED_M, Y, Z, self._side, side),
            self._face(PIER[0], 0.0, BED_M, X, Z, self._pier, pier),
            self._face(-BOARD_WIDTH_M / 2, 0.0, -GROUND_DATUM_M, X, Z, self._board, board),
        ]

    def _sides(self) -> list[Face]:
        """Return the deck's west and east sides."""
        start = SOUTH_BANK_M - 15.0
        end = start + self._deck.height_m
        south = (0.0, -1.0, 0.0)
        return [
            self._face(DECK[0], end, DECK_BOTTOM_M, south, Z, self._fascia),
            self._face(DECK[1], start, DECK_BOTTOM_M, Y, Z, self._fascia),
        ]

    def _road_face(self) -> Face:
        return self._face(DECK[0], SOUTH_BANK_M - 15.0, DECK_TOP_M, X, Y, self._deck)

    def _under(self) -> Face:
        """Return the deck's underside, which only the water sees."""
        return self._face(DECK[0], SOUTH_BANK_M - 15.0, DECK_BOTTOM_M, X, Y, self._soffit)

    def _cap(self) -> Face:
        return self._face(PIER[0], 0.0, 0.5, X, Y, self._top)

    def draw_below(self, canvas: Canvas, level_m: float, t: float) -> None:
        """Draw the river and what stands in it; the ground on both banks is drawn after it."""
        standing = self._standing(level_m, t)
        z = level_m - GROUND_DATUM_M
        self._draw_water(canvas, standing, z, t)
        for face in standing:
            canvas.draw(face)

    def draw_above(self, canvas: Canvas) -> None:
        """Draw the bridge, which stands over the ground too."""
        canvas.draw(self._cap())
        for face in [*self._sides(), self._road_face()]:
            canvas.draw(face)

    def _draw_water(self, canvas: Canvas, standing: list[Face], z: float, t: float) -> None:
        view = canvas.view
        ox, oy = self.origin
        corners = [
            [ox - REACH_M, oy + SOUTH_BANK_M, z], [ox + REACH_M, oy + SOUTH_BANK_M, z],
            [ox + REACH_M, oy + NORTH_BANK_M, z], [ox - REACH_M, oy + NORTH_BANK_M, z],
        ]  # fmt: skip
        outline = view.polygon(corners)
        box = canvas.box(outline)
        if box.empty:
            return
        image = np.empty_like(canvas.image)
        fill(box.of(image), SKY_BGR)
        mirror = Canvas(image, view)
        for face in [*standing, *self._sides(), self._under()]:
            mirror.draw(face.mirrored(z), box)
        waves = self._wave_image(view, box, z, t)
        picture = _water(box.of(image), waves)
        cv2.copyTo(picture, canvas.mask(outline, box, soft=False), box.of(canvas.image))

    def _wave_image(self, view: View, box: Box, z: float, t: float) -> Image:
        """Return the wave field over a box of the picture: two drifting fields, added.

        It is worked out at half the resolution: waves are smooth.
        """
        width, height = box.x1 - box.x0, box.y1 - box.y0
        half = (max(1, width // 2), max(1, height // 2))
        shrink = np.array(
            [
                [half[0] / width, 0, -box.x0 * half[0] / width],
                [0, half[1] / height, -box.y0 * half[1] / height],
                [0, 0, 1.0],
            ]
        )
        out = np.zeros((half[1], half[0]), np.float32)
        for drift, scale in (((0.9, 0.25), 1.0), ((-0.55, 0.6), 0.37)):
            period = FIELD_M / scale
            origin = (
                self.origin[0] + (drift[0] * t) % period,
                self.origin[1] + (drift[1] * t) % period,
                z,
            )
            metres = FIELD_M / self._ripples.shape[0] / scale
            matrix = shrink @ view.plane(origin, X, Y) @ np.diag([metres, metres, 1.0])
            out += cv2.warpPerspective(
                self._ripples, matrix, half, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
            )
        return cv2.resize(out, (width, height), interpolation=cv2.INTER_LINEAR)


def _water(mirror: Image, waves: Image) -> Image:
    """Return what the eye sees of a mirror image through waves: bent, darkened, coloured."""
    rows, columns = waves.shape
    strength = np.linspace(1.0, 2.6, rows, dtype=np.float32)[:, None]
    x = np.arange(columns, dtype=np.float32)[None, :] + waves * 0.5
    y = np.arange(rows, dtype=np.float32)[:, None] + waves * strength
    bent = cv2.remap(mirror, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    toned = cv2.convertScaleAbs(bent, alpha=0.42)
    grey = np.clip(128 + 9 * waves, 0, 255).astype(np.uint8)
    relief = cv2.merge([grey, grey, grey])
    base = np.empty_like(bent)
    fill(base, WATER_BGR)
    return cv2.addWeighted(cv2.add(toned, base), 1.0, relief, 1.0, -128.0)
