"""Opening video with PyAV, and pairing each picture with the metadata that travels with it."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import av.error
import av.logging
from av.video.frame import VideoFrame

from vision import klv
from vision.address import redact
from vision.camera import Pose
from vision.errors import KlvError, SourceError, SourceReason

if TYPE_CHECKING:
    from av.container import InputContainer

av.logging.set_level(None)  # FFmpeg's own log would print addresses with their credentials

PAIR_WITHIN_S = 0.25
"""A picture takes the metadata nearest to it, but none farther away than this."""

MAX_DECODE_ERRORS = 250
"""Packets that may fail to decode one after the other before the stream is given up."""

_LIVE = {"probesize": "1000000", "analyzeduration": "500000", "fflags": "nobuffer"}
"""Measured on an RTSP stream on loopback: 1.2 s to open and 0.14 s (p95) behind the camera, where
FFmpeg's own buffering takes 1.8 s and 0.35 s."""
_BY_SCHEME = {
    "rtsp": {
        "rtsp_flags": "prefer_tcp"
    },  # RTP in the RTSP connection; UDP where the server refuses
    "rtsps": {"rtsp_flags": "prefer_tcp"},
    "udp": {"fifo_size": "65536", "overrun_nonfatal": "1", "reuse": "1"},
    "tcp": {},
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture that is not yet converted to pixels.

    ``captured_at`` is ``None`` where the stream says no time of day; ``offset_s`` is its
    presentation time in seconds since the first picture.
    """

    frame: VideoFrame
    offset_s: float
    captured_at: datetime | None
    pose: Pose | None


@dataclass(slots=True)
class Counters:
    """What went wrong so far."""

    decode_errors: int = 0
    klv_errors: int = 0
    klv_packets: int = 0


def open_video(address: str, *, live: bool, connect_s: float, read_s: float) -> InputContainer:
    """Open `address` for reading.

    Parameters
    ----------
    live
        A stream (short probing, no read-ahead), not a file.
    connect_s, read_s
        The longest FFmpeg may wait to open, and for the next packet.

    Raises
    ------
    SourceError
        With the reason, and the address without its credentials.
    """
    scheme = address.partition("://")[0] if live else ""
    options = {**_LIVE, **_BY_SCHEME.get(scheme, {})} if live else {}
    if scheme in ("tcp", "rtsp", "rtsps"):
        options["timeout"] = str(int(connect_s * 1e6))
    try:
        container = av.open(
            address,
            mode="r",
            format="mpegts" if scheme in ("tcp", "udp") else None,
            options=options,
            timeout=(connect_s, read_s),
        )
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise _explained(error, address, live=live) from error
    if not container.streams.video:
        container.close()
        raise SourceError(f"{redact(address)}: there is no video in it", reason="not_video")
    return container


def pictures(
    container: InputContainer, address: str, counters: Counters, *, live: bool
) -> Iterator[Picture]:
    """Yield the pictures of an open container, in order.

    Ends where the stream ends. A packet that does not decode is counted and passed over.

    Raises
    ------
    SourceError
        ``stalled`` when nothing arrives within the container's read time-out, ``decode`` when too
        many packets fail, or the reason FFmpeg gives.
    """
    video = container.streams.video[0]
    # several frames at once would hold each of them back for as many frame times
    video.thread_type = "SLICE" if live else "AUTO"
    recent: deque[tuple[Fraction, klv.Metadata]] = deque(maxlen=64)
    untimed: klv.Metadata | None = None
    first: Fraction | None = None
    failed = 0
    wanted = (video, *container.streams.data)
    try:
        for packet in container.demux(*wanted):
            if packet.stream.type == "data":
                untimed = _remember(recent, packet, counters) or untimed
                continue
            if untimed is not None and packet.pts is not None and packet.time_base is not None:
                recent.append((Fraction(packet.pts) * packet.time_base, untimed))
                untimed = None
            try:
                frames = packet.decode()
            except av.error.InvalidDataError as error:
                counters.decode_errors += 1
                failed += 1
                if failed >= MAX_DECODE_ERRORS:
                    raise SourceError(
                        f"{redact(address)}: {failed} packets one after the other do not decode",
                        reason="decode",
                    ) from error
                continue
            for frame in frames:
                if not isinstance(frame, VideoFrame):
                    continue
                failed = 0
                base = frame.time_base or video.time_base or Fraction(1, 90_000)
                at = Fraction(frame.pts or 0) * base
                first = at if first is None else first
                meta = _nearest(recent, at)
                yield Picture(frame, float(at - first), _time(meta, at), _pose(meta))
    except (av.error.FFmpegError, OSError) as error:
        raise _explained(error, address, live=live) from error


def close(container: InputContainer) -> None:
    """Close `container`; an error while closing what is broken anyway is of no use to anyone."""
    with contextlib.suppress(av.error.FFmpegError, OSError):
        container.close()


def _remember(
    recent: deque[tuple[Fraction, klv.Metadata]], packet: av.Packet[Any], counters: Counters
) -> klv.Metadata | None:
    """Keep a packet's metadata; return it where the packet has no time of its own.

    Asynchronous metadata (ST 1402) has none: it goes by its place in the stream, with the picture
    that comes next, which is right to one frame.
    """
    data = bytes(packet)
    if not data:
        return None
    try:
        meta = klv.decode(data)
    except KlvError:
        counters.klv_errors += 1
        return None
    counters.klv_packets += 1
    if packet.pts is None or packet.time_base is None:
        return meta
    recent.append((Fraction(packet.pts) * packet.time_base, meta))
    return None


Paired = tuple[Fraction, klv.Metadata]


def _nearest(recent: deque[Paired], at: Fraction) -> Paired | None:
    best = min(recent, key=lambda pair: abs(pair[0] - at), default=None)
    return best if best is not None and abs(best[0] - at) <= PAIR_WITHIN_S else None


def _time(meta: Paired | None, at: Fraction) -> datetime | None:
    if meta is None or meta[1].captured_at is None:
        return None
    return meta[1].captured_at + timedelta(seconds=float(at - meta[0]))


def _pose(meta: Paired | None) -> Pose | None:
    return Pose.from_metadata(meta[1]) if meta is not None else None


def _explained(error: BaseException, address: str, *, live: bool) -> SourceError:
    """Return the SourceError that says what FFmpeg meant."""
    shown = redact(address)
    reason: SourceReason
    if isinstance(error, av.error.InvalidDataError):
        reason, said = "not_video", "is no video that can be read"
    elif isinstance(error, av.error.ExitError | av.error.TimeoutError | TimeoutError):
        reason, said = ("no_answer" if live else "stalled"), "does not answer in time"
    elif isinstance(error, PermissionError):
        reason, said = "no_permission", "may not be read"
    elif isinstance(error, FileNotFoundError):
        reason, said = "not_found", "no such file or stream"
    elif isinstance(error, av.error.HTTPClientError | av.error.HTTPServerError):
        reason, said = "no_answer", "the server refuses it (wrong path, user name or password?)"
    elif isinstance(error, EOFError):
        reason, said = "no_answer", "closes the connection before there is a picture"
    elif live:
        number = getattr(error, "errno", None)
        known = isinstance(number, int) and 0 < number < 200
        words = os.strerror(int(number or 0)) if known else type(error).__name__
        reason, said = "no_answer", f"cannot be reached: {words}"
    else:
        reason, said = "not_video", f"cannot be read: {type(error).__name__}"
    return SourceError(f"{shown}: {said}", reason=reason)


def file_clock(path: str) -> datetime:
    """Return the time that the first picture of a file is given: when the file was last written."""
    return datetime.fromtimestamp(os.stat(path).st_mtime, UTC)
