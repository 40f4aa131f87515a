"""The calls as they are known: what has become of each, shown at once and kept in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import structlog

from fleet.errors import Conflict, NotFound, StoreError
from fleet.flight.response.memory import CallStore
from fleet.flight.response.metrics import CallMetrics
from fleet.flight.world import World
from fleet.model.call import Call, CallStatus, NotSent, Sent, SentStatus
from missions.responder import Response

SAVE_S = 1.0
"""What was decided waits so long for the store; then it is done all the same, and written later."""
KEPT = 200
"""Calls that have ended and are still shown."""
log = structlog.get_logger(__name__)

C = CallStatus


class CallBook:
    """Every call that is open, and those that ended since the start, the last ``KEPT``.

    Parameters
    ----------
    world
        Clock and live picture.
    store
        Durable memory.
    metrics
        Told who is overhead, and of calls with nobody to send.
    """

    def __init__(self, world: World, store: CallStore, metrics: CallMetrics) -> None:
        self._world = world
        self._store = store
        self._metrics = metrics
        self._calls: dict[str, Call] = {}
        self._unsaved: set[str] = set()

    async def load(self) -> None:
        """Take what the store knows.

        Raises
        ------
        StoreError
            If it cannot be read.
        """
        for call in await self._store.open_calls():
            self.put(call)

    def __getitem__(self, call_id: str) -> Call:
        """Return a call that is known."""
        return self._calls[call_id]

    def all(self) -> list[Call]:
        """Return every call, oldest first."""
        return sorted(self._calls.values(), key=lambda call: (call.received_at, call.id))

    def open(self) -> list[Call]:
        """Return the calls that have not ended, the most urgent first."""
        found = (call for call in self._calls.values() if call.open)
        return sorted(found, key=lambda call: (-call.priority, call.received_at, call.id))

    def answering(self) -> Iterator[tuple[str, Call]]:
        """Yield the drones that are on their way to a call, or there."""
        for call in self._calls.values():
            for sent in call.flying:
                yield sent.drone, call

    async def find(self, call_id: str) -> Call | None:
        """Return a call, or None.

        Raises
        ------
        StoreError
            If the store cannot be read.
        """
        return self._calls.get(call_id) or await self._store.call(call_id)

    async def find_open(self, call_id: str) -> Call:
        """Return a call that has not ended.

        Raises
        ------
        NotFound, Conflict
            If there is none, or it has ended.
        StoreError
            If the store cannot be read.
        """
        call = await self.find(call_id)
        if call is None:
            raise NotFound(f"no call {call_id!r}")
        if not call.open:
            raise _ended(call)
        return call

    async def keep(self, call: Call) -> None:
        """Write a call, then show it.

        Raises
        ------
        StoreError
            If the store does not take it: then it is as it was.
        """
        await self._store.save_call(call)
        self.put(call)
        self._unsaved.discard(call.id)

    async def amend(self, call: Call, changes: Mapping[str, object]) -> None:
        """Write a change of an open call, then show it with what has become of it meanwhile.

        Raises
        ------
        Conflict
            If it has ended meanwhile.
        StoreError
            If the store does not take it: then it is as it was.
        """
        await self._store.save_call(call.model_copy(update=changes))
        now = self._calls.get(call.id, call)
        self._unsaved.add(call.id)  # what was written is older than what it is now
        if not now.open:
            raise _ended(now)
        self.put(now.model_copy(update=changes))

    def put(self, call: Call) -> None:
        """Show a call as it is now; ``save`` writes it."""
        self._calls[call.id] = call
        self._unsaved.add(call.id)
        self._world.hub.publish("call", call.id, call)

    async def save(self) -> None:
        """Write what has changed; what the store does not take in time is written at the next."""
        for call_id in tuple(self._unsaved):
            call = self._calls[call_id]
            try:
                async with asyncio.timeout(SAVE_S):
                    await self._store.save_call(call)
            except (StoreError, TimeoutError) as error:
                log.error("call not stored yet", call=call_id, error=str(error))
                return
            if self._calls[call_id] is call:
                self._unsaved.discard(call_id)
        self._forget_old()

    def there(self, call_id: str, drone: str) -> None:
        """Take it that a drone is overhead."""
        now, call = self._world.clock.now(), self._calls[call_id]
        waited = (now - call.received_at).total_seconds()
        sent = tuple(
            one.model_copy(update={"status": SentStatus.THERE, "there_at": now})
            if one.drone == drone and one.open
            else one
            for one in call.sent
        )
        if call.there_at is None:
            self._metrics.overhead.observe(waited)
            call = call.model_copy(update={"there_at": now})
        log.info("overhead", call=call_id, drone=drone, after_s=round(waited, 1))
        self.put(call.model_copy(update={"sent": sent, "status": C.ON_SCENE}))

    def gone(self, call_id: str, drone: str, reason: str) -> None:
        """Take it that a drone is at a call no more, nor on its way."""
        call = self._calls[call_id]
        self.put(_status(call.model_copy(update={"sent": self._ended(call, {drone: reason})})))

    def end(self, call: Call, status: CallStatus, reason: str, does: Mapping[str, str]) -> Call:
        """End a call; ``does`` says of each of its drones what it does now."""
        changes = {
            "sent": self._ended(call, {d: f"{reason}; {now}" for d, now in does.items()}),
            "status": status,
            "reason": reason,
            "ended_at": self._world.clock.now(),
        }
        ended = call.model_copy(update=changes)
        log.info("call ended", call=call.id, status=status, reason=reason)
        self.put(ended)
        return ended

    def told(self, call: Call, answer: Response, sent: tuple[Sent, ...]) -> None:
        """Take who was sent, or why nobody was."""
        call = call.model_copy(update={"sent": (*call.sent, *sent)})
        if sent:
            changes: dict[str, object] = {"reason": answer.words, "refused": ()}
            self.put(_status(call.model_copy(update=changes)))
        elif call.flying:
            words = f"{call.reason.split('; no more')[0]}; no more: {answer.words}"
            self.put(call.model_copy(update={"reason": words}))
        else:
            self._metrics.nobody.inc()
            refused = tuple(
                NotSent(drone=drone, constraint=constraint, reason=reason)
                for drone, constraint, reason in answer.refused
            )
            changes = {"status": C.NOBODY, "reason": answer.words, "refused": refused}
            self.put(call.model_copy(update=changes))

    def _ended(self, call: Call, reasons: Mapping[str, str]) -> tuple[Sent, ...]:
        """Return who was sent, where those with a reason are there no more, nor on their way."""
        now = self._world.clock.now()
        return tuple(
            one.model_copy(
                update={
                    "status": SentStatus.FAILED if one.there_at is None else SentStatus.LEFT,
                    "ended_at": now,
                    "reason": reasons[one.drone],
                }
            )
            if one.open and one.drone in reasons
            else one
            for one in call.sent
        )

    def _forget_old(self) -> None:
        """Forget the oldest of those that have ended; the store keeps them."""
        ended = [c.id for c in self.all() if not c.open and c.id not in self._unsaved]
        for old in ended[:-KEPT]:
            del self._calls[old]
            self._world.hub.forget("call", old)


def leaves_at(sent: Sent) -> datetime:
    """Return when a drone must leave a call, as far as is known."""
    return (sent.there_at or sent.due_at) + timedelta(seconds=sent.stay_s)


def _ended(call: Call) -> Conflict:
    return Conflict(f"call {call.id!r} is {call.status} already: {call.reason}")


def _status(call: Call) -> Call:
    """Return a call with the status that its drones make it have."""
    status = C.RECEIVED
    if any(sent.status is SentStatus.THERE for sent in call.flying):
        status = C.ON_SCENE
    elif call.flying:
        status = C.ASSIGNED
    return call.model_copy(update={"status": status})
