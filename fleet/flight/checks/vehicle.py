"""Checks of the vehicle itself."""

from __future__ import annotations

import math

from fleet.flight.checks.situation import Situation
from fleet.flight.place import distance_m
from fleet.flight.safety.events.gps import few_satellites
from missions.power import capacity_wh


class LinkUp:
    """The vehicle is heard."""

    name = "link-up"
    hard = True
    comes = False

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        return None if s.telemetry.connected else "no link to the vehicle"


class LinkHealthy:
    """Nothing is wrong with the link: no second vehicle of its number, no rubbish."""

    name = "link-healthy"
    hard = False
    comes = True

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        return f"link: {'; '.join(s.trouble)}" if s.trouble else None


class OnItsPad:
    """The vehicle is on the ground, motors stopped, and where its dock is."""

    name = "on-its-pad"
    hard = True
    comes = True

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        if s.telemetry.in_air or s.telemetry.armed:
            return "vehicle is armed or in the air"
        away = distance_m(s.telemetry, s.pad)
        if math.isinf(away):
            return "vehicle does not say where it is"
        if not away <= s.policy.on_pad_m:
            return (
                f"vehicle says it is {away:.0f} m from its dock; {s.policy.on_pad_m:g} m is allowed"
            )
        return None


class GpsAndHome:
    """A 3D fix from as many satellites as keep it in the air, and a home at the dock: RTL goes there."""

    name = "gps-and-home"
    hard = True
    comes = True

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        t = s.telemetry
        if t.gps_fix < 3:
            return f"GPS fix is {t.gps_fix}; 3 (3D) is needed"
        degraded = few_satellites(t)
        if degraded is not None:
            return degraded
        if t.home_lon is None or t.home_lat is None:
            return "vehicle has no home position"
        home = t.model_copy(update={"lon": t.home_lon, "lat": t.home_lat})
        away = distance_m(home, s.pad)
        if not away <= s.policy.on_pad_m:
            return f"home is {away:.0f} m from the dock; {s.policy.on_pad_m:g} m is allowed"
        return None


class BatteryForSortie:
    """The battery, at its age and in this cold, holds the sortie and the reserve."""

    name = "battery-for-sortie"
    hard = True
    comes = False

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        percent = s.telemetry.battery_percent
        if percent is None or not percent >= 0:
            return "battery level is not known"
        full = capacity_wh(s.drone.battery, s.dock.temperature_c)
        held = percent / 100 * full
        reserve = s.limits.reserve_percent / 100 * full
        needed = s.sortie.energy.needed_wh + reserve
        if held < needed:
            return f"battery holds {held:.0f} Wh; sortie and reserve take {needed:.0f} Wh"
        return None


class Armable:
    """The autopilot's own pre-arm checks pass."""

    name = "armable"
    hard = True
    comes = True

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        return None if s.telemetry.armable else "autopilot is not ready to arm"


class ParameterProfile:
    """The autopilot's failsafes are set as the profile says: they are the last line."""

    name = "parameter-profile"
    hard = True
    comes = True

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        if s.differences is None:
            return "autopilot's parameters are not read yet"
        if s.differences:
            return f"autopilot's parameters differ: {'; '.join(s.differences)}"
        return None
