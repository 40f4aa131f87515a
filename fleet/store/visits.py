"""Repository of visits to cells."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from fleet.store.tables import VisitRow


async def add(session: AsyncSession, cell: str, at: datetime, drone: str) -> None:
    """Note that a cell has been seen."""
    session.add(VisitRow(cell=cell, at=at, drone=drone))


async def last_by_cell(session: AsyncSession) -> dict[str, datetime]:
    """Return the last visit of every cell that was ever visited."""
    rows = await session.execute(
        select(VisitRow.cell, func.max(VisitRow.at)).group_by(VisitRow.cell)
    )
    return {cell: at for cell, at in rows}
