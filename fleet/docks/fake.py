"""A dock in memory: a door that takes its time, refuses, jams, and can be offline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fleet.docks.port import Listener
from fleet.errors import DockError
from fleet.link.clock import Clock
from fleet.live import LiveHub
from fleet.model.live import DockLive
from fleet.model.states import DoorState


class FakeDock:
    """A Dock without a wire.

    Parameters
    ----------
    dock
        Its id.
    clock
        Stamps its states.
    door_s
        Time of the door's way.
    hub
        Takes every change, where given.

    Attributes
    ----------
    jam
        The door stops on its way and the command fails.
    refuse
        Every command is refused with this reason, where not empty.
    commands
        What it was told, in order.
    """

    def __init__(
        self, dock: str, clock: Clock, door_s: float = 4.0, hub: LiveHub | None = None
    ) -> None:
        self._clock = clock
        self._door_s = door_s
        self._hub = hub
        self._listeners: list[Listener] = []
        self.jam = False
        self.refuse = ""
        self.commands: list[str] = []
        self._state = DockLive(
            id=dock,
            online=True,
            door=DoorState.CLOSED,
            clear=True,
            wind_m_s=2.0,
            rain_mm_h=0.0,
            at=clock.now(),
        )

    @property
    def id(self) -> str:
        """The dock's id."""
        return self._state.id

    @property
    def state(self) -> DockLive:
        """The dock's last word."""
        return self._state

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` on every change of state; return what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def set(self, **fields: object) -> None:
        """Change the state as the dock itself would."""
        self._state = self._state.model_copy(update={"at": self._clock.now(), **fields})
        if self._hub is not None:
            self._hub.publish("dock", self.id, self._state)
        for listener in tuple(self._listeners):
            listener()

    async def open(self) -> None:
        """Open the door."""
        await self._move("open", DoorState.OPENING, DoorState.OPEN)

    async def close(self) -> None:
        """Close the door."""
        await self._move("close", DoorState.CLOSING, DoorState.CLOSED)

    async def _move(self, action: str, on_way: DoorState, there: DoorState) -> None:
        self.commands.append(action)
        if not self._state.online:
            raise DockError(f"dock {self.id}: {action}: dock is offline")
        if self.refuse:
            raise DockError(f"dock {self.id}: {action} refused: {self.refuse}")
        if self._state.door is there:
            self.set()
            return
        self.set(door=on_way)
        await asyncio.sleep(self._door_s)
        if self.jam:
            self.set(door=DoorState.JAMMED)
            raise DockError(f"dock {self.id}: {action} failed: door is jammed")
        self.set(door=there)
