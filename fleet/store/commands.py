"""Repository of pilots' commands."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fleet.model.command import CommandRecord, CommandStatus
from fleet.store.tables import CommandRow


async def save(session: AsyncSession, record: CommandRecord) -> None:
    """Insert or replace a command by its id."""
    values = record.model_dump()
    await session.merge(CommandRow(**{**values, "status": record.status.value}))
    await session.flush()


async def get(session: AsyncSession, command_id: UUID) -> CommandRecord | None:
    """Return one command, or None."""
    row = await session.get(CommandRow, command_id)
    return None if row is None else _record(row)


async def unanswered(
    session: AsyncSession, drones: Collection[str], limit: int = 1000
) -> list[CommandRecord]:
    """Return commands to some drones that are SENT, oldest first."""
    query = (
        select(CommandRow)
        .where(CommandRow.status == CommandStatus.SENT.value, CommandRow.drone.in_(drones))
        .order_by(CommandRow.at, CommandRow.id)
        .limit(limit)
    )
    return [_record(row) for row in await session.scalars(query)]


async def of_drone(
    session: AsyncSession, drone: str, limit: int, since: datetime | None = None
) -> list[CommandRecord]:
    """Return a drone's newest commands, newest first."""
    query = select(CommandRow).where(CommandRow.drone == drone)
    if since is not None:
        query = query.where(CommandRow.at >= since)
    query = query.order_by(CommandRow.at.desc(), CommandRow.id).limit(limit)
    return [_record(row) for row in await session.scalars(query)]


def _record(row: CommandRow) -> CommandRecord:
    return CommandRecord(
        id=row.id,
        drone=row.drone,
        actor=row.actor,
        demand=row.demand,
        reason=row.reason,
        status=CommandStatus(row.status),
        answer=row.answer,
        at=row.at,
        answered_at=row.answered_at,
    )
