"""Landing on a marker that the controller sees (PX4's precision landing, ``precland.cpp``)."""

from __future__ import annotations

import math
from enum import Enum

from sitl.autopilot.core import AIR, Core, LandingTarget
from sitl.autopilot.guidance import Target, cruise_speed, fly_to, here, land_at

_SETTLE_S = 2.0
"""Time over the target before the descent, and over the start point before the search."""
_SEARCH_SETTLE_S = 1.0
_CLOSE_AGE_S = 0.5
"""Near the ground a target may be no older than this."""


class Phase(Enum):
    """PX4's states of a precision landing."""

    START = "start"
    APPROACH = "horizontal approach"
    DESCEND = "descend"
    FINAL = "final approach"
    SEARCH = "search"
    FALLBACK = "fallback"


class PrecisionLanding:
    """Flies to the target, stays over it, descends on it; lands in place where it sees none.

    A ``required`` one looks for the target: it waits over the start point, then climbs to
    PLD_SRCH_ALT for PLD_SRCH_TOUT. An opportunistic one lands where it is if there was no target
    at its beginning.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self.phase = Phase.START
        self._required = False
        self._setpoint = here(core, 0.0)
        self._seen: LandingTarget | None = None
        self._updated = False
        self._searches = 0
        self._entered = 0.0
        self._reached: float | None = None
        self._acquired: float | None = None

    def begin(self, start: Target, *, required: bool) -> None:
        """Begin at a place to fly to, or over which one is."""
        self._setpoint = Target(start.north, start.east, start.altitude, cruise_speed(self._core))
        self._required = required
        self._searches = 0
        self._start()

    def step(self, dt: float) -> None:
        """Go on by ``dt`` seconds."""
        core = self._core
        newest = core.landing_target
        self._updated = newest is not None and newest is not self._seen
        if newest is not None:
            self._seen = newest
        {
            Phase.START: self._run_start,
            Phase.APPROACH: self._run_approach,
            Phase.DESCEND: self._run_descend,
            Phase.SEARCH: self._run_search,
        }.get(self.phase, _nothing)()
        if self.phase in (Phase.DESCEND, Phase.FINAL, Phase.FALLBACK):
            land_at(core, self._setpoint, dt)
        else:
            core.landed_state = AIR
            fly_to(core, self._setpoint, dt)

    # --- what is seen -------------------------------------------------------------------------

    def _age(self) -> float:
        return math.inf if self._seen is None else self._core.now - self._seen.at

    def _valid(self) -> bool:
        return self._age() <= self._core.params["PLD_BTOUT"]

    def _over(self) -> bool:
        """Return whether the vehicle is over the last known place of the target."""
        core, seen = self._core, self._seen
        if seen is None:
            return False
        radius = core.params["PLD_HACC_RAD"]
        return abs(seen.north - core.north) < radius and abs(seen.east - core.east) < radius

    def _close(self) -> bool:
        core, seen = self._core, self._seen
        if seen is None or not self._valid():
            return False
        down = core.spec.amsl_m - core.amsl
        return seen.down - down < core.params["PLD_FAPPR_ALT"]

    # --- the phases ---------------------------------------------------------------------------

    def _run_start(self) -> None:
        core = self._core
        if self._to_approach():
            return
        if not self._required:
            self._fall_back()
            return
        target = self._setpoint
        if (
            math.hypot(target.north - core.north, target.east - core.east)
            >= (core.params["NAV_ACC_RAD"])
        ):
            return
        if self._reached is None:
            self._reached = core.now
        if core.params["PLD_SRCH_TOUT"] <= 0:
            self._fall_back()
        elif core.now - self._reached > _SETTLE_S:
            self._search()

    def _run_approach(self) -> None:
        core, seen = self._core, self._seen
        assert seen is not None
        if self._over() and not self._valid():
            self._lost()
            return
        if self._updated and self._over():
            if self._reached is None:
                self._reached = core.now
            if core.now - self._reached > _SETTLE_S:
                self._enter(Phase.DESCEND)
        self._setpoint.north, self._setpoint.east = seen.north, seen.east

    def _run_descend(self) -> None:
        seen = self._seen
        assert seen is not None
        usable = self._age() < _CLOSE_AGE_S if self._close() else self._valid()
        if usable:
            self._setpoint.north, self._setpoint.east = seen.north, seen.east
        elif self._close():
            self._enter(Phase.FINAL)
        else:
            self._lost()

    def _run_search(self) -> None:
        core = self._core
        if self._acquired is None:
            if self._updated and self._valid():
                self._acquired = core.now
                self._setpoint.altitude = min(core.altitude + 1.0, self._setpoint.altitude)
        elif core.now - self._acquired > _SEARCH_SETTLE_S and self._to_approach():
            return
        if core.now - self._entered > core.params["PLD_SRCH_TOUT"]:
            self._fall_back()

    def _to_approach(self) -> bool:
        if not (self._updated and self._valid()):
            return False
        self._setpoint.altitude = self._core.altitude
        self._reached = None
        self._enter(Phase.APPROACH)
        return True

    def _lost(self) -> None:
        """Stay here and begin again, as often as PLD_MAX_SRCH allows."""
        core = self._core
        self._setpoint.north, self._setpoint.east = core.north, core.east
        self._setpoint.altitude = core.altitude
        if self._searches <= core.params["PLD_MAX_SRCH"]:
            self._start()
        else:
            self._fall_back()

    def _start(self) -> None:
        self._searches += 1
        self._reached = None
        self._enter(Phase.START)

    def _search(self) -> None:
        core = self._core
        # PX4's search altitude is above the place where it was switched on
        origin = core.spec.amsl_m - core.home_alt
        self._setpoint.altitude = origin + core.params["PLD_SRCH_ALT"]
        self._acquired = None
        self._enter(Phase.SEARCH)

    def _fall_back(self) -> None:
        core = self._core
        self._setpoint.north, self._setpoint.east = core.north, core.east
        self._enter(Phase.FALLBACK)

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self._entered = self._core.now


def _nothing() -> None:
    """Go on as set up."""
