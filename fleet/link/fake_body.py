"""How a vehicle in memory moves: straight lines, at once at its speed, no wind."""

from __future__ import annotations

import math

from fleet.link.clock import Clock
from fleet.link.items import DO_CHANGE_SPEED, NAV_LOITER_TIME, NAV_TAKEOFF, NAV_WAYPOINT, Item
from fleet.model.command import GoTo, Orbit
from fleet.model.live import Telemetry

STEP_S = 0.25
METRES_PER_DEGREE = 111_320.0
CLIMB_M_S = 3.0
DESCENT_M_S = 1.5
FALL_M_S = 20.0
LANDED_FOR_S = 2.0
AUTO_DISARM_S = 10.0


class FakeBody:
    """A vehicle's place and battery, moved ``STEP_S`` a step by its mode.

    Parameters
    ----------
    clock
        Stamps its telemetry.
    position
        Where it stands, (lon, lat); home.

    Attributes
    ----------
    drain_percent_s
        Battery spent a second in the air.
    stuck
        It does not move, whatever it is told.
    mission
        What it flies in MISSION.
    speed_m_s
        Over ground.
    goal
        What it flies to in HOLD, or circles in ORBIT.
    """

    def __init__(self, clock: Clock, position: tuple[float, float]) -> None:
        self.drain_percent_s = 0.02
        self.mission: tuple[Item, ...] = ()
        self.speed_m_s = 10.0
        self.stuck = False
        self.goal: GoTo | Orbit | None = None
        self._armed_s = 0.0
        self._held_s = 0.0
        self._ground_s = 0.0
        lon, lat = position
        self._t = Telemetry(
            at=clock.now(),
            lon=lon,
            lat=lat,
            altitude_m=0.0,
            battery_percent=100.0,
            mode="HOLD",
            landed_state="ON_GROUND",
            gps_fix=3,
            satellites=12,
            armable=True,
            home_lon=lon,
            home_lat=lat,
        )

    @property
    def truth(self) -> Telemetry:
        """Where the vehicle really is, heard or not."""
        return self._t

    def set(self, **fields: object) -> None:
        """Change the vehicle as the world would."""
        self._t = self._t.model_copy(update=fields)

    def move(self) -> None:
        """Move one step."""
        if not self._t.armed:
            self._armed_s = 0.0
            if self._t.in_air:
                self._fall()
            return
        self._armed_s += STEP_S
        if not self._t.in_air and self._armed_s > AUTO_DISARM_S and self._t.mode != "MISSION":
            self.set(armed=False)
        if self.stuck:
            return
        self._fly()
        if self._t.in_air and self._t.battery_percent is not None:
            self.set(
                battery_percent=max(0.0, self._t.battery_percent - self.drain_percent_s * STEP_S)
            )

    def _fly(self) -> None:
        match self._t.mode:
            case "MISSION":
                self._fly_mission()
            case "RETURN_TO_LAUNCH":
                self._fly_home()
            case "LAND" | "PRECISION_LAND":
                self._sink()
            case "HOLD" if isinstance(self.goal, GoTo) and self._t.in_air:
                if self._towards(self.goal.lon, self.goal.lat, self.goal.altitude_m):
                    self.set(lon=self.goal.lon, lat=self.goal.lat, altitude_m=self.goal.altitude_m)
                    self._stop()
            case "ORBIT" if isinstance(self.goal, Orbit):
                self._circle(self.goal)
            case _:
                self._stop()

    def _fly_mission(self) -> None:
        index = self._t.mission_current
        if index >= len(self.mission):
            self.set(mode="HOLD")
            return
        item = self.mission[index]
        if item.command == DO_CHANGE_SPEED:
            self.speed_m_s = item.params[1]
        if item.command in {NAV_TAKEOFF, NAV_WAYPOINT, NAV_LOITER_TIME}:
            if not self._towards(item.lon, item.lat, item.z):
                return
            self._held_s += STEP_S
            if item.command != NAV_TAKEOFF and self._held_s < item.params[0]:
                return
        self._held_s = 0.0
        self.set(mission_current=index + 1)

    def _fly_home(self) -> None:
        lon, lat = self._t.home_lon or 0.0, self._t.home_lat or 0.0
        if (self._t.lon, self._t.lat) == (lon, lat):
            self._sink()
        elif self._towards(lon, lat, self._t.altitude_m or 0.0):
            self.set(lon=lon, lat=lat)

    def _towards(self, lon: float, lat: float, altitude: float) -> bool:
        """Move a step; say whether the point is reached."""
        t, step = self._t, self.speed_m_s * STEP_S
        scale = METRES_PER_DEGREE * math.cos(math.radians(lat))
        east, north = (lon - (t.lon or 0.0)) * scale, (lat - (t.lat or 0.0)) * METRES_PER_DEGREE
        up, away = altitude - (t.altitude_m or 0.0), math.hypot(east, north)
        level = min(1.0, step / away) if away else 1.0
        rise = max(-DESCENT_M_S * STEP_S, min(CLIMB_M_S * STEP_S, up))
        if abs(up) > 1.0 and not t.in_air:
            level = 0.0
        self.set(
            lon=(t.lon or 0.0) + level * east / scale,
            lat=(t.lat or 0.0) + level * north / METRES_PER_DEGREE,
            altitude_m=(t.altitude_m or 0.0) + rise,
            in_air=True,
            landed_state="IN_AIR",
            velocity_east_m_s=level * east / STEP_S,
            velocity_north_m_s=level * north / STEP_S,
            velocity_down_m_s=-rise / STEP_S,
        )
        self._ground_s = 0.0
        return away <= step and abs(up) <= CLIMB_M_S * STEP_S

    def _sink(self) -> None:
        altitude = max(0.0, (self._t.altitude_m or 0.0) - DESCENT_M_S * STEP_S)
        self._stop()
        self.set(altitude_m=altitude, velocity_down_m_s=DESCENT_M_S if altitude else 0.0)
        if altitude > 0:
            return
        self._ground_s += STEP_S
        self.set(in_air=False, landed_state="ON_GROUND")
        if self._ground_s >= LANDED_FOR_S:
            self.set(armed=False, mode="HOLD")

    def _stop(self) -> None:
        self.set(velocity_east_m_s=0.0, velocity_north_m_s=0.0, velocity_down_m_s=0.0)

    def _circle(self, orbit: Orbit) -> None:
        """Fly to the point of the circle that is a step further round."""
        t = self._t
        scale = METRES_PER_DEGREE * math.cos(math.radians(orbit.lat))
        east = ((t.lon or 0.0) - orbit.lon) * scale
        north = ((t.lat or 0.0) - orbit.lat) * METRES_PER_DEGREE
        turn = self.speed_m_s * STEP_S / orbit.radius_m * (1 if orbit.clockwise else -1)
        bearing = math.atan2(east, north) + turn
        self._towards(
            orbit.lon + orbit.radius_m * math.sin(bearing) / scale,
            orbit.lat + orbit.radius_m * math.cos(bearing) / METRES_PER_DEGREE,
            orbit.altitude_m,
        )

    def _fall(self) -> None:
        altitude = max(0.0, (self._t.altitude_m or 0.0) - FALL_M_S * STEP_S)
        self._stop()
        self.set(altitude_m=altitude, velocity_down_m_s=FALL_M_S if altitude else 0.0)
        if altitude == 0:
            self.set(in_air=False, landed_state="ON_GROUND")
