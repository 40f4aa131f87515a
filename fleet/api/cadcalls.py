"""``/api/v1/cad/{id}/calls``: a CAD's calls, signed as Standard Webhooks.

A word may come twice, late, or after a later one: it is taken once, and what is older than what is
known changes nothing. A call that was closed before it was told of stays closed.
"""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, ValidationError

from fleet.api.calls import check_place
from fleet.api.context import Context, Ctx
from fleet.api.errors import in_words
from fleet.cad.heard import LONGEST, CadWord, parsed, verified
from fleet.errors import CadError
from fleet.model.call import Call, CallStatus
from fleet.store import audit, calls
from fleet.store.audit import AuditEntry

router = APIRouter(prefix="/api/v1/cad", tags=["calls"])


class Taken(BaseModel):
    """The acknowledgement: the webhook-id, and the call as it is now."""

    id: str
    call: Call


@router.post("/{cad_id}/calls")
async def hear(cad_id: str, request: Request, ctx: Ctx) -> Taken:
    """Take a word of a CAD: `call.created`, `call.updated` or `call.closed`.

    No token: the signature (`webhook-id`, `webhook-timestamp`, `webhook-signature`) says who asks.
    """
    key = ctx.cad_keys.get(cad_id)
    if key is None:
        raise HTTPException(404, f"no CAD {cad_id!r} that tells of calls")
    body = await _body(request)
    try:
        webhook_id = verified(key, body, request.headers)
    except CadError as error:
        raise HTTPException(401, str(error)) from None
    try:
        word = parsed(body)
    except ValidationError as error:
        raise HTTPException(422, in_words(error.errors())) from None
    except ValueError as error:
        raise HTTPException(422, f"the body is no JSON: {error}") from None
    call_id = f"{cad_id}:{word.data.id}"
    async with ctx.store.read() as session:
        before = await calls.is_heard(session, cad_id, webhook_id)
    known = await ctx.flight.calls.find(call_id)
    if not (before and known):
        known = await _take(ctx, cad_id, call_id, word, known)
        now = ctx.clock.now()
        async with ctx.store.write() as tx:
            if not before:
                await calls.hear(tx.session, cad_id, webhook_id, now)
            details = word.model_dump(mode="json")
            entry = AuditEntry(now, f"cad:{cad_id}", word.type, f"call:{call_id}", "", details)
            await audit.add(tx.session, entry)
    return Taken(id=webhook_id, call=known)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST:
            raise HTTPException(413, f"the body is longer than {LONGEST} bytes")
    return bytes(body)


async def _take(ctx: Context, cad_id: str, call_id: str, word: CadWord, known: Call | None) -> Call:
    desk, data = ctx.flight.calls, word.data
    if known is None:
        return await desk.take(_call(ctx, cad_id, call_id, word))
    if not known.open or (known.told_at is not None and word.timestamp < known.told_at):
        return known
    if word.type == "call.closed":
        return await desk.close(call_id, data.note or "closed by the CAD")
    if (known.lon, known.lat) != (data.lon, data.lat):
        raise HTTPException(422, "data.lon, data.lat: a call does not move; close it, open another")
    changes = data.model_dump(exclude={"id", "lon", "lat"})
    if all(getattr(known, name) == value for name, value in changes.items()):
        return known
    return await desk.change(call_id, **changes, told_at=word.timestamp)


def _call(ctx: Context, cad_id: str, call_id: str, word: CadWord) -> Call:
    closed = word.type == "call.closed"
    if not closed:
        check_place(ctx, word.data.lon, word.data.lat)
    now = ctx.clock.now()
    return Call(
        **word.data.model_dump(exclude={"id"}),
        id=call_id,
        source="cad",
        received_at=now,
        received_by=f"cad:{cad_id}",
        told_at=word.timestamp,
        status=CallStatus.CANCELLED if closed else CallStatus.RECEIVED,
        reason="closed by the CAD before it was told of" if closed else "",
        ended_at=now if closed else None,
    )
