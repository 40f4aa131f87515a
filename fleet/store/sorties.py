"""Repository of sorties."""

from __future__ import annotations

from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fleet.model.records import SortieBrief, SortieRecord, SortieStatus
from fleet.store.tables import SortieRow
from missions.sortie import Sortie

_PLAN = TypeAdapter(Sortie)
_OPEN = (SortieStatus.PLANNED.value, SortieStatus.FLYING.value)


async def save(session: AsyncSession, record: SortieRecord) -> None:
    """Insert or replace a sortie by its id."""
    await session.merge(
        SortieRow(
            id=record.sortie.id,
            order=record.sortie.order,
            drone=record.sortie.drone,
            dock=record.sortie.dock,
            status=record.status.value,
            reason=record.reason,
            created_at=record.created_at,
            ended_at=record.ended_at,
            plan=_PLAN.dump_python(record.sortie, mode="json"),
        )
    )


async def open_ones(session: AsyncSession) -> list[SortieRecord]:
    """Return sorties that are PLANNED or FLYING, oldest first."""
    query = (
        select(SortieRow)
        .where(SortieRow.status.in_(_OPEN))
        .order_by(SortieRow.created_at, SortieRow.id)
    )
    return [
        SortieRecord(
            sortie=_PLAN.validate_python(row.plan),
            status=SortieStatus(row.status),
            reason=row.reason,
            created_at=row.created_at,
            ended_at=row.ended_at,
        )
        for row in await session.scalars(query)
    ]


async def for_order(session: AsyncSession, order: UUID, limit: int) -> list[SortieBrief]:
    """Return the newest sorties for an order, its occurrences and parts, newest first."""
    what = (
        SortieRow.id,
        SortieRow.order,
        SortieRow.drone,
        SortieRow.dock,
        SortieRow.status,
        SortieRow.reason,
        SortieRow.created_at,
        SortieRow.ended_at,
    )
    query = select(*what).where(SortieRow.order.startswith(str(order)))
    query = query.order_by(SortieRow.created_at.desc(), SortieRow.id).limit(limit)
    return [
        SortieBrief(
            id=row.id,
            order=row.order,
            drone=row.drone,
            dock=row.dock,
            status=SortieStatus(row.status),
            reason=row.reason,
            created_at=row.created_at,
            ended_at=row.ended_at,
        )
        for row in await session.execute(query)
    ]
