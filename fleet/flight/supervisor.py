"""One drone's keeper: holds its state, stores it before acting on it, and never lets go of it.

What is done in a state is in ``ground``, ``air`` and ``recovery``, one function a state. Each can
be entered again at any point of what it does: it looks first, and commands only what is not so
already. So a controller that died, a link that was lost and a retry are all the same to it.

Entering a state and what is done in it are one task. Whatever it waits for, every change of what
is seen (``pulse``) holds the drone against the failsafe matrix first, and a row that wants another
state cancels the task.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping

import structlog

from fleet.errors import FleetError, StoreError
from fleet.flight import lifecycle
from fleet.flight.adoption import Step
from fleet.flight.custody import FLOWN, ON_GROUND, after
from fleet.flight.holder import shown, token_of
from fleet.flight.keeper import Keeper, left_for
from fleet.flight.ledger import Ledger
from fleet.flight.outlook import look, view
from fleet.flight.safety import judge
from fleet.flight.showing import Shown
from fleet.flight.turns import Due, Turns
from fleet.flight.word import Word
from fleet.flight.world import World
from fleet.link.port import DroneLink
from fleet.model.flightlog import EventKind, FlightEvent
from fleet.model.records import DroneRecord, SortieRecord
from fleet.model.states import DoorState, DroneState
from missions.city import Drone as CityDrone

S = DroneState
log = structlog.get_logger(__name__)

SAVE_S = 5.0
"""A step that is its handler's own waits so long for the store."""
URGENT_S = 0.05
"""One that a row of the matrix wants, or that a drone is found in, so long."""

_NEEDS_STORE = {S.CHECKING: S.DOCKED, S.OPENING: S.DOCKED, S.TAKING_OFF: S.CLOSING}
"""States not entered where the store does not take them, and what is entered instead."""
_KEEPS_GATE = frozenset(
    {S.OPENING, S.TAKING_OFF, S.ON_WAY, S.ON_TASK, S.RETURNING, S.LANDING, S.CLOSING, S.EMERGENCY}
)


def _nobody() -> None:
    """Tell nobody."""


Handler = Callable[["Supervisor"], Awaitable[Step]]


class Supervisor(Keeper):
    """The keeper of one drone, at work.

    Attributes
    ----------
    when_docked
        Called when it is in its dock again, with the door over it.
    """

    def __init__(
        self, world: World, drone: CityDrone, link: DroneLink, handlers: Mapping[S, Handler]
    ) -> None:
        super().__init__(world, drone, link)
        self._handlers = handlers
        self.when_docked: Callable[[], None] = _nobody
        self._ledger = Ledger(world.store)
        self._shown = Shown()
        self._looked_at_s = -math.inf
        self._soon: asyncio.TimerHandle | None = None
        self._turns = Turns(self._enter, self._work, self._judge, self._fault)

    # what others ask

    def not_ready(self, *, while_charging: bool = False) -> str | None:
        """Say why no sortie can be assigned now; None where one can.

        One for a call can be assigned ``while_charging``: whether the battery will do is the
        responder's to say.
        """
        if self.state is not S.DOCKED and not (while_charging and self.state is S.CHARGING):
            return f"is {self.state}" + (f" ({self.reason})" if self.reason else "")
        if self.assigned is not None or self._turns.changing:
            return "is about to change"
        if self.holder is not None:
            return f"held by {self.holder}"
        since = self.world.clock.monotonic()
        if self.refused_at is not None and since - self.refused_at < self.policy.refused_pause_s:
            return f"was refused: {self.reason}"
        if not self.dock.state.online:
            return f"dock: {self.dock.state.reason or 'offline'}"
        if self.dock.state.door is not DoorState.CLOSED:
            return f"dock's door is {self.dock.state.door}"
        doubt = self.world.doubts.of(self.berth)
        if doubt is not None:
            return doubt
        if self.gate.holder is not None:
            return f"{self.gate.holder} is moving through the dock's door"
        return None

    @property
    def is_leaving(self) -> bool:
        """Whether the drone is between its sortie and the air."""
        leaving = {S.CHECKING, S.OPENING, S.TAKING_OFF}
        return self.assigned is not None or self.state in leaving

    def assign(self, record: SortieRecord) -> None:
        """Hand over a sortie that is already stored as PLANNED."""
        self._sortie_record = record
        self.assigned = record.sortie
        self.pulse()

    def tell(self, word: Word) -> None:
        """Hand over what a pilot or the controller wants. It takes the place of an earlier one."""
        self.wanted.tell(word)
        self.down = "land" if word.action == "land" else None
        self._look(self.world.clock.monotonic())

    def restore(self, record: DroneRecord | None, sortie: SortieRecord | None) -> None:
        """Take what the store knows, before the drone is heard of."""
        if record is not None:
            self.before = record.state
            self.flown = record.reason == FLOWN
            self.holder = shown(record.holder) if record.holder is not None else None
            self.holder_token = token_of(record.holder) if record.holder is not None else None
            if record.berth is not None and record.berth in self.world.docks:
                self.berth = record.berth
        if sortie is not None:
            self.flown = self.flown or sortie.reason == FLOWN
            self._take_sortie(sortie)
            self.fence_unread, self.fenced_at = True, -1
            if record is not None and record.level_m is not None:
                self.answering = left_for(sortie.sortie, record.level_m)

    # what is told

    def publish(self) -> None:
        """Put the drone on the map."""
        idle = not self.reason and self.state is S.DOCKED
        self._shown.publish(self, (self.not_ready() or "") if idle else self.reason)

    def say(self, reason: str) -> None:
        """Show why the drone is still in this state."""
        self.reason = reason
        self.publish()

    def note(self, kind: EventKind, text: str, **details: object) -> None:
        """Tell the flight log."""
        flight = self.sortie.id if self.sortie is not None else None
        now = self.world.clock.now()
        self.world.journal.note(FlightEvent(self.drone.id, now, kind, text, details, flight))

    def answer(self, words: str) -> None:
        """Answer the word that is being carried out: the vehicle was seen to do it."""
        self.wanted.done(words)

    def fail(self, error: FleetError) -> None:
        """Answer the word that is being carried out: it was not done."""
        self.wanted.failed(error)

    # the life

    async def run(self) -> None:
        """Keep the drone for ever. Cancelling it tells the drone nothing."""
        stop = self.listen(self.pulse)
        writing = asyncio.create_task(self._ledger.run())
        try:
            self.publish()
            await self._turns.run()
        finally:
            stop()
            self._look_no_more()
            await self.end_errand()
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    def pulse(self) -> None:
        """Look, now or, where that was done a moment ago, as soon as it is due again."""
        now = self.world.clock.monotonic()
        wait_s = self._looked_at_s + self.policy.look_s - now
        if wait_s <= 0:
            self._look(now)
        elif self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(wait_s, self._look_now)

    def tick(self, at_least_s: float) -> None:
        """Look where that was done longer ago, for what shows only by lasting."""
        now = self.world.clock.monotonic()
        if now - self._looked_at_s >= at_least_s:
            self._look(now)

    def _look_now(self) -> None:
        self._look(self.world.clock.monotonic())

    def _look(self, now: float) -> None:
        """Hold the drone against the matrix, then have whoever waits look again."""
        self._looked_at_s = now
        self._look_no_more()
        look(self)
        self.world.doubts.see(self.dock.state)
        self._turns.look()
        self.publish()
        self.wake()

    def _look_no_more(self) -> None:
        soon, self._soon = self._soon, None
        if soon is not None:
            soon.cancel()

    def _judge(self) -> Due | None:
        try:
            self.verdict = verdict = judge(view(self))
        except Exception as error:  # one that cannot be judged must not end the judging of others
            words = f"fault in the safety monitor: {type(error).__name__}: {error}"
            if self.warnings != (words,):
                log.exception("fault in the safety monitor", drone=self.drone.id)
            self.warnings = (words,)
            return None
        self.warnings = verdict.warnings
        step = verdict.step
        if step is None or step.state is self.state:
            return None
        return Due(step, verdict.rank, verdict.row)

    async def _work(self) -> Step:
        return await self._handlers[self.state](self)

    def _fault(self, error: Exception) -> None:
        """Show what a step failed with; a fault in one keeper must not end the others."""
        if isinstance(error, FleetError):  # the handlers answer those they expect
            log.error(
                "drone's step failed", drone=self.drone.id, state=self.state, error=str(error)
            )
            self.say(str(error))
        else:
            log.error("fault in the keeper", drone=self.drone.id, state=self.state, exc_info=error)
            self.say(f"fault in the controller: {type(error).__name__}: {error}")

    async def _enter(self, due: Due) -> None:
        step = due.step
        lifecycle.check(self.state, step.state)
        if due.row:
            self.note(EventKind.SAFETY, f"{due.row}: {step.reason}", row=due.row, state=step.state)
        # one that was just found does what it did before, stored or not
        urgent = bool(due.rank) or self.state in {S.UNKNOWN, S.LOST}
        try:
            await self._save(step, URGENT_S if urgent else SAVE_S)
        except StoreError as error:
            tell = log.warning if urgent else log.error
            tell("step goes on before the store has it", drone=self.drone.id, error=str(error))
            if step.state in _NEEDS_STORE:
                step = Step(_NEEDS_STORE[step.state], f"not stored, so not flown: {error}")
                self.refused_at = self.world.clock.monotonic()
                lifecycle.check(self.state, step.state)
                self._put(step)
        if step.state in ON_GROUND:
            await self.end_errand()  # one that waits for the drone to leave would keep the gate
        # from here on nothing waits, so that a row that cancels this finds it done or not begun
        self.wanted.enter(self.state, step.state, step.reason, self.t.mode)
        if step.state is not self.state and (self.state, step.state) != (S.UNKNOWN, S.LOST):
            self.before = self.state  # a drone that was never heard: the record still tells more
        docked = (self.state, step.state) == (S.CLOSING, S.CHARGING)
        self.state, self.reason = step
        if docked:
            self.when_docked()
        self._settle()
        log.info("drone", drone=self.drone.id, state=step.state, reason=step.reason)
        self.publish()

    def _settle(self) -> None:
        """Let go of what does not belong to the state that was entered."""
        if self.state not in _KEEPS_GATE and not self.on_errand:
            self.gate.release(self.drone.id)
        if self.state in {S.CHECKING, S.DOCKED, S.CHARGING}:
            self.assigned = None
        if _resumes(self.before, self.state):
            self.answering = None
        if self.state in {S.DOCKED, S.CHARGING}:
            self._take_sortie(None)
            self.answering = None
            self.flown = False
            self.down = None
            self.tried.clear()
            self.refusals = 0

    # what is kept

    async def _save(self, step: Step, bound_s: float) -> None:
        await self._ledger.taken(self._put(step), bound_s)

    def _put(self, step: Step) -> asyncio.Future[None]:
        """Hand a step to the ledger, with the sortie's beginning or end."""
        if step.state is S.CHECKING and self.assigned is not None:
            self._take_sortie(self._sortie_record)
        now = self.world.clock.now()
        begun = self.sortie is not None
        sortie = after(
            self._sortie_record,
            begun=begun,
            flown=self.flown,
            state=self.state,
            reason=self.reason,
            step=step,
            now=now,
        )
        if sortie is not None:
            self._sortie_record = sortie
            self.assigned = self.assigned if begun else None
        keeps = self.sortie if step.state not in ON_GROUND else None
        answers = self.answering if not _resumes(self.state, step.state) else None
        record = DroneRecord(
            drone=self.drone.id,
            state=step.state,
            reason=step.reason,
            sortie=keeps.id if keeps else None,
            at=now,
            berth=self.berth if self.berth != self.drone.dock else None,
            level_m=answers.altitude_m if answers is not None else None,
        )
        return self._ledger.put(record, sortie)


def _resumes(before: S, state: S) -> bool:
    """Whether a drone flies its mission again, whoever said so."""
    return (before, state) == (S.HELD, S.ON_WAY)
