"""What must hold before a drone takes off. Each check is one class that says why it refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fleet.flight.column import VERTICAL_M, blocker
from fleet.flight.place import distance_m
from fleet.flight.policy import Policy
from fleet.model.live import DockLive, Telemetry
from fleet.model.states import DoorState
from missions.city import Drone, Limits
from missions.sortie import Sortie


@dataclass(frozen=True, slots=True)
class Situation:
    """What the checks look at."""

    drone: Drone
    pad: tuple[float, float]
    sortie: Sortie
    telemetry: Telemetry
    dock: DockLive
    gate_holder: str | None
    neighbours: Mapping[str, Telemetry]
    """Every drone of the city."""
    limits: Limits
    policy: Policy
    now: datetime


class Check(Protocol):
    """One condition of taking off."""

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""


class LinkUp:
    """The vehicle is heard."""

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        return None if s.telemetry.connected else "no link to the vehicle"


class OnItsPad:
    """The vehicle is on the ground, motors stopped, and where its dock is."""

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        if s.telemetry.in_air or s.telemetry.armed:
            return "vehicle is armed or in the air"
        away = distance_m(s.telemetry, s.pad)
        if away > s.policy.on_pad_m:
            return (
                f"vehicle says it is {away:.0f} m from its dock; {s.policy.on_pad_m:g} m is allowed"
            )
        return None


class GpsAndHome:
    """A 3D fix, and a home position at the dock: RTL goes there."""

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        t = s.telemetry
        if t.gps_fix < 3:
            return f"GPS fix is {t.gps_fix}; 3 (3D) is needed"
        if t.home_lon is None or t.home_lat is None:
            return "vehicle has no home position"
        home = t.model_copy(update={"lon": t.home_lon, "lat": t.home_lat})
        away = distance_m(home, s.pad)
        if away > s.policy.on_pad_m:
            return f"home is {away:.0f} m from the dock; {s.policy.on_pad_m:g} m is allowed"
        return None


class BatteryForSortie:
    """The battery holds the sortie and the reserve."""

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        if s.telemetry.battery_percent is None:
            return "battery level is not known"
        held = s.telemetry.battery_percent / 100 * s.drone.battery.capacity_wh
        reserve = s.limits.reserve_percent / 100 * s.drone.battery.capacity_wh
        needed = s.sortie.energy.needed_wh + reserve
        if held < needed:
            return f"battery holds {held:.0f} Wh; sortie and reserve take {needed:.0f} Wh"
        return None


class DockReady:
    """The dock is heard, its door works, and nothing is in the way."""

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        if not s.dock.online:
            return f"dock: {s.dock.reason or 'offline'}"
        if s.dock.at is None or (s.now - s.dock.at).total_seconds() > s.policy.dock_silent_s:
            return f"dock has said nothing for {s.policy.dock_silent_s:g} s"
        if s.dock.door not in {DoorState.CLOSED, DoorState.OPEN}:
            return f"dock's door is {s.dock.door}"
        return None if s.dock.clear else "dock is not clear"


class WeatherFit:
    """Wind and rain at the dock are known and within the city's limits."""

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        wind, rain = s.dock.wind_m_s, s.dock.rain_mm_h
        if wind is None or rain is None:
            return "wind or rain at the dock is not known"
        if wind > s.limits.wind_m_s:
            return f"wind {wind:g} m/s is over the limit of {s.limits.wind_m_s:g} m/s"
        if rain > s.limits.rain_mm_h:
            return f"rain {rain:g} mm/h is over the limit of {s.limits.rain_mm_h:g} mm/h"
        return None


class UnderCeiling:
    """No waypoint is above the city's ceiling, nor below the ground of the dock."""

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        for leg in s.sortie.legs:
            for point in leg.waypoints:
                if not 0 < point.altitude_m <= s.limits.ceiling_m:
                    return (
                        f"sortie has a waypoint at {point.altitude_m:g} m; "
                        f"0 to {s.limits.ceiling_m:g} m is allowed"
                    )
        return None


class Armable:
    """The autopilot's own pre-arm checks pass."""

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        return None if s.telemetry.armable else "autopilot is not ready to arm"


class DoorFree:
    """No other drone of the dock is moving through its door."""

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        if s.gate_holder in {None, s.drone.id}:
            return None
        return f"{s.gate_holder} is moving through the dock's door"


class ColumnFree:
    """Nobody is over the dock at a height that the drone climbs through."""

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        top = s.sortie.altitude_m + VERTICAL_M
        who = blocker(s.drone.id, top, s.neighbours, s.pad)
        return None if who is None else f"{who} is over the dock below {top:.0f} m"


CHECKS: tuple[Check, ...] = (
    LinkUp(),
    OnItsPad(),
    GpsAndHome(),
    BatteryForSortie(),
    DockReady(),
    WeatherFit(),
    UnderCeiling(),
    Armable(),
    DoorFree(),
    ColumnFree(),
)


def refusals(situation: Situation, checks: Sequence[Check] = CHECKS) -> list[str]:
    """Return why the drone may not take off: every reason, or none."""
    return list(_each(situation, checks))


def _each(situation: Situation, checks: Sequence[Check]) -> Iterator[str]:
    for check in checks:
        reason = check.refuses(situation)
        if reason is not None:
            yield reason
