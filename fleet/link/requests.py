"""Asking one vehicle, and giving each answer to the one request that it belongs to.

A COMMAND_ACK or MISSION_ACK names its command or list, but not which request of that kind it
answers: one that comes after the time-out would settle the next. It does name the component that
asked. So each conversation speaks as a component of its own, the least recently used of ``TAGS``,
and hears only what is addressed to that.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol

from pymavlink.dialects.v20 import development as mav

from fleet.errors import LinkError
from fleet.link.clock import Clock
from fleet.link.dialect import AUTOPILOT, CONTROLLER_COMPONENT, CONTROLLER_SYSTEM, Writer, read
from fleet.link.wire import message_id

TAGS = tuple(range(25, 33))
"""MAV_COMP_ID_USER1 to 8. PX4 keeps account of 16 components on a link."""
REST_S = 20.0
"""A component whose request was not answered is not used again for so long, where others are free."""
ANSWERS = frozenset({39, 40, 44, 47, 51, 73, 77})
"""What answers one request: COMMAND_ACK and the mission protocol. All else is for everybody."""
_ASKS_FOR_ITEMS = frozenset({40, 51})
HEARD = 64
"""Messages kept for a conversation that is slow to read; protocols ask again for what is lost."""


class Wire(Protocol):
    """The vehicle's transport."""

    def send(self, frame: bytes) -> None:
        """Send one frame to the vehicle; dropped where it is not reachable."""

    def on_frames(self, callback: Callable[[list[bytes]], None]) -> Any:
        """Call back in the event loop with frames of the vehicle, as they come."""

    def latest(self, msgid: int) -> bytes | None:
        """Return the last frame of a kind."""


class Exchange:
    """One conversation. What is addressed to it comes in order."""

    def __init__(self, send: Callable[[bytes], None], writer: Writer, tag: int) -> None:
        self.tag = tag
        self.heard = False
        self._send = send
        self._writer = writer
        self._inbox: asyncio.Queue[Any] = asyncio.Queue(HEARD)

    def say(self, message: Any) -> None:
        """Send one message as this conversation's component."""
        self._send(self._writer.frame(message, self.tag))

    async def hear(self, bound_s: float) -> Any | None:
        """Return the next message; None where there is none within ``bound_s`` seconds."""
        try:
            async with asyncio.timeout(bound_s):
                return await self._inbox.get()
        except TimeoutError:
            return None

    def take(self, message: Any) -> None:
        """Keep a message for ``hear``; drop it where too many wait."""
        self.heard = True
        if not self._inbox.full():
            self._inbox.put_nowait(message)


class Requests:
    """Conversations with one vehicle.

    Parameters
    ----------
    drone
        Its id, for messages.
    system_id
        Its MAVLink system id.
    wire
        Its transport.
    clock
        For how long a component has rested.
    station
        System id that it is asked as.
    """

    def __init__(
        self,
        drone: str,
        system_id: int,
        wire: Wire,
        clock: Clock,
        *,
        station: int = CONTROLLER_SYSTEM,
    ) -> None:
        self.drone = drone
        self.system_id = system_id
        self._wire = wire
        self._clock = clock
        self.station = station
        self._writer = Writer(station)
        self._tags: deque[tuple[int, float]] = deque((tag, -math.inf) for tag in TAGS)
        self._room = asyncio.Semaphore(len(TAGS))
        self._open: dict[Exchange, frozenset[int]] = {}
        self._wanted = frozenset[int]()
        wire.on_frames(self._on_frames)

    def say(self, message: Any, component: int = CONTROLLER_COMPONENT) -> None:
        """Send one message that has no answer, as the controller itself or another component."""
        self._wire.send(self._writer.frame(message, component))

    @asynccontextmanager
    async def exchange(self, *kinds: int) -> AsyncIterator[Exchange]:
        """Open a conversation that hears messages of some ids; waits where all tags are in use."""
        async with self._room:
            tag = self._take_tag()
            rest = self._clock.monotonic() + REST_S
            try:
                with self._opened(tag, kinds) as exchange:
                    yield exchange
                    rest = -math.inf if exchange.heard else rest
            finally:
                self._tags.append((tag, rest))

    @asynccontextmanager
    async def own(self, *kinds: int) -> AsyncIterator[Exchange]:
        """Open a conversation as the controller itself.

        It may hear the late answer to another: only what is also seen otherwise may be asked so.
        """
        with self._opened(CONTROLLER_COMPONENT, kinds) as exchange:
            yield exchange

    @contextmanager
    def _opened(self, tag: int, kinds: Iterable[int]) -> Iterator[Exchange]:
        exchange = Exchange(self._wire.send, self._writer, tag)
        self._open[exchange] = frozenset(kinds)
        self._want()
        try:
            yield exchange
        finally:
            del self._open[exchange]
            self._want()

    def _want(self) -> None:
        self._wanted = _ASKS_FOR_ITEMS.union(*self._open.values())

    def _take_tag(self) -> int:
        now = self._clock.monotonic()
        chosen = next((t for t in self._tags if t[1] <= now), min(self._tags, key=lambda t: t[1]))
        self._tags.remove(chosen)
        return chosen[0]

    def _on_frames(self, frames: Sequence[bytes]) -> None:
        if not self._open:
            return
        for frame in frames:
            if message_id(frame) not in self._wanted:
                continue
            message = read(frame)
            if message is not None and message.get_srcSystem() == self.system_id:
                self._deliver(message)

    def _deliver(self, message: Any) -> None:
        kind = message.get_msgId()
        system = getattr(message, "target_system", 0)
        to = getattr(message, "target_component", 0)
        if kind in ANSWERS and system != self.station:
            return
        heard = False
        for exchange, kinds in self._open.items():
            if kind in kinds and (to == exchange.tag or kind not in ANSWERS):
                exchange.take(message)
                heard = True
        if kind in _ASKS_FOR_ITEMS and not heard and to in TAGS:
            self._end_stray(message)

    def _end_stray(self, message: Any) -> None:
        """End an upload that nobody makes: begun by a packet that came twice, and late.

        The vehicle would wait 5 s for its items, and speak to nobody else.
        """
        cancel = mav.MAVLink_mission_ack_message(
            self.system_id, AUTOPILOT, mav.MAV_MISSION_OPERATION_CANCELLED, message.mission_type
        )
        self.say(cancel, message.target_component)


class NoAnswer(LinkError):
    """Nothing was heard within the bound."""
