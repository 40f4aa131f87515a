"""Wind and rain: the dock's word; the vehicle's own estimate where the dock has none."""

from __future__ import annotations

import math

from fleet.flight.safety.view import View


def mean_wind(v: View, where: str, wind_m_s: float | None) -> float | None:
    """Return the mean of the last ``weather_s``; None until it is known.

    A gust calls nobody home, and a lull hides no storm.
    """
    if wind_m_s is None or not math.isfinite(wind_m_s):
        return None
    return v.mean(f"wind {where}", wind_m_s, v.policy.weather_s)


def _at_dock(v: View) -> float | None:
    """Return the wind that the dock tells; its last word where it is not heard and none knows better."""
    at, told = v.dock.at, v.dock.wind_m_s
    silent = at is None or (v.now - at).total_seconds() > v.policy.dock_silent_s
    if (silent or not v.dock.online) and v.telemetry.wind_m_s is not None:
        return None
    return told


def windy(v: View) -> str | None:
    """Say that the mean wind is over the limit."""
    at_dock = _at_dock(v)
    where = "aloft" if at_dock is None else "at the dock"
    wind = v.telemetry.wind_m_s if at_dock is None else at_dock
    mean = mean_wind(v, where, wind)
    if mean is None or mean <= v.limits.wind_m_s:
        return None
    return (
        f"wind {mean:.1f} m/s {where} (mean of {v.policy.weather_s:g} s): "
        f"over the limit of {v.limits.wind_m_s:g} m/s"
    )


def windy_aloft(v: View) -> str | None:
    """Say that the vehicle's own estimate is over the limit where the dock's wind is not."""
    if _at_dock(v) is None:
        return None
    aloft = mean_wind(v, "aloft", v.telemetry.wind_m_s)
    if aloft is None or aloft <= v.limits.wind_m_s:
        return None
    return f"wind {aloft:.1f} m/s aloft by the vehicle's estimate: over the limit"


def rainy(v: View) -> str | None:
    """Rain at the dock is over the limit."""
    rain = v.dock.rain_mm_h
    if rain is None or rain <= v.limits.rain_mm_h:
        return None
    return f"rain {rain:g} mm/h at the dock: over the limit of {v.limits.rain_mm_h:g} mm/h"
