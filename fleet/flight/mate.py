"""What one drone's keeper sees of another's."""

from __future__ import annotations

from typing import Protocol

from fleet.link.items import Programme
from fleet.model.live import Telemetry
from fleet.model.states import DroneState
from missions.city import Drone
from missions.sortie import Sortie


class Mate(Protocol):
    """Another drone's keeper. See ``fleet.flight.keeper``."""

    @property
    def drone(self) -> Drone:
        """Which drone it keeps."""

    @property
    def state(self) -> DroneState:
        """Where that is in its life."""

    @property
    def before(self) -> DroneState:
        """Where it was before; from the record, where it was not heard since the start."""

    @property
    def t(self) -> Telemetry:
        """The vehicle's last word."""

    @property
    def silent_s(self) -> float:
        """Since that word, seconds; infinite where it never told its place."""

    @property
    def berth(self) -> str:
        """The dock that it stands in or is bound for."""

    @property
    def in_dock(self) -> bool:
        """Whether that dock counts it in."""

    @property
    def sortie(self) -> Sortie | None:
        """What it flies."""

    @property
    def answering(self) -> Sortie | None:
        """What it flies in place of that, while it answers a call."""

    @property
    def assigned(self) -> Sortie | None:
        """What it is about to fly."""

    @property
    def pad(self) -> tuple[float, float]:
        """Where the dock is that it stands in or is bound for (lon, lat)."""

    @property
    def programme(self) -> Programme | None:
        """The same as the vehicle flies it."""

    @property
    def flown_s(self) -> float:
        """Since the sortie was planned, seconds; infinite where it flies none."""

    @property
    def lost_aloft(self) -> bool:
        """Whether it was last heard in the air."""

    @property
    def spent(self) -> bool:
        """Whether it is not heard, and down by now: no battery lasts so long."""

    @property
    def out_of_the_air(self) -> bool:
        """Whether its sortie is over though it has not come home."""

    def pulse(self) -> None:
        """Look at once at what has changed."""
