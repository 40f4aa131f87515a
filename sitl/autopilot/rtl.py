"""The way back: where to, how high, and down (PX4's ``rtl.cpp`` and ``rtl_direct.cpp``)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from sitl.autopilot.core import CRITICAL, INFO, Core
from sitl.autopilot.frame import clamp
from sitl.autopilot.guidance import Target, cruise_speed, fly_to, here, land_at, stop_point
from sitl.autopilot.items import GLOBAL, GLOBAL_RELATIVE, RALLY
from sitl.autopilot.precland import PrecisionLanding

_RALLY_FROM_HOME_M = 10.0
"""A rally point nearer to home than this is not one."""
_NEARER_M = 2.0
"""How much nearer a rally point must be than what was chosen before it."""
_LOOK_S = 2.0
_SAFE_POINTS_ONLY = 5


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a return ends: metres north and east, altitude of the ground above home, yaw."""

    north: float
    east: float
    base: float
    yaw: float | None = None


class Phase(Enum):
    """PX4's states of a direct return."""

    IDLE = "idle"
    CLIMB = "climb"
    MOVE = "move"
    DOWN = "down"
    WAIT = "wait"
    LAND = "land"


class ReturnFlight:
    """Flies home, or to the rally point that is nearest (RTL_TYPE), and lands there."""

    def __init__(self, core: Core, precland: PrecisionLanding) -> None:
        self._core = core
        self._precland = precland
        self.phase = Phase.IDLE
        self._to = Destination(0.0, 0.0, 0.0)
        self._height = 0.0
        self._target = here(core, 0.0)
        self._hold: tuple[float, float] = (0.0, 0.0)
        self._waited_from = 0.0
        self._precise = False
        self._looked = 0.0

    def begin(self) -> None:
        """Begin a return; on the ground nothing happens."""
        core = self._core
        if core.landed:
            self.phase = Phase.IDLE
            return
        self._to = to = self._destination()
        self._height = self._return_height(to)
        amsl, above = core.home_alt + self._height, self._height - to.base
        core.say(
            INFO,
            f"RTL: start return at {math.ceil(amsl)} m ({math.ceil(above)} m above destination)\t",
        )
        stop = stop_point(core)
        self._hold = (stop.north, stop.east)
        self._target = Target(to.north, to.east, self._height, cruise_speed(core))
        self.phase = Phase.CLIMB if core.altitude < self._height else Phase.MOVE

    def look(self) -> None:
        """Choose a destination now and then while flying anything else, as PX4 does; it complains."""
        if self._core.now - self._looked >= _LOOK_S:
            self._looked = self._core.now
            self._destination()

    def step(self, dt: float) -> None:
        """Go on by ``dt`` seconds."""
        core, target = self._core, self._target
        if self.phase is Phase.LAND:
            if self._precise:
                self._precland.step(dt)
            else:
                land_at(core, target, dt)
            return
        if self.phase is Phase.CLIMB:
            up = Target(*self._hold, self._height, cruise_speed(core), yaw=None)
            fly_to(core, up, dt)
            if self._height - core.altitude < core.params["NAV_MC_ALT_RAD"]:
                self.phase = Phase.MOVE
            return
        flat = math.hypot(target.north - core.north, target.east - core.east)
        if flat > 2.0 and self.phase is Phase.MOVE:
            near = flat < core.params["RTL_MIN_DIST"]
            ahead = math.atan2(target.east - core.east, target.north - core.north)
            target.yaw = self._to.yaw if near and self._to.yaw is not None else ahead
        fly_to(core, target, dt)
        self._advance(flat)

    def _advance(self, flat: float) -> None:
        core, target = self._core, self._target
        delay = core.params["RTL_LAND_DELAY"]
        at_height = abs(target.altitude - core.altitude) < core.params["NAV_MC_ALT_RAD"]
        if flat >= core.params["NAV_ACC_RAD"] or not at_height:
            return
        if self.phase is Phase.MOVE:
            if delay == 0.0:
                self._land()
                return
            self.phase = Phase.DOWN
            low = self._to.base + core.params["RTL_DESCEND_ALT"]
            target.altitude, target.yaw = min(low, self._height), self._to.yaw
        elif self.phase is Phase.DOWN:
            self.phase, self._waited_from = Phase.WAIT, core.now
            if delay < 0:
                core.say(INFO, "RTL: completed, loitering\t")
        elif delay > 0 and core.now - self._waited_from >= delay:
            self._land()

    def _land(self) -> None:
        core = self._core
        self.phase = Phase.LAND
        self._target.yaw = self._to.yaw
        core.say(INFO, "RTL: land at destination\t")
        how = core.params.integer("RTL_PLD_MD")
        self._precise = how > 0
        if self._precise:
            self._precland.begin(self._target, required=how == 2)

    # --- where to -----------------------------------------------------------------------------

    def _destination(self) -> Destination:
        """Return home, or the rally point that is nearer (RTL_TYPE 0, 1 and 5)."""
        core = self._core
        kind = core.params.integer("RTL_TYPE")
        home = Destination(core.home_north, core.home_east, 0.0, core.home_yaw)
        least = math.inf if kind in (1, _SAFE_POINTS_ONLY) else _far(core, home)
        best = None
        for item, frame in zip(core.plan.items(RALLY), core.plan.rally_frames, strict=True):
            north, east = core.frame.to_ne(item.lon, item.lat)
            from_home = math.hypot(north - home.north, east - home.east)
            if from_home <= _RALLY_FROM_HOME_M and kind != _SAFE_POINTS_ONLY:
                continue
            point = Destination(north, east, item.altitude(core.home_alt))
            if _far(core, point) + _NEARER_M >= least:
                continue
            if frame not in (GLOBAL, GLOBAL_RELATIVE):
                # PX4 then returns to where its memory is all zeros: 0 N 0 E, at sea level
                core.say(CRITICAL, "RTL: unsupported MAV_FRAME\t")
                north, east = core.frame.to_ne(0.0, 0.0)
                best = Destination(north, east, -core.home_alt)
            else:
                best = point
            least = _far(core, point)
        if best is None and kind == _SAFE_POINTS_ONLY:
            return Destination(core.north, core.east, 0.0)
        return best or home

    def _return_height(self, to: Destination) -> float:
        """Return the altitude above home of the way back (PX4's ``computeReturnAltitude``)."""
        core, params = self._core, self._core.params
        base = to.base
        most = base + params["RTL_RETURN_ALT"]
        cone = params["RTL_CONE_ANG"]
        if cone <= 0:
            return max(core.altitude, most)
        distance = _far(core, to)
        if distance <= params["NAV_ACC_RAD"]:
            height = base + 2.0 * distance
        else:
            height = most
            if distance <= params["RTL_MIN_DIST"]:
                angle = math.radians(clamp(cone, 1.0, 89.0))
                height = min(height, base + distance / math.tan(angle))
            height = max(height, base + 2.0 * params["NAV_ACC_RAD"])
        return max(core.altitude, min(height, most))


def _far(core: Core, to: Destination) -> float:
    return math.hypot(to.north - core.north, to.east - core.east)
