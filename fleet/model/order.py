"""A patrol order: what aviation police ask to be flown."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator


class OrderRequest(BaseModel):
    """Body of ``POST /api/v1/missions``.

    ``patrol`` keeps the cells of the named beats visited, the longest unvisited first; ``stare``
    watches the named sites. Both go on until ``until``, a cancellation or a recall.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["patrol", "stare"]
    beats: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    priority: int = Field(default=0, ge=0, le=9, description="higher first")
    until: AwareDatetime | None = None
    note: str = Field(default="", max_length=500)

    @model_validator(mode="after")
    def _targets_fit_kind(self) -> OrderRequest:
        if self.kind == "patrol" and (not self.beats or self.sites):
            raise ValueError("a patrol order names beats (and no sites)")
        if self.kind == "stare" and (not self.sites or self.beats):
            raise ValueError("a stare order names sites (and no beats)")
        return self


class OrderStatus(StrEnum):
    """Where an order is."""

    ACTIVE = "active"
    CANCELLED = "cancelled"
    ENDED = "ended"


class Order(BaseModel):
    """An order as it is kept."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    request: OrderRequest
    status: OrderStatus
    created_at: datetime
    created_by: str
    reason: str = ""
    """Why it ended; while it is active, why some of it is not flown now (the live picture alone)."""
