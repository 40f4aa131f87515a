"""``/api/v1/calls``: somewhere that a drone is wanted at once, and who was sent there."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from fleet.api.audit import note
from fleet.api.auth import Officer, Viewer
from fleet.api.context import Context, Ctx
from fleet.errors import NotFound
from fleet.model.call import MOST_DRONES, Call, CallRequest
from fleet.model.words import Words
from fleet.store import calls

router = APIRouter(prefix="/api/v1/calls", tags=["calls"])


class More(BaseModel):
    """How many drones more are wanted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    drones: int = Field(default=1, ge=1, le=MOST_DRONES - 1)


class Close(BaseModel):
    """Why a call is over."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Words = Field(default="closed", min_length=1, max_length=500)
    cancelled: bool = Field(default=False, description="there was nothing to answer")


@router.post("", status_code=201, responses={200: {"description": "the call was known already"}})
async def take(body: CallRequest, ctx: Ctx, caller: Officer, response: Response) -> Call:
    """Send a drone: the one that is overhead first.

    Answers who comes and when, or why nobody can. The same `id` again is the same call.
    """
    lon, lat = _where(body, ctx)
    call = Call(
        id=body.id or str(uuid4()),
        lon=lon,
        lat=lat,
        received_at=ctx.clock.now(),
        received_by=caller.name,
        **body.model_dump(exclude={"id", "lon", "lat", "place"}),
    )
    known = await ctx.flight.calls.find(call.id)
    taken = await ctx.flight.calls.take(call)
    if known is not None:
        response.status_code = 200
        return taken
    details = body.model_dump(mode="json", exclude={"note"}, exclude_none=True)
    await note(ctx, caller, "call.take", f"call:{call.id}", body.note, details)
    return taken


@router.get("")
async def every(
    ctx: Ctx, _caller: Viewer, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> list[Call]:
    """Return the newest calls, newest first."""
    async with ctx.store.read() as session:
        found = await calls.latest(session, limit)
    now = {call.id: call for call in ctx.flight.calls.all()}  # may be ahead of the store
    return [now.get(call.id, call) for call in found]


@router.get("/{call_id}")
async def one(call_id: str, ctx: Ctx, _caller: Viewer) -> Call:
    """Return one call."""
    found = await ctx.flight.calls.find(call_id)
    if found is None:
        raise NotFound(f"no call {call_id!r}")
    return found


@router.post("/{call_id}/more")
async def more(call_id: str, body: More, ctx: Ctx, caller: Officer) -> Call:
    """Send a second and a third drone."""
    changed = await ctx.flight.calls.more(call_id, body.drones)
    await note(ctx, caller, "call.more", f"call:{call_id}", "", {"drones": body.drones})
    return changed


@router.post("/{call_id}/close")
async def close(call_id: str, body: Close, ctx: Ctx, caller: Officer) -> Call:
    """End a call: its drones go on with what they left for it, or come home."""
    ended = await ctx.flight.calls.close(call_id, body.reason, cancelled=body.cancelled)
    await note(ctx, caller, "call.close", f"call:{call_id}", body.reason)
    return ended


def _where(body: CallRequest, ctx: Context) -> tuple[float, float]:
    """Return the place of a call, (lon, lat)."""
    if body.lon is not None and body.lat is not None:
        check_place(ctx, body.lon, body.lat)
        return body.lon, body.lat
    places = {dock.id: dock.position for dock in ctx.city.docks}
    places |= {site.id: site.position for site in ctx.city.sites}
    if body.place not in places:
        raise HTTPException(422, f"place: no {body.place!r}; places are {', '.join(places)}")
    return places[body.place]


def check_place(ctx: Context, lon: float, lat: float) -> None:
    """Refuse a place that no drone may come near to, with 422."""
    why = ctx.flight.calls.out_of_bounds(lon, lat)
    if why is not None:
        raise HTTPException(422, f"lon, lat: {why}")
