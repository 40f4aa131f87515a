"""Wind and rain: the dock's word; the vehicle's own estimate where the dock has none."""

from __future__ import annotations

from fleet.flight.safety.view import View


def windy(v: View) -> str | None:
    """Say that the mean wind is over the limit: a gust calls nobody home, a lull hides no storm."""
    at_dock, aloft = v.dock.wind_m_s, v.telemetry.wind_m_s
    wind, where = (at_dock, "at the dock") if at_dock is not None else (aloft, "aloft")
    if wind is None:
        return None
    mean = v.mean("wind", wind, v.policy.weather_s)
    if mean is None or mean <= v.limits.wind_m_s:
        return None
    return (
        f"wind {mean:.1f} m/s {where} (mean of {v.policy.weather_s:g} s): "
        f"over the limit of {v.limits.wind_m_s:g} m/s"
    )


def windy_aloft(v: View) -> str | None:
    """Say that the vehicle's own estimate is over the limit where the dock's wind is not."""
    aloft = v.telemetry.wind_m_s
    if v.dock.wind_m_s is None or aloft is None or aloft <= v.limits.wind_m_s:
        return None
    return f"wind {aloft:.1f} m/s aloft by the vehicle's estimate: over the limit"


def rainy(v: View) -> str | None:
    """Rain at the dock is over the limit."""
    rain = v.dock.rain_mm_h
    if rain is None or rain <= v.limits.rain_mm_h:
        return None
    return f"rain {rain:g} mm/h at the dock: over the limit of {v.limits.rain_mm_h:g} mm/h"
