"""Who calls, and what that role permits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from fleet.api.context import Ctx
from fleet.store import tokens

_bearer = HTTPBearer(auto_error=False, description="a token from `skybeat tokens new`")


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

    @property
    def may_act(self) -> bool:
        """Whether this is a person whose presence counts: an officer or above."""
        return self.role.permits(Role.OFFICER)


async def caller(
    ctx: Ctx, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Principal:
    """Return the bearer of the request's token, or answer 401."""
    if given is None:
        raise _unauthorized("a bearer token is needed")
    async with ctx.store.read() as session:
        record = await tokens.find(session, given.credentials)
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
        if not principal.role.permits(needed):
            raise HTTPException(
                403, f"role {principal.role.value!r} may not do this; {needed.value!r} is needed"
            )
        return principal

    return check


Anyone = Annotated[Principal, Depends(caller)]
Viewer = Annotated[Principal, Depends(_at_least(Role.VIEWER))]
Officer = Annotated[Principal, Depends(_at_least(Role.OFFICER))]
Pilot = Annotated[Principal, Depends(_at_least(Role.PILOT))]
Admin = Annotated[Principal, Depends(_at_least(Role.ADMIN))]
Worker = Annotated[Principal, Depends(_at_least(Role.WORKER))]
