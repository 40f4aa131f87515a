"""Down over the open dock to where its marker is seen, camera straight down, before the landing."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from fleet.errors import LinkError
from fleet.flight.place import distance_m
from fleet.flight.supervisor import Supervisor
from fleet.model.command import GoTo, PointGimbal

HOLD = "HOLD"
TRIES = 3
TURNED_S = 0.5
"""PX4 has turned its gimbal to the front so long after a mode was seen to change."""
OVER_M = 3.0
"""From within so much of the pad the marker is in the picture at the height of looking."""
NEAR_M = 1.0
"""So much above the height of looking is there."""
SINKS_M_S = 0.3
log = structlog.get_logger(__name__)


def has_marker(s: Supervisor) -> bool:
    """Whether the dock that the drone is bound for has a marker."""
    return s.world.dock_at(s.berth).marker is not None


def wants_look(s: Supervisor) -> bool:
    """Whether it can look for a marker before it lands: it waits in the air over one."""
    over = distance_m(s.t, s.pad) <= s.policy.over_dock_m
    return has_marker(s) and s.t.in_air and s.t.mode in {HOLD, "MISSION"} and over


async def look(s: Supervisor, give_up: Callable[[], bool]) -> str | None:
    """Go down to the height of looking, wait there for sightings; return why none, or None.

    Entered again it finds the drone there, or on its way, and commands only what is left.

    Parameters
    ----------
    s
        Its drone holds over the pad, and its sight has begun.
    give_up
        Whether to wait no longer, as when the door closes.
    """
    height = min(s.policy.marker_look_m, s.t.altitude_m or s.policy.marker_look_m)
    await s.until(lambda: give_up() or _is_there(s, height) or not _sinks(s), s.policy.over_dock_s)
    if s.t.mode != HOLD or not (_is_there(s, height) or give_up()):
        lon, lat = s.pad
        try:
            await s.order(s.link.go_to(GoTo(action="goto", lon=lon, lat=lat, altitude_m=height)))
        except LinkError as error:
            return f"no marker looked for, {error}"
    there = await s.until(lambda: give_up() or _is_there(s, height), s.policy.over_dock_s)
    if there:
        await s.until(lambda: give_up() or s.sight.sees(), s.policy.marker_look_s)
    return None if s.sight.sees() else "no marker seen"


def _is_there(s: Supervisor, height: float) -> bool:
    low = (s.t.altitude_m or 0.0) <= height + NEAR_M
    return low and distance_m(s.t, s.pad) <= OVER_M


def _sinks(s: Supervisor) -> bool:
    """Whether it comes down over the pad already, as the controller before this one had it."""
    sinks = s.t.mode == HOLD and s.t.velocity_down_m_s > SINKS_M_S
    return sinks and distance_m(s.t, s.pad) <= OVER_M


async def look_down(s: Supervisor, modes: frozenset[str]) -> None:
    """Point the camera straight down, and again after each change of mode. Ends when cancelled.

    Not at the pad's position: that is known by GPS to a metre or two, which near the ground is out
    of the picture. And not before the mode has changed: PX4 then turns the gimbal to the front, a
    moment after the change is seen.
    """
    if not has_marker(s):
        return
    pointed = ""

    def turned() -> bool:
        return s.t.in_air and s.t.mode in modes and s.t.mode != pointed

    while True:
        await s.until(turned)
        pointed = s.t.mode
        for _ in range(TRIES):
            await s.pause(TURNED_S)
            try:
                await s.link.point_gimbal(PointGimbal(action="gimbal", pitch_deg=-90.0))
                break
            except LinkError as error:
                log.warning("camera does not look down", drone=s.drone.id, error=str(error))
