"""For how long a drone is still under way. Pure."""

from __future__ import annotations

from fleet.link.items import NAV_LOITER_TIME, NAV_WAYPOINT, Programme
from fleet.model.live import Telemetry
from missions.energy import CLIMB_M_S, DESCENT_M_S, LANDING_FROM_M, LANDING_M_S
from missions.geo import distance_m

PREPARING_S = 20.0
"""Checks and the dock's door, before a take-off."""
OVER_DOCK_S = 10.0
"""The dock's door, with the drone waiting over it."""
TURN_S = 4.0
"""Lost at a waypoint by slowing down and gaining speed again: 12 m/s at 3 m/s²."""
_PLACES = frozenset({NAV_WAYPOINT, NAV_LOITER_TIME})


def descent_s(altitude_m: float) -> float:
    """Return what coming down on a dock takes, seconds."""
    slow = min(max(altitude_m, 0.0), LANDING_FROM_M)
    return max(0.0, altitude_m - slow) / DESCENT_M_S + slow / LANDING_M_S


def home_s(telemetry: Telemetry, home: tuple[float, float], speed_m_s: float) -> float:
    """Return what the straight way to a dock takes, down to its pad, seconds."""
    if telemetry.lon is None or telemetry.lat is None:
        return 0.0
    away = distance_m((telemetry.lon, telemetry.lat), home)
    return away / speed_m_s + descent_s(telemetry.altitude_m or 0.0)


class Course:
    """What is left of a mission at each of its items; reckoned once, asked every second.

    The whole is what the planner reckons that the sortie takes, with wind and turns; how it is
    spread over the way is by distance, holds and turns.
    """

    def __init__(self, programme: Programme) -> None:
        self._programme = programme
        sortie = programme.sortie
        left_s = OVER_DOCK_S + descent_s(sortie.altitude_m)
        after: tuple[float, float] | None = None
        speed = programme.leg(programme.last).speed_m_s
        backwards: list[float] = []
        for index in range(programme.last, -1, -1):
            item = programme.items[index]
            if item.command in _PLACES:
                here = item.lon, item.lat
                if after is not None:
                    left_s += distance_m(here, after) / speed
                left_s += item.params[0] + TURN_S
                after, speed = here, programme.leg(index).speed_m_s
            backwards.append(left_s)
        self._left_s = backwards[::-1]
        climb_s = sortie.altitude_m / CLIMB_M_S
        self._scale = sortie.energy.duration_s / (climb_s + self._left_s[0])

    @property
    def sortie(self) -> str:
        """The sortie's id."""
        return self._programme.sortie.id

    def left_s(self, telemetry: Telemetry) -> float:
        """Return what is left for a vehicle that flies the mission, down to its pad, seconds."""
        plan = self._programme
        current = max(0, min(telemetry.mission_current, plan.last))
        item = plan.items[current]
        to_it_s = 0.0
        if telemetry.lon is not None and telemetry.lat is not None and item.command in _PLACES:
            away = distance_m((telemetry.lon, telemetry.lat), (item.lon, item.lat))
            to_it_s = away / plan.leg(current).speed_m_s
        return self._scale * (to_it_s + self._left_s[current])
