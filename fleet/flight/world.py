"""What every drone's keeper shares: the city, the store, the links, the docks, and each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from fleet.docks.port import Dock
from fleet.flight.airways import Airways
from fleet.flight.doubts import Doubts
from fleet.flight.gate import Gate
from fleet.flight.mate import Mate
from fleet.flight.overrides import Overrides
from fleet.flight.policy import Policy
from fleet.flight.safety import Sky
from fleet.link.clock import Clock
from fleet.link.port import DroneLink
from fleet.live import LiveHub
from fleet.model.flightlog import FlightEvent
from fleet.model.live import Telemetry
from fleet.model.traffic import Aircraft
from fleet.store.port import FlightStore
from missions.airspace import Airspace
from missions.city import City
from missions.city import Dock as CityDock


class Journal(Protocol):
    """Takes what happens to a drone, for the flight log. Never waits and never fails."""

    def note(self, event: FlightEvent) -> None:
        """Take one event."""


class Unheard:
    """A journal that keeps nothing."""

    def note(self, event: FlightEvent) -> None:
        """Take one event."""


def unwatched() -> datetime | None:
    """Say that nobody watches who is there."""
    return None


@dataclass(frozen=True, slots=True)
class World:
    """What every drone's keeper shares."""

    city: City
    store: FlightStore
    hub: LiveHub
    clock: Clock
    policy: Policy
    links: Mapping[str, DroneLink]
    docks: Mapping[str, Dock]
    gates: Mapping[str, Gate]
    journal: Journal = field(default_factory=Unheard)
    presence: Callable[[], datetime | None] = unwatched
    """When a person with a say was last heard; None where that is not watched."""
    see_cell: Callable[[str, datetime], None] = lambda _cell, _at: None
    """Told of every cell that was seen, and when."""
    sky: Sky = field(default_factory=Sky)
    """Every drone in the air, by which separation is judged; each keeper puts its own in."""
    heard: dict[int, Aircraft] = field(default_factory=dict)
    """The newest word of each aircraft, of all receivers."""
    doubts: Doubts = field(default_factory=Doubts)
    """Docks that are not what they say."""
    left_open: set[str] = field(default_factory=set)
    """Docks whose door a drone that left could not close."""
    next_down: dict[str, str] = field(default_factory=dict)
    """Dock to the drone that was the last to wait over it to come down next; see ``stacking``."""
    overrides: Overrides = field(default_factory=Overrides)
    """What pilots let be overlooked at a take-off."""
    keepers: Mapping[str, Mate] = field(default_factory=dict)
    """The keepers by drone id."""

    _docks: dict[str, CityDock] = field(default_factory=dict)
    _airways: list[Airways] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Take the docks by id; they are asked for at every change of telemetry."""
        self._docks.update({dock.id: dock for dock in self.city.docks})

    @property
    def airways(self) -> Airways:
        """What of the air is closed now; made when first asked for.

        Raises
        ------
        missions.errors.GeometryError
            If a zone's ring cannot be used.
        """
        if not self._airways:
            self._airways.append(Airways(self.city))
        return self._airways[0]

    @property
    def space(self) -> Airspace:
        """The city's ceiling, fence and no-fly zones, and what else is closed now."""
        return self.airways.space

    @property
    def seen(self) -> dict[str, Telemetry]:
        """The last word of every vehicle."""
        return {drone: link.telemetry for drone, link in self.links.items()}

    @property
    def aircraft(self) -> Sequence[Aircraft]:
        """Every aircraft that one of the vehicles hears."""
        return tuple(self.heard.values())

    def hear(self, aircraft: Aircraft) -> bool:
        """Take a receiver's word of an aircraft; say whether it is newer than what is known."""
        known = self.heard.get(aircraft.icao)
        if known is not None and known.at >= aircraft.at:
            return False
        self.heard[aircraft.icao] = aircraft
        return True

    def forget_traffic(self) -> None:
        """Forget the aircraft that no receiver has told of lately."""
        self.heard.clear()
        for link in self.links.values():
            for aircraft in link.traffic:
                self.hear(aircraft)

    def pad(self, dock: str) -> tuple[float, float]:
        """Return where a dock's pad is (lon, lat)."""
        return self.dock_at(dock).position

    def dock_at(self, dock: str) -> CityDock:
        """Return a dock as the city file has it."""
        return self._docks[dock]

    def silent_s(self, dock: str) -> float:
        """Return since when a dock was not heard, seconds; infinite where it never was."""
        at = self.docks[dock].state.at
        return math.inf if at is None else (self.clock.now() - at).total_seconds()

    def absent_s(self) -> float:
        """Return for how long no person was heard, seconds; 0 where that is not watched."""
        last = self.presence()
        return 0.0 if last is None else max(0.0, (self.clock.now() - last).total_seconds())
