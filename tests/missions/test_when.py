"""Days and hours are held to a brute force that walks the minutes of a clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from missions.when import Calendar, When

MINUTE = timedelta(minutes=1)
# a week in which the clock is put forward, one in which it goes back, and one without either
WEEKS = (
    ("Europe/Berlin", date(2026, 3, 26)),
    ("Europe/Berlin", date(2026, 10, 22)),
    ("America/New_York", date(2026, 3, 5)),
    ("Australia/Lord_Howe", date(2026, 4, 2)),  # half an hour
    ("Asia/Shanghai", date(2026, 10, 1)),
)
NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "workday", "weekend", "holiday")
MARGIN = 2
"""Days around the week that are walked as well."""


@lru_cache(maxsize=16)
def minutes(zone: str, first: date) -> tuple[tuple[datetime, datetime], ...]:
    """Return every minute of a week and the days around it: in UTC, and as the clock shows it."""
    tz = ZoneInfo(zone)
    start = datetime.combine(first, time(), tz).astimezone(UTC) - timedelta(days=MARGIN)
    walk = (start + n * MINUTE for n in range((7 + 2 * MARGIN) * 1440))
    return tuple((at, at.astimezone(tz).replace(tzinfo=None)) for at in walk)


@lru_cache(maxsize=512)
def first_shown(zone: str, first: date, wall: datetime) -> datetime | None:
    """Return when the clock first shows a time; where it leaps over it, as if it did not leap."""
    before = None
    for at, shown in minutes(zone, first):
        if shown == wall:
            return at
        if shown > wall:
            return None if before is None else before[0] + (wall - before[1])
        before = (at, shown)
    return None


def brute(calendar: Calendar, when: When, zone: str, first: date) -> set[datetime]:
    found: set[datetime] = set()
    for n in range(-1, 8):
        day = first + timedelta(days=n)
        of_day = {NAMES[day.weekday()]}
        if day in calendar.holidays:
            of_day.add("holiday")
        elif day.weekday() in (5, 6) and day not in calendar.worked:
            of_day.add("weekend")
        else:
            of_day.add("workday")
        if when.days and not of_day & set(when.days):
            continue
        start, end = when.start or time(), when.end or time()
        last = day + timedelta(days=1) if end <= start else day
        begins = first_shown(zone, first, datetime.combine(day, start))
        ends = first_shown(zone, first, datetime.combine(last, end))
        assert begins is not None
        assert ends is not None
        found |= {at for at, _ in minutes(zone, first) if begins <= at < ends}
    return found


times = st.builds(time, st.integers(0, 23), st.integers(0, 59))


@settings(max_examples=40, deadline=None)
@given(
    week=st.sampled_from(WEEKS),
    days=st.sets(st.sampled_from(NAMES)),
    hours=st.none() | st.tuples(times, times),
    holidays=st.sets(st.integers(-1, 7), max_size=3),
    worked=st.sets(st.integers(-1, 7), max_size=3),
)
@example(WEEKS[0], {"sun"}, (time(2, 15), time(2, 45)), set(), set())
@example(WEEKS[1], set(), (time(2, 30), time(2, 10)), set(), set())
@example(WEEKS[1], {"sat"}, (time(22), time(2, 30)), {2}, {3})
def test_minute_by_minute_over_a_week(
    week: tuple[str, date],
    days: set[str],
    hours: tuple[time, time] | None,
    holidays: set[int],
    worked: set[int],
) -> None:
    zone, first = week
    if not days and hours is None:
        return
    start, end = hours or (None, None)
    when = When.model_validate({"days": sorted(days), "start": start, "end": end})
    calendar = Calendar(
        zone,
        frozenset(first + timedelta(days=n) for n in holidays),
        frozenset(first + timedelta(days=n) for n in worked - holidays),
    )
    of_week = [at for at, _ in minutes(zone, first)][MARGIN * 1440 : -MARGIN * 1440]
    wanted = brute(calendar, when, zone, first)
    wrong = [at for at in of_week if calendar.holds(when, at) is not (at in wanted)]
    assert wrong == []


def test_it_says_when_in_any_zone() -> None:
    calendar = Calendar("Asia/Shanghai")
    market = When(days=("fri",), start=time(18), end=time(2))
    friday = datetime(2026, 5, 8, 18, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert calendar.holds(market, friday.astimezone(UTC))
    assert calendar.holds(market, friday.astimezone(ZoneInfo("America/New_York")))
    assert calendar.holds(market, friday + timedelta(hours=7, minutes=59))
    assert not calendar.holds(market, friday + timedelta(hours=8))
    assert not calendar.holds(market, friday - timedelta(seconds=1))


def test_a_holiday_is_no_workday_and_a_worked_sunday_is_one() -> None:
    calendar = Calendar(
        "Asia/Shanghai", frozenset({date(2026, 10, 1)}), frozenset({date(2026, 9, 27)})
    )
    kinds = [calendar.kind(date(2026, 10, 1) + timedelta(days=n)) for n in (-4, -5, -1, 0, 2)]
    assert kinds == ["workday", "weekend", "workday", "holiday", "weekend"]


@pytest.mark.parametrize(
    "text",
    [
        {},
        {"start": "18:00"},
        {"end": "18:00"},
        {"start": 1080, "end": "20:00"},
        {"start": "18:00+08:00", "end": "20:00"},
        {"start": "24:00", "end": "02:00"},
        {"days": ["someday"]},
        {"days": ["mon"], "hours": []},
    ],
)
def test_what_is_no_time_is_refused(text: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        When.model_validate(text)
