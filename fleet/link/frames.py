"""Bytes as they come, cut into whole MAVLink frames whose checksum is right.

Pure. Follows https://mavlink.io/en/guide/serialization.html, versions 1 and 2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from fleet.link.wire import CRC_EXTRA, REVERSED, SIGNATURE, SIGNED, V1, V2, checked

MOST_FALSE_STARTS = 4
"""In one datagram: after so many frames with a wrong checksum the rest is rubbish as well, so that
rubbish made of first bytes of frames costs no more than other rubbish."""

_MAGIC = re.compile(b"[\xfd\xfe]")
_V1_HEADER, _V2_HEADER = 6, 10


class Frame(NamedTuple):
    """One whole frame. ``known`` is false where its message, and so its checksum, is not."""

    raw: bytes
    system: int
    component: int
    message: int
    sequence: int
    known: bool = True


@dataclass(slots=True)
class Tally:
    """What came besides frames."""

    rubbish: int = 0
    """Bytes that belong to no frame."""
    wrong: int = 0
    """Frames whose checksum is wrong, or that are cut short."""
    unread: int = 0
    """Datagrams of others that were not looked into, since there were too many."""


def split_datagram(data: bytes, tally: Tally) -> list[Frame]:
    """Return the whole frames of one datagram; a frame never goes on in the next one."""
    found: list[Frame] = []
    end, _ = _scan(data, found, tally, whole=True, trusted=True)
    tally.rubbish += len(data) - end
    return found


class Stream:
    """Frames out of a stream of bytes, however it is cut into pieces."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._rest = b""
        self._trusted = False

    def feed(self, data: bytes) -> list[Frame]:
        """Take the next bytes; return the frames that they end. Keeps at most one frame's bytes."""
        found: list[Frame] = []
        data = self._rest + data
        end, self._trusted = _scan(data, found, self.tally, whole=False, trusted=self._trusted)
        self._rest = data[end:]
        return found

    def restart(self) -> None:
        """Forget what began before the connection broke."""
        self.tally.rubbish += len(self._rest)
        self._rest, self._trusted = b"", False


def _scan(
    data: bytes, found: list[Frame], tally: Tally, *, whole: bool, trusted: bool
) -> tuple[int, bool]:
    """Append the frames in ``data``; return how far it was read, and whether a frame ended there.

    A message that is not in the dialect has no checksum that could be tested: it is taken for a
    frame only where the one before it was (``trusted``).
    """
    mirrored, end, at, false_starts = data.translate(REVERSED), len(data), 0, 0
    while at < end:
        magic = data[at]
        if magic != V2 and magic != V1:
            start = _MAGIC.search(data, at)
            begins = start.start() if start else end
            tally.rubbish += begins - at
            at, trusted = begins, False
            continue
        header = _V2_HEADER if magic == V2 else _V1_HEADER
        if end - at < header:
            if not whole:
                break
            fits = False
        else:
            frame, fits, size = _frame(data, mirrored, at, header, trusted)
            if fits and frame is None and not whole:
                break  # the rest is still to come
            if fits and frame is not None:
                found.append(frame)
                at, trusted = at + size, True
                continue
        tally.wrong += 1
        tally.rubbish += 1
        at, trusted, false_starts = at + 1, False, false_starts + 1
        if whole and false_starts >= MOST_FALSE_STARTS:
            break
    return at, trusted


def _frame(
    data: bytes, mirrored: bytes, at: int, header: int, trusted: bool
) -> tuple[Frame | None, bool, int]:
    """Read the frame that begins at ``at``.

    Returns
    -------
    frame
        None where there is none, or where its end is still to come.
    possible
        Whether there can be one here.
    size
        Its bytes.
    """
    size = header + data[at + 1] + 2
    if header == _V2_HEADER:
        _, _, flags, _, sequence, system, component, low, middle, high = data[at : at + 10]
        message = low | middle << 8 | high << 16
        if flags:
            if flags & ~SIGNED:
                return None, False, size
            size += SIGNATURE
    else:
        _, _, sequence, system, component, message = data[at : at + 6]
        flags = 0
    extra = CRC_EXTRA.get(message)
    if extra is None and not trusted:
        return None, False, size
    end = at + size
    if end > len(data):
        return None, True, size
    if extra is not None:
        crc_at = end - 2 - (SIGNATURE if flags else 0)
        if not checked(mirrored, at + 1, crc_at, extra):
            return None, False, size
    raw = data[at:end]
    return Frame(raw, system, component, message, sequence, extra is not None), True, size
