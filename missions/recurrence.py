"""When something that recurs is due: an RFC 5545 rule, by the clock of the city.

A rule goes by the clock on the wall: each day at 20:00 is 20:00 in summer and in winter. A time
that the clock leaps over is taken by the offset before the leap (02:30 becomes 03:30), one that it
shows twice is the first of the two; so RFC 5545, section 3.3.5. Each occurrence lasts as long as
the first, in seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from missions.errors import RecurrenceError

MOST = 1000
"""Occurrences of one rule."""
HORIZON = timedelta(days=1827)
"""From the first occurrence to the last: five years."""
LONGEST_TEXT = 500
_FREQUENCIES = ("MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_DAYS = "MO|TU|WE|TH|FR|SA|SU"
_RANGES: Mapping[str, tuple[int, int, bool]] = {
    "BYSECOND": (0, 59, False),
    "BYMINUTE": (0, 59, False),
    "BYHOUR": (0, 23, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYMONTH": (1, 12, False),
    "BYSETPOS": (1, 366, True),
}
"""Least, most, and whether counting from the end (-1) is allowed."""
_OFTEN = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYHOUR", "BYMINUTE"}
"""What may go with MINUTELY and HOURLY: nothing that could make a search of years in minutes."""
_LATE = timedelta(days=19 * 146_097)
"""The calendar repeats each 400 years to the day of the week. A rule is worked out 7,600 years
later, where dateutil, which searches for the next occurrence up to the year 9999, is soon through
with one that has none."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that something is due, in UTC; ``number`` counts from 0."""

    number: int
    start: datetime
    end: datetime


def occurrences(
    start: datetime,
    end: datetime,
    rule: str,
    zone: str,
    exdates: Iterable[datetime] = (),
) -> tuple[Occurrence, ...]:
    """Return every occurrence of a rule, oldest first.

    Parameters
    ----------
    start, end
        The first occurrence (DTSTART), aware. It counts only where it fits the rule.
    rule
        An RRULE with an end: COUNT or UNTIL. Each minute is the most often.
    zone
        The IANA time zone whose clock it goes by.
    exdates
        Beginnings that are left out.

    Raises
    ------
    RecurrenceError
        If the rule is none, has no end, no occurrence or too many of them, if they overlap, or
        an exdate names none of them.
    """
    parts = _parts(rule)
    tz = ZoneInfo(zone)
    wall = start.astimezone(tz).replace(tzinfo=None)
    until = _until(parts["UNTIL"], tz) if "UNTIL" in parts else None
    begins = _begins(parts, wall, tz, until)
    left = _without(begins, exdates)
    lasts = end - start
    found = tuple(Occurrence(i, at, at + lasts) for i, at in enumerate(left))
    for one, other in pairwise(found):
        if one.end > other.start:
            raise RecurrenceError(
                f"occurrences overlap: that of {one.start.isoformat()} lasts {lasts}, and the next "
                f"begins at {other.start.isoformat()}"
            )
    return found


def _begins(
    parts: Mapping[str, str], wall: datetime, tz: ZoneInfo, until: datetime | None
) -> list[datetime]:
    """Return when the occurrences begin, in UTC, before any is left out."""
    text = ";".join(f"{key}={value}" for key, value in parts.items() if key != "UNTIL")
    last = _utc(wall, tz) + HORIZON
    begins: set[datetime] = set()
    try:
        for late in rrulestr(text, dtstart=wall + _LATE):
            at = _utc(late - _LATE, tz)
            if until is not None and at - timedelta(days=1) > until:  # the clock may go back
                break
            if until is None or at <= until:
                begins.add(at)
            if at > last:
                raise RecurrenceError(
                    f"occurrence {len(begins)} is at {at.isoformat()}; none may be more than "
                    f"{HORIZON.days} days after the first"
                )
            if len(begins) > MOST:
                raise RecurrenceError(f"more than {MOST} occurrences until {until}; at most {MOST}")
    except RecurrenceError:
        raise
    except ValueError as error:
        raise RecurrenceError(f"{text!r} is no rule: {error}") from error
    if not begins:
        raise RecurrenceError(f"{text!r} has no occurrence from {wall.isoformat()} on")
    return sorted(begins)


def _without(begins: list[datetime], exdates: Iterable[datetime]) -> list[datetime]:
    out = {at.astimezone(UTC) for at in exdates}
    unknown = sorted(out - set(begins))
    if unknown:
        raise RecurrenceError(
            f"exdate {unknown[0].isoformat()} is no occurrence; the first are "
            f"{', '.join(at.isoformat() for at in begins[:3])}"
        )
    left = [at for at in begins if at not in out]
    if not left:
        raise RecurrenceError("the exdates leave no occurrence")
    return left


def _utc(wall: datetime, tz: ZoneInfo) -> datetime:
    """Return a time on the wall's clock in UTC; ``fold`` 0 is what RFC 5545 asks for."""
    return wall.replace(tzinfo=tz, fold=0).astimezone(UTC)


def _parts(rule: str) -> dict[str, str]:
    """Return a rule's parts by name, each held against what RFC 5545 allows."""
    if len(rule) > LONGEST_TEXT:
        raise RecurrenceError(f"the rule has {len(rule)} characters; at most {LONGEST_TEXT}")
    parts: dict[str, str] = {}
    for part in rule.strip().upper().removeprefix("RRULE:").split(";"):
        key, _, value = part.partition("=")
        if not value or key in parts:
            raise RecurrenceError(f"{part!r} is no part of a rule, or stands there twice")
        _check(key, value)
        parts[key] = value
    _check_whole(parts)
    return parts


def _check(key: str, value: str) -> None:
    numbers = _RANGES.get(key)
    if key == "FREQ":
        good, allowed = value in _FREQUENCIES, ", ".join(_FREQUENCIES)
    elif key in ("INTERVAL", "COUNT"):
        good, allowed = re.fullmatch(r"0*[1-9]\d{0,8}", value) is not None, "a number from 1 on"
    elif key == "UNTIL":
        good, allowed = True, ""  # held against the clock later
    elif key == "WKST":
        good, allowed = re.fullmatch(_DAYS, value) is not None, _DAYS
    elif key == "BYDAY":
        day = rf"([+-]?[1-9]\d?)?({_DAYS})"
        good, allowed = re.fullmatch(rf"{day}(,{day})*", value) is not None, f"{_DAYS}, as in -1FR"
    elif numbers is not None:
        least, most, back = numbers
        items = value.split(",")
        good = all(re.fullmatch(r"[+-]?\d{1,3}", item) for item in items) and all(
            least <= (abs(int(item)) if back else int(item)) <= most for item in items
        )
        allowed = f"{least} to {most}" + (" or the same below zero" if back else "")
    else:
        names = ["FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", *_RANGES]
        raise RecurrenceError(f"{key!r} is no part of a rule; there are {', '.join(names)}")
    if not good:
        raise RecurrenceError(f"{key}={value} is not allowed; it may be {allowed}")


def _check_whole(parts: Mapping[str, str]) -> None:
    if "FREQ" not in parts:
        raise RecurrenceError(f"the rule has no FREQ; it may be {', '.join(_FREQUENCIES)}")
    if "COUNT" not in parts and "UNTIL" not in parts:
        raise RecurrenceError(f"the rule has no end: give COUNT (at most {MOST}) or UNTIL")
    if "COUNT" in parts and "UNTIL" in parts:
        raise RecurrenceError("the rule has two ends: give COUNT or UNTIL, not both")
    if int(parts.get("COUNT", "1")) > MOST:
        raise RecurrenceError(f"{int(parts['COUNT'])} occurrences; at most {MOST}")
    often = parts["FREQ"] in ("MINUTELY", "HOURLY")
    if often and (more := sorted(set(parts) - _OFTEN)):
        raise RecurrenceError(f"{', '.join(more)} cannot go with FREQ={parts['FREQ']}")
    if parts["FREQ"] not in ("MONTHLY", "YEARLY") and re.search(r"\d", parts.get("BYDAY", "")):
        raise RecurrenceError(
            f"BYDAY={parts['BYDAY']} counts days of a month or year, with FREQ={parts['FREQ']}"
        )


def _until(text: str, tz: ZoneInfo) -> datetime:
    """Return the end of a rule in UTC: of a date its whole day, by the city's clock."""
    try:
        if re.fullmatch(r"\d{8}", text):
            day = datetime.strptime(text, "%Y%m%d").date()
            return _utc(datetime.combine(day, time.max), tz)
        at = datetime.strptime(text.removesuffix("Z"), "%Y%m%dT%H%M%S")
        return at.replace(tzinfo=UTC) if text.endswith("Z") else _utc(at, tz)
    except (ValueError, OverflowError):
        raise RecurrenceError(f"UNTIL={text} is no time; write 20270131T160000Z") from None
