"""What is done with a drone that comes home: to its dock, or to another, and down into it."""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from fleet.errors import DockError, LinkError
from fleet.flight.adoption import Step
from fleet.flight.approach import Approach, approach
from fleet.flight.column import blocker
from fleet.flight.door import close_left, in_its_dock, open_door
from fleet.flight.place import come_home_percent, distance_m, landed
from fleet.flight.supervisor import Supervisor
from fleet.model.command import PointGimbal
from fleet.model.flightlog import EventKind
from fleet.model.states import DoorState, DroneState

LOOK_TRIES = 3
LOOK_AFTER_S = 0.5
"""PX4 has turned its gimbal to the front so long after a mode was seen to change."""
S = DroneState
log = structlog.get_logger(__name__)


async def returning(s: Supervisor) -> Step:
    """Bring the drone to its dock, open the dock, see it open and clear, and the drone over it.

    The vehicle flies its mission's way home, at whose end it holds by itself; should this
    controller die, it waits there. Near the dock it goes on only with the gate, with nobody below
    it over the dock and with the door open; until then it holds. Where its dock fails, refuses,
    or is out of reach, it goes to another that can take it. A dock that does not open is asked
    again, at most ``retry_cap_s`` apart, while the battery lasts. When no more is left than coming
    down takes, it lands on the dock as it is: the pad is the one place that is known to be kept
    free of people, where a street or a roof nearby is not, and a drone broken on a closed door is
    the smaller harm.
    """
    if landed(s.t):
        return where(s, s.reason)
    if s.errand_at == s.berth:
        await s.end_errand()
    why = s.reason
    backoff = s.policy.retry_s
    way = approach(s)
    try:
        goes = await way.near(s)
    except LinkError as error:
        s.fail(error)
        return _back_home(s, f"{why}; {error}")
    while not landed(s.t):
        diverted = await _divert(s, why)
        if diverted is not None:
            return diverted
        words = await _try_open(s)
        try:
            if words is None and (not goes or await way.over(s)):
                return Step(S.LANDING, why)
        except LinkError as error:
            words = str(error)
        words = words or "not over the dock yet"
        s.say(f"{why}; waits for its dock: {words}")
        if s.t.in_air and s.t.mode in {"MISSION", "RETURN_TO_LAUNCH"}:
            await _stop_here(s)
        if _must_come_down(s):
            s.down = "return"
            reason = f"lands on its dock as it is, battery {s.t.battery_percent:.0f} %: {words}"
            return Step(S.EMERGENCY, reason)
        await s.until(lambda: s.diverts_to() is not None, backoff)
        backoff = min(2 * backoff, s.policy.retry_cap_s)
    return where(s, why)


async def _divert(s: Supervisor, why: str) -> Step | None:
    """Bind the drone for another dock where its own cannot take it and that one can."""
    other = s.diverts_to()
    if other is None:
        return None
    left, words = s.berth, s.berth_fails() or "does not open"
    s.tried.add(left)
    await s.end_errand()
    s.run_errand(close_left(s, left), left)
    s.move_to(other)
    s.note(EventKind.DOCK, f"diverted from dock {left} to {other}: {words}", berth=other)
    log.warning("diverted", drone=s.drone.id, dock=left, to=other, reason=words)
    return Step(S.RETURNING, f"{why.split('; diverted')[0]}; diverted to dock {other}: {words}")


def _back_home(s: Supervisor, why: str) -> Step:
    """Give up the other dock: the vehicle does not take the way there."""
    home = s.sortie.dock if s.sortie is not None else s.drone.dock
    s.tried.add(s.berth)
    s.move_to(home)
    return Step(S.RETURNING, why)


def _must_come_down(s: Supervisor) -> bool:
    altitude = s.t.altitude_m or 0.0
    takes = come_home_percent(s.drone, s.t, s.pad, altitude, s.wind_m_s)
    battery = s.t.battery_percent
    return battery is not None and battery <= s.policy.touch_down_percent + takes


async def _try_open(s: Supervisor) -> str | None:
    """Take the gate and open the door; return None, or why not."""
    if not _take_column(s):
        if s.t.mode == "MISSION":
            await _stop_here(s)
        if not await s.until(lambda: _take_column(s), s.policy.dock_open_s):
            return f"{_in_the_way(s)} is moving at the dock"
    try:
        await open_door(s)
    except DockError as error:
        s.refusals += 1
        s.gate.release(s.drone.id)
        return str(error)
    return None


def _in_the_way(s: Supervisor) -> str | None:
    below = blocker(s.drone.id, s.t.altitude_m or 0.0, s.world.seen, s.pad)
    return below or s.gate.holder


def _take_column(s: Supervisor) -> bool:
    below = blocker(s.drone.id, s.t.altitude_m or 0.0, s.world.seen, s.pad)
    return below is None and s.gate.take(s.drone.id)


async def _stop_here(s: Supervisor) -> None:
    try:
        await s.order(s.link.hold())
    except LinkError as error:
        log.warning("does not hold", drone=s.drone.id, error=str(error))


async def landing(s: Supervisor) -> Step:
    """Command the landing and see the drone landed, disarmed and in its dock.

    Where the door is no longer open while there is height left, the drone holds and the return
    begins again.
    """
    why = s.reason.split("; lands ")[0].split("; no marker")[0]
    way = approach(s)
    s.sight.begin()
    looking = asyncio.create_task(_look_down(s, way.modes), name=f"{s.drone.id} looks down")
    try:
        return await _down(s, way, why)
    finally:
        s.sight.end()
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking


async def _look_down(s: Supervisor, modes: frozenset[str]) -> None:
    """Point the camera straight down, where the pad has a marker.

    Not at the pad's position: that is known by GPS to a metre or two, which near the ground is out
    of the picture. And not before the landing has begun: PX4 turns the gimbal to the front when
    its mode changes, a moment after that is seen.
    """
    if s.world.dock_at(s.berth).marker is None:
        return
    for _ in range(LOOK_TRIES):
        if not await s.until(lambda: s.t.in_air and s.t.mode in modes, s.policy.landing_s):
            return
        await s.pause(LOOK_AFTER_S)
        try:
            await s.link.point_gimbal(PointGimbal(action="gimbal", pitch_deg=-90.0))
            return
        except LinkError as error:
            log.warning("camera does not look down", drone=s.drone.id, error=str(error))


async def _down(s: Supervisor, way: Approach, why: str) -> Step:
    for _ in range(s.policy.return_tries):
        if not s.t.in_air and not s.t.armed:
            break
        if s.t.in_air:
            try:
                await way.down(s)
            except LinkError as error:
                s.fail(error)
                s.say(f"{why}; {error}")
                await s.pause(s.policy.retry_s)
                continue
        seen = await s.until(
            lambda: _tell_sight(s, why) or landed(s.t) or _shut_below(s) or _strayed(s, way.modes),
            s.policy.landing_s,
        )
        if not seen:
            break
        if _shut_below(s):
            await _stop_here(s)
            return Step(S.RETURNING, why)
    if landed(s.t):
        return where(s, why)
    if s.t.mode in way.modes:
        return Step(S.EMERGENCY, f"not down after {s.policy.landing_s:g} s of landing: {s.words()}")
    return Step(S.EMERGENCY, f"does not take the return: {s.words() or s.reason}")


def _tell_sight(s: Supervisor, why: str) -> bool:
    """Show, and have kept, whether the drone sees the marker that it lands on; never true."""
    marker = s.world.dock_at(s.berth).marker is not None
    words = s.sight.words(marker)
    shown = f"{why}; {words}" if words else why
    if s.t.in_air and words and shown != s.reason:
        s.note(EventKind.DOCK, words, berth=s.berth)
        s.say(shown)
    return False


def _shut_below(s: Supervisor) -> bool:
    shut = not s.dock.state.online or s.dock.state.door is not DoorState.OPEN
    return shut and s.t.in_air and (s.t.altitude_m or 0.0) > s.policy.door_watch_m


def _strayed(s: Supervisor, modes: frozenset[str]) -> bool:
    stray = s.t.in_air and s.t.mode not in modes
    return s.lasting("stray", stray) > s.policy.hold_s


def where(s: Supervisor, why: str) -> Step:
    """Return what follows a landing: CLOSING in the dock, EMERGENCY away from it."""
    away = distance_m(s.t, s.pad)
    if away <= s.policy.in_dock_m or in_its_dock(s):
        return Step(S.CLOSING, why)
    return Step(
        S.EMERGENCY, f"landed {away:.1f} m from its dock; {s.policy.in_dock_m:g} m is allowed"
    )
