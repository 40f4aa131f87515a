"""The watchman of a city whose controller may die at any point."""

from __future__ import annotations

import math
from typing import Any

import pytest

from fleet.flight.place import speed_m_s
from fleet.link.items import difference, programme
from fleet.model.records import SortieStatus
from fleet.model.states import DoorState, DroneState
from missions.geo import LocalFrame
from sitl.dock import SLOT_M

S = DroneState
SETTLED_S = 1.0
"""A vehicle that has been in a mode for so long is known to be in it."""
STILL_M_S = 0.5
APART_M, ABOVE_M = 30.0, 12.0
"""Two drones are nearer than allowed where both are undercut (15 m, less what a climb overshoots)."""


class Watchman:
    """Sees what really happens, and keeps what should not have."""

    def __init__(self, town: Any) -> None:
        self.town = town
        self.wrong: list[str] = []
        self.flights: dict[str, int] = {}
        """Take-offs by sortie."""
        self.disturbed: set[str] = set()
        """Drones that something else than a kill has touched since they last landed."""
        self.cut: set[str] = set()
        """Sorties touched so."""
        self.told_to_land: set[str] = set()
        self.unheard: set[str] = set()
        """Drones whose radio was silent on this flight: where they went meanwhile nobody knew."""
        self._mode: dict[str, tuple[str, float]] = {}
        self._aloft: dict[str, str] = {}
        town.told = self.told
        for drone, vehicle in town.vehicles.items():
            vehicle.listen(lambda drone=drone: self.look(drone))

    def note(self, what: str) -> None:
        self.wrong.append(f"{self.town.clock.monotonic():.2f} s: {what}")

    def disturb(self, *drones: str) -> None:
        for drone in drones or self.town.vehicles:
            if drone in self._aloft:
                self.cut.add(self._aloft[drone])
            self.disturbed.add(drone)

    # commands

    def told(self, drone: str, name: str, args: Any) -> None:
        """Judge a command at the moment it is sent."""
        t = self.town.vehicles[drone].truth
        mode, since = self._mode.get(drone, ("", 0.0))
        settled = t.mode == mode and self.town.clock.monotonic() - since > SETTLED_S
        flies = {
            "hold": "HOLD",
            "return_to_launch": "RETURN_TO_LAUNCH",
            "precision_land": "PRECISION_LAND",
            "land": "LAND",
        }
        same = flies.get(name) == t.mode or (name == "start_mission" and t.mode == "MISSION")
        sent = t.mode == "HOLD" and speed_m_s(t) > STILL_M_S  # it flies where it was told to
        if same and settled and t.in_air and not sent:
            self.note(
                f"{drone}: {name} while {t.mode} for {self.town.clock.monotonic() - since:.1f} s"
            )
        if (
            name == "fly_to_item"
            and t.mode == "MISSION"
            and settled
            and t.mission_current >= args[0]
        ):
            self.note(f"{drone}: sent to item {args[0]} while it flies to {t.mission_current}")
        if name == "load" and (t.in_air or t.armed):
            self.note(f"{drone}: mission loaded while armed or in the air")
        if name == "arm":
            self._arming(drone, t)
        if name == "disarm" and not t.armed:
            self.note(f"{drone}: disarmed while it is not armed")
        if name == "land" and drone not in self.told_to_land:
            self.note(f"{drone}: told to land where it is, and nobody wanted that")

    def _arming(self, drone: str, t: Any) -> None:
        if t.armed:
            self.note(f"{drone}: armed while it is armed")
        dock = self.town.docks[self.town.controller.supervisors[drone].dock.id].state
        if dock.door is not DoorState.OPEN or not dock.clear:
            self.note(f"{drone}: armed under a door that is {dock.door}, clear is {dock.clear}")
        record = self.town.disk.by_drone.get(drone)
        if record is None or record.state is not S.TAKING_OFF or record.sortie is None:
            self.note(f"{drone}: armed while the store says {record and record.state}")
            return
        sortie = self.town.disk.sorties[record.sortie]
        if sortie.status is not SortieStatus.FLYING:
            self.note(f"{drone}: armed for a sortie that is {sortie.status} in the store")
        differs = difference(programme(sortie.sortie).items, self.town.vehicles[drone].mission)
        if differs is not None:
            self.note(f"{drone}: armed with another mission than the store's: {differs}")

    # moves

    def look_at_all(self) -> None:
        """Judge what they all do; one whose radio is silent tells of nothing."""
        for drone in self.town.vehicles:
            self.look(drone)

    def look(self, drone: str) -> None:
        """Judge what a vehicle does."""
        t = self.town.vehicles[drone].truth
        if self._mode.get(drone, ("", 0.0))[0] != t.mode:
            self._mode[drone] = (t.mode, self.town.clock.monotonic())
        if t.in_air and drone not in self._aloft:
            self._took_off(drone)
        elif not t.in_air and drone in self._aloft:
            self._touched_down(drone)
        if t.in_air:
            self._apart(drone)

    def _took_off(self, drone: str) -> None:
        record = self.town.disk.by_drone[drone]
        sortie = record.sortie or f"none of {drone}"
        self._aloft[drone] = sortie
        self.flights[sortie] = self.flights.get(sortie, 0) + 1
        if self.flights[sortie] > 1:
            self.note(f"{drone}: sortie {sortie} is flown twice")
        if drone in self.disturbed:
            self.cut.add(sortie)

    def _touched_down(self, drone: str) -> None:
        del self._aloft[drone]
        self.unheard.discard(drone)
        if not any(dock.jam for dock in self.town.docks.values()):
            self.disturbed.discard(drone)
        away = {d: self.town.away_m(drone, d) for d in self.town.docks}
        dock = min(away, key=lambda d: away[d])
        if drone in self.told_to_land:
            return
        if away[dock] > SLOT_M:
            self.note(f"{drone}: came down {away[dock]:.0f} m from {dock}")
        elif self.town.door(dock) is not DoorState.OPEN:
            self.note(f"{drone}: came down on {dock}, whose door is {self.town.door(dock)}")

    def _apart(self, drone: str) -> None:
        """Judge the distance to the others, but to those that nobody heard on this flight."""
        mine = self.town.vehicles[drone].truth
        for other in self._aloft:
            theirs = self.town.vehicles[other].truth
            if other == drone or not theirs.in_air or {drone, other} & self.unheard:
                continue
            level = math.hypot(*LocalFrame(mine.lon, mine.lat).to_enu(theirs.lon, theirs.lat))
            height = abs(mine.altitude_m - theirs.altitude_m)
            if level < APART_M and height < ABOVE_M:
                self.note(f"{drone} and {other} are {level:.0f} m apart, {height:.0f} m in height")


@pytest.fixture
def watchman() -> type[Watchman]:
    """What judges a town; made of it, and kept by whoever walks."""
    return Watchman
