"""What of the air is closed now, and what that closes to a drone. Pure but for what it keeps.

A city's zones that are always closed are known to every sortie. *Shut* is what a drone in the air
may not know of: closures, zones that were read in, and zones that are active at some hours alone.
Heights are metres above the dock, which is taken for above ground.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fleet.model.closure import Closure
from missions.airspace import Airspace
from missions.city import City, Zone
from missions.hours import active_between
from missions.zones import Closed, Place


@dataclass(frozen=True, slots=True, eq=False)
class Shut:
    """What is closed now and may not be known to a sortie."""

    closed: Closed
    why: str

    @property
    def words(self) -> str:
        """Its name and why it is closed."""
        name = self.closed.zone.name or self.closed.zone.id
        return f"{name}: {self.why}" if self.why else name


class Airways:
    """The city's airspace as it changes.

    Parameters
    ----------
    city
        The city as its file has it.

    Attributes
    ----------
    version
        Counts up whenever what is in force has changed.
    city
        The city with the closures as further zones, whatever their hours: what planners are given.
    space
        Its airspace as it is in force now.
    known
        The airspace that every sortie knows of: without closures and hours.
    shut
        What is in force now and may not be known to a sortie.
    """

    def __init__(self, city: City) -> None:
        self._file = city
        self._closures: tuple[Closure, ...] = ()
        self._active: tuple[Zone, ...] = ()
        self._closed: dict[str, Closed] = {}
        self.version = 0
        self.city = city
        always = tuple(zone for zone in city.zones if zone.active is None)
        self.known = Airspace.of(city.model_copy(update={"zones": always}))
        self.space = self.known
        self.shut: tuple[Shut, ...] = ()

    def take(self, closures: Sequence[Closure], now: datetime) -> None:
        """Take the closures that have not ended in place of those before."""
        self._closures = tuple(closures)
        zones = (*self._file.zones, *(one.zone for one in closures))
        self.city = self._file.model_copy(update={"zones": zones}) if closures else self._file
        self.look(now)

    def look(self, now: datetime) -> bool:
        """Look at the clock; say whether what is in force has changed."""
        timezone = self._file.city.timezone
        why = {one.zone.id: one.reason for one in self._closures}
        changing = [z for z in self.city.zones if z.active is not None or z.id in why]
        active = tuple(z for z in changing if active_between(z.active, timezone, now, now))
        if active == self._active:
            return False
        self._active = active
        self.shut = tuple(Shut(self._made(zone), why.get(zone.id, "")) for zone in active)
        self._closed = {one.closed.zone.id: one.closed for one in self.shut}
        closed = [one.closed for one in self.shut]
        self.space = self.known.with_closed(closed) if closed else self.known
        self.version += 1
        return True

    def _made(self, zone: Zone) -> Closed:
        known = self._closed.get(zone.id)
        if known is not None and known.zone == zone:
            return known
        return Closed.of(zone, self.known.frame, self._file.city.elevation_m)

    def place(self, lon: float, lat: float, height_m: float) -> Place:
        """Return a position in the city's frame."""
        return (*self.known.frame.to_enu(lon, lat), height_m)

    def at(self, place: Place) -> Shut | None:
        """Return what is shut that holds a place, or None."""
        return next((one for one in self.shut if one.closed.holds(place)), None)

    def on(self, way: Sequence[Place]) -> Shut | None:
        """Return what is shut that a way leads through, or None."""
        return next((one for one in self.shut if one.closed.crossed(way)), None)
