"""Repository of what was flown lately: sorties that are over, what they were for and what they saw."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fleet.model.records import FlownRecord
from fleet.store.tables import FlightRow, OrderRow, SortieRow, VisitRow


async def since(session: AsyncSession, start: datetime, limit: int) -> list[FlownRecord]:
    """Return the newest sorties that a drone was in the air for and that ended since, newest first."""
    query = (
        select(
            SortieRow.id,
            SortieRow.drone,
            SortieRow.dock,
            SortieRow.order,
            SortieRow.created_at,
            SortieRow.ended_at,
        )
        .where(SortieRow.ended_at >= start, SortieRow.id.in_(select(FlightRow.sortie)))
        .order_by(SortieRow.ended_at.desc(), SortieRow.id)
        .limit(limit)
    )
    rows = (await session.execute(query)).all()
    if not rows:
        return []
    kinds = await _kinds(session, {row.order for row in rows})
    seen = await _seen(session, min(row.created_at for row in rows))
    return [
        FlownRecord(
            sortie=row.id,
            drone=row.drone,
            dock=row.dock,
            order=row.order,
            kind=kinds.get(row.order),
            start=row.created_at,
            end=row.ended_at,
            cells=tuple(
                cell for cell, at in seen.get(row.drone, ()) if row.created_at <= at <= row.ended_at
            ),
        )
        for row in rows
    ]


async def _kinds(session: AsyncSession, orders: set[str]) -> dict[str, str]:
    """Return what each order wanted, by its id and by those of its occurrences (``order#3``)."""
    by_id = {order: _uuid(order.partition("#")[0]) for order in orders}
    ids = {order for order in by_id.values() if order is not None}
    query = select(OrderRow.id, OrderRow.request).where(OrderRow.id.in_(ids))
    wanted = {row.id: str(row.request.get("kind", "")) for row in await session.execute(query)}
    return {name: wanted[key] for name, key in by_id.items() if key in wanted}


async def _seen(session: AsyncSession, start: datetime) -> dict[str, list[tuple[str, datetime]]]:
    """Return the cells that each drone has seen since, in order."""
    query = select(VisitRow.drone, VisitRow.cell, VisitRow.at).where(VisitRow.at >= start)
    seen: dict[str, list[tuple[str, datetime]]] = {}
    for drone, cell, at in await session.execute(query.order_by(VisitRow.at, VisitRow.id)):
        seen.setdefault(drone, []).append((cell, at))
    return seen


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None  # a ferry, or one by a test's name
