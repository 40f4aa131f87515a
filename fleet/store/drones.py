"""Repository of the drones' last decided states."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fleet.model.records import DroneRecord
from fleet.model.states import DroneState
from fleet.store.tables import DroneRow


async def save(session: AsyncSession, record: DroneRecord) -> None:
    """Insert or replace a drone's record."""
    await session.merge(
        DroneRow(
            drone=record.drone,
            state=record.state.value,
            reason=record.reason,
            sortie=record.sortie,
            at=record.at,
        )
    )


async def by_id(session: AsyncSession) -> dict[str, DroneRecord]:
    """Return every drone's record by drone id."""
    rows = await session.scalars(select(DroneRow).order_by(DroneRow.drone))
    return {
        row.drone: DroneRecord(row.drone, DroneState(row.state), row.reason, row.sortie, row.at)
        for row in rows
    }
