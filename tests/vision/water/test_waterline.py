"""The waterline on faces drawn here: mirrors, stains, marks, and what cannot be told."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision.water.waterline import Waterline, find_waterline

ROWS, COLUMNS = 300, 240


def face(
    line: float,
    *,
    mirror: float = 0.6,
    stain: int | None = None,
    water: float = 40.0,
    seed: int = 1,
) -> np.ndarray:
    """A marked face that stands in mirroring water up to `line` (sub-pixel)."""
    rng = np.random.default_rng(seed)
    high = 4
    dry = np.full((ROWS * high, COLUMNS), 210.0)
    for _ in range(16):
        x, y = rng.integers(0, COLUMNS - 30), rng.integers(0, (ROWS - 30) * high)
        dry[y : y + 22 * high, x : x + 22] = rng.uniform(30, 120)
    if stain is not None:
        dry[stain * high :] *= 0.75
    border = round(line * high)
    wet = np.full_like(dry, water)
    depth = min(border, len(dry) - border)
    wet[border : border + depth] = water + mirror * 0.6 * (
        dry[border - depth : border][::-1] - water
    )
    dry[border:] = wet[border:]
    small = cv2.resize(dry, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 0.8) + rng.normal(0, 2.0, small.shape)
    return small.astype(np.float32)


def row_of(found: Waterline | str) -> float:
    assert isinstance(found, Waterline), found
    return found.row


@settings(max_examples=25)
@given(st.floats(60, 240), st.floats(0.0, 0.9), st.integers(0, 50))
def test_found_to_a_pixel(line: float, mirror: float, seed: int) -> None:
    assert row_of(find_waterline(face(line, mirror=mirror, seed=seed))) == pytest.approx(
        line, abs=1.0
    )


@pytest.mark.parametrize("stain", [60, 90, 120])
def test_a_stain_above_the_line_is_not_taken_for_it(stain: int) -> None:
    assert row_of(find_waterline(face(170.0, stain=stain))) == pytest.approx(170, abs=1)


@pytest.mark.parametrize("line", [70.0, 85.0, 100.0])
def test_the_end_of_the_mirror_image_is_not_taken_for_it(line: float) -> None:
    # the mirror image ends at twice the depth, and the water beyond is dark
    assert row_of(find_waterline(face(line, mirror=0.95, water=15))) == pytest.approx(line, abs=1)


@pytest.mark.parametrize("seed", [1, 4, 7])
def test_paint_across_the_whole_face_is_known_from_the_reference(seed: int) -> None:
    def painted(line: float) -> np.ndarray:
        picture = face(line, mirror=0.0, water=120.0, seed=seed)
        # the upper part is black, which is a stronger step than the waterline
        picture[:100] -= 130.0
        return picture

    reference = painted(290.0)
    reference[288:] = np.nan
    assert row_of(find_waterline(painted(200.0))) == pytest.approx(100, abs=3)
    assert row_of(find_waterline(painted(200.0), reference)) == pytest.approx(200, abs=1.5)


@pytest.mark.parametrize(
    "picture",
    [
        np.full((ROWS, COLUMNS), 128, np.float32),
        np.random.default_rng(1).normal(128, 20, (ROWS, COLUMNS)).astype(np.float32),
        np.tile(np.linspace(0, 255, COLUMNS, dtype=np.float32), (ROWS, 1)),
        np.full((ROWS, COLUMNS), np.nan, np.float32),
        np.zeros((10, COLUMNS), np.float32),
    ],
    ids=["flat", "noise", "sideways", "unseen", "tiny"],
)
def test_what_shows_no_line_gives_none(picture: np.ndarray) -> None:
    assert isinstance(find_waterline(picture), str)


def test_sure_of_a_clear_line_and_less_of_a_faint_one() -> None:
    clear = find_waterline(face(150.0, mirror=0.8))
    faint = find_waterline(face(150.0, mirror=0.0, water=195.0))
    assert isinstance(clear, Waterline)
    assert isinstance(faint, str) or faint.confidence < clear.confidence
