"""A drone at its dock's door: opening it and seeing it open, closing it and seeing it closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from fleet.errors import DockError
from fleet.model.states import DoorState

if TYPE_CHECKING:
    from fleet.flight.supervisor import Supervisor

log = structlog.get_logger(__name__)


def is_open(s: Supervisor) -> bool:
    """Whether the dock is heard, its door open, and nothing in the way."""
    state = s.dock.state
    return state.online and state.door is DoorState.OPEN and bool(state.clear)


async def open_door(s: Supervisor) -> None:
    """Open the door and see it open and clear.

    Raises
    ------
    DockError
        If it is not seen open and clear; carries the dock's reason.
    """
    if is_open(s):
        return
    if s.dock.state.door is not DoorState.OPEN:
        await s.doing(s.dock.open())
    if not await s.until(lambda: is_open(s), s.policy.retry_s):
        state = s.dock.state
        raise DockError(
            f"dock {s.dock.id}: door is {state.door}, clear is {state.clear}, online is {state.online}"
        )


async def close_door(s: Supervisor) -> str:
    """Close the door, a few tries; return an empty string, or why it is not closed."""
    words = ""
    for _ in range(s.policy.close_tries):
        if s.dock.state.online and s.dock.state.door is DoorState.CLOSED:
            return ""
        try:
            await s.doing(s.dock.close())
        except DockError as error:
            words = str(error)
            await s.pause(s.policy.retry_s)
    if s.dock.state.door is DoorState.CLOSED:
        return ""
    return words or f"dock {s.dock.id}: door is {s.dock.state.door}"


async def close_behind(s: Supervisor) -> None:
    """Close the door behind a drone that has left, and give the gate to the next.

    An errand: it goes on beside the flight, and its failure is the dock's to show.
    """
    try:
        for _ in range(s.policy.close_tries):
            try:
                await s.dock.close()
            except DockError as error:
                log.warning(
                    "door does not close behind a drone", drone=s.drone.id, error=str(error)
                )
            else:
                return
    finally:
        s.gate.release(s.drone.id)
