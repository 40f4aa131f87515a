"""Repository of the audit: who did what to what, and why; rows are only ever added."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fleet.store.tables import AuditRow


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One act. ``subject`` is e.g. ``incident:<id>``."""

    at: datetime
    actor: str
    action: str
    subject: str
    reason: str = ""
    details: dict[str, Any] | None = None


async def add(session: AsyncSession, entry: AuditEntry) -> None:
    """Append an entry."""
    session.add(
        AuditRow(
            at=entry.at,
            actor=entry.actor,
            action=entry.action,
            subject=entry.subject,
            reason=entry.reason,
            details=entry.details or {},
        )
    )


async def latest(
    session: AsyncSession,
    subject: str | None = None,
    since: datetime | None = None,
    before: datetime | None = None,
    limit: int = 500,
) -> list[AuditEntry]:
    """Return the newest entries, newest first: about one subject, of a span of time, where named."""
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
    if subject is not None:
        query = query.where(AuditRow.subject == subject)
    if since is not None:
        query = query.where(AuditRow.at >= since)
    if before is not None:
        query = query.where(AuditRow.at < before)
    return [_entry(row) for row in await session.scalars(query)]


async def of_subject(session: AsyncSession, subject: str, limit: int = 500) -> list[AuditEntry]:
    """Return the entries about one subject, oldest first."""
    query = select(AuditRow).where(AuditRow.subject == subject).order_by(AuditRow.id).limit(limit)
    return [_entry(row) for row in await session.scalars(query)]


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(row.at, row.actor, row.action, row.subject, row.reason, row.details)
