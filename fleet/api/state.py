"""``/api/v1/state`` and ``/me``: the live picture at once, and who asks."""

from __future__ import annotations

from datetime import datetime
from typing import cast
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from fleet.api.auth import Anyone, Viewer
from fleet.api.context import Context, Ctx
from fleet.model.call import Call
from fleet.model.incident import Incident
from fleet.model.live import DockLive, DroneLive, SiteLive
from fleet.model.order import Order

INCIDENTS_SHOWN = 200

router = APIRouter(prefix="/api/v1", tags=["live"])


class State(BaseModel):
    """Everything that is known right now."""

    at: datetime
    drones: list[DroneLive]
    docks: list[DockLive]
    sites: list[SiteLive]
    incidents: list[Incident]
    orders: list[Order]
    calls: list[Call]


class Me(BaseModel):
    """The bearer of the token."""

    id: UUID
    name: str
    role: str


async def snapshot(ctx: Context) -> State:
    """Return the live picture with the newest incidents."""
    return State(
        at=ctx.clock.now(),
        drones=cast(list[DroneLive], list(ctx.hub.all("drone").values())),
        docks=cast(list[DockLive], list(ctx.hub.all("dock").values())),
        sites=cast(list[SiteLive], list(ctx.hub.all("site").values())),
        incidents=await ctx.desk.latest(INCIDENTS_SHOWN),
        orders=list(ctx.flight.orders()),
        calls=ctx.flight.calls.all(),
    )


@router.get("/state")
async def state(ctx: Ctx, _caller: Viewer) -> State:
    """Return the live picture."""
    return await snapshot(ctx)


@router.get("/me")
async def me(caller: Anyone) -> Me:
    """Return the id, name and role of the token."""
    return Me(id=caller.token, name=caller.name, role=caller.role.value)
