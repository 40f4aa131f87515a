"""Pictures of people: from the front, from behind and from the side, in steps of walking."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

Sprite = npt.NDArray[Any]
Side = Literal["front", "back", "side"]

HEIGHT_M = 1.7
SPRITE_HEIGHT_M = 1.9
SPRITE_WIDTH_M = 1.1
PHASES = 12
PX_PER_M = 80.0
_PX = 2 * PX_PER_M  # pixels a metre while drawing; the sprite has half
FEET_M = 0.08
"""Height of the sprite's lower edge below the feet."""

Point = tuple[float, float]
Colour = tuple[float, float, float]

_TOPS: tuple[Colour, ...] = (
    (40, 40, 190), (150, 60, 30), (40, 110, 40), (30, 30, 34), (236, 238, 240), (30, 150, 215),
    (120, 50, 110), (60, 62, 70), (190, 130, 30), (70, 40, 120), (235, 225, 245), (30, 70, 130),
)  # fmt: skip
_TROUSERS: tuple[Colour, ...] = (
    (62, 40, 30),
    (30, 30, 32),
    (74, 62, 54),
    (50, 54, 66),
    (96, 60, 40),
)
_HAIR: tuple[Colour, ...] = ((20, 20, 22), (26, 34, 46), (60, 60, 64))
_SKIN: tuple[Colour, ...] = ((142, 172, 214), (120, 152, 196))


@dataclass(frozen=True, slots=True)
class Look:
    """Clothes and build of one person."""

    top: Colour
    trousers: Colour
    hair: Colour
    skin: Colour
    width: float
    height: float
    bag: bool


@lru_cache(maxsize=512)
def look(person: int) -> Look:
    """Return what a person looks like; the same number looks the same."""
    rng = np.random.default_rng(7_000 + person)
    return Look(
        _TOPS[int(rng.integers(len(_TOPS)))],
        _TROUSERS[int(rng.integers(len(_TROUSERS)))],
        _HAIR[int(rng.integers(len(_HAIR)))],
        _SKIN[int(rng.integers(len(_SKIN)))],
        float(rng.uniform(0.92, 1.12)),
        float(rng.uniform(0.95, 1.04)),
        bool(rng.random() < 0.25),
    )


class _Pen:
    """Draws in metres, x from the middle, y up from the feet, with a sun from the left."""

    def __init__(self) -> None:
        rows, columns = round(SPRITE_HEIGHT_M * _PX), round(SPRITE_WIDTH_M * _PX)
        self.image = np.zeros((rows, columns, 3), np.uint8)
        self.alpha = np.zeros((rows, columns), np.uint8)
        self._middle = columns / 2

    def px(self, point: Point) -> tuple[int, int]:
        row = (SPRITE_HEIGHT_M - FEET_M - point[1]) * _PX
        return round(self._middle + point[0] * _PX), round(row)

    def shape(self, points: list[Point], colour: Colour, shade: float = 1.0) -> None:
        corners = np.array([self.px(p) for p in points], np.int32)
        cv2.fillPoly(self.image, [corners], [c * shade for c in colour], cv2.LINE_AA)
        cv2.fillPoly(self.alpha, [corners], 255, cv2.LINE_AA)

    def limb(
        self, points: list[Point], widths: tuple[float, float], colour: Colour, shade: float = 1.0
    ) -> None:
        """Draw joints with round ends, tapering from the first width to the last."""
        pairs = list(pairwise(points))
        steps = np.linspace(widths[0], widths[1], len(pairs) + 1)
        for (a, b), wa, wb in zip(pairs, steps, steps[1:], strict=False):
            length = math.hypot(b[0] - a[0], b[1] - a[1]) or 1.0
            nx, ny = -(b[1] - a[1]) / length, (b[0] - a[0]) / length
            self.shape(
                [
                    (a[0] + nx * wa / 2, a[1] + ny * wa / 2), (b[0] + nx * wb / 2, b[1] + ny * wb / 2),
                    (b[0] - nx * wb / 2, b[1] - ny * wb / 2), (a[0] - nx * wa / 2, a[1] - ny * wa / 2),
                ],
                colour,
                shade,
            )  # fmt: skip
            self.ball(b, wb / 2, wb / 2, colour, shade)

    def ball(self, centre: Point, rx: float, ry: float, colour: Colour, shade: float = 1.0) -> None:
        axes = (max(1, round(rx * _PX)), max(1, round(ry * _PX)))
        args = (self.px(centre), axes, 0, 0, 360)
        cv2.ellipse(self.image, *args, [c * shade for c in colour], -1, cv2.LINE_AA)
        cv2.ellipse(self.alpha, *args, 255, -1, cv2.LINE_AA)


def _head(pen: _Pen, who: Look, side: Side) -> None:
    pen.limb([(0, 1.36), (0, 1.48)], (0.11, 0.1), who.skin, 0.8)
    pen.ball((0.01 if side == "side" else 0, 1.585), 0.088, 0.115, who.skin)
    if side == "back":
        pen.ball((0, 1.6), 0.094, 0.112, who.hair)
    else:
        lean = -0.03 if side == "side" else 0.0
        pen.shape(
            [(-0.095 + lean, 1.58), (-0.09 + lean, 1.66), (-0.04, 1.71), (0.04, 1.71), (0.09, 1.65),
             (0.092, 1.61), (0.03, 1.64), (-0.05 + lean / 2, 1.63)],
            who.hair,
        )  # fmt: skip


def _front(pen: _Pen, who: Look, phase: float, side: Side) -> None:
    swing = math.sin(2 * math.pi * phase)
    for leg in (-1.0, 1.0):
        lift = max(0.0, leg * swing)
        near = 1.0 + 0.06 * leg * swing
        foot = (leg * 0.135, 0.03 + 0.13 * lift)
        knee = (leg * 0.125, 0.48 + 0.06 * lift)
        pen.limb([(leg * 0.095, 0.92), knee, foot], (0.19, 0.115), who.trousers, 0.92 + 0.1 * near)
        pen.ball((foot[0] + leg * 0.015, foot[1] - 0.02), 0.062, 0.045, (28, 28, 30))
    for arm in (-1.0, 1.0):
        hand = (arm * 0.30, 0.80 + 0.05 * arm * swing)
        pen.limb(
            [(arm * 0.215, 1.36), (arm * 0.275, 1.09), hand],
            (0.115, 0.075),
            who.top,
            0.78 if arm > 0 else 0.9,
        )
        pen.ball(hand, 0.042, 0.05, who.skin, 0.9)
    torso: list[Point] = [
        (-0.10, 1.46), (-0.215, 1.41), (-0.235, 1.30), (-0.185, 1.05), (-0.19, 0.86), (0.19, 0.86),
        (0.185, 1.05), (0.235, 1.30), (0.215, 1.41), (0.10, 1.46),
    ]  # fmt: skip
    pen.shape(torso, who.top)
    pen.shape(
        [(0.05, 1.45), (0.215, 1.41), (0.235, 1.3), (0.185, 1.05), (0.19, 0.86), (0.08, 0.86)],
        who.top,
        0.82,
    )
    if who.bag and side == "back":
        pen.shape([(-0.14, 1.38), (0.14, 1.38), (0.15, 1.0), (-0.15, 1.0)], (46, 50, 60))


def _side(pen: _Pen, who: Look, phase: float) -> None:
    """Draw a walker who goes to the right."""
    swing = math.sin(2 * math.pi * phase)
    for far, sign in ((True, -1.0), (False, 1.0)):
        s = sign * swing
        knee = (0.16 * s + 0.05, 0.49)
        lift = 0.10 * max(0.0, math.cos(2 * math.pi * phase) * sign)
        foot = (0.33 * s - 0.02, 0.05 + lift)
        shade = 0.72 if far else 1.0
        pen.limb([(0.0, 0.92), knee, foot], (0.19, 0.11), who.trousers, shade)
        pen.limb([foot, (foot[0] + 0.13, foot[1] - 0.025)], (0.085, 0.06), (28, 28, 30))
        if far:
            _arm(pen, who, -s, 0.7)
    pen.shape(
        [
            (-0.07, 1.46),
            (-0.14, 1.36),
            (-0.15, 1.1),
            (-0.135, 0.86),
            (0.13, 0.86),
            (0.135, 1.1),
            (0.15, 1.3),
            (0.08, 1.45),
        ],
        who.top,
    )
    pen.shape(
        [(-0.07, 1.46), (-0.14, 1.36), (-0.15, 1.1), (-0.135, 0.86), (-0.05, 0.86), (-0.06, 1.2)],
        who.top,
        0.84,
    )
    if who.bag:
        pen.shape([(-0.12, 1.38), (-0.26, 1.33), (-0.27, 1.03), (-0.13, 1.0)], (46, 50, 60))
    _arm(pen, who, -swing, 0.88)


def _arm(pen: _Pen, who: Look, s: float, shade: float) -> None:
    hand = (0.27 * s + 0.04, 0.86 + 0.05 * abs(s))
    pen.limb([(0.0, 1.37), (0.12 * s - 0.03, 1.1), hand], (0.11, 0.075), who.top, shade)
    pen.ball(hand, 0.042, 0.048, who.skin, 0.9)


@lru_cache(maxsize=6000)
def sprite(person: int, side: Side, phase: int, halvings: int = 0) -> Sprite:
    """Return a person as BGRA with premultiplied colour, ``SPRITE_HEIGHT_M`` high.

    Parameters
    ----------
    person
        Who it is.
    side
        From where; ``side`` goes to the right, flip it for the left.
    phase
        Step of the walk, 0 to ``PHASES - 1``.
    halvings
        How often the size of ``PX_PER_M`` is halved.
    """
    if halvings > 0:
        return cv2.pyrDown(sprite(person, side, phase, halvings - 1))
    pen, who = _Pen(), look(person)
    if side == "side":
        _side(pen, who, phase / PHASES)
    else:
        _front(pen, who, phase / PHASES, side)
    _head(pen, who, side)
    folds = np.random.default_rng(person).normal(0, 9, pen.alpha.shape).astype(np.float32)
    relief = cv2.GaussianBlur(folds, (0, 0), 5) * 3.0
    light = np.linspace(14, -14, pen.alpha.shape[0], dtype=np.float32)[:, None]
    image = np.clip(pen.image + (relief + light)[..., None], 0, 255)
    weight = pen.alpha.astype(np.float32)[..., None] / 255
    both = np.concatenate([image * weight, pen.alpha[..., None].astype(np.float32)], axis=2)
    half = cv2.resize(both, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return np.clip(cv2.GaussianBlur(half, (3, 3), 0), 0, 255).astype(np.uint8)
