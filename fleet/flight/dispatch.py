"""From orders to drones: the planner is asked, and what it answers is handed over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import structlog

from fleet.errors import OrderError, StoreError
from fleet.flight.orders import OrderBook
from fleet.flight.patrolling import PatrolNews
from fleet.flight.planning import Planner, Question, home_fails, is_guest, sorties_of
from fleet.flight.supervisor import Supervisor
from fleet.flight.world import World
from fleet.model.records import SortieRecord, SortieStatus
from fleet.model.states import DroneState
from missions.ground import ground_of
from missions.planner import Plan, Refusal
from missions.sortie import FERRY, Sortie
from missions.wishes import Scheduled

PLAN_EACH_S = 1.0
GUEST = "guest"
NOBODY = "waits: no drone is ready"
TOLD = 3
"""So many things that are not flown are named of an order."""
log = structlog.get_logger(__name__)


class Dispatch:
    """Asks the planner, and gives each sortie to its drone.

    Parameters
    ----------
    world
        The city, the store, the clock.
    keepers
        The drones' keepers by drone id.
    orders
        What is wanted.
    planner
        Who decides who flies what.
    news
        Returns what is known that patrols are planned by.
    """

    def __init__(
        self,
        world: World,
        keepers: Mapping[str, Supervisor],
        orders: OrderBook,
        planner: Planner,
        news: Callable[[], PatrolNews],
    ) -> None:
        self._world = world
        self._keepers = keepers
        self._orders = orders
        self.planner = planner
        self._news = news
        self.ferries = True
        """Guests are flown home; not from when everyone was called home until there is an order."""
        self.scheduled: tuple[Scheduled, ...] = ()
        """What the planner last said is to be flown later."""
        self.planned_at: datetime | None = None
        """When that was."""
        self._refusals: tuple[object, ...] = ()

    async def run(self) -> None:
        """Plan, for ever. Nothing else waits for it."""
        await asyncio.to_thread(ground_of, self._world.city)  # so that no plan has to wait for it
        while True:
            try:
                await self._plan()
            except StoreError as error:
                log.error("planning waits for the store", error=str(error))
                self._explain_all(f"planning waits for the store: {error}")
            except OrderError as error:
                log.error("no plan", error=str(error))
                self._explain_all(f"no plan: {error}")
            except Exception as error:  # drones in the air need their controller more than a plan
                log.exception("planning failed")
                self._explain_all(f"planning failed: {type(error).__name__}")
            await asyncio.sleep(PLAN_EACH_S)

    async def _plan(self) -> None:
        world, keepers = self._world, tuple(self._keepers.values())
        active = await self._orders.wishes()
        self.ferries = self.ferries or bool(self._orders.active())
        if not active:
            self.scheduled = ()
        guests = [s for s in keepers if is_guest(s) and s.not_ready() is None]
        if all(s.not_ready() is not None for s in keepers):
            flown = {sortie.order for sortie in sorties_of(keepers)}
            waiting = {wish.id for wish in active} - flown
            self._orders.explain(dict.fromkeys(waiting, NOBODY))
            return
        if not (active or guests):
            return
        visits = await world.store.last_visits()
        now, ferries = world.clock.now(), self.ferries
        question = Question(
            world.airways.city, now, active, keepers, visits, ferries=ferries, patrols=self._news()
        )
        answer = await self.planner(question) if question.worth_asking else Plan()
        if question.worth_asking:
            self.scheduled, self.planned_at = answer.scheduled, now
        for s in guests:
            self._tell_guest(s, answer.refusals)
        if answer.refusals and answer.refusals != self._refusals:
            for refusal in answer.refusals:
                log.warning(
                    "not flown", order=refusal.order, target=refusal.target, reason=refusal.reason
                )
        self._refusals = answer.refusals
        if question.worth_asking:
            self._orders.explain(_why(answer.refusals))
        for sortie in answer.sorties:
            await self._hand_over(sortie)

    def _explain_all(self, words: str) -> None:
        self._orders.explain({str(order.id): words for order in self._orders.active()})

    def _tell_guest(self, s: Supervisor, refusals: Sequence[Refusal]) -> None:
        """Show why a guest stays where it is, where it does."""
        refused = [r.reason for r in refusals if (r.order, r.target) == (FERRY, s.drone.id)]
        called = None if self.ferries else "everyone was called home, and there is no order since"
        why = home_fails(s) or called or next(iter(refused), None)
        words = f"{GUEST} of dock {s.berth}" + (f": {why}" if why is not None else "")
        ours = not s.reason or s.reason.startswith(GUEST)
        if s.state is DroneState.DOCKED and ours and s.reason != words:
            s.say(words)

    async def _hand_over(self, sortie: Sortie) -> None:
        """Store a sortie, then give it to its drone, where both still want it."""
        world = self._world
        keepers = tuple(self._keepers.values())
        s = self._keepers[sortie.drone]

        def wanted() -> bool:
            here = s.not_ready() is None and s.berth == sortie.dock
            here = here and s.concern.sortie(sortie) is None
            if sortie.order == FERRY:
                return here and self.ferries
            return here and self._orders.is_active(sortie.order)

        if not wanted():
            return
        if any(mate.is_leaving for mate in keepers if mate.gate is s.gate):
            return  # one at a time from a dock; the next question finds it free again
        if len(list(sorties_of(keepers))) >= world.city.limits.max_airborne:
            return
        record = SortieRecord(sortie, SortieStatus.PLANNED, "", world.clock.now())
        await world.store.save_sortie(record)
        if wanted():
            s.assign(record)
        else:
            left = given_up(record, "its drone or order went away", world)
            await world.store.save_sortie(left)


def _why(refusals: Sequence[Refusal]) -> dict[str, str]:
    """Return, by order, what of it is not flown and why."""
    told: dict[str, list[str]] = {}
    for r in refusals:
        told.setdefault(r.order, []).append(f"{r.target}: {r.reason}" if r.target else r.reason)
    return {order: f"waits: {_first(words)}" for order, words in told.items()}


def _first(words: Sequence[str]) -> str:
    more = len(words) - TOLD
    return "; ".join([*words[:TOLD], *([f"and {more} more"] if more > 0 else [])])


def given_up(record: SortieRecord, reason: str, world: World) -> SortieRecord:
    """Return the record of a sortie that is not flown after all."""
    return SortieRecord(
        record.sortie, SortieStatus.ABORTED, reason, record.created_at, world.clock.now()
    )
