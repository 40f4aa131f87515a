"""Repository of the outbox: what each CAD has still to be told, and what it acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from fleet.store.tables import OutboxRow


@dataclass(frozen=True, slots=True)
class Message:
    """One change of one incident for one CAD.

    ``body`` is the notice without the picture's bytes; it never changes once written, so every
    delivery of it is the same to the byte.
    """

    id: int
    cad: str
    incident: UUID
    version: int
    body: dict[str, Any]
    created_at: datetime
    attempts: int
    last_error: str

    @property
    def webhook_id(self) -> str:
        """The name that stays the same over every retry."""
        return f"{self.incident}.{self.version}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for one CAD."""

    cad: str
    messages: int
    oldest_at: datetime


async def add(
    session: AsyncSession,
    cads: Sequence[str],
    incident: UUID,
    version: int,
    body: dict[str, Any],
    at: datetime,
) -> None:
    """Queue a notice for each of some CADs."""
    for cad in cads:
        session.add(
            OutboxRow(
                cad=cad,
                incident=incident,
                version=version,
                body=body,
                created_at=at,
                attempts=0,
                last_error="",
                delivered_at=None,
            )
        )


async def heads(session: AsyncSession, cad: str, limit: int = 1000) -> list[Message]:
    """Return, for each incident with something undelivered, the oldest of it; oldest first."""
    first = (
        select(func.min(OutboxRow.id))
        .where(OutboxRow.cad == cad, OutboxRow.delivered_at.is_(None))
        .group_by(OutboxRow.incident)
    )
    query = select(OutboxRow).where(OutboxRow.id.in_(first)).order_by(OutboxRow.id).limit(limit)
    return [
        Message(
            id=row.id,
            cad=row.cad,
            incident=row.incident,
            version=row.version,
            body=row.body,
            created_at=row.created_at,
            attempts=row.attempts,
            last_error=row.last_error,
        )
        for row in await session.scalars(query)
    ]


async def failed(session: AsyncSession, message_id: int, error: str) -> None:
    """Count an attempt that was not acknowledged."""
    row = await session.get_one(OutboxRow, message_id)
    row.attempts += 1
    row.last_error = error


async def delivered(session: AsyncSession, message_id: int, at: datetime) -> int:
    """Note an acknowledgement; return how many notices of that incident still wait for any CAD."""
    row = await session.get_one(OutboxRow, message_id)
    row.attempts += 1
    row.delivered_at = at
    await session.flush()
    left = await session.scalar(
        select(func.count())
        .select_from(OutboxRow)
        .where(OutboxRow.incident == row.incident, OutboxRow.delivered_at.is_(None))
    )
    return left or 0


async def waiting(session: AsyncSession) -> list[Waiting]:
    """Return what waits, by CAD."""
    query = (
        select(OutboxRow.cad, func.count(), func.min(OutboxRow.created_at))
        .where(OutboxRow.delivered_at.is_(None))
        .group_by(OutboxRow.cad)
        .order_by(OutboxRow.cad)
    )
    return [Waiting(cad, count, oldest) for cad, count, oldest in await session.execute(query)]
