"""What is done with a drone in the air, state by state."""

from __future__ import annotations

import structlog

from fleet.errors import DockError, LinkError, StoreError
from fleet.flight.adoption import Step
from fleet.flight.column import blocker
from fleet.flight.door import close_behind, open_door
from fleet.flight.place import come_home_percent, distance_m, landed
from fleet.flight.route import flown, homeward, on_task, way_home
from fleet.flight.supervisor import FLOWN, Supervisor
from fleet.model.states import DoorState, DroneState

S = DroneState
_PAUSES = frozenset({S.HELD, S.AVOIDING})
_PAUSED = frozenset({"HOLD", "ORBIT"})
"""Modes in which the vehicle waits, as it was told, to go on with its mission."""
log = structlog.get_logger(__name__)


async def following(s: Supervisor) -> Step:
    """Follow the mission leg by leg: ON_WAY and ON_TASK.

    The vehicle is told nothing, but to go on after a pilot's hold.
    """
    plan = s.programme
    if plan is None:
        return Step(S.EMERGENCY, "in the air with no sortie")
    _shut_behind(s)
    if s.before in _PAUSES and s.t.mode in _PAUSED and not flown(plan, s.t, s.policy):
        try:
            await s.order(s.link.start_mission())
        except LinkError as error:
            s.fail(error)
            return Step(S.HELD, str(error))
        s.before = s.state
    s.answer(f"flies its mission, item {s.t.mission_current} of {s.t.mission_total}")

    def changed() -> bool:
        return homeward(plan, s.t, s.policy) or on_task(plan, s.t.mission_current) != (
            s.state is S.ON_TASK
        )

    follower = s.follower
    await s.until(
        lambda: changed() or (follower is not None and follower.moved(s.t.mission_current))
    )
    await _note_visits(s)
    if homeward(plan, s.t, s.policy):
        s.flown = True
        return Step(S.RETURNING, FLOWN)
    return Step(S.ON_TASK if on_task(plan, s.t.mission_current) else S.ON_WAY)


def _shut_behind(s: Supervisor) -> None:
    door = s.dock.state.door
    if door in {DoorState.OPEN, DoorState.OPENING} and s.gate.take(s.drone.id):
        s.run_errand(close_behind(s))
    elif not s.on_errand:
        s.gate.release(s.drone.id)


async def _note_visits(s: Supervisor) -> None:
    if s.follower is None:
        return
    for cell in s.follower.update(s.t.mission_current):
        try:
            await s.world.store.record_visit(cell, s.world.clock.now(), s.drone.id)
        except StoreError as error:
            # the planner will send someone again, which is right: nobody can tell it was seen
            log.error("visit not stored", drone=s.drone.id, cell=cell, error=str(error))


async def returning(s: Supervisor) -> Step:
    """Bring the drone to its dock, open the dock, see it open and clear, and the drone over it.

    The vehicle flies its mission's way home, at whose end it holds by itself; should this
    controller die, it waits there. Near the dock it goes on only with the gate, with nobody below
    it over the dock and with the door open; until then it holds. A dock that does not open is asked
    again, at most ``retry_cap_s`` apart, while the battery lasts. When no more is left than coming
    down takes, it lands on the dock as it is: the pad is the one place that is known to be kept
    free of people, where a street or a roof nearby is not, and a drone broken on a closed door is
    the smaller harm.
    """
    if landed(s.t):
        return where(s, s.reason)
    await s.end_errand()
    why = s.reason
    backoff = s.policy.retry_s
    goes = s.t.mode != "RETURN_TO_LAUNCH" and await _near_home(s)
    while not landed(s.t):
        words = await _try_open(s)
        if words is None and (not goes or await _over_dock(s)):
            return Step(S.LANDING, why)
        words = words or "not over the dock yet"
        s.say(f"{why}; waits for its dock: {words}")
        if s.t.in_air and s.t.mode in {"MISSION", "RETURN_TO_LAUNCH"}:
            await _stop_here(s)
        if _must_come_down(s):
            s.down = "return"
            reason = f"lands on its dock as it is, battery {s.t.battery_percent:.0f} %: {words}"
            return Step(S.EMERGENCY, reason)
        await s.pause(backoff)
        backoff = min(2 * backoff, s.policy.retry_cap_s)
    return where(s, why)


def _must_come_down(s: Supervisor) -> bool:
    altitude = s.t.altitude_m or 0.0
    takes = come_home_percent(s.drone, s.t, s.pad, altitude, s.wind_m_s)
    battery = s.t.battery_percent
    return battery is not None and battery <= s.policy.touch_down_percent + takes


async def _near_home(s: Supervisor) -> bool:
    """Fly the way home, as far as the door's time before the dock; say whether the vehicle does."""
    if s.programme is None:
        return False
    if homeward(s.programme, s.t, s.policy):
        s.answer("is all but home")
        return True
    if not await _fly_home(s):
        return False
    bound = distance_m(s.t, s.pad) + 120.0
    near = s.policy.near_dock_m
    await s.until(lambda: distance_m(s.t, s.pad) < near or not s.t.in_air, bound)
    return True


async def _fly_home(s: Supervisor) -> bool:
    """Send the vehicle on its mission's way home; say whether it goes."""
    if s.programme is None:
        return False
    try:
        await s.order(s.link.fly_to_item(way_home(s.programme, s.t)))
    except LinkError as error:
        # RTL, once the dock is open, brings it home all the same
        log.warning("does not take the way home", drone=s.drone.id, error=str(error))
        return False
    s.answer(f"flies home, by item {s.t.mission_current} of its mission")
    return True


async def _over_dock(s: Supervisor) -> bool:
    """See the drone over its dock; say whether RTL may bring it down now.

    A vehicle that does not take the mission's way home goes home by RTL from where it is.
    """
    plan = s.programme
    if plan is None or s.t.mode == "RETURN_TO_LAUNCH" or flown(plan, s.t, s.policy):
        return True
    if s.t.mode != "MISSION" and not await _fly_home(s):
        return True
    return await s.until(lambda: flown(plan, s.t, s.policy) or not s.t.in_air, s.policy.over_dock_s)


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
    """Command RTL and see the drone landed, disarmed and in its dock.

    Where the door is no longer open while there is height left, the drone holds and the return
    begins again.
    """
    why = s.reason
    for _ in range(s.policy.return_tries):
        if not s.t.in_air and not s.t.armed:
            break
        if s.t.mode != "RETURN_TO_LAUNCH" and s.t.in_air:
            try:
                await s.order(s.link.return_to_launch())
                s.answer("returns and lands")
            except LinkError as error:
                s.fail(error)
                s.say(f"{why}; {error}")
                await s.pause(s.policy.retry_s)
                continue
        seen = await s.until(
            lambda: landed(s.t) or _shut_below(s) or _strayed(s), s.policy.landing_s
        )
        if not seen:
            break
        if _shut_below(s):
            await _stop_here(s)
            return Step(S.RETURNING, why)
    if landed(s.t):
        return where(s, why)
    if s.t.mode in {"RETURN_TO_LAUNCH", "LAND"}:
        return Step(S.EMERGENCY, f"not down after {s.policy.landing_s:g} s of landing: {s.words()}")
    return Step(S.EMERGENCY, f"does not take the return: {s.words() or s.reason}")


def _shut_below(s: Supervisor) -> bool:
    shut = not s.dock.state.online or s.dock.state.door is not DoorState.OPEN
    return shut and s.t.in_air and (s.t.altitude_m or 0.0) > s.policy.door_watch_m


def _strayed(s: Supervisor) -> bool:
    stray = s.t.in_air and s.t.mode not in {"RETURN_TO_LAUNCH", "LAND"}
    return s.lasting("stray", stray) > s.policy.hold_s


def where(s: Supervisor, why: str) -> Step:
    """Return what follows a landing: CLOSING in the dock, EMERGENCY away from it."""
    away = distance_m(s.t, s.pad)
    if away <= s.policy.in_dock_m or s.in_dock:
        return Step(S.CLOSING, why)
    return Step(
        S.EMERGENCY, f"landed {away:.1f} m from its dock; {s.policy.in_dock_m:g} m is allowed"
    )
