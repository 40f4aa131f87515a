"""What the planner is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from missions.sortie import Sortie


@dataclass(frozen=True, slots=True)
class DroneOffer:
    """A drone that could fly.

    ``dock`` is the one it stands in, be it the one it lives in or another. ``reason`` says why it
    is not ready, in words for an operator. ``home`` is the dock to fly it home to when no order
    wants it: it is a guest where it stands.
    """

    id: str
    dock: str
    battery_percent: float
    ready: bool = True
    reason: str = ""
    home: str | None = None


@dataclass(frozen=True, slots=True)
class OrderWish:
    """What an order wants: beats to patrol, or sites to stare at."""

    id: str
    kind: Literal["patrol", "stare"]
    created: datetime
    beats: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something that an order wants is not flown now. ``target`` is a cell, site or beat."""

    order: str
    target: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Sorties to start now, and what is not flown and why."""

    sorties: tuple[Sortie, ...] = ()
    refusals: tuple[Refusal, ...] = ()
