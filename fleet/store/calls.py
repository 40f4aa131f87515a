"""Repository of calls and of the drones that were sent to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from fleet.model.call import ENDED, Call, CallStatus, Sent
from fleet.store.database import Database
from fleet.store.tables import AssignmentRow, CallRow, HeardRow

_PLAIN = (
    "source", "kind", "priority", "want", "on_scene_s", "lon", "lat", "note", "reason",
    "received_at", "received_by", "there_at", "ended_at", "told_at",
)  # fmt: skip


async def save(session: AsyncSession, call: Call) -> None:
    """Insert or replace a call and its drones."""
    row = CallRow(id=call.id, status=call.status.value)
    for name in _PLAIN:
        setattr(row, name, getattr(call, name))
    await session.merge(row)
    for number, sent in enumerate(call.sent):
        await session.merge(
            AssignmentRow(
                call=call.id,
                number=number,
                drone=sent.drone,
                status=sent.status.value,
                at=sent.at,
                there_at=sent.there_at,
                ended_at=sent.ended_at,
                details=sent.model_dump(mode="json"),
            )
        )


async def get(session: AsyncSession, call_id: str) -> Call | None:
    """Return one call, or None."""
    row = await session.get(CallRow, call_id)
    found = [] if row is None else await _with_drones(session, [row])
    return found[0] if found else None


async def open_ones(session: AsyncSession) -> list[Call]:
    """Return the calls that have not ended, oldest first."""
    query = (
        select(CallRow)
        .where(CallRow.status.not_in([status.value for status in ENDED]))
        .order_by(CallRow.received_at, CallRow.id)
    )
    return await _with_drones(session, list(await session.scalars(query)))


async def latest(session: AsyncSession, limit: int) -> list[Call]:
    """Return the newest calls, newest first."""
    query = select(CallRow).order_by(CallRow.received_at.desc(), CallRow.id).limit(limit)
    return await _with_drones(session, list(await session.scalars(query)))


async def _with_drones(session: AsyncSession, rows: Sequence[CallRow]) -> list[Call]:
    query = (
        select(AssignmentRow)
        .where(AssignmentRow.call.in_([row.id for row in rows]))
        .order_by(AssignmentRow.call, AssignmentRow.number)
    )
    sent: dict[str, list[Sent]] = {}
    for row in await session.scalars(query):
        sent.setdefault(row.call, []).append(Sent.model_validate(row.details))
    return [_call(row, sent.get(row.id, ())) for row in rows]


def _call(row: CallRow, sent: Iterable[Sent]) -> Call:
    plain = {name: getattr(row, name) for name in _PLAIN}
    return Call(id=row.id, status=CallStatus(row.status), sent=tuple(sent), **plain)


async def is_heard(session: AsyncSession, cad: str, webhook_id: str) -> bool:
    """Whether a CAD's word was taken before."""
    return await session.get(HeardRow, (cad, webhook_id)) is not None


async def hear(session: AsyncSession, cad: str, webhook_id: str, at: datetime) -> None:
    """Note that a CAD's word is taken."""
    session.add(HeardRow(cad=cad, id=webhook_id, at=at))


async def forget_heard(session: AsyncSession, before: datetime) -> None:
    """Forget words that are older than any repetition of them."""
    await session.execute(delete(HeardRow).where(HeardRow.at < before))


class SqlCalls:
    """What is remembered of calls; each method is one transaction.

    Raises
    ------
    fleet.errors.StoreError
        By every method, where the database cannot be reached or refuses.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    async def save_call(self, call: Call) -> None:
        """Insert or replace a call and its drones."""
        async with self._db.write() as tx:
            await save(tx.session, call)

    async def call(self, call_id: str) -> Call | None:
        """Return one call, or None."""
        async with self._db.read() as session:
            return await get(session, call_id)

    async def open_calls(self) -> Sequence[Call]:
        """Return the calls that have not ended, oldest first."""
        async with self._db.read() as session:
            return await open_ones(session)
