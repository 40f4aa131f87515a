"""A paved square with stalls around it, and the people on it.

Local coordinates are metres east and north of the site; up is zero at the ground.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from sitl.scene import figure, textures
from sitl.scene.canvas import Canvas, Face, Image
from sitl.scene.crowd import People
from sitl.scene.view import Floats, View

SQUARE_M = (44.0, 34.0)
"""Paved ground, east by north."""
SUN = (0.55, 0.35)
"""Way a shadow falls on the ground for each metre of height, east and north."""
STEEP = math.sin(math.radians(60))
FAR_M = 400.0

X, Y, Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
_AWNINGS: tuple[textures.Colour, ...] = (
    (60, 60, 190),
    (70, 130, 60),
    (170, 110, 50),
    (50, 150, 210),
    (120, 60, 130),
)


class Market:
    """Draws the square, its stalls and its people.

    Parameters
    ----------
    origin
        East and north of the site in metres.
    zone
        (N, 2) ring of the zone in metres; stalls stand clear of it.
    seed
        Of the textures.
    """

    def __init__(self, origin: tuple[float, float], zone: Floats, seed: int) -> None:
        self.origin = origin
        self._square = textures.paving(seed, *SQUARE_M, 40)
        self._line = zone
        self._stalls = self._rows(zone, seed)

    def _rows(self, zone: Floats, seed: int) -> list[Face]:
        """Return the faces of a row of stalls north of the zone, farthest first."""
        faces: list[Face] = []
        north = float(zone[:, 1].max()) + 4.5
        west = float(zone[:, 0].min()) - 2.0
        east = float(zone[:, 0].max()) + 2.0
        for k, x in enumerate(np.arange(west, east - 2.5, 3.6)):
            colour = _AWNINGS[k % len(_AWNINGS)]
            front = textures.box_texture((90 + 12 * (k % 3), 110, 128), 3.0, 1.0, seed + k)
            side = textures.box_texture((80, 96, 112), 2.0, 1.0, seed + 40 + k)
            slope = math.hypot(2.4, 0.6)
            awning = textures.canopy(colour, 3.2, slope)
            back = textures.box_texture((88, 92, 104), 3.0, 2.6, seed + 80 + k)
            faces += [
                Face((x, north + 2.0, 0.0), X, Z, back),
                Face((x, north + 2.0, 0.0), (0.0, -1.0, 0.0), Z, side),
                Face((x + 3.0, north, 0.0), Y, Z, side),
                Face((x, north, 0.0), X, Z, front),
                Face(
                    (x - 0.1, north - 0.4, 2.1),
                    X,
                    (0.0, 2.4 / slope, 0.6 / slope),
                    awning,
                    two_sided=True,
                ),
            ]
        return faces

    def near(self, view: View) -> bool:
        """Whether the square can be in the picture with something to see on it."""
        x, y = view.position[0] - self.origin[0], view.position[1] - self.origin[1]
        return math.hypot(x, y) < FAR_M

    def ground(self) -> Face:
        """Return the paved square."""
        x, y = self.origin
        return Face((x - SQUARE_M[0] / 2, y - SQUARE_M[1] / 2, 0.0), X, Y, self._square, soft=False)

    def draw(self, canvas: Canvas, people: People) -> None:
        """Draw what stands and walks on the square."""
        self._shadows(canvas, people)
        south = canvas.view.position[1] < self._stalls[0].origin[1] if self._stalls else True
        if south:
            for face in self._stalls:
                canvas.draw(face)
        _figures(canvas, people)
        if not south:
            for face in self._stalls:
                canvas.draw(face)

    def _shadows(self, canvas: Canvas, people: People) -> None:
        """Darken the ground where people's shadows fall: a long blot and a small one at the feet."""
        mask = np.zeros(canvas.image.shape[:2], np.uint8)
        touched = False
        along = np.array(SUN) * figure.HEIGHT_M
        across = np.array([-SUN[1], SUN[0]]) / math.hypot(*SUN) * 0.2
        turn = np.linspace(0, 2 * math.pi, 12, endpoint=False)[:, None]
        ring = along / 2 + np.cos(turn) * along / 2 + np.sin(turn) * across
        ground = (people.position[:, None] + ring).reshape(-1, 2)
        pixels, depth = canvas.view.project(np.column_stack([ground, np.zeros(len(ground))]))
        seen = (depth > 1.0) & (np.abs(pixels) < 4 * max(mask.shape)).all(axis=1)
        for outline, shown in zip(pixels.reshape(-1, 12, 2), seen.reshape(-1, 12), strict=True):
            if shown.all():
                cv2.fillConvexPoly(
                    mask, np.round(outline * 16).astype(np.int32), 255, cv2.LINE_AA, 4
                )
                touched = True
        if touched:
            _darken(canvas.image, mask)


def _darken(image: Image, mask: npt.NDArray[np.uint8]) -> None:
    """Take a third of the light where a mask says; only the mask's box is touched."""
    x, y, w, h = cv2.boundingRect(mask)
    if not w or not h:
        return
    part = image[y : y + h, x : x + w]
    soft = cv2.blur(mask[y : y + h, x : x + w], (3, 3))
    keep = cv2.addWeighted(soft, -0.36, soft, 0.0, 255.0)
    part[:] = cv2.multiply(part, cv2.merge([keep, keep, keep]), scale=1 / 255)


def _figures(canvas: Canvas, people: People) -> None:
    """Draw people far to near, each as a picture that stands upright and faces the camera."""
    view = canvas.view
    count = len(people.position)
    if count == 0:
        return
    feet = np.column_stack([people.position, np.zeros(count)])
    heads = feet + np.array([0.0, 0.0, figure.HEIGHT_M])
    low, depth = view.project(feet)
    high, high_depth = view.project(heads)
    for i in np.argsort(-depth):
        if depth[i] < 1.0 or high_depth[i] < 0.5:
            continue
        if not (-200 < low[i, 0] < view.width_px + 200 and -400 < low[i, 1] < view.height_px + 400):
            continue
        to_eye = view.centre - heads[i]
        steep = to_eye[2] / max(float(np.linalg.norm(to_eye)), 1e-6)
        if steep > STEEP:
            _from_above(canvas, int(people.person[i]), low[i], high[i], view.focal_px / depth[i])
        else:
            _standing(canvas, people, int(i), low[i], high[i], view.focal_px / depth[i], to_eye)


def _standing(
    canvas: Canvas, people: People, i: int, low: Floats, high: Floats, scale: float, to_eye: Floats
) -> None:
    person = int(people.person[i])
    who = figure.look(person)
    heading = people.heading[i]
    eye = to_eye[:2] / max(float(np.linalg.norm(to_eye[:2])), 1e-6)
    toward = float(heading @ eye)
    rightward = float(heading[0] * -eye[1] + heading[1] * eye[0])
    side: figure.Side = "side" if abs(toward) < 0.6 else "front" if toward > 0 else "back"
    phase = int(people.phase[i] * figure.PHASES) % figure.PHASES if people.walking[i] else 0
    halvings = min(3, int(math.log2(max(1.0, figure.PX_PER_M / max(scale, 1.0)))))
    picture = figure.sprite(person, side, phase, halvings)
    if side == "side" and rightward < 0:
        picture = picture[:, ::-1]
    upright = (low[1] - high[1]) / figure.HEIGHT_M * who.height
    height = max(2, round(figure.SPRITE_HEIGHT_M * upright))
    width = max(2, round(figure.SPRITE_WIDTH_M * scale * who.width))
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
    x = round(float(low[0]) - width / 2)
    y = round(float(low[1]) + figure.FEET_M * upright) - height
    _blend(canvas.image, small, x, y)


def _blend(image: Image, sprite: Image, x: int, y: int) -> None:
    """Lay a premultiplied BGRA picture over an image at a corner, cut at the image's edges."""
    rows, columns = image.shape[:2]
    x0, y0, x1, y1 = (
        max(x, 0),
        max(y, 0),
        min(x + sprite.shape[1], columns),
        min(y + sprite.shape[0], rows),
    )
    if x1 <= x0 or y1 <= y0:
        return
    part = sprite[y0 - y : y1 - y, x0 - x : x1 - x]
    target = image[y0:y1, x0:x1]
    keep = 255 - part[:, :, 3]
    target[:] = cv2.add(
        cv2.multiply(target, cv2.merge([keep, keep, keep]), scale=1 / 255),
        np.ascontiguousarray(part[:, :, :3]),
    )


def _from_above(canvas: Canvas, person: int, low: Floats, high: Floats, scale: float) -> None:
    """Draw shoulders and a head for a camera that looks steeply down."""
    who = figure.look(person)
    middle = (low + high) / 2
    axes = (max(1, round(0.25 * scale)), max(1, round(0.15 * scale)))
    cv2.ellipse(
        canvas.image,
        (round(middle[0]), round(middle[1])),
        axes,
        0,
        0,
        360,
        who.top,
        -1,
        cv2.LINE_AA,
    )
    head = (round(high[0]), round(high[1]))
    cv2.circle(canvas.image, head, max(1, round(0.11 * scale)), who.hair, -1, cv2.LINE_AA)
