"""What is on disk about flights, so that a controller that died can adopt what is in the air."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fleet.model.states import DroneState
from missions.sortie import Sortie


@dataclass(frozen=True, slots=True)
class DroneRecord:
    """A drone's state as last decided; written before the command that follows from it goes out."""

    drone: str
    state: DroneState
    reason: str
    sortie: str | None
    at: datetime
    berth: str | None = None
    """Dock it stands in or is bound for; None where that is the one it lives in."""
    holder: str | None = None
    """Pilot who has control. Only read here: ``fleet.flight.control`` writes it, no step does."""
    held_since: datetime | None = None
    level_m: float | None = None
    """Height above home that it flies and comes home at; None where that is its sortie's."""


class SortieStatus(StrEnum):
    """Where a sortie is."""

    PLANNED = "planned"
    FLYING = "flying"
    COMPLETED = "completed"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True)
class SortieRecord:
    """A sortie and how far it is."""

    sortie: Sortie
    status: SortieStatus
    reason: str
    created_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FlownRecord:
    """A sortie that is over, as the plan shows it."""

    sortie: str
    drone: str
    dock: str
    order: str
    kind: str | None
    """What its order wanted; None where it was of none."""
    start: datetime
    end: datetime
    cells: tuple[str, ...]
    """Those that were seen on it, in order."""


@dataclass(frozen=True, slots=True)
class SortieBrief:
    """A sortie without its plan. ``order`` is as the sortie has it: with occurrence and part."""

    id: str
    order: str
    drone: str
    dock: str
    status: SortieStatus
    reason: str
    created_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TrackPoint:
    """One point of a drone's 1 Hz track."""

    drone: str
    at: datetime
    lon: float
    lat: float
    altitude_m: float
    battery_percent: float | None
    state: DroneState
