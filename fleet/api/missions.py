"""``/api/v1/missions`` and ``/recall``: what is to be flown, and the end of it."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field

from fleet.api.audit import note
from fleet.api.auth import Pilot, Viewer
from fleet.api.context import Context, Ctx
from fleet.errors import NotFound
from fleet.model.order import Order, OrderDetail, OrderRequest, Taken
from fleet.model.words import Words
from fleet.store import orders

LISTED = 500
Changes = Annotated[
    dict[str, Any],
    Body(description="fields of an order and their new values", examples=[{"priority": 5}]),
]

router = APIRouter(prefix="/api/v1", tags=["missions"])


class Recall(BaseModel):
    """Why every drone is called home."""

    model_config = ConfigDict(extra="forbid")

    reason: Words = Field(min_length=1, max_length=500)


@router.post("/missions", status_code=201)
async def submit(order: OrderRequest, ctx: Ctx, caller: Pilot) -> Taken:
    """Take an order; the answer says who will fly it and when, or what it waits for."""
    return await ctx.flight.desk.submit(order, caller.name)


@router.get("/missions")
async def every(ctx: Ctx, _caller: Viewer) -> list[Order]:
    """Return the newest orders, newest first."""
    async with ctx.store.read() as session:
        return [ctx.flight.desk.shown(order) for order in await orders.latest(session, LISTED)]


@router.get("/missions/{order_id}")
async def one(order_id: UUID, ctx: Ctx, _caller: Viewer) -> OrderDetail:
    """Return one order: what is to come of it, what became of what was, and its sorties."""
    return await ctx.flight.desk.detail(order_id)


@router.patch("/missions/{order_id}")
async def change(order_id: UUID, changes: Changes, ctx: Ctx, caller: Pilot) -> Taken:
    """Change some fields of an order; those that are left out stay.

    Sorties that have not left are planned anew. Drones in the air finish theirs, but come home
    where the geometry, the places, the altitude or the like have changed.
    """
    await _there(order_id, ctx)
    return await ctx.flight.desk.change(order_id, changes, caller.name)


@router.post("/missions/{order_id}/pause")
async def pause(order_id: UUID, ctx: Ctx, caller: Pilot) -> Order:
    """Fly nothing more of an order until it is resumed; its drones come home."""
    await _there(order_id, ctx)
    return await ctx.flight.desk.pause(order_id, caller.name)


@router.post("/missions/{order_id}/resume")
async def resume(order_id: UUID, ctx: Ctx, caller: Pilot) -> Order:
    """Fly an order again that was paused; what came due in between is missed."""
    await _there(order_id, ctx)
    return await ctx.flight.desk.resume(order_id, caller.name)


@router.delete("/missions/{order_id}")
async def cancel(order_id: UUID, ctx: Ctx, caller: Pilot) -> Order:
    """Cancel an order; its drones come home."""
    await _there(order_id, ctx)
    return await ctx.flight.desk.cancel(order_id, caller.name)


@router.post("/recall")
async def recall(body: Recall, ctx: Ctx, caller: Pilot) -> dict[str, str]:
    """End every order and call every drone home."""
    await ctx.flight.recall_all(body.reason, caller.name)
    await note(ctx, caller, "recall", "fleet", body.reason)
    return {"status": "recalled"}


async def _there(order_id: UUID, ctx: Context) -> None:
    """Refuse an order that there never was."""
    if await ctx.store.flights.order(order_id) is None:
        raise NotFound(f"no order {order_id}")
