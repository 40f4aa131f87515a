"""What is done with a drone that flies its mission."""

from __future__ import annotations

import structlog

from fleet.errors import LinkError, OrderError, StoreError
from fleet.flight.adoption import Step
from fleet.flight.custody import FLOWN
from fleet.flight.door import close_behind, comes_down
from fleet.flight.fencing import put_back
from fleet.flight.keepout import due, keep_out
from fleet.flight.route import flown, homeward, on_task
from fleet.flight.supervisor import Supervisor
from fleet.model.flightlog import EventKind
from fleet.model.states import DoorState, DroneState

S = DroneState
_PAUSES = frozenset({S.HELD, S.AVOIDING})
_PAUSED = frozenset({"HOLD", "ORBIT"})
"""Modes in which the vehicle waits, as it was told, to go on with its mission."""
log = structlog.get_logger(__name__)


async def following(s: Supervisor) -> Step:
    """Follow the mission leg by leg: ON_WAY and ON_TASK.

    The vehicle is told nothing, but to go on after a pilot's hold, and of what is closed beside
    its way.
    """
    plan = s.programme
    if plan is None:
        return Step(S.EMERGENCY, "in the air with no sortie")
    _shut_behind(s)
    if _leaves_for_good(s, plan.sortie.ends_at):
        return Step(s.state, s.reason)  # so that it is kept where it is bound for
    paused, s.goes_back = s.before in _PAUSES or s.goes_back, False
    if paused and s.t.mode in _PAUSED and not flown(plan, s.t, s.policy):
        try:
            await put_back(s)
            await s.order(s.link.start_mission())
        except (LinkError, OrderError) as error:
            s.fail(error)
            return Step(S.HELD, str(error))
        s.before = s.state
    await keep_out(s)
    s.answer(f"flies its mission, item {s.t.mission_current} of {s.t.mission_total}")

    def changed() -> bool:
        return homeward(plan, s.t, s.policy) or on_task(plan, s.t.mission_current) != (
            s.state is S.ON_TASK
        )

    follower = s.follower
    ends_at = plan.sortie.ends_at
    await s.until(
        lambda: (
            changed()
            or due(s)
            or (follower is not None and follower.moved(s.t.mission_current))
            or (ends_at not in {None, s.berth} and not s.on_errand)
        )
    )
    await _note_visits(s)
    if homeward(plan, s.t, s.policy):
        s.flown = True
        return Step(S.RETURNING, FLOWN)
    return Step(S.ON_TASK if on_task(plan, s.t.mission_current) else S.ON_WAY)


def _leaves_for_good(s: Supervisor, ends_at: str | None) -> bool:
    """Bind the drone for the dock that its sortie ends at, once it has left the one it came from."""
    if ends_at is None or s.berth == ends_at or s.on_errand:
        return False
    left = s.berth
    s.move_to(ends_at)
    s.note(EventKind.DOCK, f"flies home from dock {left} to {ends_at}", berth=ends_at)
    s.say(f"flies home to dock {ends_at}; was a guest of {left}")
    return True


def _shut_behind(s: Supervisor) -> None:
    door = s.dock.state.door
    left_open = door in {DoorState.OPEN, DoorState.OPENING} and comes_down(s) is None
    if left_open and s.gate.take(s.drone.id):
        s.run_errand(close_behind(s), s.berth)
    elif not s.on_errand:
        s.gate.release(s.drone.id)


async def _note_visits(s: Supervisor) -> None:
    if s.follower is None:
        return
    for cell in s.follower.update(s.t.mission_current):
        now = s.world.clock.now()
        try:
            await s.world.store.record_visit(cell, now, s.drone.id)
        except StoreError as error:
            # the planner will send someone again, which is right: nobody can tell it was seen
            log.error("visit not stored", drone=s.drone.id, cell=cell, error=str(error))
        else:
            s.world.see_cell(cell, now)
