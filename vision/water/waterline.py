"""The waterline on a rectified face: which row parts the dry structure from the water.

A structure in still water is a hard picture: its mirror image ends in an edge that is stronger
than the waterline, and high-water stains draw edges above it. Three cues are weighed for each row:

step
    Median over the columns of the vertical brightness step. A waterline crosses the whole face;
    marks, reeds and ripples cross some columns only, and a median does not see them.
mirror
    Normalised correlation of the rows under the line with those above it, flipped. Only the
    waterline is an axis of reflection.
known
    Whether the rows under the line still look like the dry face in a reference picture. Then the
    line is a stain or a mark and not the water, unless it is an axis of reflection: the mirror
    image of regular marks looks like more of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Strip = NDArray[np.float32]
"""A rectified face, shape (rows down, columns along), grey 0..255; NaN outside of the picture."""

MIN_CONFIDENCE = 0.3
_CANDIDATES = 8


@dataclass(frozen=True, slots=True)
class Waterline:
    """Where the water meets the face.

    Attributes
    ----------
    row
        Sub-pixel row of the strip; an integer is the border between that row and the one above.
    confidence
        0 to 1.
    sigma_rows
        Rough standard deviation of `row`.
    step, mirror, known, agreement
        The cues: grey levels, correlation, correlation (``None`` without reference), part of the
        face's blocks that see the line at the same row.
    """

    row: float
    confidence: float
    sigma_rows: float
    step: float
    mirror: float
    known: float | None
    agreement: float


def find_waterline(strip: Strip, reference: Strip | None = None) -> Waterline | str:
    """Return the waterline on `strip`, or why there is none, in words.

    Parameters
    ----------
    strip
        The rectified face.
    reference
        The same face when it was dry, NaN where it was not dry or not seen, the same shape.
    """
    rows, columns = strip.shape
    if rows < 24 or columns < 16:
        return f"the face is only {columns} x {rows} px in the picture, 16 x 24 are needed"
    seen = np.isfinite(strip)
    if seen.mean() < 0.5:
        return f"only {100 * seen.mean():.0f} % of the face is in the picture, 50 % are needed"
    gradient = vertical_step(strip)
    profile = _medians(gradient)
    noise = 1.4826 * float(np.median(np.abs(profile))) + 0.3
    peaks = _peaks(np.abs(profile))
    if not peaks:
        return "no edge crosses the face"
    scored = [_score(strip, reference, profile, row, noise) for row in peaks]
    best = max(range(len(peaks)), key=lambda i: scored[i][0])
    score, mirror, known = scored[best]
    row = peaks[best]
    others = [s[0] for i, s in enumerate(scored) if i != best]
    lead = 1 - max([0.0, *others]) / score if score > 0 else 0.0
    agreement, spread = _agreement(gradient, row, profile[row])
    step = float(abs(profile[row]))
    confidence = _confidence(step / noise, lead, mirror, agreement)
    line = Waterline(_refine(profile, row), confidence, spread, step, mirror, known, agreement)
    if confidence < MIN_CONFIDENCE:
        return (
            f"no clear waterline: confidence {confidence:.2f} is under {MIN_CONFIDENCE} "
            f"(step {step:.1f} grey, mirror {mirror:.2f}, agreement {agreement:.2f})"
        )
    return line


def vertical_step(strip: Strip, half: int = 4) -> Strip:
    """Return the mean of the `half` rows above each row border less that of those under it.

    Row r of the result belongs to the border between rows r - 1 and r.
    """
    filled = np.pad(strip, ((half, half), (0, 0)), mode="edge").astype(np.float64)
    sums = np.vstack([np.zeros((1, strip.shape[1])), np.cumsum(filled, axis=0)])
    above = sums[half : half + len(strip)] - sums[: len(strip)]
    under = sums[2 * half : 2 * half + len(strip)] - sums[half : half + len(strip)]
    step: Strip = ((above - under) / half).astype(np.float32)
    step[:half] = 0
    step[-half:] = 0
    return step


def _medians(gradient: Strip) -> NDArray[np.float64]:
    """Return the median of each row, 0 where nothing of it is in the picture."""
    seen = np.isfinite(gradient).any(axis=1)
    medians = np.zeros(len(gradient))
    medians[seen] = np.nanmedian(gradient[seen], axis=1)
    return medians


def _peaks(profile: NDArray[np.float64], apart: int = 5) -> list[int]:
    left = profile.copy()
    found: list[int] = []
    floor = 0.08 * float(profile.max(initial=0))
    while len(found) < _CANDIDATES:
        row = int(left.argmax())
        if left[row] <= max(floor, 0.5):
            break
        found.append(row)
        left[max(0, row - apart) : row + apart + 1] = 0
    return found


def _score(
    strip: Strip, reference: Strip | None, profile: NDArray[np.float64], row: int, noise: float
) -> tuple[float, float, float | None]:
    mirror = _mirror(strip, row)
    known = _known(strip, reference, row)
    score = (
        float(abs(profile[row]))
        / (abs(float(profile[row])) + 4 * noise)
        * (0.25 + max(0.0, mirror))
    )
    if known is not None:
        # the mirror image of a face looks like the face: what mirrors as well as it matches stays
        score *= 1 - max(0.0, known) * float(np.clip((known - mirror) / 0.3, 0, 1))
    return score, mirror, known


def _mirror(strip: Strip, row: int, most: int = 60) -> float:
    """Return the correlation of the rows under `row` with those above it, flipped."""
    best = -1.0
    gap = 2  # the meniscus itself belongs to neither side
    for size in (most // 3, most):
        depth = min(size, row - gap, len(strip) - row - gap)
        if depth < 8:
            break
        above = strip[row - gap - depth : row - gap][::-1]
        under = strip[row + gap : row + gap + depth]
        best = max(best, _correlation(above, under))
    return best if best > -1 else 0.0


def _known(strip: Strip, reference: Strip | None, row: int, size: int = 40) -> float | None:
    """Return how well the rows under `row` match the dry face, ``None`` where that is not known."""
    if reference is None:
        return None
    under, dry = strip[row + 3 : row + 3 + size], reference[row + 3 : row + 3 + size]
    known = np.isfinite(dry).mean(axis=1) > 0.8
    if known.sum() < 10 or float(np.nanstd(dry[known])) < 8:
        return None
    return _correlation(under[known], dry[known])


def _correlation(a: Strip, b: Strip) -> float:
    """Return the correlation of `a` and `b` after taking out each row's mean and slow shading."""
    p, q = _flattened(a), _flattened(b)
    energy = float(np.sqrt((p * p).sum() * (q * q).sum()))
    return float((p * q).sum()) / energy if energy > 1e-3 * a.size else 0.0


def _flattened(part: Strip) -> Strip:
    smooth = cv2.GaussianBlur(np.nan_to_num(part - np.nanmean(part)), (0, 0), 1.5)
    return np.asarray(smooth - smooth.mean(axis=1, keepdims=True), np.float32)


def _agreement(
    gradient: Strip, row: int, sign: float, blocks: int = 12, within: int = 6
) -> tuple[float, float]:
    """Return (part of the blocks of columns with their own step near `row`, sigma of the mean row)."""
    top, bottom = max(0, row - 3 * within), min(len(gradient), row + 3 * within + 1)
    near: list[float] = []
    parts = np.array_split(gradient[top:bottom], min(blocks, gradient.shape[1] // 4), axis=1)
    for part in parts:
        steps = _medians(part) * np.sign(sign)
        peak = int(steps.argmax())
        if steps[peak] > 0.25 * abs(sign) and abs(top + peak - row) <= within:
            near.append(_refine(steps, peak) + top)
    if len(near) < 2:
        return len(near) / len(parts), float(within)
    spread = 1.4826 * float(np.median(np.abs(np.array(near) - np.median(near))))
    return len(near) / len(parts), max(spread, 0.3) / np.sqrt(len(near)) + 0.15


def _confidence(ratio: float, lead: float, mirror: float, agreement: float) -> float:
    clear = ratio / (ratio + 3.0)
    sure = min(1.0, 0.35 + 0.5 * lead + 0.5 * max(0.0, mirror))
    return float(np.clip(clear * sure * min(1.0, agreement / 0.7), 0, 1))


def _refine(profile: NDArray[np.float64], row: int) -> float:
    """Return the vertex of the parabola through the three values around `row`."""
    if not 0 < row < len(profile) - 1:
        return float(row)
    a, b, c = (abs(float(profile[row + k])) for k in (-1, 0, 1))
    bend = a - 2 * b + c
    return row + (float(np.clip(0.5 * (a - c) / bend, -0.5, 0.5)) if bend < 0 else 0.0)
