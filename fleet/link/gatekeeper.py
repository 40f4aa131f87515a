"""Who is let through on a vehicle's link: that vehicle, from one peer, nothing twice, nothing old.

Pure: it is given frames and the time, and keeps a bounded memory. What it refuses it counts, and
tells in words for an operator (``troubles``).
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from fleet.link.frames import Frame
from fleet.link.port import LOST_AFTER_S, TROUBLE_S
from fleet.link.wire import AUTOPILOT, BOOT_TIME_AT, V2

PEER_SILENT_S = LOST_AFTER_S
"""After so long without a word of the peer another may take its place: a vehicle behind a mobile
network comes back from another address."""

WINDOW = 64
"""Sequence numbers back from the newest within which a packet is late or double, not new."""
JUMP = 8
"""Numbers that a packet without a time of its own may be ahead, besides those that time allows."""
TRUSTED_NUMBERS = 96
"""A sequence number has 8 bits: it tells old from new only while fewer than some half of them can
have gone by unheard. Time that takes so many, at the rate heard, is how long it is believed."""
SLOWEST_HZ = 20.0
MOST_COMPONENTS = 16
"""Autopilot, gimbal, cameras, ...; more components than this in one vehicle are rubbish."""

TIME_BACK_MS = 2_000
TIME_AHEAD_MS = 2_000
TIME_FASTEST = 30.0
"""Clocks of a vehicle's streams differ by less than the first two; a simulation may run at some
multiple of real time."""
REBOOT_STAYS_S = 1.0
"""A clock that is elsewhere for so long, with no word of the old time between, has been set: the
vehicle was started again. Packets of another time that come between those of this one are replayed."""

LOSS_SPAN_S = 10.0
LOSS_PERCENT = 20.0
LOSS_FROM = 50
"""Packets that must be due within the span before a rate of loss is told."""
TELL_FROM = 5
"""One packet that comes twice is nothing to tell an operator."""
RUBBISH_FROM = 400
"""Bytes."""

_LATE_WELCOME = frozenset(
    {22, 23, 39, 40, 44, 45, 46, 47, 51, 73, 75, 76, 77, 110, 118, 120, 253, 263, 284, 322, 324}
    | {410, 411, 412, 413}
)
"""Answers, plan items, parameters, files, texts, events: right also after others of their kind."""

_U32 = struct.Struct("<I")
_V1_HEADER, _V2_HEADER = 6, 10
_MASK = (1 << WINDOW) - 1
_Peer = object


@dataclass(slots=True)
class Counters:
    """Packets since the link was opened. ``rubbish`` is in bytes."""

    passed: int = 0
    lost: int = 0
    late: int = 0
    old: int = 0
    double: int = 0
    foreign: int = 0
    second: int = 0
    unknown: int = 0
    rubbish: int = 0
    unread: int = 0
    restarts: int = 0


class Gatekeeper:
    """Lets one vehicle's packets through.

    Parameters
    ----------
    system
        The vehicle's MAVLink system id.
    who
        Names of other vehicles by system id, for the words.
    """

    def __init__(self, system: int, who: dict[int, str] | None = None) -> None:
        self._system = system
        self._who = who or {}
        self._lines: dict[int, _Line] = {}
        self._peer: _Peer | None = None
        self._peer_at = 0.0
        self.counters = Counters()
        self._recent: dict[str, _Recent] = {}
        self._words: dict[str, tuple[float, str]] = {}

    @property
    def peer(self) -> object | None:
        """Who is listened to; None before the first word."""
        return self._peer

    def admit(self, frames: Sequence[Frame], peer: object, now: float) -> list[Frame]:
        """Return the frames of one read that are this vehicle's and new, in the order they came.

        Parameters
        ----------
        frames
            As ``frames`` cut them.
        peer
            Address they came from.
        now
            Monotonic seconds.
        """
        if not frames:
            return []
        if peer != self._peer and not self._takes(frames, peer, now):
            return []
        system, admitted, component, line = self._system, [], -1, None
        for frame in frames:
            sender, of = frame.system, frame.component
            if sender != system:
                self._foreign(frame, now)
                continue
            if of != component:
                component, line = of, self._line(of, now)
            if line is not None and self._is_new(line, frame, now):
                admitted.append(frame)
        if admitted:
            self._peer_at = now
            self.counters.passed += len(admitted)
        return admitted

    def rubbish(self, count: int, now: float) -> None:
        """Take note of bytes that are no MAVLink."""
        self._count("rubbish", count, now)

    def unread(self, count: int, now: float) -> None:
        """Take note of datagrams of others that nobody had time to look into."""
        self._count("unread", count, now)

    def forget_peer(self) -> None:
        """Take whoever speaks next: a connection was made anew."""
        self._peer = None

    # --- who ----------------------------------------------------------------------------------

    def _takes(self, frames: Sequence[Frame], peer: object, now: float) -> bool:
        """Say whether one who was not listened to is, from now on."""
        own = sum(frame.system == self._system for frame in frames)
        if not own:
            for frame in frames:
                self._foreign(frame, now)
            return False
        if self._peer is not None and now - self._peer_at < PEER_SILENT_S:
            self._count("second", own, now)
            self._tell(
                "second",
                f"a second vehicle with system id {self._system} speaks from {_address(peer)}; "
                f"only {_address(self._peer)} is listened to",
                now,
            )
            return False
        self._peer, self._peer_at = peer, now
        return True

    def _foreign(self, frame: Frame, now: float) -> None:
        self._count("foreign", 1, now)
        if frame.component == AUTOPILOT:
            name = self._who.get(frame.system)
            self._tell(
                "foreign",
                f"a vehicle with system id {frame.system}{f' ({name})' if name else ''} speaks on "
                f"this link, which is for system id {self._system}; it is not listened to",
                now,
            )

    # --- order --------------------------------------------------------------------------------

    def _is_new(self, line: _Line, frame: Frame, now: float) -> bool:
        raw, _, _, message, sequence, known = frame
        at, ms, newer = BOOT_TIME_AT.get(message), 0, False
        if at is not None:
            ms = _boot_ms(raw, at)
            if not self._in_time(line, ms, now):
                if sequence == line.next:  # not heard, but no loss either
                    line.next, line.seen = sequence + 1 & 0xFF, line.seen << 1 & _MASK
                return False
            newer = line.ms is None or ms > line.ms
        if sequence == line.next and line.at is not None:  # as nearly all are
            line.next, line.at = sequence + 1 & 0xFF, now
            line.seen = line.seen << 1 & _MASK | 1
            line.count += 1
            line.number += 1
        elif not self._in_line(line, frame, now, newer=newer):
            return False
        if at is not None:  # one that is refused after all says nothing of the time either
            self._tell_time(line, ms, now, newer=newer)
        if not known:  # of which there are 16 million numbers
            self.counters.unknown += 1
            return False
        line.last[message] = line.number
        return True

    def _line(self, component: int, now: float) -> _Line | None:
        line = self._lines.get(component)
        if line is None:
            if len(self._lines) >= MOST_COMPONENTS:
                self._count("foreign", 1, now)
                return None
            line = self._lines[component] = _Line(now)
        if now - line.second >= 1.0:
            line.each_second(now)
        return line

    def _in_line(self, line: _Line, frame: Frame, now: float, *, newer: bool) -> bool:
        """Judge a frame whose sequence number is not the next one.

        ``newer`` is whether the vehicle's own clock says that it is the newest: then it is.
        """
        ahead = (frame.sequence - line.next & 0xFF) + 1
        if line.at is None or now - line.at > line.trusted_s:
            line.forward(ahead, now)
            return True
        back = 256 - ahead
        if back < WINDOW:
            if line.seen >> back & 1:
                self._count("double", 1, now)
                return False
            line.seen |= 1 << back
            self._count("late", 1, now)
            self._count("lost", -1, now)
            if newer:
                line.back_to(frame.sequence, now)
            elif line.overtaken(frame.message, back) and frame.message not in _LATE_WELCOME:
                self._count("old", 1, now)
                return False
            return True
        jump = WINDOW if newer or line.ms is None else JUMP
        if ahead > jump + 2 * line.rate_hz * (now - line.at):
            self._count("old", 1, now)
            return False
        line.forward(ahead, now)
        self._count("lost", ahead - 1, now)
        return True

    def _in_time(self, line: _Line, ms: int, now: float) -> bool:
        """Judge a frame by the vehicle's own clock."""
        if line.ms is None:
            return True
        ahead = ms - line.ms
        if -TIME_BACK_MS < ahead < TIME_AHEAD_MS + 1000 * TIME_FASTEST * (now - line.ms_at):
            return True
        return self._other_time(line, ms, ahead, now)

    def _tell_time(self, line: _Line, ms: int, now: float, *, newer: bool) -> None:
        if newer:
            line.ms, line.ms_at = ms, now
        if line.doubts:
            self._count("old", line.doubts, now)
            line.doubts = 0

    def _other_time(self, line: _Line, ms: int, ahead: int, now: float) -> bool:
        near = abs(ms - line.doubt_ms) < TIME_AHEAD_MS + 1000 * TIME_FASTEST * (now - line.doubt_at)
        if not line.doubts or not near:
            self._count("old", line.doubts, now)
            line.doubts, line.doubt_since = 0, now
        line.doubts, line.doubt_ms, line.doubt_at = line.doubts + 1, ms, now
        if now - line.doubt_since < REBOOT_STAYS_S:
            return False
        line.ms, line.ms_at, line.doubts = ms, now, 0
        line.at = None  # and its numbers begin anew
        self._count("restarts", 1, now)
        if ahead < 0:
            words = f"the vehicle was started again: its clock went back {-ahead / 1000:.0f} s"
        else:
            words = f"the vehicle's clock jumped {ahead / 1000:.0f} s ahead"
        self._tell("restarts", words, now)
        return True

    # --- words --------------------------------------------------------------------------------

    def loss_percent(self, now: float) -> float | None:
        """Return the share of packets lost in the last ``LOSS_SPAN_S``; None where too few came."""
        lost = self._recently("lost", now, LOSS_SPAN_S)
        passed = sum(line.heard(now) for line in self._lines.values())
        due = lost + passed
        return 100.0 * max(0, lost) / due if due >= LOSS_FROM else None

    def troubles(self, now: float) -> tuple[str, ...]:
        """Return what is wrong, in words; of the last ``TROUBLE_S``."""
        said = [words for at, words in self._words.values() if now - at <= TROUBLE_S]
        loss = self.loss_percent(now)
        if loss is not None and loss >= LOSS_PERCENT:
            said.append(f"{loss:.0f} % of the packets are lost on the way")
        for kind, least, words in (
            ("double", TELL_FROM, "packets came twice"),
            ("old", TELL_FROM, "packets were older than what is known, and were left out"),
            ("rubbish", RUBBISH_FROM, "bytes were no MAVLink"),
            ("unread", TELL_FROM, "datagrams of others flooded the link and were not looked into"),
        ):
            count = self._recently(kind, now, TROUBLE_S)
            if count >= least:
                said.append(f"{count} {words}")
        return tuple(said)

    def _tell(self, kind: str, words: str, now: float) -> None:
        self._words[kind] = (now, words)

    def _count(self, kind: str, number: int, now: float) -> None:
        if not number:
            return
        setattr(self.counters, kind, getattr(self.counters, kind) + number)
        self._recent.setdefault(kind, _Recent()).add(number, now)

    def _recently(self, kind: str, now: float, span_s: float) -> int:
        recent = self._recent.get(kind)
        return recent.sum(now, span_s) if recent is not None else 0


class _Line:
    """The packets of one component, in the order it numbers them, and its clock.

    Attributes
    ----------
    next
        The sequence number that is due.
    seen
        Bit ``i`` is whether the packet ``i`` before that was heard, less one.
    at
        When one last came.
    count
        How many came since ``second``.
    trusted_s
        For how long after ``at`` a sequence number tells old from new.
    number
        The last packet's sequence number, as if it had no end.
    last
        The same of the last of each kind.
    ms, ms_at
        The sender's own clock, and when it was heard.
    doubts
        Packets of another time, which may be a clock that was set.
    """

    __slots__ = (
        "_heard",
        "at",
        "count",
        "doubt_at",
        "doubt_ms",
        "doubt_since",
        "doubts",
        "last",
        "ms",
        "ms_at",
        "next",
        "number",
        "rate_hz",
        "second",
        "seen",
        "trusted_s",
    )

    def __init__(self, now: float) -> None:
        self.next = 0
        self.number = 0
        self.seen = 1
        self.at: float | None = None
        self.count = 0
        self.second = now
        self.rate_hz = SLOWEST_HZ
        self.trusted_s = TRUSTED_NUMBERS / SLOWEST_HZ
        self._heard: deque[tuple[float, int]] = deque(maxlen=int(LOSS_SPAN_S))
        self.last: dict[int, int] = {}
        self.ms: int | None = None
        self.ms_at = 0.0
        self.doubts = 0
        self.doubt_ms = 0
        self.doubt_at = 0.0
        self.doubt_since = 0.0

    def forward(self, by: int, now: float) -> None:
        """Go on by so many numbers."""
        self.next = (self.next + by) & 0xFF
        self.number += by
        self.seen = (self.seen << by | 1) & _MASK
        self.at = now
        self.count += 1

    def back_to(self, sequence: int, now: float) -> None:
        """Go on from here: the clock of this one says that those ahead of it were none of ours."""
        self.next, self.seen, self.at = sequence + 1 & 0xFF, 1, now
        self.count += 1

    def overtaken(self, message: int, back: int) -> bool:
        """Say whether a packet that comes late was followed by another of its kind.

        PX4 sends from two threads, so that one packet may overtake another by a few.
        """
        return self.last.get(message, -1) > self.number - back

    def each_second(self, now: float) -> None:
        """Take the rate."""
        gone = now - self.second
        if gone < 2.0:
            self.rate_hz = max(SLOWEST_HZ, self.count / gone)
            self.trusted_s = TRUSTED_NUMBERS / self.rate_hz
        self._heard.append((now, self.count))
        self.second, self.count = now, 0

    def heard(self, now: float) -> int:
        """Return how many packets came in the last ``LOSS_SPAN_S``."""
        return self.count + sum(n for at, n in self._heard if now - at <= LOSS_SPAN_S)


class _Recent:
    """A count over the last ``TROUBLE_S``, in steps of a second."""

    __slots__ = ("_steps",)

    def __init__(self) -> None:
        self._steps: deque[list[float]] = deque(maxlen=int(TROUBLE_S) + 1)

    def add(self, number: int, now: float) -> None:
        """Count ``number`` more."""
        if self._steps and now - self._steps[-1][0] < 1.0:
            self._steps[-1][1] += number
        else:
            self._steps.append([now, number])

    def sum(self, now: float, span_s: float) -> int:
        """Return what was counted within ``span_s``."""
        return int(sum(count for at, count in self._steps if now - at <= span_s))


def _boot_ms(raw: bytes, at: int) -> int:
    """Return ``time_boot_ms``, which stands ``at`` bytes into the payload."""
    start = at + (_V2_HEADER if raw[0] == V2 else _V1_HEADER)
    if raw[1] >= at + 4:
        return int(_U32.unpack_from(raw, start)[0])
    # zeros at the end of a payload are left out
    return int.from_bytes(raw[start : start + max(0, raw[1] - at)], "little")


def _address(peer: object) -> str:
    if isinstance(peer, tuple) and len(peer) >= 2:
        return f"{peer[0]}:{peer[1]}"
    return str(peer)
