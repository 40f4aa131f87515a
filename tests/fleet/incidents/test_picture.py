"""Only a whole JPEG that is what its detection says becomes evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.errors import DetectionError
from fleet.incidents import picture
from fleet.incidents.picture import size_of, verify


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_real_jpeg_is_taken_with_its_size(jpeg: Callable[[int], bytes]) -> None:
    image = jpeg(1)
    taken = verify(image, sha(image))
    assert (taken.width_px, taken.height_px, taken.data) == (64, 48, image)


@pytest.mark.parametrize("flag", [0, 1])
@given(width=st.integers(1, 200), height=st.integers(1, 200))
def test_the_size_is_read_from_the_header(flag: int, width: int, height: int) -> None:
    pixels = np.zeros((height, width, 3), np.uint8)
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_PROGRESSIVE, flag])
    assert size_of(data.tobytes()) == (width, height)


@given(data=st.binary(max_size=300))
def test_any_bytes_after_the_magic_are_an_error_or_a_size(data: bytes) -> None:
    try:
        width, height = size_of(b"\xff\xd8\xff" + data)
    except DetectionError:
        return
    assert width > 0
    assert height > 0


def test_each_defect_is_named(jpeg: Callable[[int], bytes]) -> None:
    image = jpeg(2)
    _, png = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))
    huge = bytearray(image)
    at = image.index(b"\xff\xc0")
    huge[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    broken = image[:20] + b"\xff\xd9"
    cases = [
        (b"x" * (picture.LIMIT_BYTES + 1), "at most"),
        (png.tobytes(), "no JPEG"),
        (b"", "no JPEG"),
        (image[: len(image) // 2], "cut off"),
        (bytes(huge), "65535x65535 pixels"),
        (broken, "frame header"),
    ]
    for data, rule in cases:
        with pytest.raises(DetectionError, match=rule):
            verify(data, sha(data))
    with pytest.raises(DetectionError, match="the detection says"):
        verify(image, sha(b"another"))
