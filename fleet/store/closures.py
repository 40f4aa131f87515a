"""Repository of closures and of zones that were read in; and what flight has of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fleet.model.closure import Closure
from fleet.store.database import Database
from fleet.store.tables import ClosureRow
from missions.city import Zone


class SqlClosures:
    """What flight remembers of closures, in SQL. See :class:`fleet.flight.closures.ClosureStore`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def save(self, closures: Sequence[Closure]) -> None:
        """Insert or replace closures by their ids, all or none."""
        async with self._db.write() as tx:
            await save(tx.session, closures)

    async def open_ones(self) -> Sequence[Closure]:
        """Return closures that have not ended, oldest first."""
        async with self._db.read() as session:
            return await open_ones(session)


async def save(session: AsyncSession, closures: Sequence[Closure]) -> None:
    """Insert or replace closures by their ids."""
    for one in closures:
        await session.merge(
            ClosureRow(
                id=one.id,
                kind=one.kind,
                zone=one.zone.model_dump(mode="json", by_alias=True),
                reason=one.reason,
                created_at=one.created_at,
                created_by=one.created_by,
                until=one.until,
                ended_at=one.ended_at,
                ended_by=one.ended_by,
            )
        )


async def open_ones(session: AsyncSession) -> list[Closure]:
    """Return those that have not ended, oldest first."""
    query = (
        select(ClosureRow)
        .where(ClosureRow.ended_at.is_(None))
        .order_by(ClosureRow.created_at, ClosureRow.id)
    )
    return [_closure(row) for row in await session.scalars(query)]


async def latest(session: AsyncSession, limit: int) -> list[Closure]:
    """Return the newest, newest first."""
    query = select(ClosureRow).order_by(ClosureRow.created_at.desc(), ClosureRow.id).limit(limit)
    return [_closure(row) for row in await session.scalars(query)]


def _closure(row: ClosureRow) -> Closure:
    return Closure(
        id=row.id,
        kind=cast(Literal["closure", "import"], row.kind),
        zone=Zone.model_validate(row.zone),
        reason=row.reason,
        created_at=row.created_at,
        created_by=row.created_by,
        until=row.until,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
    )
