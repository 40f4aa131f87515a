"""From orders to drones: the planner is asked, and what it answers is handed over."""

from __future__ import annotations

import asyncio

import structlog

from fleet.errors import OrderError, StoreError
from fleet.flight.orders import OrderBook
from fleet.flight.planning import Planner, Question, sorties_of
from fleet.flight.world import World
from fleet.model.records import SortieRecord, SortieStatus
from missions.sortie import Sortie

PLAN_EACH_S = 1.0
log = structlog.get_logger(__name__)


class Dispatch:
    """Asks the planner, and gives each sortie to its drone.

    Parameters
    ----------
    world
        The drones' keepers, the store, the clock.
    orders
        What is wanted.
    planner
        Who decides who flies what.
    """

    def __init__(self, world: World, orders: OrderBook, planner: Planner) -> None:
        self._world = world
        self._orders = orders
        self.planner = planner
        self._refusals: tuple[object, ...] = ()

    async def run(self) -> None:
        """Plan, for ever. Nothing else waits for it."""
        while True:
            try:
                await self._plan()
            except StoreError as error:
                log.error("planning waits for the store", error=str(error))
            except OrderError as error:
                log.error("no plan", error=str(error))
            except Exception:  # drones in the air need their controller more than a next plan
                log.exception("planning failed")
            await asyncio.sleep(PLAN_EACH_S)

    async def _plan(self) -> None:
        world, keepers = self._world, tuple(self._world.keepers.values())
        active = self._orders.active()
        if not active or all(s.not_ready() is not None for s in keepers):
            return
        visits = await world.store.last_visits()
        question = Question(world.city, world.clock.now(), active, keepers, visits)
        if not question.worth_asking:
            return
        answer = await self.planner(question)
        if answer.refusals and answer.refusals != self._refusals:
            for refusal in answer.refusals:
                log.warning(
                    "not flown", order=refusal.order, target=refusal.target, reason=refusal.reason
                )
        self._refusals = answer.refusals
        for sortie in answer.sorties:
            await self._hand_over(sortie)

    async def _hand_over(self, sortie: Sortie) -> None:
        """Store a sortie, then give it to its drone, where both still want it."""
        world = self._world
        keepers = tuple(world.keepers.values())
        s = world.keepers[sortie.drone]

        def wanted() -> bool:
            here = s.not_ready() is None and s.berth == sortie.dock
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


def given_up(record: SortieRecord, reason: str, world: World) -> SortieRecord:
    """Return the record of a sortie that is not flown after all."""
    return SortieRecord(
        record.sortie, SortieStatus.ABORTED, reason, record.created_at, world.clock.now()
    )
