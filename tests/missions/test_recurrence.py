"""Rules of recurrence: by the wall's clock, held against dateutil; bounded whatever is asked."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from dateutil import tz
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from missions.errors import RecurrenceError
from missions.recurrence import HORIZON, MOST, occurrences

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC")
START = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def begins(rule: str, zone: str = "Asia/Shanghai", start: datetime = START) -> list[datetime]:
    return [o.start for o in occurrences(start, start + timedelta(minutes=1), rule, zone)]


def test_each_friday_night_by_the_city_s_clock() -> None:
    start = datetime(2027, 1, 1, 20, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
    found = occurrences(start, start + 2 * HOUR, "FREQ=WEEKLY;BYDAY=FR;COUNT=3", "Asia/Shanghai")
    assert [o.start for o in found] == [
        datetime(2027, 1, day, 12, 0, tzinfo=UTC) for day in (1, 8, 15)
    ]
    assert [o.end - o.start for o in found] == [2 * HOUR] * 3
    assert [o.number for o in found] == [0, 1, 2]


def test_the_wall_s_clock_counts_over_a_change_of_time() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    start = datetime(2027, 3, 27, 2, 30, tzinfo=berlin)
    found = [at.astimezone(berlin) for at in begins("FREQ=DAILY;COUNT=3", "Europe/Berlin", start)]
    # on the 28th the clock goes from 2:00 to 3:00
    assert [(at.day, at.hour, at.minute) for at in found] == [(27, 2, 30), (28, 3, 30), (29, 2, 30)]


def test_a_time_that_is_shown_twice_is_the_first_of_the_two() -> None:
    start = datetime(2027, 10, 30, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    found = begins("FREQ=DAILY;COUNT=2", "Europe/Berlin", start)
    assert found[1] == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)


FREQUENCIES = st.sampled_from(["HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
DAYS = st.lists(
    st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), max_size=4, unique=True
)


@st.composite
def rules(draw: st.DrawFn) -> str:
    freq = draw(FREQUENCIES)
    parts = [f"FREQ={freq}", f"INTERVAL={draw(st.integers(1, 5))}"]
    if days := draw(DAYS):
        parts.append("BYDAY=" + ",".join(days))
    if freq in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY"):
        if draw(st.booleans()):
            parts.append(f"BYHOUR={draw(st.integers(0, 23))},{draw(st.integers(0, 23))}")
        if months := draw(st.lists(st.integers(1, 12), max_size=3, unique=True)):
            parts.append("BYMONTH=" + ",".join(map(str, months)))
    if freq in ("MONTHLY", "YEARLY") and draw(st.booleans()):
        parts.append(f"BYMONTHDAY={draw(st.sampled_from([1, 13, 29, 31, -1, -31]))}")
    if draw(st.booleans()):
        parts.append(f"COUNT={draw(st.integers(1, 40))}")
    else:
        days_on = draw(st.integers(1, 400 if freq != "HOURLY" else 20))
        parts.append(f"UNTIL={START + timedelta(days=days_on):%Y%m%dT%H%M%SZ}")
    return ";".join(parts)


@settings(max_examples=150, deadline=None)
@given(rules(), st.sampled_from(ZONES), st.integers(0, 365 * 24 * 4))
def test_as_dateutil_has_it_in_the_city_s_zone(rule: str, zone: str, quarters: int) -> None:
    start = START - timedelta(days=365) + timedelta(minutes=15 * quarters)
    named = tz.gettz(zone)
    told = list(islice(rrulestr(rule, dtstart=start.astimezone(named).replace(fold=0)), MOST + 1))
    theirs = {tz.resolve_imaginary(at.replace(fold=0)).astimezone(UTC) for at in told}
    far = bool(theirs) and max(theirs) - start > HORIZON - timedelta(days=1)
    # an hour that the clock leaps over is the next: then two of them are one occurrence
    just = len(theirs) <= MOST < len(told)
    if not theirs or len(told) > MOST or far:
        with suppress(RecurrenceError) if far or just else pytest.raises(RecurrenceError):
            begins(rule, zone, start)
        return
    if "UNTIL" in rule:  # in the hour that comes twice dateutil compares by the wall's clock
        until = datetime.strptime(rule[-16:], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        theirs = {at for at in theirs if at <= until}
    assert begins(rule, zone, start) == sorted(theirs)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("FREQ=DAILY", "no end"),
        ("FREQ=DAILY;COUNT=1000000", "1000000 occurrences; at most 1000"),
        ("FREQ=MINUTELY;UNTIL=20290101T000000Z", "more than 1000"),
        ("FREQ=SECONDLY;COUNT=3", "FREQ=SECONDLY"),
        ("FREQ=YEARLY;COUNT=9", "1827 days"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=1", "no occurrence"),
        ("FREQ=HOURLY;INTERVAL=168;BYDAY=TU;COUNT=2", "no occurrence"),
        ("FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30;COUNT=2", "cannot go with"),
        ("FREQ=DAILY;UNTIL=20200101", "no occurrence"),
        ("FREQ=DAILY;INTERVAL=0;COUNT=2", "INTERVAL=0"),
        ("FREQ=DAILY;COUNT=2;COUNT=3", "twice"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20280101", "two ends"),
        ("FREQ=DAILY;BYEASTER=0;COUNT=2", "'BYEASTER' is no part"),
        ("FREQ=DAILY;BYHOUR=24;COUNT=2", "0 to 23"),
        ("FREQ=WEEKLY;BYDAY=1MO;COUNT=2", "counts days"),
        ("FREQ=DAILY;UNTIL=tomorrow", "is no time"),
        ("FREQ=DAILY;COUNT=2" + ";" * 500, "characters"),
        ("", "no part of a rule"),
    ],
)
def test_what_is_no_rule_is_refused_soon(rule: str, said: str) -> None:
    began = time.process_time()
    with pytest.raises(RecurrenceError, match=said):
        begins(rule)
    assert time.process_time() - began < 2.0


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="FREQDAILYBCOUNT=;,0123456789-+MOHUWKSTX", max_size=40))
def test_any_text_is_a_rule_or_is_refused(text: str) -> None:
    for rule in (text, f"FREQ=MONTHLY;COUNT=3;{text}", f"FREQ=DAILY;COUNT=2;BYHOUR={text}"):
        with suppress(RecurrenceError):
            assert len(begins(rule)) <= MOST


def test_occurrences_that_overlap_are_refused() -> None:
    with pytest.raises(RecurrenceError, match="overlap"):
        occurrences(START, START + 25 * HOUR, "FREQ=DAILY;COUNT=2", "UTC")


def test_what_is_left_out_must_be_there() -> None:
    rule, day = "FREQ=DAILY;COUNT=3", timedelta(days=1)
    left = occurrences(START, START + HOUR, rule, "UTC", [START + day])
    assert [(o.number, o.start) for o in left] == [(0, START), (1, START + 2 * day)]
    with pytest.raises(RecurrenceError, match="is no occurrence"):
        occurrences(START, START + HOUR, rule, "UTC", [START + HOUR])
    with pytest.raises(RecurrenceError, match="leave no occurrence"):
        occurrences(START, START + HOUR, rule, "UTC", [START + i * day for i in range(3)])


def test_an_end_at_the_end_of_time_is_too_far_and_no_fault() -> None:
    start = datetime(2026, 11, 23, 8, tzinfo=UTC)
    for until in ("99991231T235959Z", "99991231"):
        with pytest.raises(RecurrenceError, match=r"none may be more than 1827 days|at most 1000"):
            occurrences(
                start, start + timedelta(hours=1), f"FREQ=DAILY;UNTIL={until}", "Asia/Shanghai"
            )
