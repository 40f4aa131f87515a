"""``/api/v1/audit``: who did what to what, and why; and how the other routes write it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from fleet.api.auth import Admin, Principal
from fleet.api.context import Context, Ctx
from fleet.api.when import InUtc
from fleet.store import audit
from fleet.store.audit import AuditEntry

router = APIRouter(prefix="/api/v1/audit", tags=["audit"])


class Act(BaseModel):
    """One act. ``subject`` is e.g. ``drone:<id>``, ``order:<id>``, ``incident:<id>``."""

    at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    details: dict[str, Any]


@router.get("")
async def latest(
    ctx: Ctx,
    _caller: Admin,
    subject: Annotated[str | None, Query(max_length=100, description="e.g. drone:u1")] = None,
    since: Annotated[InUtc | None, Query(alias="from", description="at or after")] = None,
    before: Annotated[InUtc | None, Query(alias="to", description="before")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[Act]:
    """Return the newest acts, newest first."""
    async with ctx.store.read() as session:
        found = await audit.latest(session, subject, since, before, limit)
    return [
        Act(
            at=e.at,
            actor=e.actor,
            action=e.action,
            subject=e.subject,
            reason=e.reason,
            details=e.details or {},
        )
        for e in found
    ]


async def note(
    ctx: Context,
    caller: Principal,
    action: str,
    subject: str,
    reason: str = "",
    details: dict[str, Any] | None = None,
) -> None:
    """Write what a caller does, in a transaction of its own.

    Raises
    ------
    fleet.errors.StoreError
        If the store does not take it.
    """
    entry = AuditEntry(ctx.clock.now(), caller.name, action, subject, reason, details)
    async with ctx.store.write() as tx:
        await audit.add(tx.session, entry)
