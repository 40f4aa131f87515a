"""What overlays share: a caption that can be read on any picture."""

from __future__ import annotations

import cv2

from vision.frame import Image


def caption(image: Image, text: str) -> None:
    """Write `text` into the upper left corner of `image`, on a dark bar."""
    (width, height), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.6, 1)
    cv2.rectangle(image, (0, 0), (width + 16, height + base + 12), (0, 0, 0), -1)
    cv2.putText(
        image, text, (8, height + 6), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 255, 0), 1, cv2.LINE_AA
    )
