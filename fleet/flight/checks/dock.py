"""Checks of the dock, and of the weather that it measures."""

from __future__ import annotations

import math

from fleet.flight.checks.situation import Situation
from fleet.flight.column import VERTICAL_M
from fleet.flight.flier import climb_s, comes_s
from fleet.model.states import DoorState

COLDEST_C = -10.0
WARMEST_C = 45.0
"""What makers of such drones allow; a cold battery has less in it than its level says."""


class DockReady:
    """The dock is heard, its door works, and nothing is in the way."""

    name = "dock-ready"
    hard = True
    comes = False

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        if not s.dock.online:
            return f"dock: {s.dock.reason or 'offline'}"
        if s.dock.at is None or (s.now - s.dock.at).total_seconds() > s.policy.dock_silent_s:
            return f"dock has said nothing for {s.policy.dock_silent_s:g} s"
        if s.dock.door not in {DoorState.CLOSED, DoorState.OPEN}:
            return f"dock's door is {s.dock.door}"
        return None if s.dock.clear else "dock is not clear"


class DoorFree:
    """No other drone of the dock is moving through its door."""

    name = "door-free"
    hard = True
    comes = False

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        if s.gate_holder in {None, s.drone.id}:
            return None
        return f"{s.gate_holder} is moving through the dock's door"


class ColumnFree:
    """Nobody is over the dock at a height that the drone climbs through, nor may be meanwhile.

    Not even where the controller dies as the drone leaves the ground.
    """

    name = "column-free"
    hard = True
    comes = False

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        top_m = s.sortie.altitude_m + VERTICAL_M
        takes_s = s.before_start_s + climb_s(s.sortie.altitude_m, s.drone.climb_m_s)
        found = [(comes_s(other, s.pad, top_m), other) for other in s.fliers]
        in_s, first = min(found, key=lambda one: one[0], default=(math.inf, None))
        if first is None or in_s > takes_s:
            return None
        if first.unheard_s is not None:
            return f"{first.drone} is not heard and may be over the dock"
        if in_s == 0.0:
            return f"{first.drone} is over the dock below {top_m:.0f} m"
        return (
            f"{first.drone} may be over the dock below {top_m:.0f} m in {in_s:.0f} s; "
            f"the climb is over in {takes_s:.0f} s"
        )


class WeatherFit:
    """Wind and rain at the dock are known and within the city's limits.

    Hard: in the air the same limits call the drone home again.
    """

    name = "weather-fit"
    hard = True
    comes = False

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        wind, rain = s.dock.wind_m_s, s.dock.rain_mm_h
        if wind is None or rain is None:
            return "wind or rain at the dock is not known"
        if not wind <= s.limits.wind_m_s:
            return f"wind {wind:g} m/s is over the limit of {s.limits.wind_m_s:g} m/s"
        if not rain <= s.limits.rain_mm_h:
            return f"rain {rain:g} mm/h is over the limit of {s.limits.rain_mm_h:g} mm/h"
        return None


class TemperatureFit:
    """It is neither too cold nor too warm to fly, where the dock tells."""

    name = "temperature-fit"
    hard = False
    comes = False

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        warm = s.dock.temperature_c
        if warm is None or COLDEST_C <= warm <= WARMEST_C:
            return None
        return f"temperature is {warm:g} °C; {COLDEST_C:g} to {WARMEST_C:g} °C is allowed"
