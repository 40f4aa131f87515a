"""A sortie in the making: its legs, and what they take."""

from __future__ import annotations

from dataclasses import dataclass

from missions.energy import Cost, Point
from missions.sortie import Aim, LegKind, LookAt


@dataclass(frozen=True, slots=True)
class DraftLeg:
    """A leg in the making, metres in the city's frame."""

    kind: LegKind
    points: tuple[Point, ...]
    cell: str | None = None
    site: str | None = None
    look_at: LookAt | None = None
    aim: Aim | None = None
    speed_m_s: float | None = None
    """None: the drone's cruise speed."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A sortie as far as it is built: legs from the pad to ``here``, and what they take."""

    legs: tuple[DraftLeg, ...]
    cost: Cost
    said: tuple[str, ...] = ()
    """What its tasks see and leave out, for an operator."""

    @property
    def here(self) -> Point:
        """Where the last leg ends."""
        return self.legs[-1].points[-1]

    @property
    def path(self) -> list[tuple[float, float, float]]:
        """Every waypoint as (east, north, altitude)."""
        return [(p.east, p.north, p.altitude_m) for leg in self.legs for p in leg.points]
