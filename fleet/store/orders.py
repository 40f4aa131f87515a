"""Repository of patrol orders."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fleet.model.order import Order, OrderRequest, OrderStatus
from fleet.store.tables import OrderRow


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
        )
    )


async def get(session: AsyncSession, order_id: UUID) -> Order | None:
    """Return one order, or None."""
    row = await session.get(OrderRow, order_id)
    return None if row is None else _order(row)


async def active(session: AsyncSession) -> list[Order]:
    """Return ACTIVE orders, oldest first."""
    query = (
        select(OrderRow)
        .where(OrderRow.status == OrderStatus.ACTIVE.value)
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
        request=OrderRequest.model_validate(row.request),
        status=OrderStatus(row.status),
        created_at=row.created_at,
        created_by=row.created_by,
        reason=row.reason,
    )
