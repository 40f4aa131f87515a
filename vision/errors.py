"""The exception tree of ``vision``.

VisionError
 ├── SourceError      a picture that cannot be had; carries the reason as a word
 ├── KlvError         metadata that breaks MISB ST 0601, or fails its checksum
 ├── GeometryError    a camera or pose that no ray can be drawn from
 ├── StationError     a station file, or a picture it names, that cannot be used
 ├── DetectorError    a detector that cannot be built from what it was given
 └── ControllerError  a controller that does not answer, or refuses
"""

from __future__ import annotations

from typing import Literal

SourceReason = Literal[
    "bad_address",
    "not_found",
    "no_permission",
    "not_video",
    "no_answer",
    "stalled",
    "ended",
    "decode",
    "closed",
]
"""Why there is no picture.

``bad_address``: no scheme we read; ``not_found``: no such file; ``no_permission``: not readable;
``not_video``: it answers, but with no video; ``no_answer``: nobody answers there; ``stalled``: it
was heard, and went silent; ``ended``: the stream or file is over; ``decode``: pictures arrive and
cannot be decoded; ``closed``: the source was closed by its owner.
"""


class VisionError(Exception):
    """Base of every error that ``vision`` raises on purpose."""


class SourceError(VisionError):
    """A picture that cannot be had.

    Parameters
    ----------
    message
        What happened, with the address without its credentials.
    reason
        The same as one word of `SourceReason`.
    """

    def __init__(self, message: str, *, reason: SourceReason) -> None:
        super().__init__(message)
        self.reason: SourceReason = reason


class KlvError(VisionError, ValueError):
    """Metadata that breaks MISB ST 0601, or fails its checksum."""


class GeometryError(VisionError, ValueError):
    """A camera or pose that no ray can be drawn from; the message names the offending value."""


class StationError(VisionError, ValueError):
    """A station file, or a picture it names, that cannot be used; names the key and the value."""


class DetectorError(VisionError, ValueError):
    """A detector that cannot be built from what it was given."""


class ControllerError(VisionError):
    """A controller that does not answer, or refuses.

    Parameters
    ----------
    message
        What happened.
    status
        HTTP status of the answer, ``None`` where there was none.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
