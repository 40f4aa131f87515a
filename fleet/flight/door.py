"""A drone at its dock's door: opening it and seeing it open, closing it and seeing it closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from fleet.errors import DockError
from fleet.flight.column import RADIUS_M
from fleet.flight.overhead import may_be_aloft
from fleet.flight.place import distance_m
from fleet.model.states import DoorState, DroneState

if TYPE_CHECKING:
    from fleet.flight.supervisor import Supervisor

S = DroneState
_SINKS = frozenset({"RETURN_TO_LAUNCH", "PRECISION_LAND", "LAND"})
log = structlog.get_logger(__name__)


def is_open(s: Supervisor) -> bool:
    """Whether the dock is heard of late, its door open, and nothing in the way but the drone itself."""
    state = s.dock.state
    clear = bool(state.clear) or (s.t.in_air and low_over(s, s.pad))
    return state.online and heard(s) and state.door is DoorState.OPEN and clear


def heard(s: Supervisor) -> bool:
    """Whether the dock's last word is fresh: one that hangs leaves its old word on the broker."""
    at = s.dock.state.at
    return at is not None and (s.world.clock.now() - at).total_seconds() <= s.policy.dock_silent_s


def low_over(s: Supervisor, pad: tuple[float, float]) -> bool:
    """Whether the drone is so near over a dock that the dock sees it in the way."""
    low = (s.t.altitude_m or 0.0) < s.policy.clear_m
    return low and distance_m(s.t, pad) < s.policy.over_dock_m


def in_its_dock(s: Supervisor) -> bool:
    """Whether a drone that has landed is in its dock, and not merely on it.

    A dock that counts who stands in it must count the drone in; of another it is enough that the
    drone lies where the dock is.
    """
    if s.in_dock:
        return True
    near = distance_m(s.t, s.pad) <= s.policy.in_dock_m
    return near and not s.world.doubts.counts(s.berth)


def comes_down(s: Supervisor, dock: str | None = None) -> str | None:
    """Return another drone that comes down on a dock, or may, by itself; None where none does.

    ``dock`` is the drone's own where none is named.

    Its keeper need not hold the gate then: just started again it has not seen yet what it keeps,
    and one that is lost or flies by its autopilot's own decision opens the door beside the gate.
    """
    for drone, mate in s.world.keepers.items():
        if drone == s.drone.id or mate.berth != (dock or s.berth):
            continue
        if may_be_aloft(mate) or (mate.t.in_air and mate.t.mode in _SINKS):
            return drone
    return None


async def open_door(s: Supervisor) -> None:
    """Open the door and see it open and clear.

    Raises
    ------
    DockError
        If it is not seen open and clear; carries the dock's reason.
    """
    if is_open(s):
        return
    if s.dock.state.door is not DoorState.OPEN or not heard(s):
        await s.dock.open()
    if not await s.until(lambda: is_open(s), s.policy.retry_s):
        state = s.dock.state
        raise DockError(
            f"dock {s.dock.id}: door is {state.door}, clear is {state.clear}, online is "
            f"{state.online}, last heard at {state.at:%H:%M:%S} UTC"
            if state.at is not None
            else f"dock {s.dock.id}: never heard of"
        )


async def close_door(s: Supervisor) -> str:
    """Close the door, a few tries; return an empty string, or why it is not closed."""
    words = ""
    for _ in range(s.policy.close_tries):
        if s.dock.state.online and s.dock.state.door is DoorState.CLOSED:
            return ""
        try:
            await s.dock.close()
        except DockError as error:
            words = str(error)
            await s.pause(s.policy.retry_s)
    if s.dock.state.door is DoorState.CLOSED:
        return ""
    return words or f"dock {s.dock.id}: door is {s.dock.state.door}"


async def close_behind(s: Supervisor) -> None:
    """Close the door behind a drone that has left its dock, and the gate when it has left its air.

    An errand: it goes on beside the flight, and its failure is the dock's to show. A dock refuses
    to close while the drone is still low over it.
    """
    dock, gate, pad = s.dock, s.gate, s.pad  # the drone may be bound for another before the end
    try:
        for _ in range(s.policy.close_tries):
            await _away(s, lambda: _is_told(s) and not low_over(s, pad), s.policy.lift_off_s)
            if comes_down(s, dock.id) is not None:
                continue
            try:
                await dock.close()
            except DockError as error:
                log.warning(
                    "door does not close behind a drone", drone=s.drone.id, error=str(error)
                )
                await asyncio.sleep(s.policy.retry_s)
            else:
                break
        else:
            s.world.left_open.add(dock.id)
        await _away(s, lambda: _is_told(s) and distance_m(s.t, pad) > RADIUS_M, s.policy.leave_s)
    finally:
        gate.release(s.drone.id)


async def close_left(s: Supervisor, left: str) -> None:
    """Close the door of a dock that the drone is no more bound for. An errand."""
    dock, gate = s.world.docks[left], s.world.gates[left]
    if dock.state.door is not DoorState.CLOSED:
        s.world.left_open.add(left)  # until it is seen closed: this may fail
    idle = dock.state.online and dock.state.door is DoorState.OPEN and comes_down(s, left) is None
    if not idle or not gate.take(s.drone.id):
        return
    try:
        await dock.close()
    except DockError as error:
        log.warning("door of the dock that was left does not close", dock=left, error=str(error))
    finally:
        gate.release(s.drone.id)


def _is_told(s: Supervisor) -> bool:
    """Whether the drone tells where it is: one that does not may be anywhere."""
    return s.t.lon is not None and s.t.lat is not None and s.t.altitude_m is not None


async def _away(s: Supervisor, seen: Callable[[], bool], bound_s: float) -> None:
    """Wait until the drone is seen to be out of the way, within a bound."""
    moved = asyncio.Event()
    stop = s.link.listen(moved.set)
    try:
        async with asyncio.timeout(bound_s):
            while not seen():
                moved.clear()
                await moved.wait()
    except TimeoutError:
        log.warning("drone is still over its dock", drone=s.drone.id, altitude_m=s.t.altitude_m)
    finally:
        stop()
