"""Doors that drones left open since they did not close: closed when they can be.

As of a dock that jammed behind a drone, and works again when that is at another. A door that
somebody else opened is left alone: there may be hands in it.
"""

from __future__ import annotations

import asyncio
import math

import structlog

from fleet.errors import DockError
from fleet.flight.world import World
from fleet.model.states import DoorState, DroneState

EACH_S = 1.0
HOLDER = "the controller"
"""Who has the gate meanwhile."""
S = DroneState
_NEEDS = frozenset(
    {S.UNKNOWN, S.OPENING, S.TAKING_OFF, S.RETURNING, S.LANDING, S.CLOSING, S.LOST, S.EMERGENCY}
)
"""What a drone bound for a dock may need its open door for."""
log = structlog.get_logger(__name__)


class Lids:
    """Closes what was left open.

    Parameters
    ----------
    world
        Its docks, gates and keepers.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._since: dict[str, float] = {}
        """Since when a dock's door stands open for nobody; later by the pause after a try."""

    async def run(self) -> None:
        """Look for ever, and close one at a time."""
        self._world.left_open.update(self._left())
        while True:
            await asyncio.sleep(EACH_S)
            for dock in tuple(self._world.left_open):
                if self._world.docks[dock].state.door is DoorState.CLOSED:
                    self._world.left_open.discard(dock)
                if self._is_due(dock):
                    await self._close(dock)

    def _left(self) -> set[str]:
        """Return the docks that drones were diverted from, by their records.

        What the controller before this one had not closed is not written down; one of these that
        is closed when it is heard is let go of.
        """
        left: set[str] = set()
        for keeper in self._world.keepers.values():
            began = {keeper.drone.dock}
            if keeper.sortie is not None:
                began.add(keeper.sortie.dock)
            left |= began - {keeper.berth}
        return left

    def _is_due(self, dock: str) -> bool:
        now, policy = self._world.clock.monotonic(), self._world.policy
        if not self._for_nobody(dock):
            self._since.pop(dock, None)
            return False
        return now - self._since.setdefault(dock, now) >= policy.settle_s

    def _for_nobody(self, dock: str) -> bool:
        world = self._world
        state = world.docks[dock].state
        told = state.online and state.door is DoorState.OPEN and state.clear is True
        silent_s = world.silent_s(dock) if told else math.inf
        if silent_s > world.policy.dock_silent_s or world.gates[dock].holder is not None:
            return False
        return not any(k.berth == dock and k.state in _NEEDS for k in world.keepers.values())

    async def _close(self, dock: str) -> None:
        """Close it; a next try is ``retry_cap_s`` away."""
        world = self._world
        if not world.gates[dock].take(HOLDER):
            return
        log.warning("door stands open for nobody, is closed", dock=dock)
        try:
            await world.docks[dock].close()
        except DockError as error:
            log.warning("door does not close", dock=dock, error=str(error))
        finally:
            world.gates[dock].release(HOLDER)
            wait_s = world.policy.retry_cap_s - world.policy.settle_s
            self._since[dock] = world.clock.monotonic() + wait_s
