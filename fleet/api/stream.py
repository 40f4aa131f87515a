"""``/api/v1/stream``: the live picture and its changes as server-sent events.

A client that reads slowly loses intermediate states and never the last one: what it has not taken
yet is kept once a fact (see ``fleet.live``), and nothing more is written before it has taken that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, nullcontext
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from fleet.api.auth import Principal, Viewer
from fleet.api.context import Context, Ctx
from fleet.api.plan import ages
from fleet.api.state import snapshot
from fleet.live import Change
from fleet.model.plan import CellSeen
from fleet.store import tokens

COMMENT_EVERY_S = 3.0
PACE_S = 0.05
"""Pause after a run of events, in which changes of one fact become one event."""

RUN = 500
"""Events written at once at most."""

router = APIRouter(prefix="/api/v1", tags=["live"])


@router.get("/stream", response_class=StreamingResponse)
async def stream(ctx: Ctx, caller: Viewer) -> StreamingResponse:
    """Stream ``event: state`` first, then each change, and a comment every 3 s."""
    return StreamingResponse(
        _attended(ctx, caller),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _attended(ctx: Context, caller: Principal) -> AsyncIterator[str]:
    """Yield events; who may act is counted as present for as long."""
    presence = ctx.hub.presence.listening() if caller.may_act else nullcontext()
    with presence:
        async with aclosing(events(ctx, caller.token)) as run:
            async for text in run:
                yield text


async def events(ctx: Context, token: UUID) -> AsyncGenerator[str]:
    """Yield events until the client is gone, the controller stops, or the token is revoked.

    The server cancels this where the client is gone.
    """
    loop = asyncio.get_running_loop()
    stopping = asyncio.ensure_future(ctx.stopping.wait())
    with ctx.hub.subscribe() as subscription:
        news = aiter(subscription)
        upcoming = asyncio.ensure_future(anext(news))
        try:
            # subscribed before the snapshot is taken: nothing falls between
            yield _event("state", (await snapshot(ctx)).model_dump_json())
            comment_at = loop.time() + COMMENT_EVERY_S
            while not stopping.done():
                await asyncio.wait(
                    {upcoming, stopping},
                    timeout=max(0.0, comment_at - loop.time()),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                changes: list[Change] = []
                while upcoming.done() and len(changes) < RUN:
                    changes.append(upcoming.result())
                    upcoming = asyncio.ensure_future(anext(news))
                    await asyncio.sleep(0)  # lets it take what is there already
                run = list(_written(changes, ctx.clock.now()))
                if loop.time() >= comment_at:
                    if not await _in_force(ctx, token):
                        return
                    run.append(": still here\n\n")
                    comment_at = loop.time() + COMMENT_EVERY_S
                if run:
                    yield "".join(run)
                await asyncio.wait({stopping}, timeout=PACE_S)
        finally:
            stopping.cancel()
            upcoming.cancel()


async def _in_force(ctx: Context, token: UUID) -> bool:
    async with ctx.store.read() as session:
        return await tokens.in_force(session, token)


def _written(changes: Sequence[Change], now: datetime) -> Iterator[str]:
    """Yield an event a change; those of cells, of which many come at once, as one."""
    for change in changes:
        if change.topic != "cell":
            yield _event(change.topic, change.fact.model_dump_json())
    cells = [change.fact for change in changes if isinstance(change.fact, CellSeen)]
    if cells:
        yield _event("cells", ages(cells, now).model_dump_json())


def _event(name: str, data: str) -> str:
    """Return one event; the data is JSON in one line."""
    return f"event: {name}\ndata: {data}\n\n"
