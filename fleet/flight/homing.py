"""What is done with a drone that comes home: to its dock, or to another, and down into it."""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import Literal

import structlog

from fleet.errors import DockError, LinkError, OrderError
from fleet.flight.adoption import Step
from fleet.flight.approach import COARSE_M, Approach, approach
from fleet.flight.berths import returns_to
from fleet.flight.column import RADIUS_M
from fleet.flight.detour import come_round, shut_home
from fleet.flight.door import close_left, heard, in_its_dock, is_open, open_door
from fleet.flight.looking import HOLD, has_marker, look, look_down, wants_look
from fleet.flight.overhead import in_its_way_down
from fleet.flight.place import come_home_percent, distance_m, heading_to, landed
from fleet.flight.precision import bare
from fleet.flight.stacking import wait_over
from fleet.flight.supervisor import Supervisor
from fleet.model.flightlog import EventKind
from fleet.model.states import DoorState, DroneState

S = DroneState
log = structlog.get_logger(__name__)

COMES_ON_DEG = 45.0
"""What flies nearer to its dock's direction is stopped outside. Wider than ``approach.AHEAD_DEG``:
there it is whether one still needs to be sent, and here whether one may come too near."""


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
        goes = await _come_near(s, way, why)
    except (LinkError, OrderError) as error:
        s.fail(error)
        return _back_home(s, f"{why}; {error}")
    while not landed(s.t):
        diverted = await _divert(s, why)
        if diverted is not None:
            return diverted
        words = await _try_open(s, why)
        try:
            if words is None and (not goes or await way.over(s)):
                return Step(S.LANDING, why)
        except (LinkError, OrderError) as error:
            words = str(error)
        words = words or "not over the dock yet"
        s.say(f"{why}; waits for its dock: {words}")
        if _comes_on(s) or (s.t.in_air and s.t.mode == "RETURN_TO_LAUNCH"):
            await _stop_here(s)
        if _must_come_down(s):
            s.down = await _way_down(s, way)
            reason = f"lands on its dock as it is, battery {s.t.battery_percent:.0f} %: {words}"
            return Step(S.EMERGENCY, reason)
        await s.until(lambda: s.diverts_to() is not None, backoff)
        backoff = min(2 * backoff, s.policy.retry_cap_s)
    return where(s, why)


async def _come_near(s: Supervisor, way: Approach, why: str) -> bool:
    """Fly to near the dock, around what is closed; say whether the vehicle takes the way."""
    while True:
        await come_round(s, why)
        if s.diverts_to() is not None:
            return False
        goes = await way.near(s)
        if not shut_home(s):
            return goes


async def _divert(s: Supervisor, why: str) -> Step | None:
    """Bind the drone for another dock where its own cannot take it and that one can.

    Where its way home has been closed the return begins again.
    """
    other = s.diverts_to(afresh=True) if s.diverts_to() is not None else None
    if other is None:
        return Step(S.RETURNING, why) if shut_home(s) else None
    left, words = s.berth, s.berth_fails() or "does not open"
    s.tried.add(left)
    s.move_to(other)  # before anything is waited for: else another may take the same slot
    await s.end_errand()
    s.run_errand(close_left(s, left), left)
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
    cold = s.dock.state.temperature_c
    takes = come_home_percent(s.drone, s.t, s.pad, altitude, s.wind_m_s, cold)
    if math.isinf(takes):
        # in a wind faster than it cruises; what it takes to come down is known all the same
        takes = come_home_percent(s.drone, s.t, s.pad, altitude, 0.0, cold)
    battery = s.t.battery_percent
    return battery is not None and battery <= s.policy.touch_down_percent + takes


async def _way_down(s: Supervisor, way: Approach) -> Literal["land", "return"]:
    """Return how the drone gets down on its dock as it is: by RTL only where that leads there."""
    pads = {dock.id: dock.position for dock in s.world.city.docks}
    if returns_to(s.t, s.sortie, pads) == s.berth:
        return "return"
    if distance_m(s.t, s.pad) > COARSE_M:
        try:
            await way.over(s)
        except (LinkError, OrderError) as error:
            log.warning("does not fly over the dock", drone=s.drone.id, error=str(error))
    return "land"


async def _try_open(s: Supervisor, why: str) -> str | None:
    """Take the gate and open the door; return None, or why not."""
    if not _take_column(s):
        if _comes_on(s) or (s.t.mode == "RETURN_TO_LAUNCH" and not is_open(s)):
            await _stop_here(s)
        s.say(f"{why}; waits for its dock: {_busy(s)}")
        await wait_over(
            s, lambda: _take_column(s) or s.diverts_to() is not None, s.policy.dock_open_s
        )
        if not _take_column(s):
            return _busy(s)
    try:
        await open_door(s)
    except DockError as error:
        s.refusals += 1
        s.gate.release(s.drone.id)
        return str(error)
    return None


def _comes_on(s: Supervisor) -> bool:
    """Whether it flies on into the column over its dock, by its mission or as it was sent."""
    if not s.t.in_air or s.t.mode not in {"MISSION", HOLD}:
        return False
    outside = distance_m(s.t, s.pad) > RADIUS_M
    return s.t.mode == "MISSION" or (outside and heading_to(s.t, s.pad, COMES_ON_DEG))


def _busy(s: Supervisor) -> str:
    return in_its_way_down(s.world, s) or f"{s.gate.holder} is moving at the dock"


def _take_column(s: Supervisor) -> bool:
    return in_its_way_down(s.world, s) is None and s.gate.take(s.drone.id)


async def _stop_here(s: Supervisor) -> None:
    try:
        await s.order(s.link.hold())
    except LinkError as error:
        log.warning("does not hold", drone=s.drone.id, error=str(error))


async def landing(s: Supervisor) -> Step:
    """Command the landing and see the drone landed, disarmed and in its dock.

    Over a dock with a marker the drone first goes down to where that is seen, and lands on it
    where it is. Where the door is no longer open while there is height left, the drone holds and
    the return begins again.
    """
    why = bare(s.reason)
    way = approach(s)
    s.gate.take(s.drone.id)  # its own already, but where it was found landing
    s.sight.begin()
    looking = asyncio.create_task(look_down(s, way.modes | {HOLD}), name=f"{s.drone.id} looks down")
    try:
        return await _look(s, way, why) or await _down(s, way, why)
    finally:
        s.sight.end()
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking


async def _look(s: Supervisor, way: Approach, why: str) -> Step | None:
    """Look for the marker; return a step only where the dock is no longer open."""
    if not wants_look(s) or _must_come_down(s):
        return None
    s.say(f"{why}; looks for the marker")
    modes = way.modes | {HOLD}
    words = await look(s, lambda: landed(s.t) or _shut_below(s) or _strayed(s, modes))
    if _shut_below(s):
        await _stop_here(s)
        return Step(S.RETURNING, why)
    if words is not None:
        _tell(s, why, f"{words}: lands by GPS")
    return None


async def _down(s: Supervisor, way: Approach, why: str) -> Step:
    for _ in range(s.policy.return_tries):
        if not s.t.in_air and not s.t.armed:
            break
        if s.t.in_air:
            blind = _blind(s)
            try:
                await way.down(s)
                _tell_how(s, why, blind=blind)
            except LinkError as error:
                s.fail(error)
                s.say(f"{why}; {error}")
                await s.pause(s.policy.retry_s)
                continue
        seen = await s.until(
            lambda: landed(s.t) or _shut_below(s) or _strayed(s, way.modes) or _blind(s),
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


def _blind(s: Supervisor) -> bool:
    """Whether the drone no more sees the marker that it lands on, high enough to see it."""
    by_sight = has_marker(s) and s.t.mode == "PRECISION_LAND" and s.t.in_air
    return by_sight and (s.t.altitude_m or 0.0) > s.policy.marker_fills_m and s.sight.lost()


def _tell_how(s: Supervisor, why: str, *, blind: bool) -> None:
    """Show, and have kept, how it comes down where there is a marker to land on."""
    if not has_marker(s):
        return
    if s.t.mode == "PRECISION_LAND" and not s.sight.lost():
        _tell(s, why, "lands on the marker")
    elif blind:
        _tell(s, why, "no marker seen: lands by GPS")
    elif s.reason.endswith("looks for the marker"):  # it was seen, and the landing refused
        _tell(s, why, "no marker landing: lands by GPS")


def _tell(s: Supervisor, why: str, words: str) -> None:
    shown = f"{why}; {words}"
    if shown != s.reason:
        s.note(EventKind.DOCK, words, berth=s.berth)
        s.say(shown)


def _shut_below(s: Supervisor) -> bool:
    state = s.dock.state
    shut = not state.online or not heard(s) or state.door is not DoorState.OPEN
    return shut and s.t.in_air and (s.t.altitude_m or 0.0) > s.policy.door_watch_m


def _strayed(s: Supervisor, modes: frozenset[str]) -> bool:
    stray = s.t.in_air and s.t.mode not in modes
    return s.lasting("stray", stray) > s.policy.hold_s


def where(s: Supervisor, why: str) -> Step:
    """Return what follows a landing: CLOSING in the dock, EMERGENCY away from it."""
    away = distance_m(s.t, s.pad)
    if away <= s.policy.in_dock_m or in_its_dock(s):
        return Step(S.CLOSING, why)
    if math.isinf(away):
        return Step(S.EMERGENCY, "landed, and does not tell where")
    return Step(
        S.EMERGENCY, f"landed {away:.1f} m from its dock; {s.policy.in_dock_m:g} m is allowed"
    )
