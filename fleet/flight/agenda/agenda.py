"""The plan as it is shown: told a drone at a time, where it has changed, once a second at most."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

import structlog

from fleet.errors import StoreError
from fleet.flight.agenda.items import answering, charging, flying, kind_of, settled, to_come
from fleet.flight.agenda.lasting import Course
from fleet.flight.dispatch import Dispatch
from fleet.flight.keeper import Keeper
from fleet.flight.orders import OrderBook
from fleet.flight.world import World
from fleet.model.call import Call
from fleet.model.plan import DronePlan, PlanItem
from fleet.model.records import FlownRecord
from missions.wishes import Scheduled

EACH_S = 1.0
SHOWN_FOR = timedelta(hours=6)
FLOWN_KEPT = 40
"""Flown sorties that are shown of a drone at most: 6 hours hold fewer, but for the shortest."""
log = structlog.get_logger(__name__)


class Agenda:
    """Publishes every drone's part of the plan.

    Parameters
    ----------
    world
        City, store, clock and the live picture.
    keepers
        The drones' keepers by drone id.
    orders
        What each sortie is for.
    dispatch
        What the planner last said is to come.
    calls
        Returns the calls that are being answered.
    """

    def __init__(
        self,
        world: World,
        keepers: Mapping[str, Keeper],
        orders: OrderBook,
        dispatch: Dispatch,
        calls: Callable[[], Iterable[Call]] = tuple,
    ) -> None:
        self._world = world
        self._keepers = keepers
        self._orders = orders
        self._dispatch = dispatch
        self._calls = calls
        self._flown: dict[str, deque[PlanItem]] = {
            drone: deque(maxlen=FLOWN_KEPT) for drone in keepers
        }
        self._now: dict[str, PlanItem] = {}
        self._courses: dict[str, Course] = {}
        self._aloft: set[str] = set()
        self._answering: dict[str, PlanItem] = {}

    async def load(self) -> None:
        """Take what was flown lately from the store; without it the plan begins empty."""
        since = self._world.clock.now() - SHOWN_FOR
        try:
            records = await self._world.store.flown_since(since, FLOWN_KEPT * len(self._keepers))
        except StoreError as error:
            log.error("what was flown lately is not shown", error=str(error))
            return
        for record in sorted(records, key=lambda record: record.end):
            if record.drone in self._flown:
                self._flown[record.drone].append(_flown(record))

    async def run(self) -> None:
        """Publish, for ever."""
        while True:
            try:
                self.refresh()
            except Exception:  # drones in the air need their controller more than a picture of it
                log.exception("the plan cannot be shown")
            await asyncio.sleep(EACH_S)

    def refresh(self) -> None:
        """Publish what has changed."""
        now = self._world.clock.now()
        kinds = {str(order.id): str(order.request.kind) for order in self._orders.all()}
        coming: dict[str, list[Scheduled]] = {}
        for item in self._dispatch.scheduled:
            coming.setdefault(item.drone, []).append(item)
        self._answer(now)
        for drone, s in self._keepers.items():
            items = self._items(s, kinds, coming.get(drone, ()), now)
            self._publish(drone, items, now)

    def _items(
        self, s: Keeper, kinds: Mapping[str, str], coming: Iterable[Scheduled], now: datetime
    ) -> tuple[PlanItem, ...]:
        drone = s.drone.id
        current = flying(s, self._course(s), kinds, now) or charging(s, now)
        before = self._now.pop(drone, None)
        self._end(before, current, now)
        if current is not None:
            self._now[drone] = current = settled(current, before)
            if current.kind != "charge" and s.t.in_air:
                self._aloft.add(drone)
        flown = self._flown[drone]
        while flown and flown[0].end < now - SHOWN_FOR:
            flown.popleft()
        under_way = (current,) if current is not None else ()
        called = self._answering.get(drone)
        if called is not None and (current is None or current.kind != "response"):
            under_way = (*under_way, called)
        taken = [item.sortie for item in (*flown, *under_way)]
        return (*flown, *under_way, *to_come(coming, taken, now))

    def _answer(self, now: datetime) -> None:
        """Count what was done for calls that drones have left among the flown.

        A drone that left its sortie for a call goes on with it: the call lies over it in the plan.
        """
        before, self._answering = self._answering, answering(self._calls())
        for drone, item in before.items():
            there = self._answering.get(drone)
            over = there is None or (there.order, there.start) != (item.order, item.start)
            if over and item.sortie is None and drone in self._flown:
                ended = item.model_copy(update={"state": "flown", "end": max(now, item.start)})
                self._flown[drone].append(ended)

    def _end(self, before: PlanItem | None, current: PlanItem | None, now: datetime) -> None:
        """Count a sortie that is over among the flown, where its drone was in the air for it."""
        if before is None or before.kind == "charge":
            return
        if current is not None and current.sortie == before.sortie:
            return
        if before.drone in self._aloft:
            self._aloft.discard(before.drone)
            ended = before.model_copy(update={"state": "flown", "end": now})
            self._flown[before.drone].append(ended)

    def _course(self, s: Keeper) -> Course | None:
        """Return what is left of the mission that a drone flies, reckoned once a sortie."""
        if s.programme is None:
            self._courses.pop(s.drone.id, None)
            return None
        known = self._courses.get(s.drone.id)
        if known is None or known.sortie != s.programme.sortie.id:
            known = self._courses[s.drone.id] = Course(s.programme)
        return known

    def _publish(self, drone: str, items: tuple[PlanItem, ...], now: datetime) -> None:
        hub, made_at = self._world.hub, self._dispatch.planned_at
        told = hub.get("plan", drone)
        if isinstance(told, DronePlan) and told.items == items:
            return
        hub.publish("plan", drone, DronePlan(drone=drone, at=now, made_at=made_at, items=items))


def _flown(record: FlownRecord) -> PlanItem:
    kinds = {} if record.kind is None else {record.order.partition("#")[0]: record.kind}
    return PlanItem(
        drone=record.drone,
        dock=record.dock,
        order=record.order,
        kind=kind_of(record.order, kinds),
        start=record.start,
        end=record.end,
        cells=record.cells,
        state="flown",
        sortie=record.sortie,
    )
