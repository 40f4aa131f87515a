"""Repository of standing policy, its flags, and of where past calls came from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fleet.model.standing import Flag, PolicyRecord
from fleet.store import audit
from fleet.store.audit import AuditEntry
from fleet.store.database import Database
from fleet.store.tables import CallRow, FlagRow, PolicyRow


class SqlStanding:
    """What flight remembers of standing policy. See :class:`fleet.flight.standing.StandingStore`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def latest(self) -> PolicyRecord | None:
        """Return the newest version that was put, or None."""
        async with self._db.read() as session:
            query = select(PolicyRow).order_by(PolicyRow.version.desc()).limit(1)
            row = await session.scalar(query)
        return None if row is None else _record(row)

    async def version(self, number: int) -> PolicyRecord | None:
        """Return one version that was put, or None."""
        async with self._db.read() as session:
            row = await session.get(PolicyRow, number)
        return None if row is None else _record(row)

    async def add(self, record: PolicyRecord) -> None:
        """Add a version, and to the audit who put it; both or neither."""
        at = _when(record.at)
        async with self._db.write() as tx:
            tx.session.add(
                PolicyRow(
                    version=record.version,
                    at=at,
                    by=record.by,
                    reason=record.reason,
                    body=record.body,
                )
            )
            details = {"version": record.version}
            entry = AuditEntry(at, record.by, "policy.put", "policy", record.reason, details)
            await audit.add(tx.session, entry)

    async def flags(self) -> Sequence[Flag]:
        """Return every flag that was ever set, by name."""
        async with self._db.read() as session:
            rows = await session.scalars(select(FlagRow).order_by(FlagRow.name))
            return [
                Flag(name=r.name, on=r.on, until=r.until, reason=r.reason, at=r.at, by=r.by)
                for r in rows
            ]

    async def set_flag(self, flag: Flag) -> None:
        """Insert or replace a flag, and add to the audit who set it; both or neither."""
        at = _when(flag.at)
        async with self._db.write() as tx:
            await tx.session.merge(
                FlagRow(
                    name=flag.name,
                    on=flag.on,
                    until=flag.until,
                    reason=flag.reason,
                    at=at,
                    by=flag.by,
                )
            )
            until = None if flag.until is None else flag.until.isoformat()
            entry = AuditEntry(
                at,
                flag.by,
                "policy.flag",
                f"flag:{flag.name}",
                flag.reason,
                {"on": flag.on, "until": until},
            )
            await audit.add(tx.session, entry)

    async def calls_since(
        self, since: datetime, limit: int
    ) -> Sequence[tuple[float, float, datetime]]:
        """Return longitude, latitude and time of the newest calls since a time."""
        async with self._db.read() as session:
            return await calls_since(session, since, limit)


async def calls_since(
    session: AsyncSession, since: datetime, limit: int
) -> list[tuple[float, float, datetime]]:
    """Return where and when calls were received, newest first."""
    rows = await session.execute(
        select(CallRow.lon, CallRow.lat, CallRow.received_at)
        .where(CallRow.received_at >= since)
        .order_by(CallRow.received_at.desc())
        .limit(limit)
    )
    return [(lon, lat, at) for lon, lat, at in rows]


def _when(at: datetime | None) -> datetime:
    if at is None:
        raise ValueError("what is stored needs the time at which it was set")
    return at


def _record(row: PolicyRow) -> PolicyRecord:
    return PolicyRecord(version=row.version, at=row.at, by=row.by, reason=row.reason, body=row.body)
