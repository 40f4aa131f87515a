"""Days and hours that policy speaks of: by the clock on the wall, with holidays.

A time that the clock leaps over is taken by the offset before the leap (02:30 becomes 03:30), one
that it shows twice is the first of the two, as in ``missions.recurrence`` and ``missions.hours``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from missions.fields import Model
from missions.hours import DAYS, WallTime

DayName = Literal[
    "mon", "tue", "wed", "thu", "fri", "sat", "sun", "workday", "weekend", "holiday"
]  # fmt: skip
ONE_DAY = timedelta(days=1)


class When(Model):
    """Some days, some hours.

    An end that is not after the start is the next day's; which day it is goes by the start.
    """

    days: tuple[DayName, ...] = Field(
        default=(),
        max_length=10,
        description="any of them; empty: every day. A day is a holiday, else a workday, else of "
        "the weekend",
    )
    start: WallTime | None = Field(default=None, description='"18:00", on the wall of the city')
    end: WallTime | None = Field(default=None, description='"02:00"')

    @model_validator(mode="after")
    def _whole(self) -> When:
        if (self.start is None) != (self.end is None):
            raise ValueError("start and end go together")
        if self.start is None and not self.days:
            raise ValueError("says nothing of when; leave it out where it is always")
        return self


@dataclass(frozen=True)
class Calendar:
    """A city's clock and its days.

    Parameters
    ----------
    zone
        IANA name of its time zone.
    holidays
        Days that are holidays, whatever day of the week they are.
    worked
        Days of a weekend that are worked all the same.
    """

    zone: str
    holidays: frozenset[date] = frozenset()
    worked: frozenset[date] = frozenset()

    def kind(self, day: date) -> Literal["workday", "weekend", "holiday"]:
        """Return what a day is."""
        if day in self.holidays:
            return "holiday"
        return "workday" if day.weekday() < 5 or day in self.worked else "weekend"

    def holds(self, when: When, at: datetime) -> bool:
        """Whether a time is within days and hours."""
        at = at.astimezone(UTC)
        today = at.astimezone(ZoneInfo(self.zone)).date()
        start, end = when.start or time(), when.end or time()
        over = end <= start
        for day in (today, today - ONE_DAY) if over else (today,):
            if when.days and not self._is(day, when.days):
                continue
            last = day + ONE_DAY if over else day
            if _moment(self.zone, day, start) <= at < _moment(self.zone, last, end):
                return True
        return False

    def any_holds(self, whens: Sequence[When], at: datetime) -> bool:
        """Whether a time is within any of them; it is where there is none."""
        return not whens or any(self.holds(when, at) for when in whens)

    def _is(self, day: date, names: Sequence[DayName]) -> bool:
        return DAYS[day.weekday()] in names or self.kind(day) in names


@lru_cache(maxsize=4096)
def _moment(zone: str, day: date, at: time) -> datetime:
    """Return the time in UTC at which a clock shows a time of day."""
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)
