"""The orders of the city: taken, ended, and what of them is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID, uuid4

import structlog

from fleet.errors import OrderError
from fleet.flight.world import World
from fleet.model.order import Order, OrderRequest, OrderStatus

ENDED_KEPT = 500
"""Orders that have ended and are still shown: a city gives some 150 a day."""
log = structlog.get_logger(__name__)

Ended = Callable[[str, str], None]
"""Told of an order's id and why it has ended."""


class OrderBook:
    """Every order that is active, and those ended since the start, the last ``ENDED_KEPT``.

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

    async def load(self) -> None:
        """Take what the store knows.

        Raises
        ------
        StoreError
            If it cannot be read.
        """
        for order in await self._world.store.active_orders():
            self._put(order)

    def all(self) -> list[Order]:
        """Return every order, oldest first."""
        return sorted(self._orders.values(), key=lambda order: order.created_at)

    def active(self) -> list[Order]:
        """Return the orders that are active, oldest first."""
        return [order for order in self.all() if order.status is OrderStatus.ACTIVE]

    def is_active(self, order_id: str) -> bool:
        """Whether an order is active."""
        return any(str(order.id) == order_id for order in self.active())

    async def submit(self, request: OrderRequest, actor: str) -> Order:
        """Take an order.

        Raises
        ------
        OrderError
            If it names a beat or site that the city has not, or its end has passed.
        StoreError
            If the store does not take it: then it is not flown.
        """
        city, now = self._world.city, self._world.clock.now()
        known("beat", request.beats, [beat.id for beat in city.beats])
        known("site", request.sites, [site.id for site in city.sites])
        if request.until is not None and request.until <= now:
            raise OrderError(
                f"until {request.until.isoformat()} has passed; it is {now.isoformat()}"
            )
        order = Order(
            id=uuid4(), request=request, status=OrderStatus.ACTIVE, created_at=now, created_by=actor
        )
        await self._world.store.save_order(order)
        self._put(order)
        log.info("order", order=str(order.id), kind=request.kind, actor=actor)
        return order

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
        if order.status is not OrderStatus.ACTIVE:
            raise OrderError(f"order {order_id} is {order.status} already")
        (ended,) = self._end([order], OrderStatus.CANCELLED, f"order cancelled by {actor}")
        await self._save([ended])
        return ended

    async def cancel_all(self, reason: str) -> None:
        """End every order at once, then write that down.

        Raises
        ------
        StoreError
            If the store does not take it; the drones come home all the same.
        """
        await self._save(self._end(self.active(), OrderStatus.CANCELLED, reason))

    async def end_due(self) -> None:
        """End the orders whose time has come.

        Raises
        ------
        StoreError
            If the store does not take it.
        """
        now = self._world.clock.now()
        due = [o for o in self.active() if o.request.until is not None and o.request.until <= now]
        await self._save(self._end(due, OrderStatus.ENDED, "its time has ended"))

    def explain(self, why: Mapping[str, str]) -> None:
        """Show why some of an active order is not flown now, by order id; it is not kept on disk."""
        for order in self.active():
            words = why.get(str(order.id), "")
            if words != order.reason:
                self._put(order.model_copy(update={"reason": words}))

    def _put(self, order: Order) -> None:
        self._orders[order.id] = order
        self._world.hub.publish("order", str(order.id), order)
        if order.status is not OrderStatus.ACTIVE:
            self._forget_old()

    def _forget_old(self) -> None:
        """Forget the oldest of those that have ended; the store keeps them."""
        ended = [o.id for o in self._orders.values() if o.status is not OrderStatus.ACTIVE]
        for old in ended[:-ENDED_KEPT]:
            del self._orders[old]
            self._world.hub.forget("order", str(old))

    def _end(self, orders: Sequence[Order], status: OrderStatus, reason: str) -> list[Order]:
        """End orders without waiting for anything: drones are called home first."""
        ended = [o.model_copy(update={"status": status, "reason": reason}) for o in orders]
        for order in ended:
            self._put(order)
            self._ended(str(order.id), reason)
        return ended

    async def _save(self, orders: Sequence[Order]) -> None:
        for order in orders:
            await self._world.store.save_order(order)


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
