"""Procedural textures: city ground, concrete, paving, flood board, water noise. BGR, daylight."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from sitl.scene.canvas import Image, Texture

Colour = tuple[float, float, float]


def noise(
    rng: np.random.Generator, rows: int, columns: int, octaves: tuple[tuple[int, float], ...]
) -> npt.NDArray[np.float32]:
    """Return smooth noise about zero that repeats at its edges.

    ``octaves`` are (cells across, amplitude) pairs; cells are cubic-interpolated.
    """
    out = np.zeros((rows, columns), np.float32)
    for cells, amplitude in octaves:
        down = max(2, round(cells * rows / columns))
        grid = rng.standard_normal((down, cells)).astype(np.float32)
        grid = np.pad(grid, 2, mode="wrap")
        scale_y, scale_x = rows / down, columns / cells
        big = cv2.resize(
            grid,
            (round((cells + 4) * scale_x), round((down + 4) * scale_y)),
            interpolation=cv2.INTER_CUBIC,
        )
        y, x = round(2 * scale_y), round(2 * scale_x)
        out += amplitude * big[y : y + rows, x : x + columns]
    return out


def shade(colour: Colour, relief: npt.NDArray[np.float32]) -> Image:
    """Return a colour with a relief (grey levels) added to all channels."""
    return np.clip(np.asarray(colour, np.float32) + relief[..., None], 0, 255).astype(np.uint8)


def _roof(rng: np.random.Generator, image: Image, x: int, y: int, w: int, h: int) -> None:
    colours = [(150, 150, 158), (96, 110, 170), (170, 165, 150), (120, 120, 126), (90, 96, 140)]
    base = np.array(colours[rng.integers(len(colours))], np.float32) + rng.normal(0, 8, 3)
    cv2.rectangle(image, (x + 6, y + 8), (x + w + 8, y + h + 9), (52, 54, 56), -1)  # shadow
    cv2.rectangle(image, (x, y), (x + w, y + h), base.tolist(), -1)
    cv2.rectangle(image, (x, y), (x + w, y + h), (base * 0.7).tolist(), 2)
    if rng.random() < 0.5:  # a ridge with a darker side
        cv2.rectangle(
            image, (x + 2, y + h // 2), (x + w - 2, y + h - 2), (base * 0.82).tolist(), -1
        )
    for _ in range(int(rng.integers(1, 5))):  # tanks, hatches, solar panels
        px, py = x + int(rng.integers(4, max(5, w - 16))), y + int(rng.integers(4, max(5, h - 12)))
        tone = float(rng.choice([60, 200, 225, 110]))
        cv2.rectangle(
            image, (px, py), (px + int(rng.integers(5, 14)), py + 8), (tone, tone, tone * 0.95), -1
        )


def _tree(rng: np.random.Generator, image: Image, x: int, y: int, r: int) -> None:
    cv2.circle(image, (x + r // 3, y + r // 2), r, (40, 48, 44), -1, cv2.LINE_AA)
    for _ in range(9):
        dx, dy = rng.normal(0, r / 2.4, 2)
        tone = rng.uniform(0.7, 1.25)
        colour = (48 * tone, 96 * tone, 70 * tone)
        cv2.circle(image, (int(x + dx), int(y + dy)), max(2, int(r * 0.5)), colour, -1, cv2.LINE_AA)


BOW_TIES_M = (2.3, 4.4)
"""Middles of the flood board's bow-ties along it; one stands at each half metre."""
CITY_TILE_M = 102.4


def _city_tile(rng: np.random.Generator) -> Image:
    """Return one block of the city, 1024 px, roads along its edges so that it repeats."""
    size = 1024
    relief = noise(rng, size, size, ((8, 6), (64, 5), (256, 5))) + rng.normal(
        0, 4, (size, size)
    ).astype(np.float32)
    image = shade((128, 136, 138), relief)
    for _ in range(70):
        x, y = (int(v) for v in rng.integers(70, size - 70, 2))
        _tree(rng, image, x, y, int(rng.integers(10, 24)))
    for bx in range(90, size - 200, 214):
        for by in range(90, size - 170, 190):
            if rng.random() < 0.82:
                w, h = int(rng.integers(110, 175)), int(rng.integers(90, 140))
                _roof(
                    rng, image, bx + int(rng.integers(0, 22)), by + int(rng.integers(0, 26)), w, h
                )
    road = shade((96, 94, 92), noise(rng, size, size, ((32, 4), (256, 5))))
    band = np.zeros((size, size), bool)
    for strip in (slice(0, 40), slice(size - 40, size)):
        band[strip] = band[:, strip] = True
    image[band] = road[band]
    for k in range(0, size, 64):  # lane marks on the tile's border lines
        cv2.rectangle(image, (k, 0), (k + 30, 1), (225, 228, 228), -1)
        cv2.rectangle(image, (0, k), (1, k + 30), (225, 228, 228), -1)
    for edge in (44, size - 46):
        cv2.rectangle(image, (40, edge), (size - 40, edge + 2), (172, 172, 170), -1)
        cv2.rectangle(image, (edge, 40), (edge + 2, size - 40), (172, 172, 170), -1)
    return image


@lru_cache(maxsize=2)
def city(seed: int) -> tuple[Texture, Texture]:
    """Return the ground near (0.1 m a pixel, 3 x 3 tiles) and far (0.8 m, 24 x 24 tiles)."""
    tile = _city_tile(np.random.default_rng(seed))
    small = tile
    for _ in range(3):
        small = cv2.pyrDown(small)
    near = np.ascontiguousarray(np.tile(tile, (3, 3, 1)))
    far = np.ascontiguousarray(np.tile(small, (24, 24, 1)))
    return (
        Texture(near, 3 * CITY_TILE_M, 3 * CITY_TILE_M),
        Texture(far, 24 * CITY_TILE_M, 24 * CITY_TILE_M),
    )


def concrete(
    seed: int,
    width_m: float,
    height_m: float,
    px_per_m: float,
    colour: Colour,
    *,
    flat: bool = False,
) -> Texture:
    """Return weathered concrete with formwork joints, stains and, where it stands, streaks."""
    rng = np.random.default_rng(seed)
    rows, columns = round(height_m * px_per_m), round(width_m * px_per_m)
    cells = max(4, round(width_m))
    relief = noise(rng, rows, columns, ((cells, 7), (cells * 4, 6), (cells * 14, 5)))
    streaks = noise(rng, 4, columns, ((max(8, cells * 5), 7),))[:1] * (0.0 if flat else 1.0)
    relief += streaks * np.linspace(1, 0.3, rows, dtype=np.float32)[:, None]
    image = shade(colour, relief + rng.normal(0, 3, (rows, columns)).astype(np.float32))
    dark = tuple(0.72 * c for c in colour)
    step = round(1.5 * px_per_m)
    for k, y in enumerate(range(step // 2, rows, step)):
        cv2.line(image, (0, y), (columns, y), dark, 1)
        for x in range(step if k % 2 else 2 * step, columns, 2 * step):
            cv2.line(image, (x, y), (x, min(rows, y + step)), dark, 1)
            cv2.circle(image, (x - step // 2, y + step // 2), 2, dark, -1)
    for _ in range(int(width_m * height_m / 3)):  # patches of repair
        x, y = int(rng.integers(columns)), int(rng.integers(rows))
        w, h = (int(v) for v in rng.uniform(0.15, 0.7, 2) * px_per_m)
        part = image[y : y + h, x : x + w].astype(np.float32) + rng.choice([-24, -16, 14, 20])
        image[y : y + h, x : x + w] = np.clip(part, 0, 255).astype(np.uint8)
    return Texture(image, width_m, height_m)


def paving(seed: int, width_m: float, height_m: float, px_per_m: float) -> Texture:
    """Return a square of stone slabs with stains and chewing gum, bright enough to see people on."""
    rng = np.random.default_rng(seed)
    rows, columns = round(height_m * px_per_m), round(width_m * px_per_m)
    slab = 0.6
    down, across = int(np.ceil(height_m / slab)), int(np.ceil(width_m / slab))
    tones = rng.normal(0, 4.5, (down, across)).astype(np.float32)
    grown = cv2.resize(tones, (columns, rows), interpolation=cv2.INTER_NEAREST)
    relief = grown + noise(rng, rows, columns, ((6, 5), (40, 3)))
    relief += rng.normal(0, 2.0, (rows, columns)).astype(np.float32)
    image = shade((164, 168, 172), relief)
    for k in range(1, across):
        x = round(k * columns / across)
        cv2.line(image, (x, 0), (x, rows), (146, 149, 152), 1)
    for k in range(1, down):
        y = round(k * rows / down)
        cv2.line(image, (0, y), (columns, y), (146, 149, 152), 1)
    for _ in range(int(width_m * height_m / 10)):
        centre = (int(rng.integers(columns)), int(rng.integers(rows)))
        radius = int(rng.uniform(0.04, 0.22) * px_per_m)
        tone = float(rng.uniform(132, 150))
        cv2.circle(image, centre, max(1, radius), (tone, tone, tone), -1, cv2.LINE_AA)
    return Texture(image, width_m, height_m)


def flood_board(seed: int, width_m: float, height_m: float, px_per_m: float) -> Texture:
    """Return the flood board: white, bow-ties in two columns, a scale with half metres at the left.

    A row of the picture is never dark over more than half of its width, so the board's own marks
    cannot be taken for a waterline by anything that looks across all of it.
    """
    rng = np.random.default_rng(seed)
    rows, columns = round(height_m * px_per_m), round(width_m * px_per_m)
    relief = noise(rng, rows, columns, ((12, 1.5), (80, 1.2)))
    image = shade((228, 232, 232), relief)
    dark = (34, 30, 30)

    def at(x_m: float, h_m: float) -> tuple[int, int]:
        return round(x_m * px_per_m), round((height_m - h_m) * px_per_m)

    for k in range(round(height_m)):
        for centre in BOW_TIES_M:
            h = k + 0.5
            for side in (-1, 1):
                triangle = [
                    at(centre, h),
                    at(centre + side * 0.55, h + 0.34),
                    at(centre + side * 0.55, h - 0.34),
                ]
                cv2.fillPoly(image, [np.array(triangle, np.int32)], dark, cv2.LINE_AA)
        size = 0.0105 * px_per_m
        cv2.putText(
            image,
            str(k),
            at(0.5, k + 0.06),
            cv2.FONT_HERSHEY_DUPLEX,
            size,
            (30, 24, 150),
            round(0.05 * px_per_m),
            cv2.LINE_AA,
        )
    for k in range(1, round(height_m * 10)):
        length = 0.42 if k % 10 == 0 else 0.3 if k % 5 == 0 else 0.16
        x, y = at(0.0, k / 10)
        half = max(1, round(0.02 * px_per_m))
        cv2.rectangle(image, (x, y - half), (x + round(length * px_per_m), y + half), dark, -1)
    cv2.rectangle(image, (0, 0), (columns - 1, rows - 1), (70, 66, 64), round(0.04 * px_per_m))
    for h, strength in ((2.2, 10), (1.6, 16)):  # where the river usually stands it leaves its mark
        y = at(0, h)[1]
        part = image[y:].astype(np.float32) - strength
        image[y:] = np.clip(part, 0, 255).astype(np.uint8)
    return Texture(cv2.GaussianBlur(image, (3, 3), 0), width_m, height_m)


def ripples(seed: int, size: int = 512) -> npt.NDArray[np.float32]:
    """Return a height field of small waves about zero that repeats, standard deviation 1."""
    rng = np.random.default_rng(seed)
    field = noise(rng, size, size, ((6, 0.5), (20, 0.7), (48, 0.9), (110, 0.9)))
    return (field / field.std()).astype(np.float32)


def box_texture(colour: Colour, width_m: float, height_m: float, seed: int) -> Texture:
    """Return a plain painted surface with faint relief."""
    rng = np.random.default_rng(seed)
    rows, columns = max(16, round(height_m * 20)), max(16, round(width_m * 20))
    return Texture(shade(colour, noise(rng, rows, columns, ((6, 4), (24, 4)))), width_m, height_m)


def canopy(colour: Colour, width_m: float, depth_m: float) -> Texture:
    """Return a striped awning."""
    rows, columns = round(depth_m * 40), round(width_m * 40)
    image = np.full((rows, columns, 3), (222, 226, 228), np.uint8)
    for x in range(0, columns, 32):
        image[:, x : x + 16] = np.clip(colour, 0, 255)
    image[-6:] = (image[-6:] * 0.7).astype(np.uint8)
    return Texture(image, width_m, depth_m)
