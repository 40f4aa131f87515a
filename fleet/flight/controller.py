"""The controller of the flights: what the API calls, and the loop from orders to drones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from uuid import UUID

import structlog

from fleet.docks.port import Dock
from fleet.errors import OrderError, StoreError
from fleet.flight import air, aside, ground, homing, readying, recovery
from fleet.flight.agenda import closed
from fleet.flight.agenda.agenda import Agenda
from fleet.flight.agenda.seen import CellBoard
from fleet.flight.ahead import ahead
from fleet.flight.closures import Closures, ClosureStore, Unkept
from fleet.flight.dispatch import Dispatch, given_up
from fleet.flight.gate import Gate
from fleet.flight.lids import Lids
from fleet.flight.lookout import Lookout
from fleet.flight.orderdesk import OrderDesk, Trier
from fleet.flight.orders import OrderBook, known
from fleet.flight.overrides import Overrides
from fleet.flight.patrolling import PatrolNews
from fleet.flight.place import landed
from fleet.flight.planning import Planner, Question, ask, try_out
from fleet.flight.policy import Policy
from fleet.flight.relief import Reliefs
from fleet.flight.response.desk import CallDesk
from fleet.flight.response.memory import CallStore, Forgetful
from fleet.flight.sights import Sights
from fleet.flight.standing import Standing, StandingStore, Unremembered
from fleet.flight.supervisor import Handler, Supervisor
from fleet.flight.tracks import Tracks
from fleet.flight.word import Action, Word
from fleet.flight.world import Journal, Unheard, World, unwatched
from fleet.link.clock import Clock, SystemClock
from fleet.link.port import DroneLink, LandingTarget
from fleet.live import LiveHub
from fleet.model.order import Order, OrderRequest, Taken
from fleet.model.records import DroneRecord
from fleet.model.states import DroneState
from fleet.store.port import FlightStore
from missions.city import City
from missions.sortie import FERRY
from missions.wishes import OrderWish

S = DroneState
MIND_EACH_S = 1.0
TICK_S = 0.05
LOOKS_HZ = 1000.0
"""Times a second that drones are looked at which nothing is new of, all together."""
SLICE_S = 0.005
"""Looking at them, the event loop has its turn after this."""
log = structlog.get_logger(__name__)

HANDLERS: Mapping[DroneState, Handler] = {
    S.UNKNOWN: recovery.unknown,
    S.LOST: recovery.lost,
    S.EMERGENCY: recovery.emergency,
    S.DOCKED: ground.docked,
    S.CHECKING: readying.checking,
    S.OPENING: readying.opening,
    S.TAKING_OFF: ground.taking_off,
    S.CLOSING: ground.closing,
    S.CHARGING: ground.charging,
    S.ON_WAY: air.following,
    S.ON_TASK: air.following,
    S.RETURNING: homing.returning,
    S.LANDING: homing.landing,
    S.HELD: aside.held,
    S.AVOIDING: aside.avoiding,
}

_FLIES = frozenset({S.ON_WAY, S.ON_TASK, S.RETURNING, S.LANDING, S.HELD, S.AVOIDING, S.EMERGENCY})
_ACTS_IN: Mapping[Action, frozenset[DroneState]] = {
    "return": frozenset(
        {
            S.CHECKING,
            S.OPENING,
            S.TAKING_OFF,
            S.ON_WAY,
            S.ON_TASK,
            S.HELD,
            S.AVOIDING,
            S.EMERGENCY,
            S.LOST,
        }
    ),
    "hold": frozenset({S.TAKING_OFF}) | _FLIES,
    "resume": frozenset({S.HELD}),
    "land": frozenset({S.TAKING_OFF}) | _FLIES,
    "goto": frozenset({S.ON_WAY, S.ON_TASK, S.RETURNING, S.HELD, S.AVOIDING}),
    "orbit": frozenset({S.ON_WAY, S.ON_TASK, S.RETURNING, S.HELD, S.AVOIDING}),
}
_BEFORE_LEAVING = frozenset({S.DOCKED, S.CHARGING, S.CHECKING, S.OPENING})
_CALLED_HOME = frozenset({S.TAKING_OFF, S.ON_WAY, S.ON_TASK, S.HELD, S.AVOIDING, S.LOST})
"""Recorded in these, a drone may not know yet that its order is over."""


class FlightController:
    """Every drone of the city, and the orders they fly.

    Parameters
    ----------
    city, store, hub, clock
        The city; durable memory; the live picture; time.
    links, docks
        The vehicles by drone id and the docks by dock id, connected or not. Their connections
        are the caller's to open and close.
    policy
        Bounds and thresholds.
    planner
        Who decides who flies what.
    trier
        Who says whether an order can be flown.
    journal
        Takes what happens to the drones.
    presence
        Tells when a person with a say was last heard.
    closures, calls, standing
        Durable memory of what is closed for a time, of calls, and of standing policy.

    Attributes
    ----------
    closures
        What is closed for a time.
    calls
        Where calls are answered.
    standing
        Standing patrol policy.
    """

    def __init__(
        self,
        city: City,
        store: FlightStore,
        links: Mapping[str, DroneLink],
        docks: Mapping[str, Dock],
        hub: LiveHub,
        clock: Clock | None = None,
        *,
        policy: Policy | None = None,
        planner: Planner = ask,
        trier: Trier = try_out,
        journal: Journal | None = None,
        presence: Callable[[], datetime | None] | None = None,
        closures: ClosureStore | None = None,
        calls: CallStore | None = None,
        standing: StandingStore | None = None,
    ) -> None:
        self._supervisors: dict[str, Supervisor] = {}
        clock = clock or SystemClock()
        self.standing = Standing(city, standing or Unremembered(), clock)
        self._cells = CellBoard(city, hub, clock, self.standing.owed_s)
        self._world = World(
            city,
            store,
            hub,
            clock,
            policy or Policy(),
            links,
            docks,
            {dock.id: Gate() for dock in city.docks},
            Unheard() if journal is None else journal,
            presence or unwatched,
            see_cell=self._cells.see,
            keepers=self._supervisors,
        )
        for d in city.drones:
            self._supervisors[d.id] = Supervisor(self._world, d, links[d.id], HANDLERS)
        self._orders = OrderBook(self._world, self._order_ended)
        self._desk = OrderDesk(self._world, self._orders, self._ask_for, trier, self._order_changed)
        self._dispatch = Dispatch(
            self._world, self._supervisors, self._orders, planner, self._patrol_news
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._tracks = Tracks(self._world, tuple(self._supervisors.values()))
        self._reliefs = Reliefs()
        self._sights = Sights(city, clock, self._orders.wanted, self._orders.patrols)
        self._lids = Lids(self._world)
        self._lookout = Lookout(self._world)
        self.closures = Closures(
            self._world.airways, closures or Unkept(), clock, self._airspace_changed
        )
        self.calls = CallDesk(
            self._world, self._supervisors, calls or Forgetful(), self._orders, self.tell
        )
        self._agenda = Agenda(
            self._world, self._supervisors, self._orders, self._dispatch, lambda: self.calls.all()
        )

    @property
    def supervisors(self) -> Mapping[str, Supervisor]:
        """The keepers by drone id."""
        return self._supervisors

    @property
    def overrides(self) -> Overrides:
        """What pilots let be overlooked at a take-off."""
        return self._world.overrides

    async def start(self) -> None:
        """Load what the store knows, then keep every drone.

        Raises
        ------
        StoreError
            If the store cannot be read.
        """
        store = self._world.store
        await self.closures.load()
        self._show_closed()
        records, sorties = await store.drones(), await store.open_sorties()
        await self._orders.load()
        await self.calls.load()
        await self.standing.load()
        visits = await store.last_visits()
        self._cells.load(visits)
        await self._agenda.load()
        by_id = {record.sortie.id: record for record in sorties}
        for drone, supervisor in self._supervisors.items():
            record = records.get(drone)
            sortie = by_id.pop(record.sortie, None) if record and record.sortie else None
            supervisor.restore(record, sortie)
            if sortie is not None and supervisor.follower is not None:
                # what was flown since is seen, whoever was there to count
                begun = sortie.created_at
                supervisor.follower.resume({cell for cell, at in visits.items() if at >= begun})
            order = sortie.sortie.order if sortie is not None else FERRY
            wanted = self._orders.is_active(order) or self.calls.answers(drone)
            over = order != FERRY and not wanted
            adrift = supervisor.answering is not None and not self.calls.answers(drone)
            if (over or adrift) and record is not None and _still_to_call_home(record):
                what = "its order" if over else "what it left its mission for"
                supervisor.tell(Word("return", f"{what} has ended"))
        for left in by_id.values():
            reason = "controller was started again before its drone began it"
            await store.save_sortie(given_up(left, reason, self._world))
        keeping = [s.run() for s in self._supervisors.values()]
        jobs = (
            *keeping,
            self._dispatch.run(),
            self._mind(),
            self._tracks.run(),
            self._tick(),
            self._lids.run(),
            self._lookout.run(),
            self._agenda.run(),
            self._cells.run(),
            self.standing.run(),
            self.calls.run(),
        )
        self._tasks = [asyncio.create_task(job) for job in jobs]

    async def stop(self) -> None:
        """Stop keeping. The drones are told nothing: they go on with their missions."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        with suppress(StoreError):
            await self._tracks.flush()

    async def join(self) -> None:
        """Wait for ever; raise what a task of the controller failed with, if one does."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()

    # orders

    def orders(self) -> list[Order]:
        """Return the orders that are active, and those ended since the start, oldest first."""
        return self._orders.all()

    @property
    def desk(self) -> OrderDesk:
        """Where orders are handed in and changed."""
        return self._desk

    async def submit(self, request: OrderRequest, actor: str) -> Taken:
        """Take an order; see :meth:`fleet.flight.orderdesk.OrderDesk.submit`."""
        return await self._desk.submit(request, actor)

    async def cancel(self, order_id: UUID, actor: str) -> Order:
        """End an order and call its drones home; see :meth:`OrderBook.cancel`."""
        return await self._orders.cancel(order_id, actor)

    async def recall_all(self, reason: str, actor: str) -> None:
        """End every order and call every drone home, before anything else is waited for.

        Raises
        ------
        StoreError
            If the store does not take it; the drones come home all the same.
        """
        words = f"recalled by {actor}: {reason}" if reason else f"recalled by {actor}"
        self._dispatch.ferries = False
        for supervisor in self._supervisors.values():
            self._call_home(supervisor, words)
        await self.calls.cancel_all(words)
        await self._orders.cancel_all(words)

    async def command(self, drone_id: str, action: Action, actor: str) -> None:
        """Give one drone a pilot's word; it is followed at once, and shown in its state.

        Raises
        ------
        OrderError
            If there is no such drone, or the action has no meaning in its state.
        """
        self.tell(drone_id, Word(action, f"{action} by {actor}"))

    def tell(self, drone: str, word: Word) -> None:
        """Hand a word to a drone's keeper; its answer comes with the word.

        Raises
        ------
        OrderError
            If there is no such drone, or the word has no meaning in its state.
        """
        supervisor = self._supervisors.get(drone)
        if supervisor is None:
            raise OrderError(f"there is no drone {drone!r}; drones are {sorted(self._supervisors)}")
        if supervisor.state not in _ACTS_IN[word.action]:
            allowed = ", ".join(sorted(_ACTS_IN[word.action]))
            raise OrderError(
                f"{drone} is {supervisor.state}; {word.action!r} is for drones that are {allowed}"
            )
        if supervisor.state is S.EMERGENCY and landed(supervisor.t):
            raise OrderError(
                f"{drone} is on the ground, its motors are stopped: {supervisor.reason}"
            )
        supervisor.tell(word)

    def landing_target(self, drone: str, target: LandingTarget) -> None:
        """Take where a drone's camera sees the marker that it lands on.

        It is passed to the vehicle while that is landing, where it is fresh and can be the pad's.

        Raises
        ------
        OrderError
            If there is no such drone.
        """
        known("drone", [drone], list(self._supervisors))
        words = self._supervisors[drone].sight.take(target)
        if words is not None:
            log.debug("sighting not passed on", drone=drone, reason=words)

    def believe_dock(self, dock: str, actor: str) -> None:
        """Believe a dock again that was found not to be what it says: a person has looked.

        Raises
        ------
        OrderError
            If there is no such dock, or nothing is held against it.
        """
        known("dock", [dock], list(self._world.docks))
        if self._world.doubts.of(dock) is None:
            raise OrderError(f"nothing is held against dock {dock}")
        self._world.doubts.clear(dock, f"{actor} says so")

    def watch_assignments(self) -> list[tuple[str, str]]:
        """Return (site id, drone id) of every site whose detector looks at a drone's video now."""
        self._sights.look(self._supervisors.values())
        return [(one.site, drone) for drone, s in self._supervisors.items() for one in s.looked]

    async def _ask_for(self, wish: OrderWish) -> Question:
        """Return the question whether a wish can be flown."""
        world, keepers = self._world, tuple(self._supervisors.values())
        visits = await world.store.last_visits()
        now, news = world.clock.now(), self._patrol_news()
        return Question(world.airways.city, now, [wish], keepers, visits, patrols=news)

    def _order_ended(self, name: str, reason: str) -> None:
        for supervisor in self._flying_for(name):
            self._call_home(supervisor, reason)

    def _order_changed(self, name: str, everyone: bool) -> None:
        """Call off who has not left; and call home who has, where what is flown has changed."""
        for supervisor in self._flying_for(name):
            if everyone or supervisor.state in _BEFORE_LEAVING:
                self._call_home(supervisor, "its order was changed")

    def _flying_for(self, name: str) -> Iterator[Supervisor]:
        """Yield who flies, or is to, for an order, an occurrence of it, or a part of either."""
        for supervisor in self._supervisors.values():
            sortie = supervisor.answering or supervisor.sortie or supervisor.assigned
            if sortie is not None and (sortie.order + "#").startswith(name + "#"):
                yield supervisor

    def _call_home(self, supervisor: Supervisor, reason: str) -> None:
        begun = supervisor.state in _ACTS_IN["return"]
        if begun or supervisor.state is S.UNKNOWN or supervisor.assigned is not None:
            supervisor.tell(Word("return", reason))

    # the loop

    def _patrol_news(self) -> PatrolNews:
        now, demand = self._world.clock.now(), self.standing.demand
        return PatrolNews(
            fleet=self.calls.fleet(),
            ways={drone: ahead(s) for drone, s in self._supervisors.items()},
            owed_s=demand.owed_s(now, self.standing.set_flags(now)),
            calls=demand.weights(now),
            ceiling=demand.ceiling(now),
            reserve=demand.reserve(now),
        )

    async def _tick(self) -> None:
        """Have every keeper look again, for what shows only by lasting."""
        keepers = tuple(self._supervisors.values())
        at_least_s = max(self._world.policy.look_at_least_s, len(keepers) / LOOKS_HZ)
        while True:
            began = time.monotonic()
            for keeper in keepers:
                try:
                    keeper.tick(at_least_s)
                except Exception:  # one that cannot be looked at must not end the looking at others
                    log.exception("fault in the tick", drone=keeper.drone.id)
                if time.monotonic() - began > SLICE_S:
                    await asyncio.sleep(0)  # telemetry and commands go first
                    began = time.monotonic()
            await asyncio.sleep(TICK_S)

    async def _mind(self) -> None:
        """End orders at their time and mind the stations, however long a plan takes."""
        while True:
            try:
                self._mind_stations()
                await self._orders.mind()
            except StoreError as error:
                log.error("the end of an order waits for the store", error=str(error))
            try:
                await self.closures.mind()
            except StoreError as error:
                log.error("the end of a closure waits for the store", error=str(error))
            await asyncio.sleep(MIND_EACH_S)

    def _airspace_changed(self) -> None:
        """Have every keeper look at once at what is closed to its drone."""
        for keeper in self._supervisors.values():
            keeper.pulse()
        self._show_closed()

    def _show_closed(self) -> None:
        closed.show(self._world.hub, self.closures.all(), self._world.clock.now())

    def _mind_stations(self) -> None:
        keepers = tuple(self._supervisors.values())
        self._sights.look(keepers)
        self._reliefs.look(keepers, self._orders.watched(), self._world.clock.monotonic())


def _still_to_call_home(record: DroneRecord) -> bool:
    """Whether a drone whose order is over has still to be told so after a restart.

    One that comes home was told. One that acts by itself is left alone, and so is one that a pilot
    keeps: it was called home when its order ended, and the pilot has thought otherwise since.
    """
    pilots = record.holder is not None and record.state in {S.HELD, S.AVOIDING}
    return record.state in _CALLED_HOME and not pilots
