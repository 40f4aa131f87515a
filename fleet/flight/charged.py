"""What a drone's battery holds now, where nobody tells it any more. Pure."""

from __future__ import annotations

from datetime import datetime

from fleet.model.live import DockLive, Telemetry
from missions.charge import percent_after
from missions.city import Drone


def charged_percent(
    drone: Drone, telemetry: Telemetry, dock: DockLive, now: datetime
) -> float | None:
    """Return what a battery holds, percent; None where it was never told.

    A vehicle that is heard is believed. Of one that is not, the latest word counts, its own or its
    dock's, and the charge since, while it stands in that dock: vehicles are switched off there, and
    docks fall silent.

    Parameters
    ----------
    drone, telemetry
        The drone and its vehicle's last word.
    dock
        The last word of the dock it stands in or is bound for.
    now
        When it is asked.
    """
    level = telemetry.battery_percent
    if telemetry.connected and level is not None:
        return level
    told = [] if level is None else [(telemetry.at, level)]
    charging = dock.charging.get(drone.id)
    if charging is not None and dock.at is not None:
        told.append((dock.at, charging))
    if not told:
        return None
    at, percent = max(told)
    if drone.id not in dock.occupants:
        return percent
    return percent_after(drone.battery, percent, max(0.0, (now - at).total_seconds()))
