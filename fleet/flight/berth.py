"""A drone, its link, and the dock that it stands in or is bound for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from fleet.docks.port import Dock
from fleet.flight.gate import Gate
from fleet.flight.policy import Policy
from fleet.flight.waiting import Waiting
from fleet.flight.world import World
from fleet.link.port import DroneLink, why
from fleet.model.live import Telemetry
from missions.city import Drone

WORDS = timedelta(seconds=20)
"""For so long the autopilot's words are taken for the reason of what it does."""


class Berthed(Waiting):
    """What a keeper and its handlers see of one drone and its dock.

    Attributes
    ----------
    berth
        Id of the dock that the drone stands in or is bound for: the one it lives in, or another
        that it was diverted to.
    """

    def __init__(self, world: World, drone: Drone, link: DroneLink) -> None:
        super().__init__(world.clock)
        self.world = world
        self.drone = drone
        self.link = link
        self.berth = drone.dock
        self._listener: Callable[[], None] | None = None
        self._unlisten: Callable[[], None] = lambda: None

    @property
    def t(self) -> Telemetry:
        """The vehicle's last word."""
        return self.link.telemetry

    @property
    def policy(self) -> Policy:
        """Bounds and thresholds."""
        return self.world.policy

    @property
    def dock(self) -> Dock:
        """The dock of its berth."""
        return self.world.docks[self.berth]

    @property
    def gate(self) -> Gate:
        """The gate of its berth."""
        return self.world.gates[self.berth]

    @property
    def pad(self) -> tuple[float, float]:
        """Where its berth is (lon, lat)."""
        return self.world.pad(self.berth)

    @property
    def wind_m_s(self) -> float:
        """Wind at the dock, 0 where it is not known."""
        return self.dock.state.wind_m_s or 0.0

    @property
    def in_dock(self) -> bool:
        """Whether the dock counts the drone among its occupants."""
        return self.drone.id in self.dock.state.occupants

    def words(self) -> str:
        """Return the autopilot's grave words of the last moments."""
        return why(self.link.texts, self.world.clock.now() - WORDS)

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` when the vehicle or the berth's dock changes; return what ends it."""
        stop = self.link.listen(listener)
        self._listener = listener
        self._unlisten = self.dock.listen(listener)

        def end() -> None:
            stop()
            self._unlisten()
            self._listener = None

        return end

    def move_to(self, berth: str) -> None:
        """Bind the drone for another dock; the gate of the one before is free again."""
        self.gate.release(self.drone.id)
        self.berth = berth
        if self._listener is not None:
            self._unlisten()
            self._unlisten = self.dock.listen(self._listener)
            self._listener()
