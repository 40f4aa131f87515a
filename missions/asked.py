"""A task as it is asked of one drone, and what is flown for it.

Metres in the city's frame, heights above the dock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from shapely.geometry import Polygon

from missions.city import CameraSpec
from missions.cover import Shut
from missions.errors import GeometryError
from missions.footprint import Footprint, most_speed
from missions.ground import Ground
from missions.lawnmower import Flown
from missions.sortie import Aim, LegKind, LookAt
from missions.task import LonLats, Task
from missions.tracks import Metres, Track

LOOKS_PER_S = 2.0
"""Pictures that are surely looked at: detectors skip others where the machine is busy."""


@dataclass(frozen=True, slots=True)
class Sight:
    """Who flies a task, and when.

    Parameters
    ----------
    camera
        The drone's.
    altitude_m
        It comes and goes at; a task flies there too, unless it says otherwise.
    flown
        Cruise speed, power, wind.
    here
        Where it comes from.
    now
        When it gets there; None: the sun is not looked at.
    """

    camera: CameraSpec
    altitude_m: float
    flown: Flown
    here: Metres
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """Tracks flown one after the other, in one way."""

    kind: LegKind
    tracks: tuple[Track, ...]
    altitude_m: float
    speed_m_s: float
    aim: Aim | None = None
    look_at: LookAt | None = None
    hold_s: float = 0.0
    """At its end."""


@dataclass(frozen=True, slots=True)
class Course:
    """All that a task flies.

    Parameters
    ----------
    runs
        In the order flown.
    share
        Seen part of what was asked, 0 to 1; of an orbit or a route the part that is flown.
    words
        The same for an operator, with what is left out.
    """

    runs: tuple[Run, ...]
    share: float
    words: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A task with who flies it, where."""

    ground: Ground
    task: Task
    sight: Sight

    @property
    def altitude_m(self) -> float:
        return self.sight.altitude_m if self.task.altitude_m is None else self.task.altitude_m

    @property
    def shut(self) -> Shut:
        return Shut.at(self.ground.airspace, self.altitude_m)

    @property
    def place(self) -> Metres:
        """The point that it is about."""
        if len(self.task.shape) != 1:
            raise GeometryError(
                f"{self.task.kind} around {len(self.task.shape)} points: it must be one"
            )
        return self.ground.frame.to_enu(*self.task.shape[0])

    @property
    def line(self) -> Track:
        return tuple(self.metres(self.task.shape))

    @property
    def polygon(self) -> Polygon:
        frame = self.ground.frame
        outer = frame.polygon(self.task.shape)
        holes = [frame.polygon(hole).exterior for hole in self.task.holes]
        shape = Polygon(outer.exterior, holes)
        if not shape.is_valid:
            raise GeometryError("holes of the area do not lie within it, or cross")
        return shape

    def metres(self, places: LonLats) -> list[Metres]:
        array = self.ground.frame.points_to_enu(places)
        return [(float(east), float(north)) for east, north in array]

    def aim(self, unless: float) -> Aim:
        pitch = self.task.camera_pitch_deg
        return Aim(unless if pitch is None else pitch)

    def speed(self, seen: Footprint | None = None, most: float = math.inf) -> float:
        """Return the speed: what is asked, or what is seen well enough."""
        if self.task.speed_m_s is not None:
            return self.task.speed_m_s
        if seen is not None:
            most = min(most, most_speed(seen, self.task.forward_overlap, LOOKS_PER_S))
        return min(most, self.sight.flown.speed_m_s)
