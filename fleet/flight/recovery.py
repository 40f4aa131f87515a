"""What is done with a drone that is not heard, is heard again, or acts by itself."""

from __future__ import annotations

import math
from collections.abc import Callable

import structlog

from fleet.errors import DockError, LinkError
from fleet.flight.adoption import Found, Step, adopt
from fleet.flight.approach import follow_return
from fleet.flight.door import comes_down, in_its_dock, is_open
from fleet.flight.fencing import learn, was_sent_back
from fleet.flight.place import distance_m, landed
from fleet.flight.supervisor import Supervisor
from fleet.model.states import DoorState, DroneState

S = DroneState
READ_TRIES = 3
_FLEW = frozenset(
    {S.TAKING_OFF, S.ON_WAY, S.ON_TASK, S.RETURNING, S.LANDING, S.HELD, S.LOST, S.EMERGENCY}
)
"""Records after which a drone that is not heard may be in the air."""
log = structlog.get_logger(__name__)


def _told_enough(s: Supervisor) -> bool:
    """Whether a drone is known well enough to be taken as it is found.

    What one in the air does not tell soon it may never tell, and it must be watched all the same.
    """
    t = s.t
    untold = {"position": t.lon is None, "battery": t.battery_percent is None}
    heard = t.connected and t.landed_state != "UNKNOWN" and t.mode != "UNKNOWN"
    enough = heard and (t.in_air or not untold["position"])
    waited = s.lasting("heard in part", enough) > s.policy.hold_s
    if heard and not waited and any(untold.values()):
        missing = " and ".join(name for name, is_untold in untold.items() if is_untold)
        words = f"is heard, and does not tell its {missing}"
        if s.reason != words:
            s.say(words)
    return waited or (heard and not any(untold.values()))


async def unknown(s: Supervisor) -> Step:
    """Wait until the drone is heard, for ever; then take it as it is found.

    One that was in the air when it was last recorded, and is not heard, is as one that was lost.
    """
    bound = s.policy.lost_door_s if s.before in _FLEW else None
    if not await s.until(lambda: _told_enough(s), bound):
        s.lost_aloft = True
        return Step(S.LOST, f"was {s.before} when last recorded, and is not heard")
    return await _adopted(s)


async def lost(s: Supervisor) -> Step:
    """Wait until the drone is heard again, for ever; then take it as it is found.

    A vehicle that was in the air may come home by its own failsafe, so after ``lost_door_s`` its
    dock is opened and stays open until the drone is heard, the dock counts it in, or no battery
    lasts so long.
    """
    s.lost_aloft = s.lost_aloft or s.t.in_air or s.before is S.TAKING_OFF
    if s.lost_aloft and not await s.until(lambda: _told_enough(s), s.policy.lost_door_s):
        while not await s.until(lambda: _told_enough(s), s.policy.retry_s):
            await _mind_door(s)
    await s.until(lambda: _told_enough(s))
    s.lost_aloft = False
    return await _adopted(s)


async def _mind_door(s: Supervisor) -> None:
    """Have the door open until the dock counts the drone in or it must be down, then closed."""
    door = s.dock.state
    wanted = DoorState.CLOSED if s.in_dock or s.spent else DoorState.OPEN
    if wanted is DoorState.CLOSED and comes_down(s) is not None:
        return
    if not door.online or door.door is wanted or s.on_errand or not s.gate.take(s.drone.id):
        return
    try:
        await (s.dock.close() if wanted is DoorState.CLOSED else s.dock.open())
    except DockError as error:
        log.warning("door does not move for a lost drone", drone=s.drone.id, error=str(error))
    finally:
        s.gate.release(s.drone.id)


def _find_berth(s: Supervisor) -> None:
    """Take the dock that a drone on the ground stands in, where it is another than was recorded."""
    if not landed(s.t) or distance_m(s.t, s.pad) <= s.policy.on_pad_m or s.in_dock:
        return
    for dock in s.world.city.docks:
        counted = s.drone.id in s.world.docks[dock.id].state.occupants
        if counted or distance_m(s.t, dock.position) <= s.policy.on_pad_m:
            log.warning("found in another dock", drone=s.drone.id, dock=dock.id)
            s.move_to(dock.id)
            return


async def _adopted(s: Supervisor) -> Step:
    ours = await _ours(s) if s.t.in_air or s.t.armed else None
    if s.t.in_air and ours is None:
        await learn(s)
        s.goes_back = was_sent_back(s)
    if ours is not None:
        s.drop_programme()
    elif s.programme is not None and s.before in {S.ON_WAY, S.ON_TASK}:
        s.flown = s.t.mission_current >= s.programme.last
    step: list[Step] = []

    def known() -> bool:
        _find_berth(s)
        found = Found(s.before, s.t, ours, s.in_dock)
        taken = adopt(found, s.pad, s.policy) if s.t.connected else None
        astray = taken is not None and taken.state is S.EMERGENCY and landed(s.t)
        if s.lasting("astray", astray) < s.policy.settle_s and astray:
            return False  # an estimator that has just started may be a kilometre off
        step[:] = [taken] if taken is not None else []
        return bool(step)

    if await s.until(known, s.policy.armed_on_ground_s):
        return step[0]
    if not s.t.connected:
        return Step(S.LOST, "heard and lost again")
    return Step(S.EMERGENCY, "armed on the ground and neither flies nor disarms")


async def _ours(s: Supervisor) -> str | None:
    """Compare the vehicle's mission with the sortie; None where it is that one.

    A vehicle that does not hand out its mission is believed to fly what the store says it flies.
    """
    if s.programme is None:
        return "there is none on record"
    for _ in range(READ_TRIES):
        try:
            return await s.link.holds(s.programme)
        except LinkError as error:
            log.warning("mission not read back", drone=s.drone.id, error=str(error))
            await s.pause(s.policy.retry_s)
    return None


async def emergency(s: Supervisor) -> Step:
    """Stand by a vehicle that acts by itself: open the dock it may come to, and see where it ends.

    It is told nothing, but where a pilot or a dock that does not open wants it down here.
    """
    why = s.reason
    while True:
        if s.t.in_air and s.t.mode == "RETURN_TO_LAUNCH":
            follow_return(s)
        if s.down is not None and s.t.in_air:
            await _bring_down(s, why)
        if landed(s.t):
            if in_its_dock(s):
                return Step(S.CLOSING, why)
            s.gate.release(s.drone.id)
            away = distance_m(s.t, s.pad)
            place = (
                ", and does not tell where" if math.isinf(away) else f" {away:.0f} m from its dock"
            )
            s.say(f"{why.split('; landed')[0]}; landed{place}")
        elif _wants_door(s):
            s.gate.take(s.drone.id)
            await _open_for(s, why)
        elif s.lasting("calm", _holds_again(s)) > s.policy.hold_s:
            return Step(S.HELD, f"holds again after: {why}")
        await s.until(_look_again(s), s.policy.retry_s)


def _wants_door(s: Supervisor) -> bool:
    """Whether it comes down on a dock that is not open, and nobody is at its door.

    One that has left is not, though it has the gate until it is out of the column.
    """
    if not s.t.in_air or s.t.mode != "RETURN_TO_LAUNCH" or is_open(s):
        return False
    if s.gate.holder in {None, s.drone.id}:
        return True
    mate = s.world.keepers.get(s.gate.holder)
    return mate is not None and mate.t.in_air and mate.state in {S.ON_WAY, S.ON_TASK}


def _holds_again(s: Supervisor) -> bool:
    return s.t.in_air and s.t.mode == "HOLD" and s.t.gps_fix >= 3 and s.programme is not None


def _look_again(s: Supervisor) -> Callable[[], bool]:
    def seen() -> tuple[bool, str, str | None, bool, bool]:
        return landed(s.t), s.t.mode, s.down, s.in_dock, _wants_door(s)

    before = seen()
    return lambda: seen() != before


async def _open_for(s: Supervisor, why: str) -> None:
    try:
        await s.dock.open()
    except DockError as error:
        s.say(f"{why}; {error}")
        await s.pause(s.policy.retry_s)


async def _bring_down(s: Supervisor, why: str) -> None:
    for _ in range(READ_TRIES):
        try:
            await s.order(s.link.land() if s.down == "land" else s.link.return_to_launch())
        except LinkError as error:
            s.fail(error)
            s.say(f"{why}; {error}")
        else:
            s.answer("lands here" if s.down == "land" else "returns and lands")
            s.down = None
            return
