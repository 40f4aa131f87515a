"""Is this really the JPEG that the worker says? Nothing else is kept as evidence."""

from __future__ import annotations

import hashlib
import struct

import cv2
import numpy as np

from fleet.errors import DetectionError
from fleet.store.evidence import Picture

LIMIT_BYTES = 4 * 1024 * 1024
LIMIT_PIXELS = 40_000_000
"""8K (7680x4320) fits; a few kilobytes that unpack to gigabytes do not."""

_SOF = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})


def verify(image: bytes, sha256: str) -> Picture:
    """Return a picture that was checked: size, hash, start, end, and that it decodes.

    Parameters
    ----------
    image
        The posted bytes.
    sha256
        What the detection says they hash to, lower-case hex.

    Raises
    ------
    DetectionError
        If anything of it does not hold; says what.
    """
    if len(image) > LIMIT_BYTES:
        raise DetectionError(f"image of {len(image)} bytes; at most {LIMIT_BYTES} are allowed")
    found = hashlib.sha256(image).hexdigest()
    if found != sha256:
        raise DetectionError(f"image has SHA-256 {found}; the detection says {sha256}")
    width, height = size_of(image)
    if width * height > LIMIT_PIXELS:
        raise DetectionError(
            f"image of {width}x{height} pixels; at most {LIMIT_PIXELS} are allowed"
        )
    if b"\xff\xd9" not in image[-64:]:
        raise DetectionError("image is a JPEG that was cut off: its end marker is missing")
    # an eighth of the size is enough to see that the data decode, and quicker
    decoded = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8)
    if decoded is None:
        raise DetectionError("image is a JPEG that does not decode")
    return Picture(sha256=sha256, data=image, width_px=width, height_px=height)


def size_of(image: bytes) -> tuple[int, int]:
    """Return (width, height) in pixels from a JPEG's frame header (ITU-T T.81, B.2.2).

    Raises
    ------
    DetectionError
        If the bytes are no JPEG with a frame header.
    """
    if not image.startswith(b"\xff\xd8\xff"):
        raise DetectionError(f"image is no JPEG: it begins with {image[:4].hex(' ')!r}")
    at = 2
    while at + 4 <= len(image) and image[at] == 0xFF:
        marker = image[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker in _ALONE:
            at += 2
            continue
        if marker in _SOF and at + 9 <= len(image):
            height, width = struct.unpack_from(">HH", image, at + 5)
            if width == 0 or height == 0:
                break
            return width, height
        (length,) = struct.unpack_from(">H", image, at + 2)
        at += 2 + max(length, 2)
    raise DetectionError("image is a JPEG without a frame header")
