"""Where the face is in a picture: SIFT features matched to reference pictures, MAGSAC homography.

The face is a plane, so a reference picture and the present one are related by a homography on it.
Only features on the dry part of the face and close around it are taken from a reference: water
and its mirror images move, and what lies far before or behind the face obeys another homography.
(SIFT: Lowe 2004. MAGSAC++: Barath et al. 2020, as in OpenCV's USAC.)
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.frame import Image
from vision.water.station import Matrix, project

Grey = NDArray[np.uint8]

RATIO = 0.8
"""A match must be this much better than the second best (Lowe's ratio test)."""
REPROJECTION_PX = 3.0
MIN_INLIERS = 15
MIN_INLIER_RATIO = 0.2
WORK_PX = 960
"""Features of a picture much larger than this are taken from a smaller copy of it."""
SCALE = (0.4, 2.5)
"""How much smaller or larger the face may be than in the reference."""


@dataclass(frozen=True, slots=True)
class Features:
    """Key points of one picture, shapes (n, 2) and (n, 128)."""

    points: NDArray[np.float32]
    descriptors: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Fit:
    """Where the face was found.

    Attributes
    ----------
    to_pixels
        (along, height) metres -> pixel of the present picture.
    reference
        Index of the reference picture that it was found with.
    inliers, rms_px
        Matches that agree, and their root mean square reprojection error.
    """

    to_pixels: Matrix
    reference: int
    inliers: int
    rms_px: float


def grey_of(image: Image) -> Grey:
    """Return `image` as grey, shape (height, width)."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)


def features_of(grey: Grey, mask: Grey | None = None, most: int = 2500) -> Features:
    """Return SIFT features of `grey` where `mask` is not 0, also in faint parts of the picture."""
    zoom = min(1.0, WORK_PX / max(grey.shape)) if max(grey.shape) > 1.25 * WORK_PX else 1.0
    if zoom < 1:
        grey = np.asarray(
            cv2.resize(grey, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA), np.uint8
        )
        if mask is not None:
            mask = np.asarray(
                cv2.resize(mask, grey.shape[::-1], interpolation=cv2.INTER_NEAREST), np.uint8
            )
    flat = cv2.createCLAHE(clipLimit=3.0, tileGridSize=(8, 8)).apply(grey)
    sift = cv2.SIFT.create(nfeatures=most, contrastThreshold=0.03)
    keypoints, descriptors = sift.detectAndCompute(flat, mask)
    if descriptors is None or not keypoints:
        return Features(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32))
    # the centre of the first pixel is (0, 0) in both sizes
    points = (np.array([k.pt for k in keypoints], np.float32) + 0.5) / zoom - 0.5
    root = np.sqrt(descriptors / (descriptors.sum(axis=1, keepdims=True) + 1e-7))  # RootSIFT
    return Features(points.astype(np.float32), root.astype(np.float32))


def match(reference: Features, present: Features) -> NDArray[np.intp]:
    """Return pairs (index in reference, index in present) that pass the ratio test, shape (n, 2)."""
    if len(reference.points) < 2 or len(present.points) < 2:
        return np.zeros((0, 2), np.intp)
    matcher = cv2.BFMatcher(cv2.NORM_L2)
    pairs = matcher.knnMatch(reference.descriptors, present.descriptors, k=2)
    good = [
        (p[0].queryIdx, p[0].trainIdx)
        for p in pairs
        if len(p) == 2 and p[0].distance < RATIO * p[1].distance
    ]
    return np.array(good, np.intp).reshape(-1, 2)


def fit(
    reference: Features,
    present: Features,
    index: int,
    to_reference: Matrix,
    face: Matrix,
    size: tuple[int, int],
) -> Fit | str:
    """Return where the face is in the present picture, or why it was not found, in words.

    Parameters
    ----------
    reference, present
        Features of the reference picture and of the present one.
    index
        Number of the reference, for the result.
    to_reference
        (along, height) metres -> pixel of the reference.
    face
        Outline of the face in metres, shape (n, 2).
    size
        (width, height) of the present picture.
    """
    pairs = match(reference, present)
    if len(pairs) < MIN_INLIERS:
        return f"{len(pairs)} features match, {MIN_INLIERS} are needed"
    a, b = reference.points[pairs[:, 0]], present.points[pairs[:, 1]]
    matrix, mask = cv2.findHomography(
        a, b, cv2.USAC_MAGSAC, REPROJECTION_PX, maxIters=3000, confidence=0.999
    )
    if matrix is None:
        return f"no homography fits {len(pairs)} matches"
    inside = mask.ravel().astype(bool)
    inliers = int(inside.sum())
    if inliers < MIN_INLIERS or inliers < MIN_INLIER_RATIO * len(pairs):
        return f"{inliers} of {len(pairs)} matches agree, {MIN_INLIERS} and {MIN_INLIER_RATIO:.0%} are needed"
    off = project(np.asarray(matrix, float), a[inside].astype(float)) - b[inside]
    rms = float(np.sqrt((off**2).sum(axis=1).mean()))
    to_pixels = np.asarray(matrix, float) @ to_reference
    wrong = implausible(to_pixels, to_reference, face, size)
    if wrong:
        return wrong
    return Fit(to_pixels, index, inliers, rms)


def implausible(
    to_pixels: Matrix, to_reference: Matrix, face: Matrix, size: tuple[int, int]
) -> str:
    """Return why the face cannot lie where `to_pixels` puts it, empty where it can."""
    depth = np.column_stack([face, np.ones(len(face))]) @ to_pixels.T
    if not (np.all(depth[:, 2] > 0) or np.all(depth[:, 2] < 0)):
        return "the face would reach behind the camera"
    now, then = project(to_pixels, face), project(to_reference, face)
    area_now = cv2.contourArea(now.astype(np.float32), oriented=True)
    area_then = cv2.contourArea(then.astype(np.float32), oriented=True)
    if area_now * area_then <= 0:
        return "the face would be seen from behind"
    scale = float(np.sqrt(area_now / area_then))
    if not SCALE[0] <= scale <= SCALE[1]:
        return f"the face would be {scale:.2f} times as large as in the reference, {SCALE[0]} to {SCALE[1]} are allowed"
    hull = cv2.contourArea(cv2.convexHull(now.astype(np.float32)))
    hull_then = cv2.contourArea(cv2.convexHull(then.astype(np.float32)))
    if hull and hull_then and abs(abs(area_now) / hull - abs(area_then) / hull_then) > 0.15:
        return "the face would be bent"
    if _skew(now) > _skew(then) + 35:
        return f"the face would be tilted by {_skew(now):.0f} degrees more than a drone can see it"
    w, h = size
    low, high = now.min(axis=0), now.max(axis=0)
    if high[0] < 0 or high[1] < 0 or low[0] > w or low[1] > h:
        return "the face lies outside of the picture"
    return ""


def _skew(outline: Matrix) -> float:
    """Return how far the outline's first edge is turned from level, degrees 0..90."""
    x, y = outline[1] - outline[0]
    angle = abs(float(np.degrees(np.arctan2(y, x)))) % 180
    return min(angle, 180 - angle)
