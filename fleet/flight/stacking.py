"""The next drone's wait over a dock, above the one that comes down into it.

One that comes home while a mate has the dock's gate would stop where it is and begin its whole way
down when that is in. It follows the mate down instead, at a distance that keeps the rule of 15 m
whatever that does: only over the dock, only one, and only below where it comes home anyway. When
the mate no longer comes down, it goes back to where it came from, at its own height.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import structlog

from fleet.errors import LinkError
from fleet.flight import bounds
from fleet.flight.carried import Carried
from fleet.flight.column import RADIUS_M, VERTICAL_M
from fleet.flight.place import distance_m
from fleet.model.command import GoTo
from fleet.model.live import Telemetry
from fleet.model.states import DroneState

if TYPE_CHECKING:
    from fleet.flight.supervisor import Supervisor
    from fleet.flight.world import World

S = DroneState
GAP_M = 25.0
"""Kept over the one below: 15 m, and what is flown until it is seen to stop and this one has."""
LEAST_GAP_M = 20.0
"""With less than this it makes room."""
LOWEST_M = 30.0
"""The lowest layer; below it only the drone is that has the gate."""
STEP_M = 8.0
"""It is sent down again when it may sink by so much."""
LEVEL_M = 3.0
log = structlog.get_logger(__name__)


class Spot(NamedTuple):
    """A place to wait at: (lon, lat), height above home in metres."""

    position: tuple[float, float]
    altitude_m: float


def lowest(layer_m: float, below_m: float) -> float | None:
    """Return how low a drone may wait over one that is so high; None where not below its layer."""
    low = max(LOWEST_M, below_m + GAP_M)
    return low if low <= layer_m else None


def next_down(world: World, dock: str) -> str | None:
    """Return the drone that waits over a dock to come down next, or None."""
    drone = world.next_down.get(dock)
    keeper = world.keepers.get(drone) if drone is not None else None
    if keeper is None or keeper.state is not S.RETURNING or keeper.berth != dock:
        return None
    return drone if keeper.t.in_air else None


def in_the_way_up(s: Supervisor, top_m: float) -> str | None:
    """Return a drone over this one, within the heights that it would climb through, or None."""
    low_m = s.t.altitude_m or 0.0
    for name, t in _others(s).items():
        if t.lon is None or t.lat is None or not low_m < (t.altitude_m or 0.0) < top_m + VERTICAL_M:
            continue
        if distance_m(s.t, (t.lon, t.lat)) < RADIUS_M:
            return name
    return None


async def wait_over(s: Supervisor, ready: Callable[[], bool], bound_s: float) -> None:
    """Wait until ``ready``, within a bound, over the dock where that is free for one to wait in.

    Parameters
    ----------
    s
        Its drone holds near its dock, whose gate is another's.
    """
    clock = s.world.clock
    end = clock.monotonic() + bound_s
    stack = _Stack(s)
    while not ready() and (left := end - clock.monotonic()) > 0:
        spot = stack.wants()
        if spot is not None:
            await stack.go(spot)
        await s.until(lambda: ready() or stack.wants() is not None, left)


class _Stack:
    """One drone's wait."""

    def __init__(self, s: Supervisor) -> None:
        self._s = s
        t = s.t
        self._from = (t.lon, t.lat) if t.lon is not None and t.lat is not None else None
        self._at: Spot | None = None
        self._free = self._from is not None and s.sortie is not None and self._way_is_free()

    def _way_is_free(self) -> bool:
        s = self._s
        fence = s.carried or Carried.of(s.sortie) or Carried(())
        return bounds.straight(s.world.space, s.t, s.pad, fence) is None

    def wants(self) -> Spot | None:
        """Return where it is to go now; None where it stays as it is."""
        if not self._free or not self._s.t.in_air:
            return None
        spot = self._spot()
        return spot if spot is not None and spot != self._at else None

    def _spot(self) -> Spot | None:
        s, at = self._s, self._at
        assert self._from is not None
        height, layer = s.t.altitude_m or 0.0, s.layer_m
        back, over = Spot(self._from, layer), distance_m(s.t, s.pad) <= s.policy.over_dock_m
        if at is None and not over and height < layer - LEVEL_M:
            return back  # it stopped low, over houses: up first, as its plan has it
        low = self._low(layer)
        if low is None or (over and height < low - GAP_M + LEAST_GAP_M):
            return back if at is not None else None
        if at is None or at.position != s.pad:
            if not over:
                return Spot(s.pad, layer) if height >= layer - LEVEL_M else back
            at = Spot(s.pad, height)  # a controller before this one had it wait here
        sinks = at.altitude_m - low >= STEP_M or (low == LOWEST_M and at.altitude_m > low)
        return Spot(s.pad, low) if over and sinks else at

    def _low(self, layer_m: float) -> float | None:
        """Return how low it may wait; None where it may not be over the dock at all."""
        s = self._s
        mate = s.world.keepers.get(s.gate.holder or "")
        if mate is None or mate is s or mate.berth != s.berth:
            return None
        if mate.state not in {S.LANDING, S.CLOSING}:
            return None
        if distance_m(mate.t, s.pad) > s.policy.over_dock_m:
            return None
        low = lowest(layer_m, (mate.t.altitude_m or 0.0) if mate.t.in_air else 0.0)
        top = max(layer_m, s.t.altitude_m or 0.0) + VERTICAL_M
        if low is None or next_down(s.world, s.berth) not in {None, s.drone.id}:
            return None
        for name, t in _others(s).items():
            near = name != mate.drone.id and distance_m(t, s.pad) < RADIUS_M
            if near and low - VERTICAL_M < (t.altitude_m or 0.0) < top:
                return None
        s.world.next_down[s.berth] = s.drone.id
        return low

    async def go(self, spot: Spot) -> None:
        """Send it there; where it does not take it, it stays where it is for a while."""
        s = self._s
        (lon, lat), height = spot
        speed = s.drone.cruise_m_s
        self._at = spot
        try:
            await s.order(
                s.link.go_to(
                    GoTo(action="goto", lon=lon, lat=lat, altitude_m=height, speed_m_s=speed)
                )
            )
        except LinkError as error:
            log.warning("does not wait over its dock", drone=s.drone.id, error=str(error))
            self._at = None
            await s.pause(s.policy.retry_s)


def _others(s: Supervisor) -> Mapping[str, Telemetry]:
    """Return every other drone that is in the air, by its last word."""
    seen = s.world.seen
    return {name: t for name, t in seen.items() if name != s.drone.id and t.in_air}
