"""Orders as the API hands them in: understood, held against the city, tried, and then taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import structlog
from pydantic import ValidationError

from fleet.errors import Conflict, NotFound, OrderError, OrderUnfit
from fleet.flight.course import Course
from fleet.flight.losses import rank
from fleet.flight.orderrules import Wanted, check_ahead, check_times, place_field, understood
from fleet.flight.orders import OrderBook
from fleet.flight.overlap import check_apart
from fleet.flight.planning import Question
from fleet.flight.sights import check_shown
from fleet.flight.world import World
from fleet.model.order import (
    Flight,
    NextOccurrence,
    Obstacle,
    Order,
    OrderDetail,
    OrderRequest,
    OrderSortie,
    OrderStatus,
    Taken,
)
from fleet.store.audit import AuditEntry
from missions.diary import Booking
from missions.geojson import heights
from missions.trial import Trial
from missions.wishes import FOREVER, OrderWish, Refusal

TRIAL_S = 10.0
"""Where the planner takes longer, patrols and stares of sites are taken untried, tasks are not.
Ending it takes another 0.1 s. (Half of a city of 45 km² is cut to batteries in more than 10 s.)"""
TURN_S = 10.0
"""An order waits so long for its turn while another is tried."""
NEXT_TOLD = 10
SORTIES_TOLD = 100
FLIGHTS_TOLD = 100
TOLD = 3
"""So many parts of an order are told that cannot be flown."""
_PLAIN = {"note", "priority", "window", "until", "recurrence", "detectors"}
"""What may be changed with the drones that are in the air going on."""
log = structlog.get_logger(__name__)

Trier = Callable[[Question], Awaitable[Trial]]
"""Says whether the one wish of a question can be flown."""


class OrderDesk:
    """Takes and changes orders.

    Parameters
    ----------
    world
        City, store, clock.
    book
        Where they are kept.
    ask
        Returns the question to the planner for one wish.
    trier
        Tries it.
    called_off
        Told of an order that was changed, and whether its drones in the air are to come home;
        those that have not begun never leave.
    """

    def __init__(
        self,
        world: World,
        book: OrderBook,
        ask: Callable[[OrderWish], Awaitable[Question]],
        trier: Trier,
        called_off: Callable[[str, bool], None],
    ) -> None:
        self._world = world
        self._book = book
        self._ask = ask
        self._trier = trier
        self._called_off = called_off
        self._one_at_a_time = asyncio.Lock()
        """Two orders for one place at one time must not both find it free."""

    async def submit(
        self,
        request: OrderRequest,
        actor: str,
        asked_at: datetime | None = None,
        action: str = "order.submit",
    ) -> Taken:
        """Take an order.

        Parameters
        ----------
        request, actor
            What is ordered, and by whom.
        asked_at
            When, where that was before now: of a file with many.
        action
            What the audit calls it.

        Raises
        ------
        OrderUnfit
            If it can never be flown as it stands; names the field. Nothing is kept of it.
        Conflict
            If every drone has been recalled since it was asked for, or others are tried for too
            long.
        StoreError
            If the store does not take it: then it is not flown.
        """
        order = Order(
            id=uuid4(),
            request=request,
            status=OrderStatus.ACTIVE,
            created_at=self._world.clock.now(),
            created_by=actor,
        )
        said = request.model_dump(mode="json", exclude={"note"}, exclude_unset=True)
        act = self._book.act(actor, action, order.id, request.note, said)
        async with self._turn():
            return await self._take(order, asked_at or order.created_at, act)

    async def change(self, order_id: UUID, changes: Mapping[str, Any], actor: str) -> Taken:
        """Change some fields of an order; it is held against everything anew.

        Sorties that have not left are given up and planned anew. Drones in the air go on where
        only times, priority or note change, and come home where what is flown does.

        Parameters
        ----------
        order_id
            The order.
        changes
            Fields of ``OrderRequest`` and their new values; its kind stays.
        actor
            By whom.

        Raises
        ------
        OrderError
            If there is no such order, or it has ended.
        OrderUnfit
            If it can not be flown so. It stays as it was.
        StoreError
            If the store does not take it: it stays as it was.
        """
        async with self._turn():
            order = self._book.get(order_id)
            request = _changed(order.request, changes)
            if request == order.request:
                return Taken(**order.model_dump())
            now = self._world.clock.now()
            reshaped = _shape(request) != _shape(order.request)
            update = {"request": request, "changed_at": now}
            if reshaped:
                update["reshaped_at"] = now
            act = self._book.act(actor, "order.change", order_id, "", changes)
            taken = await self._take(order.model_copy(update=update), now, act)
            self._called_off(str(order_id), reshaped)
            return taken

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait until no other order is tried.

        Raises
        ------
        Conflict
            If others are tried for too long.
        """
        try:
            async with asyncio.timeout(TURN_S):
                await self._one_at_a_time.acquire()
        except TimeoutError:
            words = (
                f"other orders have been tried for {TURN_S:g} s; nothing is changed, send it again"
            )
            raise Conflict(words) from None
        try:
            yield
        finally:
            self._one_at_a_time.release()

    async def pause(self, order_id: UUID, actor: str) -> Order:
        """Fly nothing more of an order for now; see :meth:`OrderBook.pause`.

        It waits for no other order that is being tried, nor for a change of its own.
        """
        return await self._book.pause(order_id, actor)

    async def resume(self, order_id: UUID, actor: str) -> Order:
        """Fly a paused order again; see :meth:`OrderBook.resume`."""
        return await self._book.resume(order_id, actor)

    async def cancel(self, order_id: UUID, actor: str) -> Order:
        """End an order and call its drones home; see :meth:`OrderBook.cancel`."""
        return await self._book.cancel(order_id, actor)

    def shown(self, order: Order) -> Order:
        """Return an order of the store as it is shown; see :meth:`OrderBook.shown`."""
        return self._book.shown(order)

    async def detail(self, order_id: UUID) -> OrderDetail:
        """Return an order with what is to come of it, what was, and its sorties.

        Raises
        ------
        NotFound
            If there is no such order.
        StoreError
            If the store cannot be read.
        """
        store = self._world.store
        order = await store.order(order_id)
        if order is None:
            raise NotFound(f"no order {order_id}")
        course = self._book.course(order_id)
        briefs = await store.sorties_for(order_id, SORTIES_TOLD)
        coming = course.next(NEXT_TOLD) if course is not None and course.is_named else []
        return OrderDetail(
            **self.shown(order).model_dump(),
            next=tuple(NextOccurrence(start=o.start, end=o.end) for o in coming),
            past=tuple(await store.occurrences(order_id)),
            sorties=tuple(
                OrderSortie(
                    id=b.id,
                    drone=b.drone,
                    dock=b.dock,
                    status=b.status,
                    reason=b.reason,
                    created_at=b.created_at,
                    ended_at=b.ended_at,
                )
                for b in briefs
            ),
        )

    async def draft(self, request: OrderRequest) -> None:
        """Hold an order against the city, and take nothing.

        Raises
        ------
        OrderUnfit
            If it can never be flown as it stands.
        """
        self._understand(request, None)

    def _understand(self, request: OrderRequest, besides: UUID | None) -> Wanted:
        world, now = self._world, self._world.clock.now()
        check_ahead(request, now)
        found = understood(request, world.city, now)
        check_times(found, request, now)
        check_shown(found, world.city)
        check_apart(place_field(request), found, self._book.open_courses(besides), world.city)
        return found

    async def _take(self, order: Order, asked_at: datetime, act: AuditEntry) -> Taken:
        found = self._understand(order.request, order.id)
        wish = Course(order, found).whole_wish()
        wish = replace(wish, booked=tuple(await self._booked(order, wish)))
        tried = await self._try(order.request, wish)
        order = await self._book.put(order, found, asked_at, act, tried.bookings)
        return Taken(
            **order.model_dump(),
            flights=tuple(
                Flight(drone=s.drone, dock=s.dock, start=s.start, end=s.end, cells=s.cells)
                for s in tried.scheduled[:FLIGHTS_TOLD]
            ),
            waits=tuple(_obstacles((*tried.waits, *tried.never))),
            drones_needed=tried.drones or None,
            displaces=tried.displaced,
        )

    async def _booked(self, order: Order, wish: OrderWish) -> list[Booking]:
        """Return whom the other active orders count on at the times of one."""
        now = self._world.clock.now()
        windows = [*([wish.window] if wish.window is not None else []), *wish.later]
        ends = max((end for _, end in windows), default=FOREVER)
        others = {str(o.id): o for o in self._book.active() if o.id != order.id}
        return [
            replace(booking, first=rank(others[booking.order]) <= rank(order))
            for booking in await self._world.store.bookings(now, ends)
            if booking.order in others
        ]

    async def _try(self, request: OrderRequest, wish: OrderWish) -> Trial:
        """Return what can be flown of an order.

        Raises
        ------
        OrderUnfit
            If nothing of it ever can.
        """
        try:
            async with asyncio.timeout(TRIAL_S):
                tried = await self._trier(await self._ask(wish))
        except TimeoutError:
            if wish.task is not None:  # every plan would take as long, and the others' wait for it
                raise OrderUnfit(
                    place_field(request), f"is not worked out in {TRIAL_S:g} s; order less at once"
                ) from None
            words = f"not tried: the planner has not answered in {TRIAL_S:g} s"
            log.warning("order not tried", order=wish.id)
            return Trial(waits=(Refusal(wish.id, "", words, "fleet"),))
        except OrderError as error:  # the planner's process is gone; the next one plans it
            log.warning("order not tried", order=wish.id, error=str(error))
            return Trial(waits=(Refusal(wish.id, "", f"not tried: {error}", "fleet"),))
        if tried.hopeless:
            raise _hopeless(request, tried)
        return tried


def _hopeless(request: OrderRequest, tried: Trial) -> OrderUnfit:
    """Return why nothing of an order can ever be flown, with the field that asks too much."""
    told = [f"{o.target}: {o.reason}" if o.target else o.reason for o in tried.never]
    kinds = {o.constraint for o in tried.never if o.constraint}
    field = place_field(request)
    if "altitude" in kinds and request.altitude_m is not None:
        field = "altitude_m"
    elif "energy" in kinds and request.kind == "stare" and request.hold_s is not None:
        field = "hold_s"
    elif "drones" in kinds:
        field = "window"
    elif "window" in kinds or (request.is_watch and "fleet" in kinds):
        field = "until" if request.until is not None else "window.until"
    more = f"; and {len(told) - TOLD} more" if len(told) > TOLD else ""
    by = ", ".join(sorted(kinds))
    return OrderUnfit(field, f"no drone can fly it ({by}): {'; '.join(told[:TOLD])}{more}")


def _changed(request: OrderRequest, changes: Mapping[str, Any]) -> OrderRequest:
    """Return a request with some fields changed.

    Raises
    ------
    OrderUnfit
        If a field is none, or the whole is no order.
    """
    allowed = set(OrderRequest.model_fields) - {"kind"}
    unknown = sorted(set(changes) - allowed)
    if unknown:
        raise OrderUnfit(
            unknown[0], f"cannot be changed; what can are {', '.join(sorted(allowed))}"
        )
    whole = request.model_dump(mode="json", exclude_unset=True) | dict(changes)
    if "geometry" in changes and "place" not in changes:
        whole.pop("place", None)
    drawn = changes.get("geometry")
    if isinstance(drawn, Mapping) and heights(drawn.get("coordinates")):
        whole["altitude_m"] = changes.get("altitude_m")  # what was flown was another's height
    if "place" in changes and "geometry" not in changes:
        whole.pop("geometry", None)
    if "window" in changes and "until" not in changes:
        whole.pop("until", None)
    try:
        return OrderRequest.model_validate(whole)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"]) or "order"
        raise OrderUnfit(where, first["msg"].removeprefix("Value error, ")) from error


def _shape(request: OrderRequest) -> dict[str, Any]:
    """Return what of an order decides how it is flown."""
    return request.model_dump(exclude=_PLAIN)


def _obstacles(refusals: Iterable[Refusal]) -> Iterable[Obstacle]:
    for refusal in refusals:
        yield Obstacle(target=refusal.target, constraint=refusal.constraint, reason=refusal.reason)
