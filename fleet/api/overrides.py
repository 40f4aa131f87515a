"""``/api/v1/drones/{id}/overrides``: a pilot lets soft checks be overlooked at the next take-off."""

from __future__ import annotations

from datetime import datetime, timedelta

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from fleet.api.audit import note
from fleet.api.auth import Pilot
from fleet.api.context import Ctx
from fleet.api.drones import known
from fleet.errors import Conflict
from fleet.flight.checks import SOFT
from fleet.flight.overrides import VALID_S

REASON_MIN = 10

router = APIRouter(prefix="/api/v1/drones", tags=["drones"])


class OverrideRequest(BaseModel):
    """Which soft checks are to be overlooked, and why."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    checks: list[str] = Field(min_length=1, max_length=32, description="names of soft checks")
    reason: str = Field(
        min_length=REASON_MIN, max_length=500, description="why, in the pilot's own words"
    )


class Override(BaseModel):
    """What is overlooked, and until when; one take-off ends it."""

    drone: str
    checks: list[str]
    until: datetime


@router.post("/{drone_id}/overrides", status_code=201)
async def override(drone_id: str, body: OverrideRequest, ctx: Ctx, caller: Pilot) -> Override:
    """Let soft checks be overlooked at the drone's next take-off, within ten minutes.

    Hard checks cannot be overridden. It is in the audit before it holds.
    """
    known(ctx, drone_id)
    unknown = sorted(set(body.checks) - set(SOFT))
    if unknown:
        raise HTTPException(
            422, f"no soft check {', '.join(unknown)}; soft checks are {', '.join(sorted(SOFT))}"
        )
    holder = ctx.pilots.holder(drone_id)
    if holder is not None and holder.who != caller.pilot:
        raise Conflict(f"{holder} has control of {drone_id}")
    now = ctx.clock.now()
    checks = sorted(set(body.checks))
    await note(ctx, caller, "drone.override", f"drone:{drone_id}", body.reason, {"checks": checks})
    ctx.flight.overrides.grant(drone_id, frozenset(checks), ctx.clock.monotonic())
    return Override(drone=drone_id, checks=checks, until=now + timedelta(seconds=VALID_S))
