"""The orders of the city: taken, changed, ended, and what of them is kept."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from fleet.errors import Conflict, OrderError
from fleet.flight.course import Course, Flown
from fleet.flight.losses import Losses, words
from fleet.flight.orderrules import Wanted, understood
from fleet.flight.world import World
from fleet.model.order import OccurrenceRecord, OccurrenceStatus, Order, OrderStatus
from fleet.store.audit import AuditEntry
from missions.diary import Booking
from missions.wishes import FOREVER, OrderWish, order_of

ENDED_KEPT = 500
"""Orders that have ended and are still shown: a city gives some 150 a day."""
SORTIES_READ = 500
"""Of one order, to know which parts of a task are flown."""
log = structlog.get_logger(__name__)

Ended = Callable[[str, str], None]
"""Told of an order's or an occurrence's id whose drones are to come home, and why."""


NOTHING = Flown((), ())


class OrderBook:
    """Every order that is open, and those ended since the start, the last ``ENDED_KEPT``.

    What was flown of a task, and what became of an occurrence, is read from the store: a
    controller that is started again goes on where the one before it was.

    Parameters
    ----------
    world
        City, store, clock and the live picture.
    ended
        Told of each order that ends, so that its drones come home.
    """

    def __init__(self, world: World, ended: Ended) -> None:
        self._world = world
        self._ended = ended
        self._orders: dict[UUID, Order] = {}
        self._courses: dict[UUID, Course] = {}
        self._why: dict[str, str] = {}
        """Why an order or occurrence waits, as the planner last said."""
        self._missed: dict[str, str] = {}
        self._losses = Losses()
        self._writing = asyncio.Lock()
        """Held while an order is written; never while one is tried."""
        self._recalled_at: datetime | None = None

    async def load(self) -> None:
        """Take what the store knows. What came due with no controller is missed, and that is said.

        Raises
        ------
        StoreError
            If it cannot be read.
        """
        booked: defaultdict[str, list[Booking]] = defaultdict(list)
        for booking in await self._world.store.bookings(self._world.clock.now(), FOREVER):
            booked[booking.order].append(booking)
        for order in await self._world.store.open_orders():
            closed = await self._world.store.occurrences(order.id)
            try:
                course = Course(
                    order, understood(order.request, self._world.city, order.created_at)
                )
            except OrderError as error:  # the city file has changed
                await self._end([order], OrderStatus.ENDED, f"cannot be flown any more: {error}")
                continue
            course.close_known(closed)
            self._courses[order.id] = course
            self._put(order, booked[str(order.id)])

    def all(self) -> list[Order]:
        """Return every order, oldest first."""
        return sorted(self._orders.values(), key=lambda order: order.created_at)

    def active(self) -> list[Order]:
        """Return the orders that are active, oldest first."""
        return [order for order in self.all() if order.status is OrderStatus.ACTIVE]

    def open_courses(self, besides: UUID | None = None) -> list[tuple[str, Wanted]]:
        """Return what the open orders come to, each with its id, but for one."""
        return [
            (str(key), course.wanted) for key, course in self._courses.items() if key != besides
        ]

    def course(self, order_id: UUID) -> Course | None:
        """Return the course of an order that is open."""
        return self._courses.get(order_id)

    def is_active(self, name: str) -> bool:
        """Whether what a sortie is for, an order or a part or occurrence of one, is still wanted."""
        for key, course in self._courses.items():
            if str(key) == order_of(name):
                active = self._orders[key].status is OrderStatus.ACTIVE
                return active and course.wants(name, self._world.clock.now())
        return False

    def priority(self, name: str) -> int:
        """Return the priority of the order that a sortie is for; 0 where it is for none."""
        ours = (o for key, o in self._orders.items() if str(key) == order_of(name))
        return next((order.request.priority for order in ours), 0)

    def wanted(self, name: str) -> Wanted | None:
        """Return what the open order wants that a sortie is for; None where that is none."""
        for key, course in self._courses.items():
            if str(key) == order_of(name):
                return course.wanted
        return None

    def patrols(self) -> list[Wanted]:
        """Return what the active patrols want whose time it is."""
        now = self._world.clock.now()
        courses = [self._courses[o.id] for o in self.active() if o.request.kind == "patrol"]
        return [course.wanted for course in courses if course.current(now) is not None]

    async def wishes(self) -> tuple[OrderWish, ...]:
        """Return what is wanted now, oldest order first.

        Raises
        ------
        StoreError
            If it cannot be read what of the tasks is flown.
        """
        now = self._world.clock.now()
        found = []
        for order in self.active():
            course = self._courses[order.id]
            if course.current(now) is not None:
                flown = await self._flown(course) if course.is_task else NOTHING
                wish = course.wish(now, flown)
                if wish is not None:
                    found.append(replace(wish, booked=self._losses.promised(order, now)))
        return tuple(found)

    def watched(self) -> set[str]:
        """Return what is to be watched now: sites by id, and points by name."""
        now = self._world.clock.now()
        courses = [self._courses[order.id] for order in self.active()]
        return {name for c in courses if c.current(now) is not None for name in c.watched}

    async def put(
        self,
        order: Order,
        wanted: Wanted,
        asked_at: datetime,
        act: AuditEntry,
        bookings: Sequence[Booking],
    ) -> Order:
        """Take an order, or what has become of one; return it as it is kept.

        While it was tried it may have been paused, which holds, or have ended, which is the end.

        Parameters
        ----------
        order, wanted
            The order, and what it comes to.
        asked_at
            When it was asked for: what a recall overtook is not taken.
        act
            Who did what; kept with it or not at all.
        bookings
            Whom it counts on.

        Raises
        ------
        OrderError
            If it has ended.
        Conflict
            If it is new, and every order has been ended since it was asked for.
        StoreError
            If the store does not take it: then it is as it was.
        """
        async with self._writing:
            order = self._as_it_stands(order, asked_at)
            acts = (act, *self._displaced(order, act.actor, bookings))
            await self._world.store.save_order(order, acts, bookings)
            course = Course(order, wanted)
            course.close_known(await self._world.store.occurrences(order.id))
            try:
                order = self._as_it_stands(order, asked_at)
            except Conflict:
                await self._world.store.save_order(
                    order.model_copy(update={"status": OrderStatus.CANCELLED, "reason": "recalled"})
                )
                raise
            self._courses[order.id] = course
            self._missed.pop(str(order.id), None)
            self._put(order, bookings)
        log.info("order", order=str(order.id), kind=order.request.kind, status=order.status)
        return self._orders[order.id]

    def _as_it_stands(self, order: Order, asked_at: datetime) -> Order:
        """Return an order with the status that it has by now."""
        if order.id in self._orders:
            now = self.get(order.id)
            reason = now.reason if now.status is OrderStatus.PAUSED else ""
            return order.model_copy(update={"status": now.status, "reason": reason})
        if self._recalled_at is not None and asked_at < self._recalled_at:
            raise Conflict("every order was ended by a recall while this one was tried")
        return order

    def get(self, order_id: UUID) -> Order:
        """Return an order that is open.

        Raises
        ------
        OrderError
            If there is no such order, or it has ended.
        """
        order = self._orders.get(order_id)
        if order is None:
            raise OrderError(f"there is no order {order_id}")
        if not order.status.is_open:
            raise OrderError(f"order {order_id} is {order.status} already")
        return order

    async def pause(self, order_id: UUID, actor: str) -> Order:
        """Fly nothing more of an order until it is resumed; its drones come home.

        Raises
        ------
        Conflict
            If it is paused already.
        OrderError
            If there is no such order, or it has ended.
        StoreError
            If the store does not take it; its drones come home all the same.
        """
        act = self.act(actor, "order.pause", order_id)
        return await self._turn(order_id, OrderStatus.PAUSED, f"order paused by {actor}", act)

    async def resume(self, order_id: UUID, actor: str) -> Order:
        """Fly an order again that was paused.

        Raises
        ------
        Conflict
            If it is not paused.
        OrderError
            If there is no such order, or it has ended.
        StoreError
            If the store does not take it.
        """
        act = self.act(actor, "order.resume", order_id)
        return await self._turn(order_id, OrderStatus.ACTIVE, "", act)

    def act(
        self,
        actor: str,
        action: str,
        order: UUID,
        note: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> AuditEntry:
        """Return what somebody does to an order, for the audit."""
        told = None if details is None else dict(details)
        return AuditEntry(self._world.clock.now(), actor, action, f"order:{order}", note, told)

    async def _turn(
        self, order_id: UUID, status: OrderStatus, reason: str, act: AuditEntry
    ) -> Order:
        order = self.get(order_id)
        if order.status is status:
            raise Conflict(f"order {order_id} is {status} already")
        turned = {"status": status, "reason": reason}
        if status is OrderStatus.PAUSED:
            self._put(order.model_copy(update=turned))
            self._ended(str(order_id), reason)
        async with self._writing:
            order = self.get(order_id).model_copy(update=turned)
            acts = (act, *self._displaced(order, act.actor))
            await self._world.store.save_order(order, acts)
            self.get(order_id)  # it may have been cancelled meanwhile
            self._put(order)
        return self._orders[order_id]

    def _displaced(
        self, order: Order, actor: str, bookings: Sequence[Booking] | None = None
    ) -> list[AuditEntry]:
        """Return, for the audit of each order that loses drones to one that is taken, what it loses."""
        found = self._losses.newly(order, bookings)
        by = {"by": str(order.id)}
        for loser in found:
            log.warning("order displaced", order=str(loser), **by)
        return [
            self.act(actor, "order.displaced", loser, words({order.id: lost}), by)
            for loser, lost in found.items()
        ]

    async def cancel(self, order_id: UUID, actor: str) -> Order:
        """End an order and call its drones home.

        Raises
        ------
        OrderError
            If there is no such order, or it has ended.
        StoreError
            If the store does not take it; its drones come home all the same.
        """
        order = self._orders.get(order_id) or await self._world.store.order(order_id)
        if order is None:
            raise OrderError(f"there is no order {order_id}")
        if not order.status.is_open:
            raise OrderError(f"order {order_id} is {order.status} already")
        reason = f"order cancelled by {actor}"
        act = self.act(actor, "order.cancel", order_id)
        (ended,) = await self._end([order], OrderStatus.CANCELLED, reason, act)
        return ended

    async def cancel_all(self, reason: str) -> None:
        """End every order at once, then write that down.

        Raises
        ------
        StoreError
            If the store does not take it; the drones come home all the same.
        """
        self._recalled_at = self._world.clock.now()
        still = [order for order in self.all() if order.status.is_open]
        await self._end(still, OrderStatus.CANCELLED, reason)

    async def mind(self) -> None:
        """Close the occurrences that are over or flown, and end the orders that have no more.

        Raises
        ------
        StoreError
            If the store cannot be read or does not take it; it is tried again.
        """
        now = self._world.clock.now()
        for order in [order for order in self.all() if order.status.is_open]:
            course = self._courses[order.id]
            over = course.due(now)
            if over or (course.is_task and course.current(now) is not None):
                flown = await self._flown(course)
                while (verdict := course.judge(now, flown, self._because(order, now))) is not None:
                    await self._close(order, course, verdict)
            if course.is_over:
                words = "flown" if course.is_task and not self._missed.get(str(order.id)) else ""
                said = words or self._missed.get(str(order.id)) or "its time has ended"
                await self._end([order], OrderStatus.ENDED, said)

    async def _close(self, order: Order, course: Course, verdict: OccurrenceRecord) -> None:
        """Write down what became of an occurrence; then it is over."""
        if course.is_named and not course.is_task:
            self._ended(course.name(verdict.start), "its time has ended")
        if course.is_named:
            await self._world.store.save_occurrence(verdict)
        course.close(verdict.start)
        self._why.pop(course.name(verdict.start), None)
        if verdict.status is OccurrenceStatus.MISSED:
            words = f"missed {verdict.start.isoformat()}: {verdict.reason}"
            self._missed[str(order.id)] = words
            log.warning("missed", order=str(order.id), start=verdict.start, reason=verdict.reason)
            self._show_reason(order.id)

    def _because(self, order: Order, now: datetime) -> Callable[[str], str]:
        """Return what says why an occurrence was not flown."""

        def why(name: str) -> str:
            if order.status is OrderStatus.PAUSED:
                return order.reason
            return self._why.get(name) or "nothing was flown of it"

        return why

    async def _flown(self, course: Course) -> Flown:
        """Return what the store knows to be flown, or under way."""
        briefs = await self._world.store.sorties_for(course.order.id, SORTIES_READ)
        gone = [k for k in self._world.keepers.values() if k.out_of_the_air]
        return Flown(briefs, {k.sortie.id for k in gone if k.sortie is not None})

    def explain(self, why: Mapping[str, str]) -> None:
        """Show why some of an active order is not flown now, by wish; it is not kept on disk."""
        self._why = dict(why)
        for order in self.active():
            self._show_reason(order.id)

    def shown(self, order: Order) -> Order:
        """Return an order of the store as it is shown: with why some of it is not flown now."""
        return self._orders.get(order.id, order)

    def _show_reason(self, order_id: UUID) -> None:
        order = self._orders[order_id]
        if order.status is not OrderStatus.ACTIVE:
            return
        said = [w for name, w in self._why.items() if order_of(name) == str(order_id) and w]
        lost = self._losses.of(order_id, self._world.clock.now())
        said = [*(said or [self._missed.get(str(order_id), "")]), words(lost)]
        live = {"reason": "; ".join(filter(None, said)), "displaced_by": tuple(map(str, lost))}
        if live != order.model_dump(include=set(live)):
            self._publish(order.model_copy(update=live))

    def _put(self, order: Order, bookings: Sequence[Booking] | None = None) -> None:
        """Take what has become of an order, and show who loses or gets back drones by it."""
        self._losses.keep(order, bookings)
        self._publish(order.model_copy(update={"displaced_by": ()}))
        if not order.status.is_open:
            self._courses.pop(order.id, None)
            self._forget_old()
        for one in self.active():
            self._show_reason(one.id)

    def _publish(self, order: Order) -> None:
        self._orders[order.id] = order
        self._world.hub.publish("order", str(order.id), order)

    def _forget_old(self) -> None:
        """Forget the oldest of those that have ended; the store keeps them."""
        ended = [o.id for o in self._orders.values() if not o.status.is_open]
        for old in ended[:-ENDED_KEPT]:
            del self._orders[old]
            self._world.hub.forget("order", str(old))

    async def _end(
        self,
        orders: Sequence[Order],
        status: OrderStatus,
        reason: str,
        act: AuditEntry | None = None,
    ) -> list[Order]:
        """End orders, the drones called home before anything is waited for."""
        ended = [o.model_copy(update={"status": status, "reason": reason}) for o in orders]
        for order in ended:
            self._put(order)
            self._ended(str(order.id), reason)
            self._missed.pop(str(order.id), None)
        async with self._writing:
            for order in ended:
                await self._world.store.save_order(order, () if act is None else (act,))
        return ended


def known(what: str, named: Sequence[str], there_are: Sequence[str]) -> None:
    """Refuse names that are not there.

    Raises
    ------
    OrderError
        Naming them, and those that are.
    """
    unknown = sorted(set(named) - set(there_are))
    if unknown:
        raise OrderError(f"there is no {what} {unknown}; there are {sorted(there_are)}")
