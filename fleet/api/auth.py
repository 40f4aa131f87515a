"""Who calls, and what that role permits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from fleet.api.context import Context, Ctx
from fleet.errors import StoreError
from fleet.flight.holder import pilot
from fleet.store import tokens

_bearer = HTTPBearer(auto_error=False, description="a token from `skybeat tokens new`")
LOOK_S = 0.1
"""A word of safety waits so long for the store to say whether the token is good."""
CHECK_S = 3.0
"""And any other."""


class Role(StrEnum):
    """What a token's bearer may do: each of the first four may also do what those before it may."""

    VIEWER = "viewer"
    OFFICER = "officer"
    PILOT = "pilot"
    ADMIN = "admin"
    WORKER = "worker"
    """Posts detections; sees nothing of the city but what it is to watch."""

    def permits(self, needed: Role) -> bool:
        """Return whether a bearer of this role may do what ``needed`` may."""
        if Role.WORKER in (self, needed):
            return self is needed or self is Role.ADMIN
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Principal:
    """The bearer of a token."""

    name: str
    role: Role
    token: UUID
    unchecked: bool = False
    """The store has not said that the token is still good, but lately was asked and did."""

    @property
    def pilot(self) -> str:
        """What the bearer is known by as a pilot."""
        return pilot(self.name, self.token)

    @property
    def may_act(self) -> bool:
        """Whether this is a person whose presence counts: an officer or above."""
        return self.role.permits(Role.OFFICER)


Given = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def caller(ctx: Ctx, given: Given) -> Principal:
    """Return the bearer of the request's token, or answer 401."""
    token = _token(given)
    return _principal(ctx, await _find(ctx, token))


async def caller_in_need(ctx: Ctx, given: Given) -> Principal:
    """Return the bearer; where the store does not answer, one whom it lately knew, ``unchecked``."""
    token = _token(given)
    finding = asyncio.create_task(_find(ctx, token))
    known = ctx.tokens.get(token, ctx.clock.monotonic())
    try:
        await asyncio.wait({finding}, timeout=None if known is None else LOOK_S)
        if finding.done():
            return _principal(ctx, finding.result())
    except StoreError:
        if known is None:
            raise
    finally:
        finding.cancel()
    return replace(_principal(ctx, known), unchecked=True)


async def checked(ctx: Context, given: Given) -> Principal:
    """Return the bearer of a token, once the store has said that it is good.

    Raises
    ------
    StoreError
        If it has not within ``CHECK_S``.
    """
    try:
        async with asyncio.timeout(CHECK_S):
            return await caller(ctx, given)
    except TimeoutError:
        raise StoreError("the database does not say whether the token is still good") from None


async def _find(ctx: Context, token: str) -> tokens.TokenRecord | None:
    async with ctx.store.read() as session:
        record = await tokens.find(session, token)
    ctx.tokens.note(token, record, ctx.clock.monotonic())
    return record


def _token(given: HTTPAuthorizationCredentials | None) -> str:
    if given is None:
        raise _unauthorized("a bearer token is needed")
    return given.credentials


def _principal(ctx: Context, record: tokens.TokenRecord | None) -> Principal:
    if record is None:
        raise _unauthorized("the token is unknown or revoked")
    principal = Principal(record.name, Role(record.role), record.id)
    if principal.may_act:
        ctx.hub.presence.heard()
    return principal


def _unauthorized(words: str) -> HTTPException:
    return HTTPException(401, words, headers={"WWW-Authenticate": "Bearer"})


def _at_least(needed: Role) -> Callable[[Principal], Awaitable[Principal]]:
    async def check(principal: Annotated[Principal, Depends(caller)]) -> Principal:
        return _allowed(principal, needed)

    return check


async def _pilot_in_need(principal: Annotated[Principal, Depends(caller_in_need)]) -> Principal:
    return _allowed(principal, Role.PILOT)


def _allowed(principal: Principal, needed: Role) -> Principal:
    if not principal.role.permits(needed):
        raise HTTPException(
            403, f"role {principal.role.value!r} may not do this; {needed.value!r} is needed"
        )
    return principal


Anyone = Annotated[Principal, Depends(caller)]
Viewer = Annotated[Principal, Depends(_at_least(Role.VIEWER))]
Officer = Annotated[Principal, Depends(_at_least(Role.OFFICER))]
Pilot = Annotated[Principal, Depends(_at_least(Role.PILOT))]
PilotInNeed = Annotated[Principal, Depends(_pilot_in_need)]
Admin = Annotated[Principal, Depends(_at_least(Role.ADMIN))]
Worker = Annotated[Principal, Depends(_at_least(Role.WORKER))]
