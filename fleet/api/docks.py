"""``/api/v1/docks``: a person has looked at a dock that was found not to be what it says."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from fleet.api.audit import note
from fleet.api.auth import Pilot
from fleet.api.context import Ctx
from fleet.errors import NotFound

router = APIRouter(prefix="/api/v1/docks", tags=["docks"])


class Belief(BaseModel):
    """Why the dock is to be used again."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: str = Field(min_length=10, max_length=500, description="what was seen at the dock")


@router.post("/{dock_id}/believe", status_code=204, response_class=Response)
async def believe(dock_id: str, body: Belief, ctx: Ctx, caller: Pilot) -> Response:
    """Believe a dock again. It is in the audit before it holds."""
    if dock_id not in {dock.id for dock in ctx.city.docks}:
        raise NotFound(f"no dock {dock_id!r}")
    await note(ctx, caller, "dock.believe", f"dock:{dock_id}", body.reason)
    ctx.flight.believe_dock(dock_id, caller.name)
    return Response(status_code=204)
