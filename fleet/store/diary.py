"""Repository of bookings: the drones that open orders count on, and when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from fleet.store.tables import BookingRow
from missions.diary import Booking


async def replace(session: AsyncSession, order: UUID, bookings: Iterable[Booking]) -> None:
    """Keep these as all that an order counts on."""
    await session.execute(delete(BookingRow).where(BookingRow.order == order))
    rows = [
        {"order": order, "drone": b.drone, "start": b.start, "home": b.home, "ready": b.ready}
        for b in bookings
    ]
    if rows:
        await session.execute(insert(BookingRow), rows)


async def between(session: AsyncSession, start: datetime, end: datetime) -> list[Booking]:
    """Return the bookings of a span of time, by when their drones leave."""
    query = (
        select(BookingRow)
        .where(BookingRow.start < end, BookingRow.ready > start)
        .order_by(BookingRow.start, BookingRow.order, BookingRow.drone)
    )
    return [
        Booking(str(row.order), row.drone, row.start, row.home, row.ready)
        for row in await session.scalars(query)
    ]
