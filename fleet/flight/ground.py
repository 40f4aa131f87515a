"""What is done with a drone on the ground, state by state; before it takes off, see ``readying``."""

from __future__ import annotations

from contextlib import suppress

from fleet.errors import DockError, LinkError, Refused
from fleet.flight.adoption import Step
from fleet.flight.door import close_door, comes_down, is_open, low_over
from fleet.flight.stacking import next_down
from fleet.flight.supervisor import Supervisor
from fleet.link.port import LOST_AFTER_S
from fleet.model.states import DoorState, DroneState

S = DroneState
STAYS_OPEN = "door stays open"


async def docked(s: Supervisor) -> Step:
    """Wait for a sortie; shut a door that was left open, as CHARGING does."""

    def low() -> bool:
        battery = s.t.battery_percent
        return battery is not None and battery < s.policy.ready_percent - 1 and s.assigned is None

    while not await s.until(lambda: s.assigned is not None or low(), s.policy.retry_cap_s):
        await _shut_if_open(s)
        if s.reason.startswith(STAYS_OPEN) and s.dock.state.door is DoorState.CLOSED:
            s.say("")
    return Step(S.CHECKING) if s.assigned is not None else Step(S.CHARGING, "charging")


async def taking_off(s: Supervisor) -> Step:
    """Arm, start the mission, and see the drone in the air.

    A refusal on the ground ends the sortie; a drone that is armed and stays down is disarmed.
    """
    stuck = False
    try:
        if not s.t.armed:
            await s.order(s.link.arm())
        if not s.t.in_air and not is_open(s):  # it was, before the store and the motors
            raise DockError(f"dock {s.dock.id}: door is {s.dock.state.door} with the motors on")
        if s.t.mode != "MISSION" or not s.t.in_air:
            await s.order(s.link.start_mission())
        lifted = await s.until(lambda: _lifted(s), s.policy.lift_off_s)
        words = f"not in the air {s.policy.lift_off_s:g} s after the start: {s.words() or 'no reason given'}"
        stuck = not lifted and (not s.t.in_air or low_over(s, s.pad))
    except (DockError, LinkError) as error:
        # one that did not answer may have heard: it may arm yet, or the link may be gone
        answered = isinstance(error, DockError | Refused)
        lifted = await s.until(lambda: s.t.in_air, 0.0 if answered else LOST_AFTER_S + 1.0)
        words = str(error)
    if lifted or (s.t.in_air and not stuck):
        s.world.overrides.spend(s.drone.id)
        s.refused_at = None
        return Step(S.ON_WAY)
    if stuck and s.dock.state.door is DoorState.OPEN:
        words = f"dock says open, but {s.drone.id} does not get out: {words}"
        s.world.doubts.hold(s.dock.state, words)
    s.refused_at = s.world.clock.monotonic()
    if s.t.armed:
        try:
            if s.t.in_air:
                await s.order(s.link.land())
                await s.until(lambda: not s.t.in_air, s.policy.lift_off_s)
            await s.order(s.link.disarm())
        except LinkError as error:
            return Step(S.EMERGENCY, f"{words}; armed in its dock and does not disarm: {error}")
    return Step(S.CLOSING, words)


def _lifted(s: Supervisor) -> bool:
    return s.t.in_air and (s.t.altitude_m or 0.0) >= s.policy.lift_off_m


async def closing(s: Supervisor) -> Step:
    """Close the door over the drone. A door that does not close is shown and tried again later."""
    if not await s.until(lambda: comes_down(s) is None, s.policy.dock_open_s):
        return Step(S.CHARGING, f"{STAYS_OPEN}: {comes_down(s)} may come down here")
    if not s.gate.take(s.drone.id):
        s.say(f"{s.gate.holder} is moving through the dock's door")
        await s.until(lambda: s.gate.take(s.drone.id), s.policy.dock_open_s)
    if s.world.doubts.counts(s.berth) and not await s.until(lambda: s.in_dock, s.policy.count_s):
        return _on_the_lid(s)
    mate, words = comes_down(s) or next_down(s.world, s.berth), ""
    if mate is not None:  # it began while another had the gate, or waits over the dock
        words = f"{STAYS_OPEN}: {mate} may come down here"
    elif s.gate.holder == s.drone.id:
        words = await close_door(s)
    return Step(S.CHARGING, words or s.reason)


def _on_the_lid(s: Supervisor) -> Step:
    """Leave the door as it is: the drone is not in the dock, so it lies on it or beside it."""
    words = (
        f"landed at dock {s.berth}, which does not count it in: it may lie on the lid or beside "
        f"the pad (door says {s.dock.state.door})"
    )
    s.world.doubts.hold(s.dock.state, words)
    return Step(S.EMERGENCY, words)


async def charging(s: Supervisor) -> Step:
    """Wait until the battery is high enough, or a call wants the drone; shut a door left open.

    Goes on for ever, a try each ``retry_cap_s``: an open dock is worth it.
    """

    def high() -> bool:
        battery = s.t.battery_percent
        return battery is not None and battery >= s.policy.ready_percent

    while not await s.until(lambda: high() or s.assigned is not None, s.policy.retry_cap_s):
        await _shut_if_open(s)
    if s.assigned is not None:
        return Step(S.CHECKING)
    await _shut_if_open(s)
    shut = s.dock.state.door is DoorState.CLOSED
    return Step(S.DOCKED, "" if shut and s.refused_at is None else s.reason)


async def _shut_if_open(s: Supervisor) -> None:
    door = s.dock.state
    if comes_down(s) is not None or next_down(s.world, s.berth) is not None:
        return
    if door.online and door.door is not DoorState.CLOSED and s.gate.take(s.drone.id):
        try:
            with suppress(DockError):  # shown by the dock itself
                await s.dock.close()
        finally:
            s.gate.release(s.drone.id)
