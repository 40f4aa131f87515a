"""Repository of patrol orders."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fleet.model.order import (
    OccurrenceRecord,
    OccurrenceStatus,
    Order,
    OrderRequest,
    OrderStatus,
)
from fleet.model.orderfields import KEPT
from fleet.store.tables import OccurrenceRow, OrderRow


async def save(session: AsyncSession, order: Order) -> None:
    """Insert or replace an order by its id."""
    await session.merge(
        OrderRow(
            id=order.id,
            request=order.request.model_dump(mode="json"),
            status=order.status.value,
            created_at=order.created_at,
            created_by=order.created_by,
            reason=order.reason,
            changed_at=order.changed_at,
            reshaped_at=order.reshaped_at,
        )
    )


async def get(session: AsyncSession, order_id: UUID) -> Order | None:
    """Return one order, or None."""
    row = await session.get(OrderRow, order_id)
    return None if row is None else _order(row)


async def still_open(session: AsyncSession) -> list[Order]:
    """Return the orders that are ACTIVE or PAUSED, oldest first."""
    query = (
        select(OrderRow)
        .where(OrderRow.status.in_([s.value for s in OrderStatus if s.is_open]))
        .order_by(OrderRow.created_at, OrderRow.id)
    )
    return [_order(row) for row in await session.scalars(query)]


async def latest(session: AsyncSession, limit: int) -> list[Order]:
    """Return the newest orders, newest first."""
    query = select(OrderRow).order_by(OrderRow.created_at.desc(), OrderRow.id).limit(limit)
    return [_order(row) for row in await session.scalars(query)]


def _order(row: OrderRow) -> Order:
    return Order(
        id=row.id,
        request=OrderRequest.model_validate(row.request, context=KEPT),
        status=OrderStatus(row.status),
        created_at=row.created_at,
        created_by=row.created_by,
        reason=row.reason,
        changed_at=row.changed_at,
        reshaped_at=row.reshaped_at,
    )


async def save_occurrence(session: AsyncSession, record: OccurrenceRecord) -> None:
    """Note what became of an occurrence; what was noted first stays."""
    key = (record.order, record.start)
    if await session.get(OccurrenceRow, key) is None:
        session.add(OccurrenceRow(**record.model_dump(exclude={"status"}), status=record.status))


async def occurrences(session: AsyncSession, order: UUID) -> list[OccurrenceRecord]:
    """Return what became of an order's occurrences, oldest first."""
    query = select(OccurrenceRow).where(OccurrenceRow.order == order).order_by(OccurrenceRow.start)
    return [
        OccurrenceRecord(
            order=row.order,
            start=row.start,
            end=row.end,
            status=OccurrenceStatus(row.status),
            reason=row.reason,
            decided_at=row.decided_at,
        )
        for row in await session.scalars(query)
    ]
