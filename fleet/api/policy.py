"""``/api/v1/policy``: standing patrol policy, its flags, and what each cell is owed."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from fleet.api.auth import Pilot, Viewer
from fleet.api.context import Ctx
from fleet.api.when import InUtc
from fleet.flight.standing import as_body, in_words
from fleet.model.standing import Flag, PolicyRecord
from fleet.model.words import Words
from missions.cells import city_cells
from missions.policy import Policy

router = APIRouter(prefix="/api/v1/policy", tags=["policy"])


def _within_reason(at: datetime) -> datetime:
    """Refuse years far off: the first day that there is has none before it."""
    if not EARLIEST <= at.year <= LATEST:
        raise ValueError(f"{at.isoformat()} is not in the years {EARLIEST} to {LATEST}")
    return at


EARLIEST, LATEST = 1970, 2200
Moment = Annotated[InUtc, AfterValidator(_within_reason)]
Reason = Annotated[Words, Field(min_length=10, max_length=500)]


class PolicyOut(BaseModel):
    """The policy in force."""

    version: int = Field(description="of the newest that was put; 0: the city file's")
    at: datetime | None
    by: str
    reason: str
    trouble: str = Field(description="why the city file's is in force instead; empty: it is not")
    policy: dict[str, Any]
    flags: list[Flag]


class PolicyIn(BaseModel):
    """A policy to put in force, and why."""

    model_config = ConfigDict(extra="forbid")

    policy: Policy
    reason: Reason
    version: int | None = Field(
        default=None, ge=0, description="the version that was changed; 409 where there is a newer"
    )


class FlagIn(BaseModel):
    """A flag to set or to clear, and why."""

    model_config = ConfigDict(extra="forbid")

    on: bool
    reason: Reason
    until: InUtc | None = Field(default=None, description="it is off from then on")

    @model_validator(mode="after")
    def _only_what_is_on_ends(self) -> FlagIn:
        if self.until is not None and not self.on:
            raise ValueError("until is only for a flag that is on")
        return self


class CellOwed(BaseModel):
    """How often a cell is owed a visit, and the rule that says so; null: its beat does."""

    id: str
    owed_s: float | None
    rule: str | None


class Owed(BaseModel):
    """What policy asks at a time, with the flags that are on then."""

    at: datetime
    version: int
    flags: list[str]
    ceiling: int = Field(description="drones that may be in the air on patrol")
    reserve: int = Field(description="charged drones that stay ready in their docks")
    cells: list[CellOwed]


@router.get("")
async def current(ctx: Ctx, _caller: Viewer) -> PolicyOut:
    """Return the policy in force and its flags."""
    return _out(ctx)


@router.get("/versions/{number}")
async def version(number: int, ctx: Ctx, _caller: Viewer) -> PolicyRecord:
    """Return a version that was put; 0 is the city file's."""
    return await ctx.flight.standing.version(number)


@router.put("")
async def put(body: PolicyIn, ctx: Ctx, caller: Pilot) -> PolicyOut:
    """Put a policy in force. It is stored, and in the audit, before it counts."""
    standing = ctx.flight.standing
    wrong = standing.faults(body.policy)
    if wrong:
        raise HTTPException(422, "; ".join(in_words(wrong)))
    await standing.put(body.policy, body.reason, caller.name, body.version)
    return _out(ctx)


@router.put("/flags/{flag}")
async def set_flag(flag: str, body: FlagIn, ctx: Ctx, caller: Pilot) -> Flag:
    """Set or clear a flag that rules ask for."""
    now = ctx.clock.now()
    if body.until is not None and body.until <= now:
        said = f"until: {body.until.isoformat()} is not after now, {now.isoformat()}"
        raise HTTPException(422, said)
    return await ctx.flight.standing.set_flag(
        flag, on=body.on, until=body.until, reason=body.reason, actor=caller.name
    )


@router.get("/owed")
async def owed(
    ctx: Ctx,
    _caller: Viewer,
    at: Annotated[Moment | None, Query(description="now where it is left out")] = None,
) -> Owed:
    """Return how often each cell is owed a visit at a time."""
    standing = ctx.flight.standing
    when = at or ctx.clock.now()
    flags, demand = standing.set_flags(when), standing.demand
    seconds, rules = demand.owed_s(when, flags), demand.owed_by(when, flags)
    return Owed(
        at=when,
        version=standing.record.version,
        flags=sorted(flags),
        ceiling=demand.ceiling(when),
        reserve=demand.reserve(when),
        cells=[
            CellOwed(id=c.id, owed_s=s if math.isfinite(s) else None, rule=r or None)
            for c, s, r in zip(city_cells(ctx.city), seconds.tolist(), rules, strict=True)
        ],
    )


def _out(ctx: Ctx) -> PolicyOut:
    standing = ctx.flight.standing
    record = standing.record
    return PolicyOut(
        version=record.version,
        at=record.at,
        by=record.by,
        reason=record.reason,
        trouble=standing.trouble,
        policy=as_body(standing.policy),
        flags=standing.flags(),
    )
