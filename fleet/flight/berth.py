"""A drone, its link, and the dock that it stands in or is bound for."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta

from fleet.docks.port import Dock
from fleet.flight.berths import choose, fails, reaches
from fleet.flight.bounds import refuses
from fleet.flight.carried import Carried
from fleet.flight.gate import Gate
from fleet.flight.place import endurance_s
from fleet.flight.policy import Policy
from fleet.flight.precision import Sight
from fleet.flight.vacancy import vacancy
from fleet.flight.waiting import Waiting
from fleet.flight.world import World
from fleet.link.port import DroneLink, why
from fleet.model.command import GoTo
from fleet.model.live import Telemetry
from missions.city import Drone
from missions.sortie import Sortie

LOOK_EACH_S = 1.0
WORDS = timedelta(seconds=20)
"""For so long the autopilot's words are taken for the reason of what it does."""


class Berthed(Waiting):
    """What a keeper and its handlers see of one drone and its dock.

    Attributes
    ----------
    berth
        Id of the dock that the drone stands in or is bound for: the one it lives in, or another
        that it was diverted to.
    sortie
        What it flies, or None.
    carried, fence_unsure
        The fence in the vehicle where that is another than its sortie's; whether that is not known,
        a fence having been sent and not read back. See ``fencing``.
    fenced_at, fence_unread
        As of which version of the airways the fence was looked at; whether a controller before
        this one may have loaded another. See ``keepout``.
    sight
        What it sees of the marker that it lands on.
    tried, refusals
        Docks that could not take it on this return; how often its berth's did not open.
    """

    def __init__(self, world: World, drone: Drone, link: DroneLink) -> None:
        super().__init__(world.clock)
        self.world = world
        self.drone = drone
        self.link = link
        self.berth = drone.dock
        self.sortie: Sortie | None = None
        self.carried: Carried | None = None
        self.fence_unsure = False
        self.fence_unread = False
        self.fenced_at = 0
        self.sight = Sight(link, world.clock.now)
        self.tried: set[str] = set()
        self.refusals = 0
        self._looked_at = -math.inf
        self._other: str | None = None
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
        self.refusals, self._looked_at = 0, -math.inf
        if self._listener is not None:
            self._unlisten()
            self._unlisten = self.dock.listen(self._listener)
            self._listener()

    def berth_fails(self) -> str | None:
        """Say why its dock cannot take it now; None where it can."""
        world = self.world
        return fails(self.drone.id, vacancy(world, self.berth), world.city.limits, world.policy)

    @property
    def alternate(self) -> tuple[float, float] | None:
        """Where the dock is that takes it in place of its own, while it flies and its own cannot."""
        other = self.diverts_to() if self.t.in_air else None
        return None if other is None else self.world.pad(other)

    def diverts_to(self, *, afresh: bool = False) -> str | None:
        """Return the dock to go to in place of its own; None where it stays with that.

        Another is looked for where its own has failed for some time, does not open, or is out of
        reach; at most once a second, or ``afresh``: a moment later its slot may be another's.
        """
        now = self.world.clock.monotonic()
        if afresh or now - self._looked_at >= LOOK_EACH_S:
            self._looked_at = now
            self._other = self._look_for_another()
        return self._other

    def _look_for_another(self) -> str | None:
        world, policy, t = self.world, self.policy, self.t
        own = vacancy(world, self.berth)
        failing = fails(self.drone.id, own, world.city.limits, policy) is not None
        lasts = self.lasting("berth fails", failing) >= policy.dock_fault_s
        sortie = self.sortie
        altitude = max(t.altitude_m or 0.0, sortie.altitude_m if sortie is not None else 0.0)
        cold = self.dock.state.temperature_c
        reached = reaches(self.drone, t, own.position, altitude, self.wind_m_s, policy, cold)
        if not lasts and self.refusals < policy.open_tries and reached:
            return None
        limits, but = world.city.limits, {self.berth, *self.tried}
        # only those that may do: with the broker gone every drone asks this of every dock
        may = (d for d, dock in world.docks.items() if d not in but and dock.state.online)
        berths = (vacancy(world, dock) for dock in may)

        def free(position: tuple[float, float]) -> bool:
            return self._way_to(position, altitude) is None

        return choose(self.drone, t, altitude, berths, limits, policy, but=but, free=free)

    def _way_to(self, position: tuple[float, float], altitude_m: float) -> str | None:
        """Say why the drone may not be sent straight to a place; None where a fence lets it."""
        space = self.world.space
        height = min(max(altitude_m, 1.0), space.ceiling_m)
        target = GoTo(action="goto", lon=position[0], lat=position[1], altitude_m=height)
        reach_m = self.drone.cruise_m_s * endurance_s(self.drone) / 2
        carried = None if self.fence_unsure else self.carried
        return refuses(target, self.t, space, self.sortie, reach_m, carried)
