"""Repository of bearer tokens; only their hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from fleet.store.tables import TokenRow

PREFIX = "sky_"
"""Tokens begin with this, so that a scanner finds one that leaked."""


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A token without its secret."""

    id: UUID
    name: str
    role: str
    created_at: datetime
    revoked_at: datetime | None


def digest(token: str) -> str:
    """Return the hash a token is found by.

    A plain SHA-256 is enough: a token is 256 random bits, so there is nothing to guess at.
    """
    return hashlib.sha256(token.encode()).hexdigest()


async def create(
    session: AsyncSession, name: str, role: str, at: datetime
) -> tuple[TokenRecord, str]:
    """Make a token; the secret is returned this once and kept nowhere."""
    token = PREFIX + secrets.token_urlsafe(32)
    row = TokenRow(
        id=uuid4(), name=name, role=role, sha256=digest(token), created_at=at, revoked_at=None
    )
    session.add(row)
    await session.flush()
    return _record(row), token


async def find(session: AsyncSession, token: str) -> TokenRecord | None:
    """Return the record of a token that is in force, or None."""
    query = select(TokenRow).where(TokenRow.sha256 == digest(token), TokenRow.revoked_at.is_(None))
    row = (await session.scalars(query)).first()
    return None if row is None else _record(row)


async def in_force(session: AsyncSession, token_id: UUID) -> bool:
    """Return whether a token is there and not revoked."""
    row = await session.get(TokenRow, token_id)
    return row is not None and row.revoked_at is None


async def revoke(session: AsyncSession, token_id: UUID, at: datetime) -> bool:
    """Put a token out of force; return whether there is such a token."""
    row = await session.get(TokenRow, token_id)
    if row is None:
        return False
    if row.revoked_at is None:
        row.revoked_at = at
    return True


async def every(session: AsyncSession) -> list[TokenRecord]:
    """Return all tokens ever made, oldest first."""
    rows = await session.scalars(select(TokenRow).order_by(TokenRow.created_at, TokenRow.id))
    return [_record(row) for row in rows]


async def count(session: AsyncSession, role: str) -> int:
    """Return how many tokens of a role were ever made."""
    query = select(func.count()).select_from(TokenRow).where(TokenRow.role == role)
    return await session.scalar(query) or 0


def _record(row: TokenRow) -> TokenRecord:
    return TokenRecord(row.id, row.name, row.role, row.created_at, row.revoked_at)
