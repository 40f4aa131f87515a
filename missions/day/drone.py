"""A drone of a simulated day: in its dock, on its way, or out of order."""

from __future__ import annotations

from dataclasses import dataclass

from missions.charge import percent_after
from missions.city import Drone
from missions.day.flown import Flight
from missions.picture import Doing, DroneNow
from missions.power import PowerModel
from missions.sortie import Sortie
from missions.tracks import Metres


@dataclass(slots=True)
class DayDrone:
    """One drone.

    ``percent`` is what its battery held at ``since_s``, on the ground or at the begin of its flight.
    """

    drone: Drone
    model: PowerModel
    dock: str
    pad: Metres
    percent: float = 100.0
    since_s: float = 0.0
    flight: Flight | None = None
    airborne_s: float = 0.0
    """When it takes off, where it flies."""
    doing: Doing = Doing.DOCKED
    priority: int = 0
    sortie: Sortie | None = None
    call: str = ""
    scene_until_s: float = 0.0
    """When it is done at its call."""
    fault: str = ""
    """Why it cannot fly."""

    def battery(self, now_s: float) -> float:
        """Return what its battery holds, percent."""
        if self.flight is None:
            return percent_after(self.drone.battery, self.percent, now_s - self.since_s)
        spent = self.flight.at(now_s).spent_wh
        return self.percent - 100.0 * spent / self.model.capacity_wh

    def picture(self, now_s: float) -> DroneNow:
        """Return it as planner and responder see it."""
        flight = self.flight
        if flight is None:
            doing = Doing.OUT if self.fault else Doing.DOCKED
            percent = self.battery(now_s)
            return DroneNow(self.drone.id, self.dock, doing, percent, self.pad, reason=self.fault)
        mark = flight.at(now_s)
        doing = self.doing if now_s >= self.airborne_s else Doing.LEAVING
        return DroneNow(
            self.drone.id,
            flight.dock,
            doing,
            self.battery(now_s),
            (mark.place.east, mark.place.north),
            mark.place.altitude_m,
            self.priority,
            self.sortie,
            flight.left(now_s),
            max(flight.end_s - now_s, 0.0),
        )

    def fly(self, flight: Flight, now_s: float, doing: Doing, airborne_s: float) -> None:
        """Begin a flight, from a dock or in the place of the one under way."""
        self.percent, self.since_s = self.battery(now_s), now_s
        self.flight, self.doing, self.airborne_s = flight, doing, airborne_s

    def stay(self, now_s: float) -> None:
        """Give up a flight that has not left its dock."""
        self.percent, self.since_s = self.battery(now_s), now_s
        self.flight, self.doing = None, Doing.DOCKED

    def land(self, pad: Metres) -> None:
        """Stand in the dock where its flight ends."""
        assert self.flight is not None
        now_s = self.flight.end_s
        self.percent, self.since_s = max(self.battery(now_s), 0.0), now_s
        self.dock, self.pad = self.flight.dock, pad
        self.flight, self.sortie, self.doing = None, None, Doing.DOCKED
        self.priority, self.call = 0, ""
