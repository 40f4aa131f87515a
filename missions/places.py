"""Places that the city file knows by name: where calls cluster, key targets, buildings."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from missions.fields import Model, Position, Ring, Slug

ProfileName = Literal["streets", "market", "school", "commute", "leisure"]
"""How calls are spread over a day and a week: ``missions.profile``."""


class HotSpot(Model):
    """A place around which calls cluster, thinning out as a normal distribution does."""

    id: Slug
    name: str
    name_zh: str = ""
    position: Position
    radius_m: float = Field(
        gt=0, le=5000, description="standard deviation: 39 % of its calls lie nearer, 86 % in two"
    )
    calls_per_day: float = Field(gt=0, le=10_000, description="mean over a week")
    profile: ProfileName = Field(default="streets", description="when calls come")


class KeyTarget(Model):
    """A key target (重点目标): a place that standing policy may owe more visits."""

    id: Slug
    name: str
    name_zh: str = ""
    kind: Slug = Field(description="what policy calls it by, e.g. school, market, river")
    position: Position


class Building(Model):
    """A building that hides what is behind it, and that drones keep away from: a prism."""

    id: Slug
    ring: Ring
    height_m: float = Field(gt=0, le=1000, description="of its roof above ground")
