"""The fleet at one moment, as planner and responder see it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from missions.sortie import Sortie
from missions.tracks import Metres


class Doing(StrEnum):
    """What a drone does."""

    DOCKED = "docked"
    """In a dock, charging where it is not full."""
    LEAVING = "leaving"
    """Told to fly, and not yet in the air."""
    PATROL = "patrol"
    TASK = "task"
    """An order's survey, corridor, orbit, route or search."""
    STARE = "stare"
    RESPONSE = "response"
    """On its way to a call, or over it."""
    FERRY = "ferry"
    RETURNING = "returning"
    OUT = "out"
    """Cannot be told to fly: a fault, a pilot's hand, a place that is not known."""


@dataclass(frozen=True, slots=True)
class DroneNow:
    """One drone at one moment.

    Parameters
    ----------
    id
        The drone.
    dock
        The dock it stands in, or will land at.
    doing
        What it does.
    battery_percent
        Of its battery, now.
    place
        East and north in the city's frame, metres; in a dock that dock's place.
    altitude_m
        Above its dock; 0 in it.
    priority
        Of the order or call that it flies for; higher goes first.
    sortie
        What it flies, where it flies by a plan.
    left
        Cells of its sortie that it has still to see, in order.
    ends_in_s
        Until it is back in a dock, seconds; 0 in it.
    reason
        Why it cannot fly, in words for an operator; empty where it can.
    temperature_c
        Of its battery when it took off, or now in its dock; None: not known, and taken for warm.
    aloft
        It is in the air, though it may be ``OUT``: it counts where only so many may fly.
    """

    id: str
    dock: str
    doing: Doing
    battery_percent: float
    place: Metres
    altitude_m: float = 0.0
    priority: int = 0
    sortie: Sortie | None = None
    left: tuple[str, ...] = ()
    ends_in_s: float = 0.0
    reason: str = ""
    temperature_c: float | None = None
    aloft: bool = False

    @property
    def takes_room(self) -> bool:
        """Whether it is one of those that may be in the air at once."""
        return self.in_air or self.aloft or self.doing is Doing.LEAVING

    @property
    def in_air(self) -> bool:
        """Whether it flies, and can be told to."""
        return self.doing not in (Doing.DOCKED, Doing.LEAVING, Doing.OUT)
