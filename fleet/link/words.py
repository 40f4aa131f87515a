"""What the autopilot says: STATUSTEXT, put together again where a text came in several pieces.

Pure. https://mavlink.io/en/messages/common.html#STATUSTEXT: pieces of one text share an ``id``
and are numbered; the last one is shorter than 50 characters.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from fleet.link.port import TEXT_LOG_SIZE, VehicleText
from fleet.link.wire import fields

PIECE = 50
"""Bytes of text in one message."""
WAIT_S = 1.0
"""A text whose other pieces do not come within this is told with what there is."""
MOST_OPEN = 8
MOST_PIECES = 16
GAP = " … "

SEVERITIES = ("EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG")
"""MAV_SEVERITY by its number."""


@dataclass(slots=True)
class _Open:
    """A text of which pieces are still to come."""

    at: datetime
    since: float
    severity: str
    pieces: dict[int, bytes] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        last = max(self.pieces)
        return len(self.pieces) == last + 1 and len(self.pieces[last]) < PIECE

    @property
    def text(self) -> str:
        last, words = max(self.pieces), b""
        for number in range(last + 1):
            words += self.pieces.get(number, GAP.encode())
        if len(self.pieces[last]) == PIECE:
            words += GAP.rstrip().encode()
        return words.decode(errors="replace")


class Words:
    """The last texts of one vehicle."""

    def __init__(self) -> None:
        self._texts: deque[VehicleText] = deque(maxlen=TEXT_LOG_SIZE)
        self._open: dict[tuple[int, int], _Open] = {}
        self._picture: tuple[VehicleText, ...] | None = ()

    def hear(self, raw: bytes, component: int, at: datetime, now: float) -> bool:
        """Take one STATUSTEXT frame; return whether a text was ended by it.

        Parameters
        ----------
        raw
            The frame.
        component
            Who sent it.
        at, now
            When it came: wall time, and monotonic seconds.
        """
        severity, text, number, piece = fields(raw)
        words = text.split(b"\0", 1)[0]
        name = SEVERITIES[severity] if severity < len(SEVERITIES) else "DEBUG"
        if not number:
            self._say(VehicleText(at, name, _clean(words.decode(errors="replace"))))
            return True
        self.expire(now)
        key = (component, number)
        entry = self._open.get(key)
        if entry is None:
            if len(self._open) >= MOST_OPEN:
                self._end(next(iter(self._open)))
            entry = self._open[key] = _Open(at, now, name)
        if piece < MOST_PIECES:
            entry.pieces[piece] = words
        if entry.pieces and (entry.whole or len(entry.pieces) == MOST_PIECES):
            self._end(key)
            return True
        return False

    def expire(self, now: float) -> bool:
        """Tell the texts whose other pieces were waited for in vain; return whether there were any."""
        if not self._open:
            return False
        late = [key for key, entry in self._open.items() if now - entry.since > WAIT_S]
        for key in late:
            self._end(key)
        return bool(late)

    @property
    def texts(self) -> tuple[VehicleText, ...]:
        """The last texts, oldest first."""
        if self._picture is None:
            self._picture = tuple(self._texts)
        return self._picture

    def _end(self, key: tuple[int, int]) -> None:
        entry = self._open.pop(key)
        if entry.pieces:
            self._say(VehicleText(entry.at, entry.severity, _clean(entry.text)))

    def _say(self, text: VehicleText) -> None:
        self._texts.append(text)
        self._picture = None


def _clean(text: str) -> str:
    """Drop what a terminal would act on; PX4 ends a text with a tab where an event says it too."""
    return "".join(c for c in text if c.isprintable()).strip()
