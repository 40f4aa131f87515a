"""Repository of the drones' 1 Hz tracks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from fleet.model.records import TrackPoint
from fleet.model.states import DroneState
from fleet.store.tables import TrackRow


async def add(session: AsyncSession, points: Sequence[TrackPoint]) -> None:
    """Append points."""
    if not points:
        return
    values = [
        {
            "drone": p.drone,
            "at": p.at,
            "lon": p.lon,
            "lat": p.lat,
            "altitude_m": p.altitude_m,
            "battery_percent": p.battery_percent,
            "state": p.state.value,
        }
        for p in points
    ]
    await session.execute(insert(TrackRow), values)


async def of_drone(
    session: AsyncSession,
    drone: str,
    since: datetime,
    limit: int = 3600,
    until: datetime | None = None,
) -> list[TrackPoint]:
    """Return a drone's points from a time on, until another where one is given, oldest first."""
    query = select(TrackRow).where(TrackRow.drone == drone, TrackRow.at >= since)
    if until is not None:
        query = query.where(TrackRow.at <= until)
    query = query.order_by(TrackRow.at, TrackRow.id).limit(limit)
    return [
        TrackPoint(
            drone=row.drone,
            at=row.at,
            lon=row.lon,
            lat=row.lat,
            altitude_m=row.altitude_m,
            battery_percent=row.battery_percent,
            state=DroneState(row.state),
        )
        for row in await session.scalars(query)
    ]


async def forget(session: AsyncSession, before: datetime, limit: int = 5000) -> bool:
    """Delete some of the points older than a time; return whether more may be left."""
    old = select(TrackRow.id).where(TrackRow.at < before).order_by(TrackRow.at).limit(limit)
    ids = list(await session.scalars(old))
    if ids:
        await session.execute(delete(TrackRow).where(TrackRow.id.in_(ids)))
    return len(ids) == limit
