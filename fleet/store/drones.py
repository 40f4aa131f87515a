"""Repository of the drones' last decided states, and of who has control of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fleet.model.records import DroneRecord
from fleet.model.states import DroneState
from fleet.store.tables import DroneRow


async def save(session: AsyncSession, record: DroneRecord) -> None:
    """Insert or replace a drone's record; who holds it stays as it is."""
    await session.merge(
        DroneRow(
            drone=record.drone,
            state=record.state.value,
            reason=record.reason,
            sortie=record.sortie,
            at=record.at,
            berth=record.berth,
            level_m=record.level_m,
        )
    )


async def set_holder(session: AsyncSession, drone: str, holder: str | None, at: datetime) -> None:
    """Note who has control of a drone from a time on, or that nobody has.

    The record's state and its time stay as they are.
    """
    row = await session.get(DroneRow, drone)
    if row is None:
        row = DroneRow(drone=drone, state=DroneState.UNKNOWN.value, reason="", at=at)
        session.add(row)
    row.holder = holder
    row.held_since = at if holder is not None else None
    await session.flush()


async def by_id(session: AsyncSession) -> dict[str, DroneRecord]:
    """Return every drone's record by drone id."""
    rows = await session.scalars(select(DroneRow).order_by(DroneRow.drone))
    return {
        row.drone: DroneRecord(
            row.drone,
            DroneState(row.state),
            row.reason,
            row.sortie,
            row.at,
            row.berth,
            row.holder,
            row.held_since,
            row.level_m,
        )
        for row in rows
    }
