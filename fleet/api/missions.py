"""``/api/v1/missions`` and ``/recall``: what is to be flown, and the end of it."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from fleet.api.audit import note
from fleet.api.auth import Pilot, Viewer
from fleet.api.context import Ctx
from fleet.errors import NotFound
from fleet.model.order import Order, OrderRequest
from fleet.store import orders

LISTED = 500

router = APIRouter(prefix="/api/v1", tags=["missions"])


class Recall(BaseModel):
    """Why every drone is called home."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)


@router.post("/missions", status_code=201)
async def submit(order: OrderRequest, ctx: Ctx, caller: Pilot) -> Order:
    """Take a patrol order."""
    _check_targets(order, ctx)
    taken = await ctx.flight.submit(order, caller.name)
    details = order.model_dump(mode="json", exclude={"note"})
    await note(ctx, caller, "order.submit", f"order:{taken.id}", order.note, details)
    return taken


@router.get("/missions")
async def every(ctx: Ctx, _caller: Viewer) -> list[Order]:
    """Return the newest orders, newest first."""
    async with ctx.store.read() as session:
        return await orders.latest(session, LISTED)


@router.get("/missions/{order_id}")
async def one(order_id: UUID, ctx: Ctx, _caller: Viewer) -> Order:
    """Return one order."""
    found = await ctx.store.flights.order(order_id)
    if found is None:
        raise NotFound(f"no order {order_id}")
    return found


@router.delete("/missions/{order_id}")
async def cancel(order_id: UUID, ctx: Ctx, caller: Pilot) -> Order:
    """Cancel an order; its drones come home."""
    await one(order_id, ctx, caller)
    await ctx.flight.cancel(order_id, caller.name)
    await note(ctx, caller, "order.cancel", f"order:{order_id}")
    return await one(order_id, ctx, caller)


@router.post("/recall")
async def recall(body: Recall, ctx: Ctx, caller: Pilot) -> dict[str, str]:
    """End every order and call every drone home."""
    await ctx.flight.recall_all(body.reason, caller.name)
    await note(ctx, caller, "recall", "fleet", body.reason)
    return {"status": "recalled"}


def _check_targets(order: OrderRequest, ctx: Ctx) -> None:
    beats = {beat.id for beat in ctx.city.beats}
    sites = {site.id for site in ctx.city.sites}
    for kind, named, known in (("beat", order.beats, beats), ("site", order.sites, sites)):
        unknown = sorted(set(named) - known)
        if unknown:
            there_are = ", ".join(sorted(known))
            raise HTTPException(422, f"no {kind} {', '.join(unknown)}; {kind}s are {there_are}")
