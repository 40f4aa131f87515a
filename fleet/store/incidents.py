"""Repository of incidents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fleet.model.detection import AlarmLevel
from fleet.model.incident import Incident, IncidentStatus
from fleet.store.tables import IncidentRow

OPEN = (IncidentStatus.WAITING, IncidentStatus.CONFIRMED, IncidentStatus.REPORTED)


async def add(session: AsyncSession, incident: Incident, last_detection_at: datetime) -> None:
    """Insert an incident."""
    row = IncidentRow(id=incident.id, last_detection_at=last_detection_at)
    _fill(row, incident)
    session.add(row)
    await session.flush()


async def save(
    session: AsyncSession, incident: Incident, last_detection_at: datetime | None = None
) -> None:
    """Write a changed incident back.

    Raises
    ------
    LookupError
        If there is no such incident.
    """
    row = await session.get(IncidentRow, incident.id)
    if row is None:
        raise LookupError(f"no incident {incident.id}")
    _fill(row, incident)
    if last_detection_at is not None:
        row.last_detection_at = last_detection_at


async def get(session: AsyncSession, incident_id: UUID) -> Incident | None:
    """Return one incident, or None."""
    row = await session.get(IncidentRow, incident_id)
    return None if row is None else _incident(row)


async def newest_open(
    session: AsyncSession, site: str, kind: str
) -> tuple[Incident, datetime] | None:
    """Return the newest open incident of a site and kind with its last detection's time."""
    query = (
        select(IncidentRow)
        .where(
            IncidentRow.site == site,
            IncidentRow.kind == kind,
            IncidentRow.status.in_([s.value for s in OPEN]),
        )
        .order_by(IncidentRow.opened_at.desc(), IncidentRow.id)
        .limit(1)
    )
    row = (await session.scalars(query)).first()
    return None if row is None else (_incident(row), row.last_detection_at)


async def with_status(
    session: AsyncSession, statuses: Sequence[IncidentStatus]
) -> list[tuple[Incident, datetime]]:
    """Return incidents of some statuses with the times of their last detections, oldest first."""
    query = (
        select(IncidentRow)
        .where(IncidentRow.status.in_([s.value for s in statuses]))
        .order_by(IncidentRow.opened_at, IncidentRow.id)
    )
    return [(_incident(row), row.last_detection_at) for row in await session.scalars(query)]


async def latest(session: AsyncSession, limit: int) -> list[Incident]:
    """Return the newest incidents, newest first."""
    query = select(IncidentRow).order_by(IncidentRow.opened_at.desc(), IncidentRow.id).limit(limit)
    return [_incident(row) for row in await session.scalars(query)]


def _fill(row: IncidentRow, incident: Incident) -> None:
    for name, value in incident.model_dump(exclude={"id", "status"}).items():
        setattr(row, name, value)
    row.status = incident.status.value


def _incident(row: IncidentRow) -> Incident:
    return Incident(
        id=row.id,
        site=row.site,
        kind=row.kind,
        status=IncidentStatus(row.status),
        level=cast(AlarmLevel, row.level),
        value=row.value,
        unit=row.unit,
        threshold=row.threshold,
        lon=row.lon,
        lat=row.lat,
        opened_at=row.opened_at,
        updated_at=row.updated_at,
        captured_at=row.captured_at,
        image_sha256=row.image_sha256,
        detections=row.detections,
        version=row.version,
        decided_by=row.decided_by,
        reason=row.reason,
    )
