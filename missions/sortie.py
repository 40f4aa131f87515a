"""The sortie: the one thing that planner, controller and map share.

A sortie is one flight of one drone from its dock and back. Its legs are flown in order; each leg
is a run of waypoints with, optionally, a point that the camera looks at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

FERRY = "ferry"
"""What a sortie has for its order that brings a drone home to its own dock from another."""


class LegKind(StrEnum):
    """What a leg is for."""

    TAKEOFF = "takeoff"
    TRANSIT = "transit"
    SURVEY = "survey"
    CORRIDOR = "corridor"
    STARE = "stare"
    ORBIT = "orbit"
    ROUTE = "route"
    SEARCH = "search"
    HOME = "home"


@dataclass(frozen=True, slots=True)
class LookAt:
    """A point the camera is kept on (a MAVLink region of interest).

    ``altitude_m`` is relative to the home (dock) altitude.
    """

    lon: float
    lat: float
    altitude_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Aim:
    """Where a camera looks that is kept on no point.

    ``pitch_deg`` is 0 at the horizon and -90 straight down; ``yaw_deg`` is from the nose,
    clockwise.
    """

    pitch_deg: float
    yaw_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class Waypoint:
    """A point to fly to. ``altitude_m`` is relative to home; ``hold_s`` is time spent there."""

    lon: float
    lat: float
    altitude_m: float
    hold_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Leg:
    """A run of waypoints with one purpose.

    ``cell`` or ``site`` names what the leg observes. The camera is kept on ``look_at``, or turned
    to ``aim``; where both are None it looks straight down (survey, corridor) or ahead (transit).
    """

    kind: LegKind
    waypoints: tuple[Waypoint, ...]
    speed_m_s: float
    look_at: LookAt | None = None
    cell: str | None = None
    site: str | None = None
    aim: Aim | None = None


@dataclass(frozen=True, slots=True)
class SortieEnergy:
    """What the sortie takes, by the drone's power model.

    ``reserve_wh`` is kept on top to come home; ``feasible`` is false where the battery at take-off
    does not hold ``needed_wh + reserve_wh``.
    """

    duration_s: float
    distance_m: float
    needed_wh: float
    reserve_wh: float
    available_wh: float

    @property
    def feasible(self) -> bool:
        """Whether the battery at take-off holds what the sortie needs and the reserve."""
        return self.needed_wh + self.reserve_wh <= self.available_wh


@dataclass(frozen=True, slots=True)
class Sortie:
    """One flight of one drone, from its dock and back to it, or on to another.

    The first leg is the TAKEOFF over the dock, the last is HOME: one waypoint over the dock that
    it ends at, at the sortie's altitude, where the drone holds until the dock is open and it is told to land.
    """

    id: str
    order: str
    drone: str
    dock: str
    home_lon: float
    home_lat: float
    altitude_m: float
    legs: tuple[Leg, ...]
    energy: SortieEnergy
    fence: tuple[tuple[float, float], ...] = field(default=())
    """Ring of (lon, lat) the vehicle must not leave, uploaded before the mission."""
    exclusions: tuple[tuple[tuple[float, float], ...], ...] = field(default=())
    """Rings of (lon, lat) the vehicle must not enter."""
    alternates: tuple[Waypoint, ...] = field(default=())
    """Over other docks within reach, for an autopilot that cannot come home: its rally points."""
    ends_at: str | None = None
    """Dock that it ends at, where that is another than the one it began at."""

    @property
    def end(self) -> Waypoint:
        """Where it ends: over its dock."""
        return self.legs[-1].waypoints[-1]

    @property
    def cells(self) -> tuple[str, ...]:
        """Cells that the sortie observes, in order."""
        return tuple(leg.cell for leg in self.legs if leg.cell is not None)

    @property
    def sites(self) -> tuple[str, ...]:
        """Sites that the sortie observes, in order, each once."""
        return tuple(dict.fromkeys(leg.site for leg in self.legs if leg.site is not None))
