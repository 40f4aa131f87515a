"""Frames from a file, a folder of pictures or a stream, with capture time and pose.

`read_file` gives every frame of a file, once, in order. `LiveSource` follows a stream: a thread
of its own reads it, keeps only the newest picture, and opens the stream again for as long as it
takes. FFmpeg can hang in a name look-up or a half-dead connection in spite of its time-outs; such
a thread is given up and replaced, and it is never waited for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np

from vision import demux
from vision.address import PICTURES, file_path, kind_of, redact
from vision.errors import SourceError
from vision.frame import Frame, Image

STALL_S = 2.0
"""A live stream that brings no picture for this long is reported as stalled."""


def read_file(address: str) -> Iterator[Frame]:
    """Yield every frame of a video file, of a folder of pictures (by name), or of one picture.

    Where the pictures carry no time of their own, a video starts when its file was last written
    and a picture was taken when its file was last written.

    Raises
    ------
    SourceError
        If the file is not there, not readable, or no video; a stream is refused here.
    """
    kind = kind_of(address)
    path = file_path(address)
    if kind == "stream":
        raise SourceError(
            f"{redact(address)}: is a stream, a file is wanted here", reason="bad_address"
        )
    if kind == "file":
        yield from _video(path)
        return
    files = [Path(path)] if kind == "picture" else _pictures_in(Path(path))
    for index, file in enumerate(files):
        yield Frame(read_picture(file), demux.file_clock(str(file)), index, name=file.name)


def read_picture(path: Path) -> Image:
    """Return a picture file as blue-green-red, shape (height, width, 3).

    Raises
    ------
    SourceError
        If it is not there, not readable, or no picture.
    """
    try:
        raw = np.fromfile(path, dtype=np.uint8)
    except FileNotFoundError as error:
        raise SourceError(f"{path}: no such file", reason="not_found") from error
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}", reason="no_permission") from error
    image = cv2.imdecode(raw, cv2.IMREAD_COLOR) if raw.size else None
    if image is None:
        raise SourceError(f"{path}: is no picture that can be read", reason="not_video")
    return np.asarray(image, np.uint8)


def _pictures_in(folder: Path) -> list[Path]:
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURES)
    if not files:
        raise SourceError(
            f"{folder}: no picture in it ({', '.join(sorted(PICTURES))})", reason="not_video"
        )
    return files


def _video(path: str) -> Iterator[Frame]:
    try:
        with open(path, "rb"):
            start = demux.file_clock(path)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}", reason="no_permission") from error
    container = demux.open_video(path, live=False, connect_s=30, read_s=30)
    counters = demux.Counters()
    index = -1
    try:
        for index, picture in enumerate(demux.pictures(container, path, counters, live=False)):
            at = picture.captured_at or start + timedelta(seconds=picture.offset_s)
            yield Frame(_pixels(picture), at, index, picture.pose)
    finally:
        demux.close(container)
    if index < 0:
        raise SourceError(f"{path}: no picture in it could be decoded", reason="not_video")


def _pixels(picture: demux.Picture) -> Image:
    return np.asarray(picture.frame.to_ndarray(format="bgr24"), np.uint8)


@dataclass(frozen=True, slots=True)
class Health:
    """How a live source is doing.

    Attributes
    ----------
    fps
        Pictures decoded per second, over the last two seconds.
    age_s
        Seconds since the last picture arrived, ``None`` before the first.
    frames, dropped
        Pictures decoded, and those of them that nobody took because a newer one came.
    decode_errors, klv_errors
        Packets of video and of metadata that were broken.
    connects
        How often the stream was opened.
    abandoned
        Reader threads that hung and were given up.
    reason
        Why there is no picture, empty while there is one.
    """

    fps: float
    age_s: float | None
    frames: int
    dropped: int
    decode_errors: int
    klv_errors: int
    connects: int
    abandoned: int
    reason: str


@dataclass(slots=True)
class _State:
    """What the reader thread and its owner share, under one lock."""

    lock: threading.Condition = field(default_factory=threading.Condition)
    newest: tuple[int, datetime, demux.Picture] | None = None
    frames: int = 0
    dropped: int = 0
    connects: int = 0
    arrivals: list[float] = field(default_factory=list)
    beat: float = 0.0
    error: SourceError | None = None
    counters: demux.Counters = field(default_factory=demux.Counters)


class LiveSource:
    """Follows a stream and gives its newest frame.

    Parameters
    ----------
    address
        ``rtsp://``, ``tcp://``, ``udp://`` (MPEG-TS), or a file, which is then played at its own
        speed and over again.
    connect_s
        Longest wait for an answer.
    stall_s
        Silence after which a stream is taken for dead and opened again.
    backoff_s
        Shortest and longest wait between two tries; it doubles in between and never gives up.
    """

    MAX_ABANDONED = 4

    def __init__(
        self,
        address: str,
        *,
        connect_s: float = 5.0,
        stall_s: float = STALL_S,
        backoff_s: tuple[float, float] = (0.5, 8.0),
    ) -> None:
        self.address = address
        self.shown = redact(address)
        self._file = "://" not in address or address.startswith("file://")
        self._connect_s = connect_s
        self._stall_s = stall_s
        self._backoff_s = backoff_s
        self._state = _State()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._abandoned = 0
        self._taken = -1

    def __enter__(self) -> LiveSource:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start reading; does not wait for the stream."""
        self._stop = threading.Event()
        self._state.beat = time.monotonic()
        self._thread = threading.Thread(
            target=self._follow,
            args=(self._stop, self._state),
            name=f"video {self.shown}",
            daemon=True,
        )
        self._thread.start()

    def close(self) -> None:
        """Tell the reader to stop; does not wait for it."""
        self._stop.set()
        with self._state.lock:
            self._state.error = SourceError(f"{self.shown}: closed", reason="closed")
            self._state.lock.notify_all()

    def read(self, timeout_s: float | None = None) -> Frame:
        """Return the newest frame, waiting for one that was not returned before.

        Parameters
        ----------
        timeout_s
            Longest wait, the stall time where not given.

        Raises
        ------
        SourceError
            If none came; call again, the source goes on trying.
        """
        state = self._state
        deadline = time.monotonic() + (self._stall_s if timeout_s is None else timeout_s)
        with state.lock:
            while state.newest is None or state.newest[0] <= self._taken:
                left = deadline - time.monotonic()
                closed = state.error is not None and state.error.reason == "closed"
                if left <= 0 or closed:
                    break
                state.lock.wait(left)
            else:
                index, at, picture = state.newest
                state.dropped += index - self._taken - 1
                self._taken = index
                return Frame(_pixels(picture), at, index, picture.pose)
            error = state.error
        self._watch_thread()
        raise error or self._silent()

    @property
    def health(self) -> Health:
        """How the source is doing now."""
        state = self._state
        now = time.monotonic()
        with state.lock:
            times = [t for t in state.arrivals if now - t <= 2.0]
            age = now - state.arrivals[-1] if state.arrivals else None
            counters = state.counters
            stale = age is None or age > self._stall_s
            missing = "stalled" if state.frames else "no_answer"
            reason = "" if not stale else (state.error.reason if state.error else missing)
            return Health(
                len(times) / 2.0,
                age,
                state.frames,
                state.dropped,
                counters.decode_errors,
                counters.klv_errors,
                state.connects,
                self._abandoned,
                reason,
            )

    def _silent(self) -> SourceError:
        if self._state.frames:
            age = time.monotonic() - self._state.arrivals[-1]
            return SourceError(f"{self.shown}: no picture for {age:.1f} s", reason="stalled")
        return SourceError(f"{self.shown}: no picture yet", reason="no_answer")

    def _watch_thread(self) -> None:
        """Replace a reader that gave no sign of life for longer than all of its time-outs."""
        hung = time.monotonic() - self._state.beat > 2 * (
            self._connect_s + self._stall_s + self._backoff_s[1]
        )
        if self._stop.is_set() or not hung or self._abandoned >= self.MAX_ABANDONED:
            return
        self._stop.set()
        self._abandoned += 1
        old = self._state
        with old.lock:
            self._state = _State(
                newest=old.newest,
                frames=old.frames,
                dropped=old.dropped,
                connects=old.connects,
                arrivals=list(old.arrivals),
                counters=old.counters,
                error=SourceError(
                    f"{self.shown}: the reader hangs and was given up", reason="stalled"
                ),
            )
        self.start()

    def _follow(self, stop: threading.Event, state: _State) -> None:
        """Read the stream until told to stop (thread)."""
        wait_s = self._backoff_s[0]
        while not stop.is_set():
            before = state.frames
            try:
                self._connect(stop, state)
                error = SourceError(f"{self.shown}: the stream ended", reason="ended")
            except SourceError as caught:
                error = caught
                if state.frames > before and caught.reason == "no_answer":
                    error = SourceError(
                        f"{self.shown}: no picture for {self._stall_s:g} s or more",
                        reason="stalled",
                    )
            with state.lock:
                state.beat = time.monotonic()
                if not stop.is_set():
                    state.error = error
            wait_s = (
                self._backoff_s[0] if state.frames > before else min(2 * wait_s, self._backoff_s[1])
            )
            stop.wait(wait_s)

    def _connect(self, stop: threading.Event, state: _State) -> None:
        """Open the stream once and read it to its end."""
        if self._file:
            kind_of(self.address)
        address = file_path(self.address)
        state.beat = time.monotonic()
        container = demux.open_video(
            address, live=not self._file, connect_s=self._connect_s, read_s=self._stall_s
        )
        started = time.monotonic()
        state.connects += 1
        try:
            for picture in demux.pictures(container, address, state.counters, live=not self._file):
                if self._file and stop.wait(
                    max(0.0, started + picture.offset_s - time.monotonic())
                ):
                    return
                if stop.is_set():
                    return
                self._keep(state, picture)
        finally:
            demux.close(container)

    def _keep(self, state: _State, picture: demux.Picture) -> None:
        now = time.monotonic()
        # the times written into a file are those of the day it was made, not of the day it is played
        at = datetime.now(UTC) if self._file or picture.captured_at is None else picture.captured_at
        with state.lock:
            state.newest = (state.frames, at, picture)
            state.frames += 1
            state.arrivals = [t for t in state.arrivals if now - t <= 2.0][-240:]
            state.arrivals.append(now)
            state.beat = now
            state.error = None
            state.lock.notify_all()
