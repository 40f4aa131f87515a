"""What every drone has flown, flies and is to fly, and how long each cell has not been seen."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from fleet.model.live import Fact

PlanKind = Literal["patrol", "task", "stare", "ferry", "response", "charge"]
PlanState = Literal["flown", "flying", "planned"]


class PlanItem(Fact):
    """One thing that a drone does, from when to when; the end of what is under way is expected."""

    drone: str
    dock: str = Field(description="where it begins")
    order: str | None = Field(default=None, description="id of the order or call it is for")
    kind: PlanKind
    start: datetime
    end: datetime
    cells: tuple[str, ...] = Field(default=(), description="seen, or to be seen, in order")
    state: PlanState
    sortie: str | None = None


class DronePlan(Fact):
    """One drone's part of the plan, oldest first; what has changed is told a drone at a time."""

    drone: str
    at: datetime
    made_at: datetime | None = Field(default=None, description="when the planner last answered")
    items: tuple[PlanItem, ...] = ()


class CellSeen(Fact):
    """When a cell was last seen, and how often it is owed a visit now."""

    id: str
    seen_at: datetime | None = None
    owed_s: float | None = Field(default=None, description="seconds; null: none is owed now")
