"""The battery, against the city's reserve and against what coming home takes in this wind."""

from __future__ import annotations

import math
from typing import NamedTuple

from fleet.flight.place import come_home_percent
from fleet.flight.safety.events.weather import mean_wind
from fleet.flight.safety.plenty import at_most_percent
from fleet.flight.safety.sky import placed
from fleet.flight.safety.view import View
from missions.energy import Wind

JUMP_PERCENT = 5.0
"""A level this far below its mean of the last ``JUMP_MEAN_S`` has jumped."""
JUMP_MEAN_S = 10.0
JUMP_S = 1.0
"""A jump is believed when it has stayed: a single wrong message calls nobody home."""
LAST_FACTOR = 1.1
STRONGEST_M_S = 100.0
"""No wind is stronger: a figure that is, is rubbish."""
SOON_PERCENT = 5.0
"""Told this long before the drone comes home."""


class _Needs(NamedTuple):
    """Percent of the battery: what there is, and what it is needed for."""

    level: float
    takes: float
    """Coming home, with wind."""
    believed: bool


def _needs(v: View) -> _Needs | None:
    level = v.telemetry.battery_percent
    if level is None or not math.isfinite(level):
        return None
    known = v.worked_out.get("battery")
    if isinstance(known, _Needs):
        return known
    mean = v.mean("battery", level, JUMP_MEAN_S)
    jumped = mean is not None and level < mean - JUMP_PERCENT
    stayed = v.lasting("battery jump", jumped) > JUMP_S
    t = v.telemetry
    takes = 0.0  # of a place that is not known; the reserve stays
    if t.lon is not None and t.lat is not None and placed(t.lon, t.lat):
        takes = _takes(v, level, (t.lon, t.lat))
    needs = v.worked_out["battery"] = _Needs(level, takes, not jumped or stayed)
    return needs


def _takes(v: View, level: float, place: tuple[float, float]) -> float:
    """Return what coming home takes, percent, to the farther by energy of those it may have to.

    Its dock, and where that fails the best that can take it: no slot there is held for it before
    it goes there, so neither alone is counted on.
    """
    takes = _takes_to(v, v.pad, level, place)
    if v.alternate is None:
        return takes
    return max(takes, _takes_to(v, v.alternate, level, place))


def _takes_to(v: View, pad: tuple[float, float], level: float, place: tuple[float, float]) -> float:
    """Return what coming down at a dock takes; a bound of it where the battery holds far more."""
    blows = wind(v)
    top_m, altitude_m = v.transit_altitude_m, v.telemetry.altitude_m or 0.0
    cold = v.dock.temperature_c
    most = at_most_percent(v.drone, place, altitude_m, pad, top_m, blows.speed_m_s, cold)
    if level > _floor(v, most) + SOON_PERCENT:
        return most
    return come_home_percent(v.drone, v.telemetry, pad, top_m, blows, cold)


def wind(v: View) -> Wind:
    """Return the wind to come home in: the stronger of the dock's mean and the vehicle's.

    The dock's has no direction, so all of it is taken to be against the drone. Until a mean is
    known, no more is believed than half of what the drone flies.
    """
    at_dock = _believed(v, "at the dock", v.dock.wind_m_s)
    aloft = _believed(v, "aloft", v.telemetry.wind_m_s)
    return Wind(aloft, v.telemetry.wind_from_deg) if aloft > at_dock else Wind(at_dock)


def _believed(v: View, where: str, wind_m_s: float | None) -> float:
    if wind_m_s is None or not 0.0 < wind_m_s <= STRONGEST_M_S:
        return 0.0
    mean = mean_wind(v, where, wind_m_s)
    return min(wind_m_s, v.drone.cruise_m_s / 2.0) if mean is None else mean


def only_just(v: View) -> str | None:
    """Say that what is left just takes it home: nothing may delay it any more."""
    n = _needs(v)
    if n is None or not n.believed:
        return None
    if n.level <= min(n.takes * LAST_FACTOR + v.policy.touch_down_percent, _floor(v, n.takes)):
        if math.isinf(n.takes):
            return _blown_off(v)
        return f"battery {n.level:.0f} % just takes it home, which takes {n.takes:.0f} %"
    return None


def _blown_off(v: View) -> str:
    blows = wind(v).speed_m_s
    return f"coming home takes too long: it is hardly faster than the wind, {blows:.1f} m/s"


def at_reserve(v: View) -> str | None:
    """At the city's reserve, or before it where coming home takes more."""
    n = _needs(v)
    if n is None or not n.believed or n.level > _floor(v, n.takes):
        return None
    if math.isinf(n.takes):
        return f"battery {n.level:.0f} %: {_blown_off(v)}"
    return (
        f"battery {n.level:.0f} %: coming home takes {n.takes:.0f} %, "
        f"the reserve is {v.limits.reserve_percent:.0f} %"
    )


def soon_at_reserve(v: View) -> str | None:
    """Say that it comes home in a while."""
    n = _needs(v)
    if n is None or not n.believed:
        return None
    floor = _floor(v, n.takes)
    if floor < n.level <= floor + SOON_PERCENT:
        return f"battery {n.level:.0f} %: comes home at {floor:.0f} %"
    return None


def unknown(v: View) -> str | None:
    """Say that it is not told: nobody can say when the drone must come home."""
    level = v.telemetry.battery_percent
    return "battery level is not known" if level is None or not math.isfinite(level) else None


def _floor(v: View, takes: float) -> float:
    policy = v.policy
    home = takes * policy.come_home_factor + policy.come_home_extra_percent
    return max(home, v.limits.reserve_percent)
