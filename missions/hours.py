"""When a zone is active: from a moment until another, and on some days at some hours.

Hours are those of the clocks on the wall: of the city's time zone, or of the one that is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOMENT = timedelta(microseconds=1)


def known_timezone(name: str) -> str:
    """Return the name of a time zone.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; one is e.g. 'Asia/Shanghai'") from None
    return name


def _as_written(value: object) -> object:
    """Refuse a number: YAML reads 22:00 without quotes as 1320."""
    if isinstance(value, int | float):
        raise ValueError(f'{value} is no time of day; write it in quotes, as "22:00"')
    return value


def _without_offset(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError(f"{value.isoformat()} has an offset; name a timezone instead")
    return value


WallTime = Annotated[time, BeforeValidator(_as_written), AfterValidator(_without_offset)]
"""A time of day on the clock on the wall."""


class Hours(BaseModel):
    """One window of time, in which a zone is active.

    From ``from`` until ``until``, where they are given; within that on ``days``, where they are
    given, between ``start`` and ``end``. An end that is not after the start is the next day's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    since: AwareDatetime | None = Field(default=None, alias="from")
    until: AwareDatetime | None = None
    days: tuple[Day, ...] = Field(default=(), description="empty: every day")
    start: WallTime | None = Field(default=None, description='"22:00", on the wall')
    end: WallTime | None = None
    timezone: str | None = Field(default=None, description="of the hours; none: the city's")

    @field_validator("timezone")
    @classmethod
    def _timezone(cls, value: str | None) -> str | None:
        return None if value is None else known_timezone(value)

    @model_validator(mode="after")
    def _whole(self) -> Hours:
        if (self.start is None) != (self.end is None):
            raise ValueError("start and end go together")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ValueError(
                f"from {self.since.isoformat()} is not before until {self.until.isoformat()}"
            )
        if (self.since, self.until, self.start) == (None, None, None) and not self.days:
            raise ValueError("says nothing of when; leave it out where a zone is always active")
        return self

    def spans(
        self, timezone: str, start: datetime, end: datetime
    ) -> Iterator[tuple[datetime, datetime]]:
        """Yield what of a time lies within the window, piece by piece; times are UTC."""
        low = start if self.since is None else max(start, self.since)
        high = end if self.until is None else min(end, self.until)
        if low >= high:
            return
        if self.start is None and not self.days:
            yield low.astimezone(UTC), high.astimezone(UTC)
            return
        zone = ZoneInfo(self.timezone or timezone)
        begins, ends = self.start or time(), self.end or time()
        day = low.astimezone(zone).date() - timedelta(days=1)
        last = high.astimezone(zone).date()
        while day <= last:
            if not self.days or DAYS[day.weekday()] in self.days:
                over = timedelta(days=1 if ends <= begins else 0)
                begin = datetime.combine(day, begins, zone).astimezone(UTC)
                finish = datetime.combine(day + over, ends, zone).astimezone(UTC)
                if max(begin, low) < min(finish, high):
                    yield max(begin, low.astimezone(UTC)), min(finish, high.astimezone(UTC))
            day += timedelta(days=1)


def active_spans(
    windows: Sequence[Hours] | None, timezone: str, start: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    """Return when between two times something is active; all of it where there is no window."""
    if windows is None:
        return [(start.astimezone(UTC), end.astimezone(UTC))]
    return sorted(span for window in windows for span in window.spans(timezone, start, end))


def active_between(
    windows: Sequence[Hours] | None, timezone: str, start: datetime, end: datetime
) -> bool:
    """Whether something is active at any time between two; both may be the same."""
    if windows is None:
        return True
    end = max(end, start + MOMENT)
    return any(any(True for _ in window.spans(timezone, start, end)) for window in windows)
