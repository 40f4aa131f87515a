"""One dock over MQTT: its last state, and commands that await their reply."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

from fleet.docks.order import Order
from fleet.docks.port import Listener
from fleet.docks.wire import Action, CommandMessage, ReplyMessage, StateMessage
from fleet.errors import DockError
from fleet.link.clock import Clock
from fleet.model.live import DockLive
from fleet.model.states import DoorState

ANSWER_S = 4.0
"""A dock answers a command within this, or the same command (same id) is sent again."""
TRIES = 3
SHOWN_S = 6.0
"""A dock tells its state on every change, and each 5 s."""
DOOR_S = 60.0
"""Bound on a door's way, once the command is accepted; of a slow one ``DOOR_FACTOR`` times its own."""
DOOR_FACTOR = 1.5

Publish = Callable[[str, CommandMessage], Awaitable[None]]
_DONE = {"open": DoorState.OPEN, "close": DoorState.CLOSED}


class MqttDock:
    """The Dock of one MQTT address; fed by the connection that all docks share."""

    def __init__(
        self,
        dock: str,
        clock: Clock,
        publish: Publish,
        changed: Callable[[DockLive], None],
        door_s: float = 0.0,
    ) -> None:
        self._door_s = door_s
        self._clock = clock
        self._publish = publish
        self._changed = changed
        self._state = DockLive(id=dock, reason="not heard of since the controller started")
        self._available: bool | None = None
        self._listeners: list[Listener] = []
        self._replies: dict[UUID, asyncio.Queue[ReplyMessage]] = {}
        self._order = Order()

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

    def on_availability(self, online: bool) -> None:
        """Take the dock's word, or its last will, on whether it is there."""
        self._available = online
        self._set(online=online, reason="" if online else "dock is offline")

    def on_state(self, message: StateMessage, *, retained: bool) -> None:
        """Take the dock's state. One that never said it is available counts as there.

        A state that is older than the last one is passed over: it came late, or twice. One that
        the broker kept is as old as it says, and no younger than now.
        """
        if not self._order.takes(message.at, self._clock.monotonic()):
            return
        now = self._clock.now()
        heard_at = min(message.at, now) if retained else now
        online = self._available is not False
        reason = "" if online else "dock is offline"
        if message.door_state is DoorState.JAMMED:
            reason = "door is jammed"
        fields = message.model_dump(exclude={"at", "door", "dock"})
        self._set(online=online, door=message.door_state, at=heard_at, reason=reason, **fields)

    def on_reply(self, message: ReplyMessage) -> None:
        """Hand a reply to whoever waits for it; one to a command of before is dropped."""
        queue = self._replies.get(message.command)
        if queue is not None and not queue.full():
            queue.put_nowait(message)

    def on_nonsense(self, words: str) -> None:
        """Show that the dock says what cannot be read, until it says what can."""
        self._set(reason=words)

    def on_disconnected(self, reason: str) -> None:
        """Take it that the broker is gone: nothing is known of the dock until it is back."""
        self._set(online=False, reason=reason)

    async def open(self) -> None:
        """Open the door."""
        await self._command("open")

    async def close(self) -> None:
        """Close the door; refused where a drone would be in its way."""
        await self._command("close")

    async def _command(self, action: Action) -> None:
        if not self._state.online:
            raise DockError(f"dock {self.id}: {action}: {self._state.reason or 'dock is offline'}")
        issued = self._clock.now()
        expires = issued + timedelta(seconds=ANSWER_S * TRIES)
        command = CommandMessage(id=uuid4(), action=action, issued_at=issued, expires_at=expires)
        replies: asyncio.Queue[ReplyMessage] = asyncio.Queue(maxsize=8)
        bound_s = max(DOOR_S, DOOR_FACTOR * self._door_s)
        self._replies[command.id] = replies
        try:
            reply = await self._first_reply(command, replies)
            async with asyncio.timeout(bound_s):
                while reply.result == "accepted":
                    reply = await self._next_reply(action, replies)
        except TimeoutError:
            # the reply may be lost where the state is not
            if self._state.online and self._state.door is _DONE[action]:
                return
            raise DockError(
                f"dock {self.id}: {action}: not done within {bound_s:g} s; door is {self._state.door}"
            ) from None
        finally:
            del self._replies[command.id]
        if reply.result != "done":
            raise DockError(
                f"dock {self.id}: {action} {reply.result}: {reply.reason or 'no reason given'}"
            )
        if not await self._shows(_DONE[action]):
            raise DockError(
                f"dock {self.id}: {action} is done, it says, but its state says that the door is "
                f"{self._state.door}"
            )

    async def _shows(self, door: DoorState) -> bool:
        """Wait until the dock's state shows a door; it may come after the reply."""
        changed = asyncio.Event()
        stop = self.listen(changed.set)
        try:
            async with asyncio.timeout(SHOWN_S):
                while self._state.door is not door:
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            return False
        finally:
            stop()
        return True

    async def _first_reply(
        self, command: CommandMessage, replies: asyncio.Queue[ReplyMessage]
    ) -> ReplyMessage:
        for _ in range(TRIES):
            await self._publish(self.id, command)
            try:
                async with asyncio.timeout(ANSWER_S):
                    return await replies.get()
            except TimeoutError:
                continue
        raise DockError(
            f"dock {self.id}: {command.action}: no answer to {TRIES} tries in {TRIES * ANSWER_S:g} s"
        )

    async def _next_reply(
        self, action: Action, replies: asyncio.Queue[ReplyMessage]
    ) -> ReplyMessage:
        """Wait for the next reply; not on a dock that is offline meanwhile, which sends none."""
        while True:
            try:
                async with asyncio.timeout(SHOWN_S):
                    return await replies.get()
            except TimeoutError:
                if not self._state.online:
                    why = self._state.reason or "dock is offline"
                    raise DockError(f"dock {self.id}: {action}: {why}") from None

    def _set(self, **fields: object) -> None:
        state = self._state.model_copy(update=fields)
        if state != self._state:
            self._state = state
            self._changed(state)
            for listener in tuple(self._listeners):
                listener()
