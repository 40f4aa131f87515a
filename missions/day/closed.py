"""What is closed at the moment in a simulated day, whom that concerns, and how they come home."""

from __future__ import annotations

import math

from missions.day.conditions import Closing
from missions.day.flown import Course, Flight
from missions.energy import Point, PowerModel, Wind
from missions.errors import PlanError
from missions.ground import Ground, ground_of
from missions.zones import Closed, Place


class Sky:
    """The city's airspace as it changes.

    Parameters
    ----------
    ground
        The city with nothing closed for a time.

    Attributes
    ----------
    ground
        The city as it is now: what planner and responder are given.
    """

    def __init__(self, ground: Ground) -> None:
        self._open = ground
        self._now: dict[str, Closing] = {}
        self._closed: tuple[Closed, ...] = ()
        self.ground = ground

    def close(self, one: Closing) -> None:
        """Take a closure."""
        self._take(self._now | {one.zone.id: one})

    def reopen(self, one: Closing) -> None:
        """End a closure."""
        self._take({name: other for name, other in self._now.items() if other is not one})

    def _take(self, now: dict[str, Closing]) -> None:
        self._now, city, frame = now, self._open.city, self._open.frame
        zones = tuple(one.zone for one in now.values())
        self._closed = tuple(Closed.of(zone, frame, city.city.elevation_m) for zone in zones)
        more = city.model_copy(update={"zones": (*city.zones, *zones)})
        self.ground = ground_of(more) if zones else self._open

    def shuts(self, flight: Flight, now_s: float, until_s: float = math.inf) -> bool:
        """Whether a flight, from now until a time, leads through what is closed while that holds."""
        return any(
            closed.crossed(_way(flight, now_s, min(until_s, one.until_s)))
            for one, closed in zip(self._now.values(), self._closed, strict=True)
        )

    def home(
        self, flight: Flight, now_s: float, model: PowerModel, wind: Wind
    ) -> tuple[Flight, float]:
        """Return a flight home in the place of one, and when it is out of what is closed.

        It leaves by the shortest way where it is within, and goes around to the dock that it was
        bound for. Where no way leads there it stays outside until all of it is open again.
        """
        space, here, speed = self.ground.airspace, flight.at(now_s).place, model.cruise_m_s
        pad = self.ground.places[flight.dock]
        height = max(place[2] for place in _way(flight, now_s, math.inf))
        course = Course(now_s, here, model, wind)
        out = space.way_out((here.east, here.north, here.altitude_m)) or (here.east, here.north)
        course.go(Point(*out, here.altitude_m), speed)
        out_s = course.here.at_s
        try:
            way = space.route(out, pad, height)
        except PlanError:
            opens_s = max((one.until_s for one in self._now.values()), default=now_s)
            course.wait(max(0.0, opens_s - out_s), model.still_w(wind))
            way = self._open.airspace.route(out, pad, height)
        for place in way:
            course.go(Point(*place, height), speed)
        course.land()
        return course.flight(flight.dock), out_s


def _way(flight: Flight, now_s: float, until_s: float) -> list[Place]:
    """Return the places over which a flight leads from now until a time."""
    last = min(max(until_s, now_s), flight.end_s)
    between = (m for m in flight.marks if now_s < m.at_s < last)
    marks = [flight.at(now_s), *between, flight.at(last)]
    return [(m.place.east, m.place.north, m.place.altitude_m) for m in marks]
