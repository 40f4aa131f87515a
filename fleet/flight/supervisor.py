"""One drone's keeper: holds its state, stores it before acting on it, and never lets go of it.

What is done in a state is in ``ground``, ``air`` and ``recovery``, one function a state. Each can
be entered again at any point of what it does: it looks first, and commands only what is not so
already. So a controller that died, a link that was lost and a retry are all the same to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

import structlog

from fleet.docks.port import Dock
from fleet.errors import FleetError, StoreError
from fleet.flight import lifecycle, watch
from fleet.flight.adoption import Step
from fleet.flight.gate import Gate
from fleet.flight.place import endurance_s, landed
from fleet.flight.policy import Policy
from fleet.flight.route import Follower
from fleet.flight.watch import View
from fleet.flight.word import Word
from fleet.link.clock import Clock
from fleet.link.items import Programme, programme
from fleet.link.port import DroneLink, why
from fleet.live import LiveHub
from fleet.model.live import DroneLive, Telemetry
from fleet.model.records import DroneRecord, SortieRecord, SortieStatus
from fleet.model.states import DoorState, DroneState
from fleet.store.port import FlightStore
from missions.city import City
from missions.city import Drone as CityDrone
from missions.sortie import Sortie

S = DroneState
T = TypeVar("T")
log = structlog.get_logger(__name__)

FLOWN = "mission flown"
"""Reason of a return that ends a whole sortie; kept in the record over a restart."""
WORDS = timedelta(seconds=20)
SAVE_TRIES = 3
FAULT_PAUSE_S = 5.0

_NEEDS_STORE = {S.CHECKING: S.DOCKED, S.OPENING: S.DOCKED, S.TAKING_OFF: S.CLOSING}
"""States not entered where the store does not take them, and what is entered instead."""
_KEEPS_GATE = frozenset(
    {S.OPENING, S.TAKING_OFF, S.ON_WAY, S.ON_TASK, S.RETURNING, S.LANDING, S.CLOSING, S.EMERGENCY}
)
_KEEPS_WORD = frozenset({S.UNKNOWN, S.LOST, S.TAKING_OFF})
"""A word that comes in these is kept until the drone can follow it."""
_OPEN = frozenset({SortieStatus.PLANNED, SortieStatus.FLYING})
_ON_GROUND = frozenset({S.DOCKED, S.CHARGING, S.CLOSING})


class Diverted(Exception):
    """A rule took the drone out of its state."""

    def __init__(self, step: Step) -> None:
        super().__init__(step)
        self.step = step


@dataclass(frozen=True, slots=True)
class World:
    """What every drone's keeper shares."""

    city: City
    store: FlightStore
    hub: LiveHub
    clock: Clock
    policy: Policy
    links: Mapping[str, DroneLink]

    @property
    def seen(self) -> dict[str, Telemetry]:
        """The last word of every vehicle."""
        return {drone: link.telemetry for drone, link in self.links.items()}


Handler = Callable[["Supervisor"], Awaitable[Step]]


class Supervisor:
    """The keeper of one drone.

    Attributes
    ----------
    state, reason
        Where the drone is in its life, and why, in words for an operator.
    sortie, programme
        What it flies, or None.
    """

    def __init__(
        self,
        world: World,
        drone: CityDrone,
        link: DroneLink,
        dock: Dock,
        gate: Gate,
        handlers: Mapping[S, Handler],
    ) -> None:
        self.world = world
        self.drone = drone
        self.link = link
        self.dock = dock
        self.gate = gate
        self._handlers = handlers
        self.pad = next(d.position for d in world.city.docks if d.id == drone.dock)
        self.state = S.UNKNOWN
        self.before = S.UNKNOWN
        self.reason = "not heard of since the controller started"
        self.sortie: Sortie | None = None
        self.programme: Programme | None = None
        self.follower: Follower | None = None
        self.flown = False
        self.down: Literal["land", "return"] | None = None
        """How EMERGENCY is to bring the drone down, where it is told to."""
        self.lost_aloft = False
        self.word: Word | None = None
        self.assigned: Sortie | None = None
        self.refused_at: float | None = None
        self._sortie_record: SortieRecord | None = None
        self._pulse = asyncio.Event()
        self._since: dict[str, float] = {}
        self._commanding = 0
        self._errand: asyncio.Task[None] | None = None
        self._entering = False

    # what is seen

    @property
    def t(self) -> Telemetry:
        """The vehicle's last word."""
        return self.link.telemetry

    @property
    def policy(self) -> Policy:
        """Bounds and thresholds."""
        return self.world.policy

    @property
    def wind_m_s(self) -> float:
        """Wind at the dock, 0 where it is not known."""
        return self.dock.state.wind_m_s or 0.0

    @property
    def in_dock(self) -> bool:
        """Whether the dock counts the drone among its occupants."""
        return self.drone.id in self.dock.state.occupants

    @property
    def sortie_since(self) -> datetime | None:
        """When the sortie was planned, or None."""
        return self._sortie_record.created_at if self._sortie_record is not None else None

    @property
    def spent(self) -> bool:
        """Whether a drone that is not heard must be down: no battery lasts so long."""
        since = self.sortie_since
        if since is None or self.t.connected or self.state not in {S.UNKNOWN, S.LOST}:
            return False
        aloft_s = (self.world.clock.now() - since).total_seconds()
        return aloft_s > self.policy.check_s + endurance_s(self.drone)

    @property
    def out_of_the_air(self) -> bool:
        """Whether its sortie is over though it has not come home: what it was for is free again."""
        return self.spent or (self.state is S.EMERGENCY and landed(self.t))

    def words(self) -> str:
        """Return the autopilot's grave words of the last moments."""
        return why(self.link.texts, self.world.clock.now() - WORDS)

    def lasting(self, name: str, seen: bool) -> float:
        """Return for how many seconds something has been seen without a break."""
        now = self.world.clock.monotonic()
        if not seen:
            self._since.pop(name, None)
            return 0.0
        return now - self._since.setdefault(name, now)

    # what others ask

    def not_ready(self) -> str | None:
        """Say why no sortie can be assigned now; None where one can."""
        if self.state is not S.DOCKED:
            return f"is {self.state}" + (f" ({self.reason})" if self.reason else "")
        if self.assigned is not None or self._entering:
            return "is about to change"
        since = self.world.clock.monotonic()
        if self.refused_at is not None and since - self.refused_at < self.policy.refused_pause_s:
            return f"was refused: {self.reason}"
        if not self.dock.state.online:
            return f"dock: {self.dock.state.reason or 'offline'}"
        if self.dock.state.door is not DoorState.CLOSED:
            return f"dock's door is {self.dock.state.door}"
        if self.gate.holder is not None:
            return f"{self.gate.holder} is moving through the dock's door"
        return None

    @property
    def is_leaving(self) -> bool:
        """Whether the drone is between its sortie and the air."""
        leaving = {S.CHECKING, S.OPENING, S.TAKING_OFF}
        return self.assigned is not None or self.state in leaving

    def pulse(self) -> None:
        """Have the keeper look again."""
        self._pulse.set()

    def assign(self, record: SortieRecord) -> None:
        """Hand over a sortie that is already stored as PLANNED."""
        self._sortie_record = record
        self.assigned = record.sortie
        self.pulse()

    def tell(self, word: Word) -> None:
        """Hand over what a pilot or the controller wants."""
        self.word = word
        self.down = "land" if word.action == "land" else None
        self.pulse()

    def restore(self, record: DroneRecord | None, sortie: SortieRecord | None) -> None:
        """Take what the store knows, before the drone is heard of."""
        if record is not None:
            self.before = record.state
            self.flown = record.reason == FLOWN
        if sortie is not None:
            self._take_sortie(sortie)

    def _take_sortie(self, record: SortieRecord | None) -> None:
        self._sortie_record = record
        self.sortie = record.sortie if record is not None else None
        self.programme = programme(record.sortie) if record is not None else None
        self.follower = Follower(self.programme) if self.programme is not None else None

    # waiting and commanding, with the rules watched all the while

    def watch(self) -> None:
        """Apply the failsafe matrix.

        Raises
        ------
        Diverted
            If a rule wants another state.
        """
        step = watch.judge(self._view())
        if step is not None:
            raise Diverted(step)

    def _view(self) -> View:
        plan = self.programme
        return View(
            state=self.state,
            drone=self.drone,
            pad=self.pad,
            telemetry=self.t,
            dock=self.dock.state,
            limits=self.world.city.limits,
            policy=self.policy,
            word=self.word,
            commanding=self._commanding > 0,
            transit_altitude_m=self.sortie.altitude_m if self.sortie is not None else 0.0,
            at_end=plan is not None and self.t.mission_current >= plan.last,
            words=self.words(),
            lasting=self.lasting,
        )

    async def until(self, seen: Callable[[], bool], bound_s: float | None = None) -> bool:
        """Wait until something is seen; return False where it is not within the bound."""
        try:
            async with asyncio.timeout(bound_s):
                while True:
                    self._pulse.clear()
                    self.publish()
                    self.watch()
                    if seen():
                        return True
                    await self._pulse.wait()
        except TimeoutError:
            return False

    async def pause(self, seconds: float) -> None:
        """Let a retry wait its time, with the rules watched."""
        await self.until(lambda: False, seconds)

    async def doing(self, work: Coroutine[Any, Any, T], *, command: bool = False) -> T:
        """Await work with the rules watched; where one speaks the work is cancelled."""
        task = asyncio.create_task(work)
        task.add_done_callback(lambda _: self.pulse())
        self._commanding += command
        try:
            await self.until(task.done)
            return task.result()
        finally:
            self._commanding -= command
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def order(self, work: Coroutine[Any, Any, None]) -> None:
        """Await a command to the vehicle."""
        await self.doing(work, command=True)

    def say(self, reason: str) -> None:
        """Show why the drone is still in this state."""
        self.reason = reason
        self.publish()

    def run_errand(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside what the state does; at most one at a time, ended with the keeper."""
        if self._errand is None or self._errand.done():
            self._errand = asyncio.create_task(work)
        else:
            work.close()

    @property
    def on_errand(self) -> bool:
        """Whether an errand is under way."""
        return self._errand is not None and not self._errand.done()

    def drop_programme(self) -> None:
        """Forget the sortie's items: the vehicle flies something else."""
        self.programme = None
        self.follower = None

    async def end_errand(self) -> None:
        """Stop the errand, where one is under way."""
        task, self._errand = self._errand, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # the life

    async def run(self) -> None:
        """Keep the drone for ever. Cancelling it tells the drone nothing."""
        stops = [self.link.listen(self.pulse), self.dock.listen(self.pulse)]
        try:
            self.publish()
            while True:
                await self._one()
        finally:
            for stop in stops:
                stop()
            await self.end_errand()

    async def _one(self) -> None:
        try:
            try:
                step = await self._handlers[self.state](self)
            except Diverted as diverted:
                step = diverted.step
            self._entering = True
            await self._enter(step)
        except FleetError as error:
            # the handlers answer what they expect; whatever is left must not end the keeping
            log.error(
                "drone's step failed", drone=self.drone.id, state=self.state, error=str(error)
            )
            self.say(str(error))
            await asyncio.sleep(FAULT_PAUSE_S)
        except Exception as error:  # a fault in one keeper must not end the others
            log.exception("fault in the keeper", drone=self.drone.id, state=self.state)
            self.say(f"fault in the controller: {type(error).__name__}: {error}")
            await asyncio.sleep(FAULT_PAUSE_S)
        finally:
            self._entering = False

    async def _enter(self, step: Step) -> None:
        lifecycle.check(self.state, step.state)
        try:
            await self._save(step)
        except StoreError as error:
            log.error("store does not take a drone's state", drone=self.drone.id, error=str(error))
            if step.state in _NEEDS_STORE:
                step = Step(_NEEDS_STORE[step.state], f"not stored, so not flown: {error}")
                self.assigned = None
                self.refused_at = self.world.clock.monotonic()
                lifecycle.check(self.state, step.state)
        if step.state is not self.state:
            if (self.state, step.state) != (S.UNKNOWN, S.LOST):  # then the record still tells more
                self.before = self.state
            if self.state not in _KEEPS_WORD or step.state in _ON_GROUND:
                self.word = None
        self.state, self.reason = step
        if step.state in _ON_GROUND:
            await self.end_errand()  # one that waits for the drone to leave would keep the gate
        if step.state not in _KEEPS_GATE and not self.on_errand:
            self.gate.release(self.drone.id)
        if step.state in {S.CHECKING, S.DOCKED, S.CHARGING}:
            self.assigned = None
        if step.state in {S.DOCKED, S.CHARGING}:
            self._take_sortie(None)
            self.flown = False
            self.down = None
        log.info("drone", drone=self.drone.id, state=step.state, reason=step.reason)
        self.publish()

    async def _save(self, step: Step) -> None:
        """Store a step, the sortie's end or beginning first; a few tries."""
        if step.state is S.CHECKING and self.assigned is not None:
            self._take_sortie(self._sortie_record)
        sortie = self._sortie_change(step)
        keeps = self.sortie if step.state not in _ON_GROUND else None
        now = self.world.clock.now()
        record = DroneRecord(
            self.drone.id, step.state, step.reason, keeps.id if keeps else None, now
        )
        for attempt in range(1, SAVE_TRIES + 1):
            try:
                if sortie is not None:
                    await self.world.store.save_sortie(sortie)
                    self._sortie_record = sortie
                await self.world.store.save_drone(record)
            except StoreError:
                if attempt == SAVE_TRIES:
                    raise
                await asyncio.sleep(0.2 * 2**attempt)
            else:
                return

    def _sortie_change(self, step: Step) -> SortieRecord | None:
        """Return the sortie's new record where the step begins or ends it."""
        record, now = self._sortie_record, self.world.clock.now()
        if record is None or record.status not in _OPEN:
            return None
        if self.sortie is None and step.state is not S.CHECKING:  # assigned, and not begun
            self.assigned = None
            return SortieRecord(
                record.sortie, SortieStatus.ABORTED, step.reason, record.created_at, now
            )
        if step.state is S.TAKING_OFF:
            return SortieRecord(record.sortie, SortieStatus.FLYING, "", record.created_at)
        if step.state in _ON_GROUND:
            done = self.flown and record.status is SortieStatus.FLYING
            status = SortieStatus.COMPLETED if done else SortieStatus.ABORTED
            told = self.state in {S.CHECKING, S.OPENING, S.TAKING_OFF, S.UNKNOWN, S.LOST}
            reason = step.reason if told else self.reason
            return SortieRecord(record.sortie, status, reason, record.created_at, now)
        return None

    def publish(self) -> None:
        """Put the drone on the map."""
        sortie = self.sortie
        route = (
            tuple((w.lon, w.lat) for leg in sortie.legs for w in leg.waypoints) if sortie else ()
        )
        live = DroneLive(
            id=self.drone.id,
            dock=self.drone.dock,
            state=self.state,
            reason=self.reason or (self.state is S.DOCKED and self.not_ready()) or "",
            sortie=sortie.id if sortie else None,
            site=next(iter(sortie.sites), None) if sortie else None,
            telemetry=self.t,
            route=route,
        )
        self.world.hub.publish("drone", self.drone.id, live)
