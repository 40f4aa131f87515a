"""A flight on the clock: where the drone is, what it has spent and what it has seen at each moment."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from missions.energy import Point, PowerModel, Wind, landing_cost, step_cost
from missions.geo import LocalFrame
from missions.sortie import Sortie
from missions.trajectory import Trajectory

DOUBT_S, DRIFT = 5.0, 0.02
"""By how much a flight may be off what is planned: at once, and more for each second ahead."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One moment of a flight: seconds, place in metres, energy spent so far."""

    at_s: float
    place: Point
    spent_wh: float


@dataclass(slots=True)
class Flight:
    """What a drone flies, from now until it is on the ground.

    Parameters
    ----------
    marks
        Its moments, in order; on the straight lines between them it moves at constant speed.
    seen
        Cells with when they have been seen, in order.
    dock
        Where it ends.
    """

    marks: list[Mark]
    seen: list[tuple[float, str]] = field(default_factory=list)
    dock: str = ""

    @property
    def start_s(self) -> float:
        """When it begins."""
        return self.marks[0].at_s

    @property
    def end_s(self) -> float:
        """When it is on the ground."""
        return self.marks[-1].at_s

    def at(self, now_s: float) -> Mark:
        """Return where it is and what it has spent."""
        index = bisect_right(self.marks, now_s, key=lambda mark: mark.at_s)
        if index == 0:
            return self.marks[0]
        if index == len(self.marks):
            return self.marks[-1]
        a, b = self.marks[index - 1], self.marks[index]
        part = (now_s - a.at_s) / (b.at_s - a.at_s) if b.at_s > a.at_s else 1.0

        def between(low: float, high: float) -> float:
            return low + part * (high - low)

        place = Point(
            between(a.place.east, b.place.east),
            between(a.place.north, b.place.north),
            between(a.place.altitude_m, b.place.altitude_m),
        )
        return Mark(now_s, place, between(a.spent_wh, b.spent_wh))

    def ahead(self, now_s: float) -> Trajectory:
        """Return where it will be, in seconds from now.

        Without climb and landing: in the columns over docks their gates keep drones apart.
        """
        here = self.at(now_s)
        level = [m for m in self.marks if m.at_s > now_s and m.place.altitude_m > 0]
        marks = [here, *level] if here.place.altitude_m > 0 or not level else level
        points = [(m.at_s - now_s, m.place.east, m.place.north, m.place.altitude_m) for m in marks]
        if len(points) == 1:
            points.append((1.0, *points[0][1:]))
        return Trajectory.of(points, doubt_s=DOUBT_S, drift=DRIFT)

    def left(self, now_s: float) -> tuple[str, ...]:
        """Return the cells that are still to be seen."""
        return tuple(cell for at, cell in self.seen if at > now_s)


class Course:
    """A flight as it is laid out, step by step.

    Parameters
    ----------
    start_s
        When it begins.
    start
        Where.
    model, wind
        What its steps take.
    """

    def __init__(self, start_s: float, start: Point, model: PowerModel, wind: Wind) -> None:
        self._model = model
        self._wind = wind
        self.marks = [Mark(start_s, start, 0.0)]
        self.seen: list[tuple[float, str]] = []

    @property
    def here(self) -> Mark:
        """Where it has come to."""
        return self.marks[-1]

    def wait(self, seconds: float, power_w: float = 0.0) -> None:
        """Stay for some seconds."""
        here = self.here
        spent = here.spent_wh + seconds * power_w / 3600.0
        self.marks.append(Mark(here.at_s + seconds, here.place, spent))

    def go(self, place: Point, speed_m_s: float) -> None:
        """Go to a place and stay there for its hold."""
        here = self.here
        bare = Point(place.east, place.north, place.altitude_m)
        cost = step_cost(here.place, bare, speed_m_s, self._model, self._wind)
        self.marks.append(Mark(here.at_s + cost.duration_s, bare, here.spent_wh + cost.energy_wh))
        if place.hold_s > 0:
            self.wait(place.hold_s, self._model.still_w(self._wind))

    def see(self, cell: str) -> None:
        """Note that a cell has been seen."""
        self.seen.append((self.here.at_s, cell))

    def land(self) -> None:
        """Go down to the ground."""
        here = self.here
        cost = landing_cost(here.place.altitude_m, self._model, self._wind)
        ground = Point(here.place.east, here.place.north, 0.0)
        self.marks.append(Mark(here.at_s + cost.duration_s, ground, here.spent_wh + cost.energy_wh))

    def flight(self, dock: str) -> Flight:
        """Return it, as one that ends in a dock."""
        return Flight(self.marks, self.seen, dock)


def flown(
    sortie: Sortie, frame: LocalFrame, start_s: float, wait_s: float, model: PowerModel, wind: Wind
) -> Flight:
    """Return a sortie on the clock.

    Parameters
    ----------
    sortie
        What is flown.
    frame
        The city's.
    start_s
        When it is told to fly.
    wait_s
        Until it takes off: checks, door.
    model, wind
        What it takes.
    """
    points = [w for leg in sortie.legs for w in leg.waypoints]
    enu = frame.points_to_enu([(w.lon, w.lat) for w in points]).tolist()
    pad = Point(enu[0][0], enu[0][1], 0.0)
    course = Course(start_s, pad, model, wind)
    course.wait(wait_s)
    places = iter(enu)
    for leg in sortie.legs:
        for waypoint, (east, north) in zip(leg.waypoints, places, strict=False):
            course.go(Point(east, north, waypoint.altitude_m, waypoint.hold_s), leg.speed_m_s)
        if leg.cell is not None:
            course.see(leg.cell)
    course.land()
    return course.flight(sortie.ends_at or sortie.dock)


def steps(
    course: Course, way: Sequence[tuple[float, float]], altitude_m: float, speed: float
) -> None:
    """Follow a way at one height."""
    for east, north in way:
        course.go(Point(east, north, altitude_m), speed)
