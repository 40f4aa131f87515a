"""The responder's desk: takes calls, decides who is sent, and sees each trip through.

A call is on disk before it is taken. It is decided in a thread, one at a time, the most urgent
first; what was decided is written before a drone hears of it. A controller that is started again
goes on with the trips that it finds, and answers what nobody has answered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol
from uuid import uuid4
from weakref import WeakValueDictionary

import structlog

from fleet.errors import Conflict, NotFound
from fleet.flight.ahead import ahead
from fleet.flight.relief import battery_s
from fleet.flight.response.book import CallBook, leaves_at
from fleet.flight.response.decision import Chosen, Moment, Relief, decide
from fleet.flight.response.memory import CallStore
from fleet.flight.response.metrics import CallMetrics
from fleet.flight.response.picture import PREFIX, fleet_now
from fleet.flight.response.trips import Trips
from fleet.flight.supervisor import Supervisor
from fleet.flight.word import Word
from fleet.flight.world import World
from fleet.model.call import MOST_DRONES, Call, CallStatus, Sent, SentStatus
from fleet.model.plan import CellSeen
from missions.airspace import layers
from missions.energy import Wind
from missions.errors import PlanError
from missions.ground import ground_of
from missions.picture import Doing, DroneNow
from missions.responder.answer import RELIEF_S
from missions.responder.place import hover_at

EACH_S = 0.5
"""Calls are looked at so often where nothing wakes the desk."""
DECIDED_S = 2.0
"""Who reports a call waits so long to be told who comes."""
RETRY_S = 10.0
"""With nobody to send it is tried again when a drone has changed, or after so long."""
GIVES_UP_S = 1800.0
"""A call that nobody could be sent to ends after so long."""
TRIES = 12
"""So many drones are sent to a call at most."""
AGAIN_S = 20.0
"""One that did not come is not sent there again for so long; another goes at once, and it itself
to any other call. What fails it (a door, a check, a link) is seldom over sooner, and all the tries
of a call would be gone in seconds."""
WORTH_S = 60.0
"""A relief is not sent for less."""
OWN = 10
"""Priority of what the drones of a call itself are on: they are not taken for it again."""
log = structlog.get_logger(__name__)

C = CallStatus


class Orders(Protocol):
    """What the desk asks of the orders."""

    def is_active(self, order_id: str) -> bool:
        """Whether an order is active."""

    def priority(self, order_id: str) -> int:
        """Return an order's priority; 0 for what is no order."""


class CallDesk:
    """Answers calls.

    Parameters
    ----------
    world, keepers
        The city; its drones' keepers.
    store
        Durable memory of calls.
    orders
        What else is flown.
    tell
        Hands a word to a drone's keeper.
    """

    def __init__(
        self,
        world: World,
        keepers: Mapping[str, Supervisor],
        store: CallStore,
        orders: Orders,
        tell: Callable[[str, Word], None],
    ) -> None:
        self._world = world
        self._keepers = keepers
        self._orders = orders
        self.metrics = CallMetrics()
        self._book = CallBook(world, store, self.metrics)
        self._wake = asyncio.Event()
        self._trips = Trips(world, keepers, self._book, orders, tell, self._changed)
        self._tried: dict[str, tuple[float, object]] = {}
        """Call to when too few could be sent, and how the fleet was then."""
        self._decided: dict[str, asyncio.Event] = {}
        """Call to what those wait for who want to know who comes."""
        self._words: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """Call to who has something written of it: what it changes may not change meanwhile."""

    # what others ask

    def all(self) -> list[Call]:
        """Return the calls that are open, and those ended since the start, oldest first."""
        return self._book.all()

    def out_of_bounds(self, lon: float, lat: float) -> str | None:
        """Say why no drone may ever come near to a place, at any altitude; None where one may.

        What is closed for a time does not count: a call there waits until it is open.
        """
        space = self._world.airways.known
        place = space.frame.to_enu(lon, lat)
        words = ""
        for altitude in layers(space.ceiling_m):
            try:
                hover_at(space, place, altitude)
            except PlanError as error:
                words = words or str(error)
            else:
                return None
        return words

    def answers(self, drone: str) -> bool:
        """Whether a drone is on its way to a call, or there."""
        return any(drone == one for one, _ in self._book.answering())

    async def find(self, call_id: str) -> Call | None:
        """Return a call, or None.

        Raises
        ------
        StoreError
            If the store cannot be read.
        """
        return await self._book.find(call_id)

    async def take(self, call: Call) -> Call:
        """Take a call, and return it with who comes, or why nobody does.

        One with the id of another is that one.

        Raises
        ------
        Conflict
            If that was somewhere else.
        StoreError
            If the store does not take it: then nobody is sent.
        """
        async with self._in_turn(call.id):
            known = await self._book.find(call.id)
            if known is not None:
                if (known.lon, known.lat, known.source) != (call.lon, call.lat, call.source):
                    raise Conflict(
                        f"call {call.id!r} is at {known.lat:.6f}, {known.lon:.6f} since "
                        f"{known.received_at:%H:%M:%S} UTC; another needs an id of its own"
                    )
                return known
            await self._book.keep(call)
        log.info("call", call=call.id, kind=call.kind, priority=call.priority, source=call.source)
        return call if not call.open else await self._answered(call.id)

    async def more(self, call_id: str, drones: int) -> Call:
        """Send more drones to a call, and return it with who comes.

        Raises
        ------
        NotFound, Conflict
            If there is no such call, it has ended, or as many are wanted as may be.
        StoreError
            If the store does not take it.
        """
        async with self._in_turn(call_id):
            call = await self._book.find_open(call_id)
            if call.want + drones > MOST_DRONES:
                raise Conflict(f"call {call_id!r} wants {call.want}; {MOST_DRONES} are the most")
            await self._book.amend(call, {"want": call.want + drones})
        self._tried.pop(call_id, None)
        return await self._answered(call_id)

    async def change(self, call_id: str, **changes: object) -> Call:
        """Change what is asked of a call, and return it with who comes.

        Raises
        ------
        NotFound, Conflict
            If there is no such call, or it has ended.
        StoreError
            If the store does not take it.
        """
        async with self._in_turn(call_id):
            await self._book.amend(await self._book.find_open(call_id), changes)
        self._tried.pop(call_id, None)
        return await self._answered(call_id)

    async def close(self, call_id: str, reason: str, *, cancelled: bool = False) -> Call:
        """End a call; its drones go on with what they left, or come home.

        Raises
        ------
        NotFound
            If there is no such call.
        StoreError
            If the store does not take it; its drones leave all the same.
        """
        call = await self._book.find(call_id)
        if call is None:
            raise NotFound(f"no call {call_id!r}")
        if not call.open:
            return call
        ended = self._end(call, C.CANCELLED if cancelled else C.DONE, reason)
        await self._book.keep(ended)
        return ended

    async def cancel_all(self, reason: str) -> None:
        """End every call, then write that down.

        Raises
        ------
        StoreError
            If the store does not take it; the drones leave all the same.
        """
        ended = [self._end(call, C.CANCELLED, reason) for call in self._book.open()]
        for call in ended:
            await self._book.keep(call)

    # the life

    async def load(self) -> None:
        """Take what the store knows.

        Raises
        ------
        StoreError
            If it cannot be read.
        """
        await self._book.load()

    async def run(self) -> None:
        """Answer calls, for ever."""
        await asyncio.to_thread(ground_of, self._world.city)  # so that the first has not to wait
        for call in self._book.open():
            for sent in call.flying:
                self._trips.start(call, sent)
        try:
            while True:
                self._wake.clear()
                await self._look()
                try:
                    async with asyncio.timeout(EACH_S):
                        await self._wake.wait()
                except TimeoutError:
                    continue
        finally:
            await self._trips.stop()

    async def _look(self) -> None:
        self._trips.look()
        for call in self._book.open():
            try:
                await self._mind(call.id)
            except Exception:  # one call must not end the answering of others
                log.exception("fault while a call was answered", call=call.id)
        await self._book.save()

    async def _mind(self, call_id: str) -> None:
        """Send who is still wanted to a call, and end it where its time is over."""
        call = self._book[call_id]
        if not call.open:
            return
        over = self._over(call)
        if over is not None:
            self._end(call, *over)
            return
        leaving = self._leaving_s(call)
        missing = call.want - len(call.flying) + len(leaving)
        if missing > 0 and self._may_try(call):
            await self._send(call, missing, leaving)
        self._is_decided(call_id)

    def _over(self, call: Call) -> tuple[CallStatus, str] | None:
        """Return how and why a call ends now; None where it goes on."""
        now = self._world.clock.now()
        if call.there_at is not None:
            watched_s = (now - call.there_at).total_seconds()
            left_s = call.on_scene_s - watched_s
            if left_s <= 0 or (not call.flying and left_s < WORTH_S):
                return C.DONE, f"watched for {watched_s:.0f} s"
        if call.flying:
            return None
        waited_s = (now - call.received_at).total_seconds()
        if len(call.sent) >= TRIES:
            return C.CANCELLED, f"given up: {len(call.sent)} drones were sent in vain"
        if call.there_at is None and waited_s > GIVES_UP_S:
            return C.CANCELLED, f"given up after {waited_s / 60:.0f} min: {call.reason}"
        return None

    def _left_s(self, call: Call) -> float:
        """Return for how long a call is still to be watched, seconds."""
        there = call.there_at or self._world.clock.now()
        return call.on_scene_s - (self._world.clock.now() - there).total_seconds()

    def _leaving_s(self, call: Call) -> list[float]:
        """Return in how long drones there must leave that are to be relieved, the first first."""
        if call.there_at is None:
            return []
        ends_s = self._left_s(call)
        leave_s = sorted(map(self._leaves_s, call.flying))
        return [s for s in leave_s if s < RELIEF_S and ends_s - s > WORTH_S]

    def _leaves_s(self, sent: Sent) -> float:
        """Return in how long a drone must leave: as it was sent, or sooner by its battery now."""
        planned = (leaves_at(sent) - self._world.clock.now()).total_seconds()
        keeper = self._keepers[sent.drone]
        if sent.status is not SentStatus.THERE:
            return planned
        return min(planned, battery_s(keeper, keeper.t.altitude_m or 0.0))

    def _relief(self, call: Call, drones: int, leaving_s: Sequence[float]) -> Relief | None:
        """Return what reliefs are sent for; None where one is wanted that is missing now.

        Those under way come for those that leave first.
        """
        if drones > len(leaving_s):
            return None
        by_s = leaving_s[-drones]
        return Relief(by_s, self._left_s(call) - by_s)

    def _may_try(self, call: Call) -> bool:
        if len(call.sent) >= TRIES:
            return False
        before = self._tried.get(call.id)
        if before is None:
            return True
        at, fleet = before
        return self._world.clock.monotonic() - at >= RETRY_S or fleet != self._fleet()

    def _fleet(self) -> object:
        """Return what of the fleet a decision hangs on, coarsely."""
        return tuple(
            (s.state, s.holder, s.berth, s.not_ready() is None, int(s.t.battery_percent or 0) // 5)
            for s in self._keepers.values()
        )

    def _changed(self, call_id: str) -> None:
        """Look at once at a call of which a drone has come, or has not; and who else waits for one."""
        self._try_all()
        self._wake.set()

    def _try_all(self) -> None:
        """Have every call tried again together: a drone is let go, and the most urgent has it."""
        self._tried.clear()

    def _end(self, call: Call, status: CallStatus, reason: str) -> Call:
        """End a call at once: its drones are let go before anything is waited for."""
        does = self._trips.release(call, reason)
        ended = self._book.end(call, status, reason, does)
        self._is_decided(call.id)
        self._try_all()
        self._trips.forget(call.id)
        return ended

    def _in_turn(self, call_id: str) -> asyncio.Lock:
        return self._words.setdefault(call_id, asyncio.Lock())

    # deciding

    async def _answered(self, call_id: str) -> Call:
        """Return a call once it is decided, or as it is after ``DECIDED_S``."""
        decided = self._decided.setdefault(call_id, asyncio.Event())
        self._wake.set()
        try:
            async with asyncio.timeout(DECIDED_S):
                await decided.wait()
        except TimeoutError:
            log.warning("not decided yet", call=call_id)
        return self._book[call_id]

    def _is_decided(self, call_id: str) -> None:
        decided = self._decided.pop(call_id, None)
        if decided is not None:
            decided.set()

    async def _send(self, call: Call, drones: int, leaving_s: Sequence[float]) -> None:
        """Decide who is sent, write it, and send them."""
        began = time.perf_counter()
        moment, fleet = self._moment(call), self._fleet()
        names = [str(uuid4()) for _ in range(drones)]
        relief = self._relief(call, drones, leaving_s)
        chosen, answer = await asyncio.to_thread(
            decide, moment, call, PREFIX + call.id, names, relief
        )
        self.metrics.decided.observe(time.perf_counter() - began)
        call = self._book[call.id]
        if not call.open:
            return
        still = [one for one in chosen if self._is_free(call, one)]
        if len(chosen) < drones:
            self._tried[call.id] = self._world.clock.monotonic(), fleet
        for one in still:
            self._trips.take_from_other(call, one.sent.drone)
        self._book.told(call, answer, tuple(one.sent for one in still))
        await self._book.save()
        for one in still:
            await self._trips.send(call.id, one)

    def fleet(self) -> tuple[DroneNow, ...]:
        """Return every drone as the planner sees it."""
        answering = {drone: call.priority for drone, call in self._book.answering()}
        return self._fleet_now(answering, at_once=False)

    def _fleet_now(self, answering: Mapping[str, int], *, at_once: bool) -> tuple[DroneNow, ...]:
        ground, keepers = ground_of(self._world.city), tuple(self._keepers.values())
        free, priority = self._trips.free, self._orders.priority
        return tuple(fleet_now(ground, keepers, answering, free, priority, at_once=at_once))

    def _moment(self, call: Call) -> Moment:
        world, keepers = self._world, tuple(self._keepers.values())
        answering = {
            drone: OWN if other.id == call.id else other.priority
            for drone, other in self._book.answering()
        }
        fleet = self._fleet_now(answering, at_once=True)
        return Moment(
            city=world.city,
            fleet=[self._without_failed(call, now) for now in fleet],
            ways={s.drone.id: ahead(s) for s in keepers},
            wind=Wind(max((s.wind_m_s for s in keepers), default=0.0)),
            now=world.clock.now(),
            space=world.space,
            overdue_s=self._overdue_s(),
        )

    def _without_failed(self, call: Call, now: DroneNow) -> DroneNow:
        """Return a drone, as one that cannot be sent where it just did not come to the call."""
        if now.doing is Doing.OUT or self._trips.failed_s(call.id, now.id) > AGAIN_S:
            return now
        return replace(now, doing=Doing.OUT, reason="was sent there a moment ago and did not come")

    def _overdue_s(self) -> dict[str, float]:
        now = self._world.clock.now()
        facts = self._world.hub.all("cell").values()
        return {
            cell.id: (now - cell.seen_at).total_seconds() - cell.owed_s
            for cell in facts
            if isinstance(cell, CellSeen) and cell.seen_at is not None and cell.owed_s is not None
        }

    def _is_free(self, call: Call, one: Chosen) -> bool:
        """Whether a drone may still be sent: a pilot, or the planner, may have been sooner."""
        s = self._keepers[one.sent.drone]
        if s.holder is not None or any(sent.drone == s.drone.id for sent in call.flying):
            return False
        if one.sortie is None:
            return s.t.connected
        leaving = any(mate.is_leaving for mate in self._keepers.values() if mate.gate is s.gate)
        ready = s.not_ready(while_charging=True) is None
        return ready and s.berth == one.sortie.dock and not leaving
