"""The pilots' desk: takes their commands, and sees that each is carried out once.

A command is on disk before it goes out. Its id is the pilot's: the same one is carried out once,
however often it is sent, at the same time or after a restart. What a controller that died had sent
and not heard of is FAILED when it is next started, and is not sent again: nobody knows whether the
vehicle did it, and the pilot can see what it does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol, assert_never
from uuid import UUID

import structlog

from fleet.errors import Conflict, FleetError, NotFound, OrderError, Refused, StoreError
from fleet.flight import bounds
from fleet.flight.asked import Answer, Request, answered, plain, same
from fleet.flight.confirm import VALID_S, Confirmations
from fleet.flight.control import Control, Holder
from fleet.flight.docket import Docket
from fleet.flight.place import endurance_s
from fleet.flight.word import Word
from fleet.link.clock import Clock
from fleet.link.port import DroneLink
from fleet.model.command import (
    CommandRecord,
    CommandStatus,
    GoTo,
    Kill,
    LookAtPoint,
    Orbit,
    Plain,
    PointGimbal,
    ReleaseControl,
    TakeControl,
)
from fleet.store.database import Transaction
from fleet.store.store import Store
from missions.airspace import Airspace
from missions.city import City, Drone
from missions.sortie import Sortie

ANSWER_S = 45.0
"""A vehicle that was not seen to do it by then is taken not to have answered."""
log = structlog.get_logger(__name__)

S = CommandStatus


class Keeper(Protocol):
    """What the desk asks of a drone's keeper; ``fleet.flight.supervisor.Supervisor`` is one."""

    drone: Drone
    link: DroneLink
    sortie: Sortie | None
    holder: str | None

    def publish(self) -> None:
        """Put the drone on the map."""


class Keepers(Protocol):
    """What the desk asks of flight; ``fleet.flight.controller.FlightController`` is one."""

    @property
    def supervisors(self) -> Mapping[str, Keeper]:
        """The keepers by drone id."""

    def tell(self, drone: str, word: Word) -> None:
        """Hand a word to a drone's keeper.

        Raises
        ------
        OrderError
            If the word has no meaning in the drone's state.
        """


class PilotDesk:
    """Carries out what pilots ask.

    Parameters
    ----------
    city, store, clock
        The city; durable memory; time.
    flight
        The drones' keepers.
    """

    def __init__(self, city: City, store: Store, flight: Keepers, clock: Clock) -> None:
        self._docket = Docket(store, clock)
        self._flight = flight
        self._clock = clock
        self._space = Airspace.of(city)
        self._drones = tuple(drone.id for drone in city.drones)
        self._control = Control()
        self._confirmations = Confirmations(clock)
        self._running: dict[UUID, tuple[Request, asyncio.Task[Answer]]] = {}

    async def start(self) -> None:
        """Take what the store knows, and end what a controller before this one left open.

        Raises
        ------
        StoreError
            If the store cannot be read or written.
        """
        self._control.load(await self._docket.drones())
        await self._docket.close_left_open(self._drones)

    async def stop(self) -> None:
        """Wait for no answer any more. What was sent stays SENT in the store."""
        tasks = [task for _, task in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

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
            If the store does not take it: then nothing was sent.
        """
        if request.drone not in self._flight.supervisors:
            there_are = ", ".join(sorted(self._flight.supervisors))
            raise NotFound(f"no drone {request.drone!r}; drones are {there_are}")
        found = self._running.get(request.id)
        if found is None:
            task = asyncio.create_task(self._carry_out(request))
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
        status, words = await self._send(self._work(request))
        done = answered(record, status, words, self._clock.now())
        log.info("command", **done.model_dump(mode="json", exclude={"at", "answered_at"}))
        try:
            async with self._docket.write() as tx:
                await self._docket.answer(tx, done)
                if was_free and status is S.REFUSED:  # what came to nothing gives no control
                    await self._let_go(tx, request)
        except StoreError as error:
            # it was done all the same; who asks again in this life of the controller is told so
            log.error("answer of a command not stored", command=str(done.id), error=str(error))
            self._docket.keep(done)
        return Answer(done)

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
            asked = self._ask_twice(request)
            if asked is not None:
                words, word = asked
                return Answer(await docket.close(tx, record, S.REFUSED, words), word)
            await docket.send(tx, record)
        return None

    def _check(self, request: Request) -> None:
        keeper = self._flight.supervisors[request.drone]
        drone = keeper.drone
        reach_m = drone.cruise_m_s * endurance_s(drone) / 2
        words = bounds.refuses(
            request.demand, keeper.link.telemetry, self._space, keeper.sortie, reach_m
        )
        if words is not None:
            raise OrderError(words)

    async def _control_for(self, tx: Transaction, request: Request) -> str | None:
        """See that the pilot has control; return the answer where that was all that was asked."""
        drone, actor, now = request.drone, request.actor, self._clock.now()
        keeper = self._flight.supervisors[drone]
        if isinstance(request.demand, ReleaseControl):
            await self._control.release(tx, drone, actor, now)
            words: str | None = "the controller has it again"
        else:
            take_over = isinstance(request.demand, TakeControl) and request.take_over
            before = await self._control.claim(tx, drone, actor, now, take_over=take_over)
            words = _yours(before, actor) if isinstance(request.demand, TakeControl) else None
        tx.after_commit(lambda: self._show(drone, keeper))  # after control's own
        return words

    def _ask_twice(self, request: Request) -> tuple[str, str | None] | None:
        if not isinstance(request.demand, Kill):
            return None
        drone, actor, said = request.drone, request.actor, request.demand.confirm
        if said is None:
            word = self._confirmations.ask(drone, actor)
            return (
                f"the motors would stop and {drone} would fall; to have it so, ask again within "
                f"{VALID_S:g} s with the word that came with this answer"
            ), word
        if not self._confirmations.accepts(drone, actor, said):
            return f"{said[:20]!r} is not the word, or its {VALID_S:g} s are over; ask again", None
        return None

    def _work(self, request: Request) -> Coroutine[Any, Any, str]:
        """Return what sends a command and waits for the vehicle."""
        link, demand = self._flight.supervisors[request.drone].link, request.demand
        match demand:
            case LookAtPoint():
                return _said(link.look_at(demand), "the camera is on it")
            case PointGimbal():
                return _said(link.point_gimbal(demand), "the camera points there")
            case Kill():
                return _said(link.kill(), "the motors are stopped")
            case Plain() | GoTo() | Orbit():
                return self._word(request, demand)
            case TakeControl() | ReleaseControl():
                raise AssertionError("control was seen to before")
            case _:
                assert_never(demand)

    async def _word(self, request: Request, demand: Plain | GoTo | Orbit) -> str:
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        why = f"{demand.action} by {request.actor}"
        reason = f"{why}: {request.reason}" if request.reason else why
        self._flight.tell(request.drone, Word(demand.action, reason, demand, answer))
        return await answer

    async def _send(self, work: Coroutine[Any, Any, str]) -> tuple[CommandStatus, str]:
        """Carry a command out; return how it went, in the vehicle's own words."""
        try:
            async with asyncio.timeout(ANSWER_S):
                return S.DONE, await work
        except TimeoutError:
            return S.FAILED, f"not seen to be done within {ANSWER_S:g} s; it may be yet"
        except (Refused, OrderError, Conflict) as error:
            return S.REFUSED, str(error)
        except FleetError as error:
            return S.FAILED, str(error)
        except Exception as error:  # a fault must be answered and kept like any other end
            log.exception("fault while a command was carried out")
            return S.FAILED, f"fault in the controller: {type(error).__name__}: {error}"

    async def _let_go(self, tx: Transaction, request: Request) -> None:
        holder = self._control.of(request.drone)
        if holder is not None and holder.who == request.actor:
            await self._control.release(tx, request.drone, request.actor, self._clock.now())
            keeper = self._flight.supervisors[request.drone]
            tx.after_commit(lambda: self._show(request.drone, keeper))

    def _show(self, drone: str, keeper: Keeper) -> None:
        holder = self._control.of(drone)
        who = holder.who if holder is not None else None
        if keeper.holder != who:
            keeper.holder = who
            keeper.publish()


def _yours(before: Holder | None, actor: str) -> str:
    taken = before is not None and before.who != actor
    return f"you have control, taken over from {before}" if taken else "you have control"


async def _said(work: Coroutine[Any, Any, None], words: str) -> str:
    await work
    return words
