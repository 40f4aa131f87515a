"""A vehicle in memory: it flies the programme's items in straight lines, and fails as told.

It moves with the event loop's time, so a test with a loop of its own needs no real time.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Self

from fleet.errors import LinkError, Refused
from fleet.link.clock import Clock
from fleet.link.items import (
    DO_CHANGE_SPEED,
    NAV_LOITER_TIME,
    NAV_TAKEOFF,
    NAV_WAYPOINT,
    Item,
    Programme,
    difference,
)
from fleet.link.port import LOST_AFTER_S, TEXT_LOG_SIZE, Listener, VehicleText
from fleet.model.live import Telemetry

STEP_S = 0.25
METRES_PER_DEGREE = 111_320.0
CLIMB_M_S = 3.0
DESCENT_M_S = 1.5
LANDED_FOR_S = 2.0
AUTO_DISARM_S = 10.0


class FakeVehicle:
    """A DroneLink without a wire. An async context manager that runs the vehicle.

    Parameters
    ----------
    drone
        Its id.
    clock
        Stamps its telemetry.
    position
        Where it stands, (lon, lat).
    answers
        Whether it is heard of at all.

    Attributes
    ----------
    refuse
        Reason by command name (``load``, ``arm``, ``start``, ``hold``, ``return``, ``land``, ``item``).
    mute
        Commands by name that are not answered.
    silent
        It flies on and is not heard.
    drain_percent_s
        Battery spent a second in the air.
    stuck
        It does not move, whatever it is told.
    commands
        What it was told, in order.
    """

    def __init__(
        self, drone: str, clock: Clock, position: tuple[float, float], *, answers: bool = True
    ) -> None:
        self._drone = drone
        self._clock = clock
        self._listeners: list[Listener] = []
        self._texts: deque[VehicleText] = deque(maxlen=TEXT_LOG_SIZE)
        self._task: asyncio.Task[None] | None = None
        self._silent_s = 0.0
        self._pad = position
        self.refuse: dict[str, str] = {}
        self.mute: set[str] = set()
        self.silent = False
        self.answers = answers
        self.drain_percent_s = 0.02
        self.commands: list[str] = []
        self.mission: tuple[Item, ...] = ()
        self.speed_m_s = 10.0
        self.stuck = False
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
        self._told = self._t

    async def __aenter__(self) -> Self:
        """Switch the vehicle on."""
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Switch it off."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def drone(self) -> str:
        """The drone's id."""
        return self._drone

    @property
    def telemetry(self) -> Telemetry:
        """The vehicle's last word, as far as it is heard."""
        return self._told

    @property
    def truth(self) -> Telemetry:
        """Where the vehicle really is, heard or not."""
        return self._t

    @property
    def texts(self) -> Sequence[VehicleText]:
        """The last texts of the autopilot, oldest first."""
        return tuple(self._texts)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` on every change of telemetry; return what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def set(self, **fields: object) -> None:
        """Change the vehicle as the world would."""
        self._t = self._t.model_copy(update=fields)

    def say(self, text: str, severity: str = "CRITICAL") -> None:
        """Send a STATUSTEXT."""
        self._texts.append(VehicleText(self._clock.now(), severity, text))

    async def load(self, programme: Programme) -> None:
        """Take the mission."""
        await self._heed("load")
        self.mission = programme.items
        self.set(mission_current=0, mission_total=len(programme.items))
        self._tell()

    async def holds(self, programme: Programme) -> str | None:
        """Compare the mission held with this one."""
        await self._heed("holds")
        return difference(programme.items, self.mission)

    async def arm(self) -> None:
        """Arm."""
        await self._heed("arm")
        self.set(armed=True)
        self._tell()

    async def disarm(self) -> None:
        """Disarm; refused in the air."""
        await self._heed("disarm")
        if self._t.in_air:
            raise Refused(f"{self._drone}: disarm: COMMAND_DENIED: in the air")
        self.set(armed=False)
        self._tell()

    async def start_mission(self) -> None:
        """Start or continue the mission."""
        await self._heed("start")
        if not self.mission:
            raise Refused(f"{self._drone}: start mission: no mission")
        self.set(mode="MISSION")
        self._tell()

    async def fly_to_item(self, index: int) -> None:
        """Go on with the mission from one item."""
        await self._heed("item")
        self._held_s = 0.0
        self.set(mode="MISSION", mission_current=index)
        self._tell()

    async def hold(self) -> None:
        """Hold here."""
        await self._heed("hold")
        self.set(mode="HOLD")
        self._tell()

    async def return_to_launch(self) -> None:
        """Fly home and land."""
        await self._heed("return")
        self.set(mode="RETURN_TO_LAUNCH")
        self._tell()

    async def land(self) -> None:
        """Land here."""
        await self._heed("land")
        self.set(mode="LAND")
        self._tell()

    async def _heed(self, name: str) -> None:
        self.commands.append(name)
        await asyncio.sleep(STEP_S / 2)
        if name in self.mute or self.silent or not self.answers:
            raise LinkError(f"{self._drone}: {name}: no answer")
        if name in self.refuse:
            raise Refused(f"{self._drone}: {name}: COMMAND_DENIED: {self.refuse[name]}")

    async def _run(self) -> None:
        while True:
            self._move()
            self._tell()
            await asyncio.sleep(STEP_S)

    def _tell(self) -> None:
        self._silent_s = self._silent_s + STEP_S if self.silent or not self.answers else 0.0
        if not self.answers:
            return
        if not self._silent_s:
            self._told = self._t.model_copy(update={"at": self._clock.now(), "connected": True})
        elif self._silent_s > LOST_AFTER_S and self._told.connected:
            self._told = self._told.model_copy(update={"connected": False})
        else:
            return
        for listener in tuple(self._listeners):
            listener()

    def _move(self) -> None:
        if not self._t.armed:
            self._armed_s = 0.0
            return
        self._armed_s += STEP_S
        if not self._t.in_air and self._armed_s > AUTO_DISARM_S and self._t.mode != "MISSION":
            self.set(armed=False)
        if self.stuck:
            return
        match self._t.mode:
            case "MISSION":
                self._fly_mission()
            case "RETURN_TO_LAUNCH":
                self._fly_home()
            case "LAND":
                self._sink()
            case _:
                self._stop()
        if self._t.in_air and self._t.battery_percent is not None:
            self.set(
                battery_percent=max(0.0, self._t.battery_percent - self.drain_percent_s * STEP_S)
            )

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
