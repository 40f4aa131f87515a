"""Repository of flights and of what happened on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from fleet.model.flightlog import EventKind, FlightEvent, FlightRecord
from fleet.store.tables import FlightEventRow, FlightRow


class Span(NamedTuple):
    """Which flights are meant; None is any. By the time of lift-off, ``since`` included."""

    drone: str | None = None
    dock: str | None = None
    since: datetime | None = None
    before: datetime | None = None


class Hours(NamedTuple):
    """How much something has flown: flights that have ended, those on a sortie, seconds."""

    flights: int
    sorties: int
    air_s: float


async def save(session: AsyncSession, record: FlightRecord) -> None:
    """Insert or replace a flight by its id."""
    landed = record.landed_at
    air_s = (landed - record.took_off_at).total_seconds() if landed is not None else 0.0
    await session.merge(FlightRow(**asdict(record), air_s=max(0.0, air_s)))


async def get(session: AsyncSession, flight_id: str) -> FlightRecord | None:
    """Return one flight, or None."""
    row = await session.get(FlightRow, flight_id)
    return None if row is None else _record(row)


async def in_the_air(session: AsyncSession) -> list[FlightRecord]:
    """Return the flights that have not ended, oldest first."""
    query = select(FlightRow).where(FlightRow.landed_at.is_(None)).order_by(FlightRow.took_off_at)
    return [_record(row) for row in await session.scalars(query)]


async def under_way(session: AsyncSession, drone: str) -> str | None:
    """Return the id of the flight that a drone is on, or None."""
    newest = await latest(session, Span(drone=drone), 1)
    return newest[0].id if newest and newest[0].landed_at is None else None


async def latest(session: AsyncSession, span: Span, limit: int) -> list[FlightRecord]:
    """Return the newest flights, newest first."""
    query = select(FlightRow).where(*_within(span))
    query = query.order_by(FlightRow.took_off_at.desc(), FlightRow.id).limit(limit)
    return [_record(row) for row in await session.scalars(query)]


async def hours(session: AsyncSession, by: str, span: Span) -> dict[str, Hours]:
    """Return how much each drone, or each dock that was taken off from, has flown.

    Parameters
    ----------
    by
        ``drone`` or ``dock``.
    """
    key = {"drone": FlightRow.drone, "dock": FlightRow.dock}[by]
    query = select(key, func.count(), func.count(FlightRow.sortie), func.sum(FlightRow.air_s))
    query = query.where(FlightRow.landed_at.is_not(None), *_within(span))
    query = query.group_by(key).order_by(key)
    return {row[0]: Hours(row[1], row[2], row[3] or 0.0) for row in await session.execute(query)}


async def add_events(session: AsyncSession, events: Sequence[FlightEvent]) -> None:
    """Append events."""
    if events:
        values = [{**asdict(event), "kind": event.kind.value} for event in events]
        await session.execute(insert(FlightEventRow), values)


async def events_of(session: AsyncSession, flight_id: str, limit: int) -> list[FlightEvent]:
    """Return what happened on a flight, oldest first."""
    query = (
        select(FlightEventRow)
        .where(FlightEventRow.flight == flight_id)
        .order_by(FlightEventRow.at, FlightEventRow.id)
        .limit(limit)
    )
    return [
        FlightEvent(row.drone, row.at, EventKind(row.kind), row.text, row.details, row.flight)
        for row in await session.scalars(query)
    ]


async def forget_events(session: AsyncSession, before: datetime, limit: int = 5000) -> bool:
    """Delete some of the events older than a time; return whether more may be left."""
    old = select(FlightEventRow.id).where(FlightEventRow.at < before)
    ids = list(await session.scalars(old.order_by(FlightEventRow.at).limit(limit)))
    if ids:
        await session.execute(delete(FlightEventRow).where(FlightEventRow.id.in_(ids)))
    return len(ids) == limit


def _within(span: Span) -> list[ColumnElement[bool]]:
    conditions = []
    if span.drone is not None:
        conditions.append(FlightRow.drone == span.drone)
    if span.dock is not None:
        conditions.append(FlightRow.dock == span.dock)
    if span.since is not None:
        conditions.append(FlightRow.took_off_at >= span.since)
    if span.before is not None:
        conditions.append(FlightRow.took_off_at < span.before)
    return conditions


def _record(row: FlightRow) -> FlightRecord:
    return FlightRecord(
        id=row.id,
        drone=row.drone,
        dock=row.dock,
        sortie=row.sortie,
        took_off_at=row.took_off_at,
        landed_at=row.landed_at,
        landed_dock=row.landed_dock,
        distance_m=row.distance_m,
        highest_m=row.highest_m,
        battery_start_percent=row.battery_start_percent,
        battery_end_percent=row.battery_end_percent,
        tlog=row.tlog,
    )
