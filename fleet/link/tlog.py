"""Recordings of links: ``.tlog`` files, written by one thread for all links.

A record is the time in microseconds since 1970 as 8 bytes, the highest first, then the packet:
what QGroundControl and ``pymavlink.mavutil.mavlink_connection`` read.
"""

from __future__ import annotations

import errno
import io
import queue
import struct
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import structlog

MOST_WAITING = 4096
"""Pieces that wait for the disk: some 20 s of 24 recorded links."""
CLOSE_S = 5.0
"""Bound on writing what waits when it ends."""
LOOK_S = 0.25
"""An end is looked for so often where nothing comes."""

_STAMP = struct.Struct(">Q")
log = structlog.get_logger(__name__)


class Recording:
    """One file that is written to. Called from any thread; never waits.

    Attributes
    ----------
    missed
        Packets that are not in the file: the disk was too slow, or said no.
    trouble
        Why the file could not be written, in words; empty where it could.
    ended
        Whether it was closed, or is as soon as all that was put is in it.
    """

    def __init__(self, path: Path, writer: TlogWriter) -> None:
        self.path = path
        self.missed = 0
        self.trouble = ""
        self.ended = False
        self._writer = writer

    def put(self, at_us: int, packets: Sequence[bytes]) -> None:
        """Append packets that came or went at a time, in microseconds since 1970."""
        stamp = _STAMP.pack(at_us)
        if self.ended or not self._writer.put(self, stamp + stamp.join(packets), len(packets)):
            self.missed += len(packets)

    def end(self) -> None:
        """Close the file once all that was put is in it."""
        self.ended = True


class TlogWriter:
    """The thread that writes every recording. A context manager, and ``close`` ends it.

    Files are written without a buffer: a controller that is killed leaves no half record behind,
    after which nobody could read on.

    Parameters
    ----------
    waiting
        Most pieces that wait for the disk; what does not fit is counted by its recording.
    """

    def __init__(self, waiting: int = MOST_WAITING) -> None:
        self._queue: queue.Queue[tuple[Recording, bytes, int]] = queue.Queue(waiting)
        self._files: dict[Recording, io.FileIO] = {}
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        """Give itself; the thread starts with the first recording."""
        return self

    def __exit__(self, *_: object) -> None:
        """Write what waits and end."""
        self.close()

    def record(self, path: Path) -> Recording:
        """Return a recording that appends to a file; folders above it are made."""
        if self._thread is None:
            self._closing.clear()
            self._thread = threading.Thread(target=self._run, name="tlog", daemon=True)
            self._thread.start()
        return Recording(path, self)

    def put(self, recording: Recording, data: bytes, packets: int) -> bool:
        """Queue a piece; say whether there was room."""
        try:
            self._queue.put_nowait((recording, data, packets))
        except queue.Full:
            return False
        return True

    def close(self) -> None:
        """Write what waits, for at most ``CLOSE_S``, and end the thread. Blocks so long."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._closing.set()
        thread.join(CLOSE_S)
        if thread.is_alive():
            log.error("recordings not written to the end", waiting=self._queue.qsize())

    def _run(self) -> None:
        while not (self._closing.is_set() and self._queue.empty()):
            try:
                recording, data, packets = self._queue.get(timeout=LOOK_S)
            except queue.Empty:
                pass
            else:
                self._write(recording, data, packets)
            if self._queue.empty():
                for ended in [r for r in self._files if r.ended]:
                    self._files.pop(ended).close()
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _write(self, recording: Recording, data: bytes, packets: int) -> None:
        try:
            file = self._files.get(recording)
            if file is None:
                recording.path.parent.mkdir(parents=True, exist_ok=True)
                file = self._files[recording] = io.FileIO(recording.path, "a")
            begin = file.tell()
            if file.write(data) != len(data):
                file.truncate(begin)  # no half record
                raise OSError(errno.ENOSPC, "the disk is full")
        except OSError as error:
            recording.missed += packets
            words = f"{recording.path.name} cannot be written: {error.strerror or error}"
            if words != recording.trouble:
                recording.trouble = words
                log.warning("recording failed", path=str(recording.path), error=str(error))
