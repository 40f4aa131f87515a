"""Standing patrol policy as it is kept: version by version, and the flags that its rules ask for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

CITY_FILE = "city file"


class PolicyRecord(BaseModel):
    """One version. Version 0 is what the city file says, until somebody puts another."""

    model_config = ConfigDict(frozen=True)

    version: int = Field(ge=0)
    at: datetime | None = Field(default=None, description="when it was put; version 0 never was")
    by: str = CITY_FILE
    reason: str = ""
    body: dict[str, Any] = Field(description="missions.policy.Policy")


class Flag(BaseModel):
    """A flag that rules ask for, e.g. flood_warning."""

    model_config = ConfigDict(frozen=True)

    name: str
    on: bool = False
    until: datetime | None = Field(default=None, description="it is off from then on")
    reason: str = ""
    at: datetime | None = Field(default=None, description="when it was last set")
    by: str = ""

    def holds(self, at: datetime) -> bool:
        """Whether it is on at a time."""
        return self.on and (self.until is None or at < self.until)
