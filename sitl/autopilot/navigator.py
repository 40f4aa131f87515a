"""What the vehicle does in each flight mode."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sitl.autopilot.core import AIR, INFO, TAKING_OFF, Core
from sitl.autopilot.frame import clamp
from sitl.autopilot.guidance import (
    Target,
    cruise_speed,
    fly_to,
    here,
    land_at,
    landing_rate,
    stop_point,
)
from sitl.autopilot.items import RALLY
from sitl.autopilot.mission import MissionFlight
from sitl.autopilot.modes import Mode


@dataclass(frozen=True, slots=True)
class Orbit:
    """A circle to fly: centre in metres, radius (negative: counter-clockwise), speed, altitude."""

    north: float
    east: float
    altitude: float
    radius: float
    speed: float


class Navigator:
    """Flies the mode that the commander has set.

    ``finished`` is set when a take-off has reached its altitude.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self.mission = MissionFlight(core)
        self.finished = False
        self._target = here(core, 0.0)
        self._takeoff_altitude: float | None = None
        self._reposition: Target | None = None
        self._orbit: Orbit | None = None
        self._phase = ""
        self._hold_at: tuple[float, float] | None = None
        self._return_altitude = 0.0

    def take_off_to(self, altitude: float | None) -> None:
        """Say how high the next take-off goes: above home; None for MIS_TAKEOFF_ALT."""
        self._takeoff_altitude = altitude

    def reposition(self, target: Target) -> None:
        """Say where the next hold is."""
        self._reposition = target

    def orbit(self, orbit: Orbit) -> None:
        """Say what the next orbit is."""
        self._orbit = orbit

    def enter(self, mode: Mode) -> None:
        """Begin a mode."""
        core = self._core
        self.finished = False
        if not core.landed:
            core.landed_state = AIR
        if mode is Mode.MISSION:
            self.mission.enter()
        elif mode is Mode.TAKEOFF:
            self._begin_takeoff()
        elif mode is Mode.RTL:
            self._begin_return()
        elif mode is Mode.LAND:
            self._target = stop_point(core)
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
            self._return(dt)
        elif mode is Mode.LAND:
            land_at(core, self._target, dt)
        elif mode is Mode.DESCEND:
            core.body.drift(dt, -landing_rate(core), core.limits, core.wind)
        elif mode is Mode.ORBIT and self._orbit is not None:
            self._circle(self._orbit, dt)
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
            core.landed_state = TAKING_OFF

    def _begin_return(self) -> None:
        core = self._core
        if core.landed:
            self._phase = "idle"
            return
        north, east, base = self._destination()
        self._return_altitude = self._return_height(north, east, base)
        amsl = core.home_alt + self._return_altitude
        above = self._return_altitude - base
        core.say(
            INFO,
            f"RTL: start return at {math.ceil(amsl)} m ({math.ceil(above)} m above destination)\t",
        )
        self._target = Target(north, east, self._return_altitude, cruise_speed(core))
        self._phase = "climb" if core.altitude < self._return_altitude else "move"

    def _destination(self) -> tuple[float, float, float]:
        """Return home or the nearest rally point (RTL_TYPE 0): north, east, altitude above home."""
        core = self._core
        places = [(core.home_north, core.home_east, 0.0)]
        for item in core.plan.items(RALLY):
            places.append((*core.frame.to_ne(item.lon, item.lat), item.altitude(core.home_alt)))
        # a rally point's altitude is where one arrives; the ground there is taken to be home's
        best = min(places, key=lambda p: math.hypot(p[0] - core.north, p[1] - core.east))
        return best[0], best[1], 0.0

    def _return_height(self, north: float, east: float, base: float) -> float:
        """Return the altitude above home of the way back (PX4's ``computeReturnAltitude``)."""
        core, params = self._core, self._core.params
        most = base + params["RTL_RETURN_ALT"]
        cone = params["RTL_CONE_ANG"]
        if cone <= 0:
            return max(core.altitude, most)
        distance = math.hypot(north - core.north, east - core.east)
        if distance <= params["NAV_ACC_RAD"]:
            height = base + 2.0 * distance
        else:
            height = most
            if distance <= params["RTL_MIN_DIST"]:
                angle = math.radians(clamp(cone, 1.0, 89.0))
                height = min(height, base + distance / math.tan(angle))
            height = max(height, base + 2.0 * params["NAV_ACC_RAD"])
        return max(core.altitude, min(height, most))

    def _return(self, dt: float) -> None:
        core, target = self._core, self._target
        flat = math.hypot(target.north - core.north, target.east - core.east)
        if self._phase == "land":
            land_at(core, target, dt)
            return
        if flat > 2.0:
            target.yaw = math.atan2(target.east - core.east, target.north - core.north)
        if self._phase == "climb":
            up = Target(*self._keep(), self._return_altitude, 1.0, yaw=target.yaw)
            fly_to(core, up, dt)
            if self._return_altitude - core.altitude < core.params["NAV_MC_ALT_RAD"]:
                self._phase = "move"
            return
        self._hold_at = None
        fly_to(core, target, dt)
        if self._phase == "move" and flat < core.params["NAV_ACC_RAD"]:
            self._phase = "down"
            low = core.params["RTL_DESCEND_ALT"]
            target.altitude = min(low, self._return_altitude)
            target.yaw = None
        at_height = abs(target.altitude - core.altitude) < core.params["NAV_MC_ALT_RAD"]
        still = flat < 1.0 and core.body.speed < 0.8
        if self._phase == "down" and at_height and still:
            if core.params["RTL_LAND_DELAY"] < 0:
                self._phase = "loiter"
                core.say(INFO, "RTL: completed, loitering\t")
            else:
                self._phase = "land"
                core.say(INFO, "RTL: land at destination\t")

    def _keep(self) -> tuple[float, float]:
        if self._hold_at is None:
            stop = stop_point(self._core)
            self._hold_at = (stop.north, stop.east)
        return self._hold_at

    def _circle(self, orbit: Orbit, dt: float) -> None:
        core = self._core
        dn, de = core.north - orbit.north, core.east - orbit.east
        distance = max(math.hypot(dn, de), 0.1)
        radius, way = abs(orbit.radius), math.copysign(1.0, orbit.radius)
        out_n, out_e = dn / distance, de / distance
        error = radius - distance
        speed = orbit.speed if abs(error) < 5.0 else 0.0
        inward = clamp(error, -cruise_speed(core), cruise_speed(core))
        # the circle itself takes v**2 / r inwards, which the velocity loop must be led by
        vn = -out_e * speed * way + out_n * inward
        ve = out_n * speed * way + out_e * inward
        climb = clamp(orbit.altitude - core.altitude, -1.0, 1.0)
        facing = math.atan2(-de, -dn)
        core.body.fly(dt, (vn, ve, climb), facing, core.limits, core.wind)
