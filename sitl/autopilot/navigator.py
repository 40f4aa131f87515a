"""What the vehicle does in each flight mode."""

from __future__ import annotations

from sitl.autopilot.core import AIR, INFO, TAKING_OFF, Core
from sitl.autopilot.guidance import (
    Target,
    cruise_speed,
    fly_to,
    here,
    land_at,
    landing_rate,
    stop_point,
)
from sitl.autopilot.mission import MissionFlight
from sitl.autopilot.modes import Mode
from sitl.autopilot.orbit import OrbitCommand, OrbitFlight
from sitl.autopilot.precland import PrecisionLanding
from sitl.autopilot.rtl import ReturnFlight


class Navigator:
    """Flies the mode that the commander has set.

    ``finished`` is set when a take-off has reached its altitude.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self.mission = MissionFlight(core)
        self.precland = PrecisionLanding(core)
        self.rtl = ReturnFlight(core, self.precland)
        self.orbit = OrbitFlight(core)
        self.finished = False
        self._mode = core.mode
        self._target = here(core, 0.0)
        self._takeoff_altitude: float | None = None
        self._reposition: Target | None = None
        self._circle: OrbitCommand | None = None
        self._speed: float | None = None

    def take_off_to(self, altitude: float | None) -> None:
        """Say how high the next take-off goes: above home; None for MIS_TAKEOFF_ALT."""
        self._takeoff_altitude = altitude

    def reposition(self, target: Target) -> None:
        """Say where the next hold is."""
        self._reposition = target

    @property
    def place(self) -> tuple[float, float]:
        """Where it is bound for, metres north and east."""
        return self._target.north, self._target.east

    @property
    def cruise_speed(self) -> float:
        """The speed that DO_CHANGE_SPEED set for what comes; else PX4's own, m/s."""
        return self._speed or cruise_speed(self._core)

    def change_speed(self, speed: float) -> None:
        """Fly on at another speed, m/s; what is not more than 0 means PX4's own."""
        self._speed = speed if speed > 0 else None
        most = self._core.params["MPC_XY_VEL_MAX"]
        self._target.speed = min(self.cruise_speed, most)
        self.mission.change_speed(speed)

    def circle(self, asked: OrbitCommand) -> None:
        """Say what the next orbit is, or change the one that is flown."""
        if self._core.mode is Mode.ORBIT:
            self.orbit.command(asked, anew=False)
        else:
            self._circle = asked

    def enter(self, mode: Mode) -> None:
        """Begin a mode."""
        core = self._core
        self.finished = False
        left, self._mode = self._mode, mode
        leaves = left is Mode.MISSION and mode is not Mode.MISSION
        if not core.landed:
            core.landed_state = AIR
            if leaves or mode in (Mode.RTL, Mode.LAND):
                core.gimbal.neutral_soon()
        if mode is Mode.MISSION:
            self.mission.enter()
        elif mode is Mode.TAKEOFF:
            self._begin_takeoff()
        elif mode is Mode.RTL:
            self.rtl.begin()
        elif mode is Mode.LAND:
            self._target = stop_point(core)
        elif mode is Mode.PRECLAND:
            self.precland.begin(self._target, required=True)
        elif mode is Mode.ORBIT:
            if self._circle is not None:
                self.orbit.command(self._circle, anew=True)
            self._circle = None
        else:
            self._target = self._reposition or (here(core) if core.landed else stop_point(core))
            self._reposition = None

    def wants_up(self, mode: Mode) -> bool:
        """Return whether a mode takes a vehicle that stands on the ground into the air."""
        if mode is Mode.MISSION:
            plan = self._core.plan
            return plan.valid and not plan.finished and bool(plan.mission)
        return mode is Mode.TAKEOFF

    def step(self, dt: float) -> None:
        """Go on by ``dt`` seconds in the air."""
        core = self._core
        mode = core.mode
        if mode is Mode.MISSION:
            self.mission.step(dt)
        elif mode is Mode.RTL:
            self.rtl.step(dt)
        elif mode is Mode.LAND:
            land_at(core, self._target, dt)
        elif mode is Mode.DESCEND:
            core.body.drift(dt, -landing_rate(core), core.limits, core.wind)
        elif mode is Mode.PRECLAND:
            self.precland.step(dt)
        elif mode is Mode.ORBIT:
            self.orbit.step(dt)
        else:
            if mode is Mode.TAKEOFF and self._target.altitude - core.altitude < 0.3:
                self.finished = True
            fly_to(core, self._target, dt)

    def _begin_takeoff(self) -> None:
        core = self._core
        altitude = self._takeoff_altitude
        if altitude is None:
            default = core.params["MIS_TAKEOFF_ALT"]
            altitude = core.altitude + default
            if core.armed:
                core.say(INFO, f"Using default takeoff altitude: {default:.1f} m\t")
        self._target = here(core, altitude)
        if core.armed:
            self._takeoff_altitude = None
            if not core.landed:
                core.landed_state = TAKING_OFF
