"""What is kept of a flight."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    """What kind of thing happened."""

    STATE = "state"
    COMMAND = "command"
    ANSWER = "answer"
    TEXT = "text"
    """The autopilot's STATUSTEXT."""
    SAFETY = "safety"
    """A row of the failsafe matrix spoke, or fell silent."""
    LINK = "link"
    DOCK = "dock"


@dataclass(frozen=True, slots=True)
class FlightEvent:
    """One thing that happened to a drone, in words, with what a machine may want to know."""

    drone: str
    at: datetime
    kind: EventKind
    text: str
    details: dict[str, Any] = field(default_factory=dict)
    flight: str | None = None


@dataclass(frozen=True, slots=True)
class FlightRecord:
    """One time in the air, from lift-off to touch-down.

    ``id`` is the sortie's where there is one. Seconds, metres, percent of the battery.
    """

    id: str
    drone: str
    dock: str
    """Where it took off."""
    sortie: str | None
    took_off_at: datetime
    landed_at: datetime | None = None
    landed_dock: str | None = None
    distance_m: float = 0.0
    highest_m: float = 0.0
    battery_start_percent: float | None = None
    battery_end_percent: float | None = None
    tlog: str | None = None
    """Name of the recording below the data folder."""
