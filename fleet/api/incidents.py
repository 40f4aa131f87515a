"""``/api/v1/incidents``: what happened, and an officer's word on it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from fleet.api.auth import Officer, Viewer
from fleet.api.context import Ctx
from fleet.model.incident import Incident

router = APIRouter(prefix="/api/v1/incidents", tags=["incidents"])


class Decision(BaseModel):
    """Why an officer decides so."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=500)


class Rejection(Decision):
    """Why, and of which picture: what has risen since is not rejected unseen."""

    image_sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="the incident's picture that was looked at; 409 where it has another by now",
    )


@router.get("")
async def latest(
    ctx: Ctx, _caller: Viewer, limit: Annotated[int, Query(ge=1, le=10_000)] = 1000
) -> list[Incident]:
    """Return the newest incidents, newest first."""
    return await ctx.desk.latest(limit)


@router.get("/{incident_id}")
async def one(incident_id: UUID, ctx: Ctx, _caller: Viewer) -> Incident:
    """Return one incident."""
    return await ctx.desk.get(incident_id)


@router.post("/{incident_id}/confirm")
async def confirm(incident_id: UUID, body: Decision, ctx: Ctx, caller: Officer) -> Incident:
    """Send an incident on to the CADs."""
    return await ctx.desk.confirm(incident_id, caller.name, body.reason)


@router.post("/{incident_id}/reject")
async def reject(incident_id: UUID, body: Rejection, ctx: Ctx, caller: Officer) -> Incident:
    """Put an incident aside."""
    return await ctx.desk.reject(incident_id, caller.name, body.reason, seen=body.image_sha256)
