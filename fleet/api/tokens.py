"""``/api/v1/tokens``: who may speak to the controller."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from fleet.api.auth import Admin, Role
from fleet.api.context import Ctx
from fleet.errors import NotFound
from fleet.store import audit, tokens
from fleet.store.audit import AuditEntry

router = APIRouter(prefix="/api/v1/tokens", tags=["tokens"])


class TokenRequest(BaseModel):
    """Whom a token is for, and what it permits."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    role: Role


class NewToken(BaseModel):
    """A token; it is shown this once."""

    id: UUID
    token: str


class TokenInfo(BaseModel):
    """A token without its secret."""

    id: UUID
    name: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None


@router.get("")
async def every(ctx: Ctx, _caller: Admin) -> list[TokenInfo]:
    """Return all tokens ever made, without their secrets."""
    async with ctx.store.read() as session:
        records = await tokens.every(session)
    return [
        TokenInfo(
            id=r.id,
            name=r.name,
            role=Role(r.role),
            created_at=r.created_at,
            revoked_at=r.revoked_at,
        )
        for r in records
    ]


@router.post("", status_code=201)
async def create(body: TokenRequest, ctx: Ctx, caller: Admin) -> NewToken:
    """Make a token."""
    now = ctx.clock.now()
    async with ctx.store.write() as tx:
        record, token = await tokens.create(tx.session, body.name, body.role.value, now)
        subject = f"token:{record.id}"
        details = {"name": body.name, "role": body.role.value}
        await audit.add(
            tx.session, AuditEntry(now, caller.name, "token.create", subject, details=details)
        )
    return NewToken(id=record.id, token=token)


@router.delete("/{token_id}", status_code=204, response_class=Response)
async def revoke(token_id: UUID, ctx: Ctx, caller: Admin) -> Response:
    """Put a token out of force at once."""
    now = ctx.clock.now()
    async with ctx.store.write() as tx:
        if not await tokens.revoke(tx.session, token_id, now):
            raise NotFound(f"no token {token_id}")
        entry = AuditEntry(now, caller.name, "token.revoke", f"token:{token_id}")
        await audit.add(tx.session, entry)
    return Response(status_code=204)
