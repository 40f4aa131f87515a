"""Which orders count on drones that others take, who come first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from fleet.model.order import Order, OrderStatus
from missions.diary import Booking

LONGEST = timedelta(hours=2)
"""No drone is in the air so long."""
TOLD = 3
"""So many lost flights of an order are told in words."""

Lost = Mapping[UUID, Sequence[Booking]]
"""By the order that takes them: the bookings of another that come to nothing, oldest first."""


def rank(order: Order) -> tuple[int, datetime]:
    """Return by what orders are gone through: the important ones first, of equals the older."""
    return -order.request.priority, order.created_at


class Losses:
    """What the open orders count on, and what of it others take. Paused ones take nothing."""

    def __init__(self) -> None:
        self._orders: dict[UUID, Order] = {}
        self._bookings: dict[UUID, dict[str, list[Booking]]] = {}
        self._lost: defaultdict[UUID, dict[UUID, list[Booking]]] = defaultdict(dict)

    def keep(self, order: Order, bookings: Iterable[Booking] | None = None) -> None:
        """Take what has become of an order, and whom it counts on; None: whom it did before."""
        taken = self.takes(order, bookings)
        if bookings is not None:
            self._bookings[order.id] = _by_drone(bookings)
        self._forget_lost(order.id)
        if not order.status.is_open:
            self._orders.pop(order.id, None)
            self._bookings.pop(order.id, None)
            return
        self._orders[order.id] = order
        for other, lost in taken.items():
            self._lost[other][order.id] = list(lost)
        if order.status is OrderStatus.ACTIVE:
            for first in self._active(besides=order.id):
                if rank(first) <= rank(order):
                    mine = self._bookings.get(order.id, {})
                    self._lose(order.id, first.id, mine, self._bookings.get(first.id, {}))

    def takes(self, order: Order, bookings: Iterable[Booking] | None = None) -> Lost:
        """Return what an order takes, with some bookings or its own, by the order that loses it."""
        if order.status is not OrderStatus.ACTIVE:
            return {}
        ours = self._bookings.get(order.id, {}) if bookings is None else _by_drone(bookings)
        later = (o for o in self._active(besides=order.id) if rank(order) < rank(o))
        found = {o.id: list(_overlaid(self._bookings.get(o.id, {}), ours)) for o in later}
        return {loser: lost for loser, lost in found.items() if lost}

    def newly(self, order: Order, bookings: Iterable[Booking] | None = None) -> Lost:
        """Return the same for those orders alone that have lost nothing to this one yet."""
        takes = self.takes(order, bookings)
        return {o: lost for o, lost in takes.items() if order.id not in self._lost.get(o, {})}

    def promised(self, order: Order, now: datetime) -> tuple[Booking, ...]:
        """Return what orders that come first count on, of what a flight of now could meet."""
        return tuple(
            replace(booking, first=True)
            for one in self._active(besides=order.id)
            if rank(one) <= rank(order)
            for some in self._bookings.get(one.id, {}).values()
            for booking in some
            if booking.meets(now, now + LONGEST)
        )

    def of(self, order: UUID, now: datetime) -> Lost:
        """Return what an order has lost of what is to come."""
        lost = self._lost.get(order, {})
        still = {by: [b for b in some if b.ready > now] for by, some in lost.items()}
        return {by: some for by, some in still.items() if some}

    def _active(self, besides: UUID) -> Iterator[Order]:
        for order in self._orders.values():
            if order.id != besides and order.status is OrderStatus.ACTIVE:
                yield order

    def _lose(
        self,
        loser: UUID,
        winner: UUID,
        mine: Mapping[str, Sequence[Booking]],
        theirs: Mapping[str, Sequence[Booking]],
    ) -> None:
        lost = list(_overlaid(mine, theirs))
        if lost:
            self._lost[loser][winner] = lost

    def _forget_lost(self, order: UUID) -> None:
        self._lost.pop(order, None)
        for lost in self._lost.values():
            lost.pop(order, None)


def words(lost: Lost) -> str:
    """Say what an order has lost, and to whom; empty where that is nothing."""
    all_of = sorted(((b, by) for by, some in lost.items() for b in some), key=lambda x: x[0].start)
    told = [f"{b.drone} at {b.start:%Y-%m-%d %H:%M} UTC for order {by}" for b, by in all_of[:TOLD]]
    if not told:
        return ""
    more = f"; and {len(all_of) - TOLD} more" if len(all_of) > TOLD else ""
    return f"orders that come first take drones that it counts on: {'; '.join(told)}{more}"


def _by_drone(bookings: Iterable[Booking]) -> dict[str, list[Booking]]:
    found: defaultdict[str, list[Booking]] = defaultdict(list)
    for booking in sorted(bookings, key=lambda b: b.start):
        found[booking.drone].append(booking)
    return dict(found)


def _overlaid(
    mine: Mapping[str, Sequence[Booking]], theirs: Mapping[str, Sequence[Booking]]
) -> Iterator[Booking]:
    """Yield those of mine that meet one of theirs; one order's of one drone do not meet."""
    for drone in mine.keys() & theirs.keys():
        others, at = theirs[drone], 0
        for booking in mine[drone]:
            while at < len(others) and others[at].ready <= booking.start:
                at += 1
            if at < len(others) and booking.meets(others[at].start, others[at].ready):
                yield booking
