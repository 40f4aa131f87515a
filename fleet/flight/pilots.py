"""The pilots' desk: takes their commands, and sees that each is carried out once.

A command is on disk before it goes out. Its id is the pilot's: the same one is carried out once,
however often it is sent, at the same time or after a restart. What a controller that died had sent
and not heard of is FAILED when it is next started, and is not sent again: nobody knows whether the
vehicle did it, and the pilot can see what it does.

Words of safety (return, hold, land, kill) do not wait for a database that hangs: they go out after
``LOOK_S`` and ``WRITE_S`` at the latest, and are written when it takes them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from fleet.errors import Conflict, NotFound, OrderError, StoreError
from fleet.flight import bounds
from fleet.flight.asked import Answer, Request, answered, plain, same
from fleet.flight.backlog import Backlog
from fleet.flight.carrying import Keeper, Keepers, carried_out
from fleet.flight.confirm import VALID_S, Confirmations
from fleet.flight.control import Control
from fleet.flight.docket import STORE_S, Docket
from fleet.flight.holder import Holder, token_of
from fleet.flight.place import endurance_s
from fleet.flight.policy import Policy
from fleet.link.clock import Clock
from fleet.model.command import CommandRecord, CommandStatus, Kill, ReleaseControl, TakeControl
from fleet.model.flightlog import EventKind
from fleet.store.database import Transaction
from fleet.store.store import Store
from missions.airspace import Airspace
from missions.city import City

LOOK_S, WRITE_S = 0.05, 0.05
"""A word of safety waits so long to know whether it was sent before, and to be written. Who asks
over the API has waited for its token as well: 0.2 s in all."""
KEPT_S = 1.0
"""Its answer waits so long to be written; nothing waits for that but the pilot."""
log = structlog.get_logger(__name__)

S = CommandStatus


class PilotDesk:
    """Carries out what pilots ask.

    Parameters
    ----------
    city, store, clock
        The city; durable memory; time.
    flight
        The drones' keepers.
    policy
        How low a pilot may send a drone.
    space
        What is closed now; the city file's zones where it is left out.
    """

    def __init__(
        self,
        city: City,
        store: Store,
        flight: Keepers,
        clock: Clock,
        policy: Policy | None = None,
        space: Callable[[], Airspace] | None = None,
    ) -> None:
        self._docket = Docket(store, clock)
        self._backlog = Backlog(self._docket.write)
        self._flight = flight
        self._clock = clock
        self._policy = policy or Policy()
        always = Airspace.of(city)
        self._space = space or (lambda: always)
        self._pads = [dock.position for dock in city.docks]
        self._drones = tuple(drone.id for drone in city.drones)
        self._control = Control()
        self._confirmations = Confirmations(clock)
        self._running: dict[UUID, tuple[Request, asyncio.Task[Answer]]] = {}
        self._looking: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Take what the store knows, and end what a controller before this one left open.

        Raises
        ------
        StoreError
            If the store cannot be read or written.
        """
        self._control.load(await self._docket.drones())
        await self._docket.close_left_open(self._drones)
        for drone, keeper in self._flight.supervisors.items():
            keeper.when_docked = partial(self._docked, drone)

    async def stop(self) -> None:
        """Wait for no answer any more. What was sent stays SENT in the store."""
        for keeper in self._flight.supervisors.values():
            keeper.when_docked = lambda: None
        tasks = [*(task for _, task in self._running.values()), *self._looking]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._backlog.close(STORE_S)

    def holder(self, drone: str) -> Holder | None:
        """Return who has control of a drone, or None."""
        return self._control.of(drone)

    async def carry_out(self, request: Request) -> Answer:
        """Carry out a request, or return what became of the one with that id before.

        Raises
        ------
        NotFound
            If there is no such drone.
        Conflict
            If the id was used for another command.
        StoreError
            If the store does not take it: then nothing was sent. Words of safety are sent.
        """
        if request.drone not in self._flight.supervisors:
            there_are = ", ".join(sorted(self._flight.supervisors))
            raise NotFound(f"no drone {request.drone!r}; drones are {there_are}")
        found = self._running.get(request.id)
        if found is None:
            work = self._at_once(request) if request.urgent else self._carry_out(request)
            task = asyncio.create_task(work)
            self._running[request.id] = request, task
            task.add_done_callback(lambda done: self._ended(request.id, done))
        else:
            first, task = found
            same(request, first.drone, first.actor, plain(first.demand))
        # whoever asks may go away: what was begun is carried through
        return await asyncio.shield(task)

    def _ended(self, command: UUID, task: asyncio.Task[Answer]) -> None:
        del self._running[command]
        error = None if task.cancelled() else task.exception()
        if error is not None:  # whoever asked may not be there any more to be told
            log.error("command not taken", command=str(command), error=str(error))

    async def _carry_out(self, request: Request) -> Answer:
        was_free = self._control.of(request.drone) is None
        record = self._docket.record(request)
        begun = await self._begin(request, record)
        if begun is not None:
            return begun
        done = await self._carried_out(request, record)
        try:
            async with self._docket.write() as tx:
                await self._docket.answer(tx, done)
                if was_free and done.status is S.REFUSED:  # what came to nothing gives no control
                    await self._let_go(tx, request)
        except StoreError as error:
            # it was done all the same; who asks again in this life of the controller is told so
            log.error("answer of a command not stored", command=str(done.id), error=str(error))
            self._docket.keep(done)
        return Answer(done)

    async def _carried_out(self, request: Request, record: CommandRecord) -> CommandRecord:
        status, words = await carried_out(self._flight, request)
        done = answered(record, status, words, self._clock.now())
        log.info("command", **done.model_dump(mode="json", exclude={"at", "answered_at"}))
        return done

    async def _begin(self, request: Request, record: CommandRecord) -> Answer | None:
        """Put a command on disk; return the answer where nothing is left to carry out."""
        docket = self._docket
        async with docket.write() as tx:
            before = await docket.before(tx, request)
            if before is not None:
                return Answer(before)
            try:
                self._check(request)
                words = await self._control_for(tx, request)
            except (OrderError, Conflict) as error:
                return Answer(await docket.close(tx, record, S.REFUSED, str(error)))
            if words is not None:
                return Answer(await docket.close(tx, record, S.DONE, words))
            await docket.send(tx, record)
        return None

    # words of safety

    async def _at_once(self, request: Request) -> Answer:
        """Carry out a word of safety, whether the store takes it in time or not."""
        before = await self._before(request)
        if before is not None:
            return Answer(before, self._asked_before(request, before))
        drone, now, record = request.drone, self._clock.now(), self._docket.record(request)
        try:
            taken = self._control.take(drone, request.pilot, now)
        except Conflict as error:
            return await self._close(record, str(error))
        asked = self._ask_twice(request)
        if asked is not None:
            self._show(drone)
            self._backlog.put(partial(self._control.save, drone=drone, at=now))
            return await self._close(record, asked[0], asked[1])
        self._show(drone)
        sent = self._backlog.put(partial(self._write_sent, record=record))
        await asyncio.wait({sent}, timeout=WRITE_S)
        done = await self._carried_out(request, record)
        if taken and done.status is S.REFUSED and self._holds(request):
            self._control.drop(drone)
            self._show(drone)
        self._docket.keep(done)
        kept = self._backlog.put(partial(self._write_answer, record=done))
        await asyncio.wait({kept}, timeout=KEPT_S if sent.done() else 0.0)
        return Answer(done)

    async def _before(self, request: Request) -> CommandRecord | None:
        """Return what became of a word of safety that was sent before; None where that is unknown."""
        look = asyncio.create_task(self._docket.find(request))
        self._looking.add(look)
        look.add_done_callback(self._looking.discard)
        await asyncio.wait({look}, timeout=LOOK_S)
        if not look.done():
            look.cancel()
            return None
        try:
            return look.result()
        except StoreError as error:
            log.warning("a word of safety goes out unlooked-up", error=str(error))
            return None

    async def _close(self, record: CommandRecord, words: str, confirm: str | None = None) -> Answer:
        """Answer a word of safety of which nothing goes out."""
        done = answered(record, S.REFUSED, words, self._clock.now())
        self._docket.keep(done)

        async def write(tx: Transaction) -> None:
            if not await self._docket.is_written(tx, done):
                await self._docket.close(tx, record, S.REFUSED, words)

        kept = self._backlog.put(write)
        await asyncio.wait({kept}, timeout=KEPT_S)
        return Answer(done, confirm)

    async def _write_sent(self, tx: Transaction, record: CommandRecord) -> None:
        if not await self._docket.is_written(tx, record):
            await self._control.save(tx, record.drone, record.at)
            await self._docket.send(tx, record)

    async def _write_answer(self, tx: Transaction, record: CommandRecord) -> None:
        if not await self._docket.is_written(tx, record):
            await self._control.save(tx, record.drone, record.at)
            await self._docket.answer(tx, record)

    def _holds(self, request: Request) -> bool:
        holder = self._control.of(request.drone)
        return holder is not None and holder.who == request.pilot

    # what may be, and whose word counts

    def _check(self, request: Request) -> None:
        keeper = self._flight.supervisors[request.drone]
        drone, space = keeper.drone, self._space()
        reach_m = drone.cruise_m_s * endurance_s(drone) / 2
        words = bounds.too_low(
            request.demand, space.frame, self._pads, self._policy
        ) or bounds.refuses(
            request.demand, keeper.link.telemetry, space, keeper.sortie, reach_m, keeper.carried
        )
        if words is not None:
            raise OrderError(words)

    async def _control_for(self, tx: Transaction, request: Request) -> str | None:
        """See that the pilot has control; return the answer where that was all that was asked."""
        drone, who, now = request.drone, request.pilot, self._clock.now()
        if isinstance(request.demand, ReleaseControl):
            await self._control.release(tx, drone, who, now)
            words: str | None = "the controller has it again"
        else:
            take_over = isinstance(request.demand, TakeControl) and request.take_over
            before = await self._control.claim(tx, drone, who, now, take_over=take_over)
            words = _yours(before, who) if isinstance(request.demand, TakeControl) else None
        tx.after_commit(lambda: self._show(drone))  # after control's own
        return words

    def _ask_twice(self, request: Request) -> tuple[str, str | None] | None:
        if not isinstance(request.demand, Kill):
            return None
        drone, who, said = request.drone, request.pilot, request.demand.confirm
        if said is None:
            word = self._confirmations.ask(drone, who)
            return (
                f"the motors would stop and {drone} would fall; to have it so, ask again within "
                f"{VALID_S:g} s with the word that came with this answer"
            ), word
        if not self._confirmations.accepts(drone, who, said):
            return f"{said[:20]!r} is not the word, or its {VALID_S:g} s are over; ask again", None
        return None

    def _asked_before(self, request: Request, before: CommandRecord) -> str | None:
        """Return the word again, to one who asks again because the first answer was lost."""
        first = isinstance(request.demand, Kill) and request.demand.confirm is None
        if not first or before.status is not S.REFUSED:
            return None
        return self._confirmations.asked(request.drone, request.pilot)

    async def _let_go(self, tx: Transaction, request: Request) -> None:
        if self._holds(request):
            await self._control.release(tx, request.drone, request.pilot, self._clock.now())
            tx.after_commit(lambda: self._show(request.drone))

    def _docked(self, drone: str) -> None:
        """End a pilot's control of a drone that is in its dock again after a flight."""
        holder = self._control.drop(drone)
        if holder is None:
            return
        words = f"control by {holder} has ended: {drone} is in its dock"
        self._flight.supervisors[drone].note(EventKind.STATE, words)
        self._show(drone)

        async def write(tx: Transaction) -> None:
            await self._control.save(tx, drone, self._clock.now())
            await self._docket.ended(tx, drone, holder.name, words)

        self._backlog.put(write)

    def _show(self, drone: str) -> None:
        holder = self._control.of(drone)
        who = holder.name if holder is not None else None
        token = token_of(holder.who) if holder is not None else None
        keeper: Keeper = self._flight.supervisors[drone]
        if (keeper.holder, keeper.holder_token) != (who, token):
            keeper.holder, keeper.holder_token = who, token
            keeper.publish()


def _yours(before: Holder | None, who: str) -> str:
    taken = before is not None and before.who != who
    return f"you have control, taken over from {before}" if taken else "you have control"
