"""``/api/v1/plan`` and ``/cells``: who has flown, flies and is to fly what; how long what is unseen."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import cast

from fastapi import APIRouter
from pydantic import BaseModel

from fleet.api.auth import Viewer
from fleet.api.context import Ctx
from fleet.model.plan import CellSeen, DronePlan, PlanItem

router = APIRouter(prefix="/api/v1", tags=["live"])


class WholePlan(BaseModel):
    """What every drone has flown in the last hours, flies, and is to fly; charging with it."""

    at: datetime
    made_at: datetime | None
    items: list[PlanItem]


class CellAge(BaseModel):
    """How long a cell has not been seen, and how often it is owed a visit, seconds."""

    id: str
    seen_at: datetime | None
    owed_s: float | None
    age_s: float | None


class Cells(BaseModel):
    """Cells at one moment."""

    at: datetime
    cells: list[CellAge]


@router.get("/plan")
async def plan(ctx: Ctx, _caller: Viewer) -> WholePlan:
    """Return the plan, drone by drone, each in the order of time."""
    rows = cast(list[DronePlan], list(ctx.hub.all("plan").values()))
    made = [row.made_at for row in rows if row.made_at is not None]
    items = [item for row in rows for item in row.items]
    return WholePlan(at=ctx.clock.now(), made_at=max(made, default=None), items=items)


@router.get("/cells")
async def cells(ctx: Ctx, _caller: Viewer) -> Cells:
    """Return every cell of the city."""
    return ages(cast(Iterable[CellSeen], ctx.hub.all("cell").values()), ctx.clock.now())


def ages(seen: Iterable[CellSeen], now: datetime) -> Cells:
    """Return cells with their ages at a moment."""
    return Cells(at=now, cells=[_age(cell, now) for cell in seen])


def _age(cell: CellSeen, now: datetime) -> CellAge:
    age = None if cell.seen_at is None else max(0.0, (now - cell.seen_at).total_seconds())
    return CellAge(id=cell.id, seen_at=cell.seen_at, owed_s=cell.owed_s, age_s=age)
