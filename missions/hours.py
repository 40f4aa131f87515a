"""When a zone is active: from a moment until another, and on some days at some hours.

Hours are those of the clocks on the wall: of the city's time zone, or of the one that is named.
They may begin and end with the sun, over a place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
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

from missions.sun import SunEvent, event_at

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOMENT = timedelta(microseconds=1)
ABOUT = timedelta(minutes=2)
"""So much sooner and later than is reckoned the sun may rise and set."""


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
    Where the sun is to begin or end them and does not, near the poles, it is the whole day.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    since: AwareDatetime | None = Field(default=None, alias="from")
    until: AwareDatetime | None = None
    days: tuple[Day, ...] = Field(default=(), description="empty: every day")
    start: WallTime | None = Field(default=None, description='"22:00", on the wall')
    end: WallTime | None = None
    start_event: SunEvent | None = Field(
        default=None,
        description="in place of start: bmct, sr, ss or eect (morning civil twilight begins, the "
        "sun rises, it sets, evening civil twilight ends)",
    )
    end_event: SunEvent | None = None
    place: tuple[float, float] | None = Field(
        default=None, description="whose sun it is, [longitude, latitude]"
    )
    timezone: str | None = Field(default=None, description="of the hours; none: the city's")

    @field_validator("timezone")
    @classmethod
    def _timezone(cls, value: str | None) -> str | None:
        return None if value is None else known_timezone(value)

    @model_validator(mode="after")
    def _whole(self) -> Hours:
        begins = (self.start is not None) + (self.start_event is not None)
        ends = (self.end is not None) + (self.end_event is not None)
        if begins != ends or begins > 1:
            raise ValueError("start and end go together, each by the clock or by the sun")
        if (self.start_event or self.end_event) and self.place is None:
            raise ValueError("place is missing: hours by the sun are those of a place")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ValueError(
                f"from {self.since.isoformat()} is not before until {self.until.isoformat()}"
            )
        if not (begins or self.days or self.since or self.until):
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
        if self.start is None and self.start_event is None and not self.days:
            yield low.astimezone(UTC), high.astimezone(UTC)
            return
        zone = ZoneInfo(self.timezone or timezone)
        day = low.astimezone(zone).date() - timedelta(days=1)
        last = high.astimezone(zone).date()
        if self.start_event is not None:
            last += timedelta(days=1)  # east of the clocks' meridian the sun rises the day before
        while day <= last:
            if not self.days or DAYS[day.weekday()] in self.days:
                begin = self._begins(day, zone)
                finish = self._ends(day, zone)
                if finish <= begin:
                    finish = self._ends(day + timedelta(days=1), zone)
                if max(begin, low) < min(finish, high):
                    yield max(begin, low.astimezone(UTC)), min(finish, high.astimezone(UTC))
            day += timedelta(days=1)

    def _begins(self, day: date, zone: ZoneInfo) -> datetime:
        at = self._event(self.start_event, day)
        if at is not None:
            return at - ABOUT
        return datetime.combine(day, self.start or time(), zone).astimezone(UTC)

    def _ends(self, day: date, zone: ZoneInfo) -> datetime:
        at = self._event(self.end_event, day)
        if at is not None:
            return at + ABOUT
        if self.end_event is not None:
            day += timedelta(days=1)  # all of it
        return datetime.combine(day, self.end or time(), zone).astimezone(UTC)

    def _event(self, event: SunEvent | None, day: date) -> datetime | None:
        if event is None or self.place is None:
            return None
        return event_at(event, *self.place, day)


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
