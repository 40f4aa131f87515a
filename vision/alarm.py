"""Measurements -> alarms: thresholds with hysteresis and dwell in capture time.

A level is raised when each measurement over ``dwell_s`` lay at or over its threshold, and it is
lowered when each over ``dwell_s`` lay under the threshold by more than the hysteresis; only then
can it be raised again. "Not measurable" is no measurement: it neither raises nor lowers. After a
longer silence a dwell that had begun starts again, since nobody knows what was between; and so it
does when the capture time goes back by as much, since the camera's clock was set then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

Level = Literal["yellow", "orange", "red"]
LEVELS: tuple[Level, ...] = ("yellow", "orange", "red")


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """When a level is raised and when it ends.

    Parameters
    ----------
    thresholds
        Level -> the value that raises it, rising with the level.
    hysteresis
        A level ends this far under its threshold.
    dwell_s
        A value must stay over (or under) for this long, seconds of capture time.
    gap_s
        A silence longer than this starts a dwell again.

    Raises
    ------
    ValueError
        If no level is given, thresholds do not rise, or a number is negative.
    """

    thresholds: Mapping[Level, float]
    hysteresis: float
    dwell_s: float
    gap_s: float = 5.0

    def __post_init__(self) -> None:
        values = [self.thresholds[level] for level in LEVELS if level in self.thresholds]
        if not values:
            raise ValueError("an alarm needs at least one threshold of yellow, orange, red")
        if any(b <= a for a, b in pairwise(values)):
            raise ValueError(f"thresholds {values!r} must rise from yellow to red")
        for name in ("hysteresis", "dwell_s", "gap_s"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)!r}, must not be negative")


@dataclass(frozen=True, slots=True)
class AlarmEvent:
    """A change of level.

    Attributes
    ----------
    kind
        ``raised``: a higher level is reached; ``lowered``: the level fell, perhaps to normal.
    level
        The level from now on, ``None`` for normal.
    at
        Capture time of the frame that brought it.
    value
        The value measured in that frame.
    threshold
        Threshold of the level raised, or of the one that ended.
    exceeded_at
        Capture time of the first frame over the threshold (raised) or clear of it (lowered).
    """

    kind: Literal["raised", "lowered"]
    level: Level | None
    at: datetime
    value: float
    threshold: float
    exceeded_at: datetime


class Alarm:
    """The alarm of one site.

    Parameters
    ----------
    rule
        When a level is raised and when it ends.
    """

    def __init__(self, rule: AlarmRule) -> None:
        self.rule = rule
        self._ladder = [
            (level, rule.thresholds[level]) for level in LEVELS if level in rule.thresholds
        ]
        self._raised = 0  # steps of the ladder that are up
        self._over: list[datetime | None] = [None] * len(self._ladder)
        self._under: list[datetime | None] = [None] * len(self._ladder)
        self._last: datetime | None = None

    @property
    def level(self) -> Level | None:
        """The level that is up, ``None`` for normal."""
        return self._ladder[self._raised - 1][0] if self._raised else None

    def update(self, at: datetime, value: float | None, *, gap_s: float = 0.0) -> AlarmEvent | None:
        """Take one measurement and return the change of level that it brings, if any.

        Parameters
        ----------
        at
            Capture time; a frame that is a little older than the last one is ignored.
        value
            The measurement, ``None`` for "not measurable".
        gap_s
            Frames come this far apart just now: a shorter silence than this is none, whatever the
            rule says. Else a slow detector could never raise anything.
        """
        if value is None:
            return None
        gap = timedelta(seconds=max(self.rule.gap_s, gap_s))
        passed = at - self._last if self._last is not None else timedelta(0)
        if -gap <= passed < timedelta(0):
            return None
        if abs(passed) > gap:
            self._over = [None] * len(self._ladder)
            self._under = [None] * len(self._ladder)
        self._last = at
        for step, (_, threshold) in enumerate(self._ladder):
            self._over[step] = (self._over[step] or at) if value >= threshold else None
            clear = value < threshold - self.rule.hysteresis
            self._under[step] = (self._under[step] or at) if clear else None
        return self._rise(at, value) or self._fall(at, value)

    def _rise(self, at: datetime, value: float) -> AlarmEvent | None:
        for step in range(len(self._ladder) - 1, self._raised - 1, -1):
            since = self._over[step]
            if since is not None and self._dwelt(since, at):
                self._raised = step + 1
                level, threshold = self._ladder[step]
                return AlarmEvent("raised", level, at, value, threshold, since)
        return None

    def _fall(self, at: datetime, value: float) -> AlarmEvent | None:
        was = self._raised
        since: datetime | None = None
        while self._raised:
            low = self._under[self._raised - 1]
            if low is None or not self._dwelt(low, at):
                break
            since = low
            self._raised -= 1
        if since is None:
            return None
        return AlarmEvent("lowered", self.level, at, value, self._ladder[was - 1][1], since)

    def _dwelt(self, since: datetime, at: datetime) -> bool:
        return at - since >= timedelta(seconds=self.rule.dwell_s)
