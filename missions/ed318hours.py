"""When a zone of ED-318 is active: its ``limitedApplicability``, read into hours.

Times of day are UTC or at whole hours from it. Daylight events (BMCT, SR, SS, EECT) are those of
the sun over the zone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any, get_args

from pydantic import ValidationError

from missions.geojson import Polygon
from missions.hours import DAYS, Day, Hours
from missions.sun import SunEvent
from missions.zonefile import ZoneFileError, broken, mapping, moment

ONE_SUN_DEG = 0.25
"""The sun rises and sets a minute apart at the sides of a zone of this width."""
EDGES = ("startEvent", "endEvent")
EVENTS: tuple[SunEvent, ...] = get_args(SunEvent)
_TIME = re.compile(r"^(\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(Z|[+-]\d{2}:00)$")


def active(
    said: Mapping[str, Any], area: Sequence[Polygon], where: str
) -> tuple[Hours, ...] | None:
    """Return the windows in which a zone is active; None: at all times.

    Parameters
    ----------
    said
        The properties of its feature.
    area
        Its ground, for the sun over it.
    where
        The place of the properties in the file.

    Raises
    ------
    ZoneFileError
        If it cannot be read.
    """
    periods = said.get("limitedApplicability")
    if periods is None or periods == []:
        return None
    if not isinstance(periods, list):
        raise ZoneFileError(f"{where}.limitedApplicability", "must be a list")
    found: list[Hours] = []
    for index, one in enumerate(periods):
        place = f"{where}.limitedApplicability[{index}]"
        period = mapping(one, place)
        span = {
            "since": moment(period, "startDateTime", place),
            "until": moment(period, "endDateTime", place),
        }
        schedule = period.get("schedule")
        if schedule is None or schedule == []:
            if span == {"since": None, "until": None}:
                return None  # at all times
            found.append(_hours(span, place))
            continue
        if not isinstance(schedule, list):
            raise ZoneFileError(f"{place}.schedule", "must be a list")
        for number, daily in enumerate(schedule):
            there = f"{place}.schedule[{number}]"
            found.append(_hours(span | _daily(mapping(daily, there), area, there), there))
    return tuple(found)


def _hours(values: Mapping[str, Any], where: str) -> Hours:
    try:
        return Hours(**values)
    except ValidationError as error:
        raise broken(error, where) from error


def _daily(daily: Mapping[str, Any], area: Sequence[Polygon], where: str) -> dict[str, Any]:
    days = daily.get("day")
    names = {"ANY", *(day.upper() for day in DAYS)}
    if not isinstance(days, list) or not days or any(str(day) not in names for day in days):
        raise ZoneFileError(
            f"{where}.day", f"{days!r} must be a list of {', '.join(sorted(names))}"
        )
    chosen: tuple[Day, ...] = () if "ANY" in days else tuple(d for d in DAYS if d.upper() in days)
    if all(daily.get(name) is None for name in ("startTime", "endTime", *EDGES)):
        return {"days": chosen or DAYS, "timezone": "UTC"}
    start, zone = _edge(daily, "start", where)
    end, other = _edge(daily, "end", where)
    if zone is not None and other is not None and zone != other:
        raise ZoneFileError(f"{where}.endTime", f"has another offset than {daily['startTime']}")
    found = {"days": chosen, "timezone": zone or other, **start, **end}
    if {"start_event", "end_event"} & set(found):
        found["place"] = _middle(area, where)
    return found


def _edge(daily: Mapping[str, Any], edge: str, where: str) -> tuple[dict[str, Any], str | None]:
    """Return when a window of a day begins or ends, by the sun or by a clock, and which clock."""
    event = daily.get(f"{edge}Event")
    if event is None:
        at, zone = _time(daily, f"{edge}Time", where)
        return {edge: at}, zone
    if daily.get(f"{edge}Time") is not None:
        raise ZoneFileError(f"{where}.{edge}Event", f"{event!r} stands beside {edge}Time")
    if not isinstance(event, str) or event.lower() not in EVENTS or event != event.upper():
        known = ", ".join(name.upper() for name in EVENTS)
        raise ZoneFileError(
            f"{where}.{edge}Event", f"{event!r} is no daylight event; one of {known}"
        )
    return {f"{edge}_event": event.lower()}, None


def _middle(area: Sequence[Polygon], where: str) -> tuple[float, float]:
    """Return the middle of an area that has one sun."""
    lons, lats = zip(*(place for polygon in area for place in polygon.vertices), strict=True)
    wide = max(max(lons) - min(lons), max(lats) - min(lats))
    if wide > ONE_SUN_DEG:
        raise ZoneFileError(
            where,
            f"daylight events of a zone {wide:.2f} degrees wide, whose sides do not have the sun "
            f"at one time; at most {ONE_SUN_DEG:g}: write startTime and endTime",
        )
    return (min(lons) + max(lons)) / 2.0, (min(lats) + max(lats)) / 2.0


def _time(daily: Mapping[str, Any], name: str, where: str) -> tuple[time, str]:
    value = daily.get(name)
    found = _TIME.match(value) if isinstance(value, str) else None
    try:
        if found is None:
            raise ValueError
        hour, minute, second, offset = found.groups()
        at = time(int(hour) % 24 if hour == "24" else int(hour), int(minute), int(second or 0))
    except ValueError:
        raise ZoneFileError(
            f"{where}.{name}",
            f"{value!r} is no time of day with Z or an offset of whole hours, as 16:00:00Z",
        ) from None
    if offset in ("Z", "+00:00", "-00:00"):
        return at, "UTC"
    hours = int(offset[:3])
    if not -12 <= hours <= 14:
        raise ZoneFileError(f"{where}.{name}", f"offset {offset} is out of -12:00 to +14:00")
    return at, f"Etc/GMT{-hours:+d}"  # whose signs are the other way round
