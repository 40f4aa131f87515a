"""What is done with a drone in the air, state by state."""

from __future__ import annotations

import structlog

from fleet.errors import DockError, LinkError, StoreError
from fleet.flight.adoption import Step
from fleet.flight.door import close_behind, open_door
from fleet.flight.place import distance_m, landed, landing_percent
from fleet.flight.route import flown, on_task, way_home
from fleet.flight.supervisor import FLOWN, Supervisor
from fleet.model.states import DoorState, DroneState

S = DroneState
log = structlog.get_logger(__name__)


async def following(s: Supervisor) -> Step:
    """Follow the mission leg by leg: ON_WAY and ON_TASK.

    The vehicle is told nothing, but to go on after a pilot's hold.
    """
    plan = s.programme
    if plan is None:
        return Step(S.EMERGENCY, "in the air with no sortie")
    _shut_behind(s)
    if s.before is S.HELD and s.t.mode == "HOLD" and not flown(plan, s.t, s.policy):
        try:
            await s.order(s.link.start_mission())
        except LinkError as error:
            return Step(S.HELD, str(error))
        s.before = s.state

    def changed() -> bool:
        return flown(plan, s.t, s.policy) or on_task(plan, s.t.mission_current) != (
            s.state is S.ON_TASK
        )

    follower = s.follower
    await s.until(
        lambda: changed() or (follower is not None and follower.moved(s.t.mission_current))
    )
    await _note_visits(s)
    if flown(plan, s.t, s.policy):
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
    """Bring the drone over its dock, open the dock, see it open and clear.

    The vehicle is sent to the mission's way home, at whose end it holds by itself; should this
    controller die, it waits there. A dock that does not open is asked again, at most
    ``retry_cap_s`` apart, while the drone holds and its battery lasts. When no more is left than
    landing takes, it lands on the dock as it is: the pad is the one place below that is known to be
    kept free of people, where a street or a roof nearby is not, and a drone broken on a closed door
    is the smaller harm.
    """
    if landed(s.t):
        return _where(s, s.reason)
    await s.end_errand()
    why = s.reason
    if s.t.mode != "RETURN_TO_LAUNCH":
        await _towards_home(s)
    backoff = s.policy.retry_s
    while True:
        if landed(s.t):
            return _where(s, why)
        words = await _try_open(s)
        if words is None:
            return Step(S.LANDING, why)
        s.say(f"{why}; waits over the dock: {words}")
        if s.t.mode == "RETURN_TO_LAUNCH":
            await _stop_descent(s)
        enough = s.policy.touch_down_percent + landing_percent(s.drone, s.t, s.wind_m_s)
        if s.t.battery_percent is not None and s.t.battery_percent <= enough:
            reason = f"lands on its dock as it is, battery {s.t.battery_percent:.0f} %: {words}"
            s.land_here = True
            return Step(S.EMERGENCY, reason)
        await s.pause(backoff)
        backoff = min(2 * backoff, s.policy.retry_cap_s)


async def _towards_home(s: Supervisor) -> None:
    """Fly the way home, as far as the door's time before the dock."""
    near = s.policy.near_dock_m
    if s.programme is None:
        return
    if not flown(s.programme, s.t, s.policy):
        try:
            await s.order(s.link.fly_to_item(way_home(s.programme, s.t)))
        except LinkError as error:
            # RTL, once the dock is open, brings it home all the same
            s.say(f"{s.reason}; {error}")
            return
    bound = distance_m(s.t, s.pad) + 120.0
    await s.until(lambda: distance_m(s.t, s.pad) < near or not s.t.in_air, bound)


async def _try_open(s: Supervisor) -> str | None:
    """Take the gate and open the door; return None, or why not."""
    if not await s.until(lambda: s.gate.take(s.drone.id), s.policy.dock_open_s):
        return f"{s.gate.holder} is moving through the dock's door"
    try:
        await open_door(s)
    except DockError as error:
        s.gate.release(s.drone.id)
        return str(error)
    return None


async def _stop_descent(s: Supervisor) -> None:
    try:
        await s.order(s.link.hold())
    except LinkError as error:
        log.warning("does not hold over its dock", drone=s.drone.id, error=str(error))


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
            except LinkError as error:
                s.say(f"{why}; {error}")
                await s.pause(s.policy.retry_s)
                continue
        seen = await s.until(
            lambda: landed(s.t) or _shut_below(s) or _strayed(s), s.policy.landing_s
        )
        if not seen:
            break
        if _shut_below(s):
            await _stop_descent(s)
            return Step(S.RETURNING, why)
    if landed(s.t):
        return _where(s, why)
    if s.t.mode in {"RETURN_TO_LAUNCH", "LAND"}:
        return Step(S.EMERGENCY, f"not down after {s.policy.landing_s:g} s of landing: {s.words()}")
    return Step(S.EMERGENCY, f"does not take the return: {s.words() or s.reason}")


def _shut_below(s: Supervisor) -> bool:
    shut = not s.dock.state.online or s.dock.state.door is not DoorState.OPEN
    return shut and s.t.in_air and (s.t.altitude_m or 0.0) > s.policy.door_watch_m


def _strayed(s: Supervisor) -> bool:
    stray = s.t.in_air and s.t.mode not in {"RETURN_TO_LAUNCH", "LAND"}
    return s.lasting("stray", stray) > s.policy.hold_s


def _where(s: Supervisor, why: str) -> Step:
    away = distance_m(s.t, s.pad)
    if away <= s.policy.in_dock_m or s.in_dock:
        return Step(S.CLOSING, why)
    return Step(
        S.EMERGENCY, f"landed {away:.1f} m from its dock; {s.policy.in_dock_m:g} m is allowed"
    )


async def held(s: Supervisor) -> Step:
    """Hold the drone's place until a pilot says more, or the battery does."""
    if s.t.in_air and s.t.mode in {"MISSION", "RETURN_TO_LAUNCH", "LAND", "TAKEOFF"}:
        why = s.reason
        try:
            await s.order(s.link.hold())
        except LinkError as error:
            s.say(f"{why}; {error}")
            await s.pause(s.policy.retry_s)
            return Step(S.HELD, why)
    await s.until(lambda: landed(s.t))
    return _where(s, "landed by hand")
