"""A vehicle in memory: it flies the programme's items in straight lines, and fails as told.

It moves with the event loop's time, so a test with a loop of its own needs no real time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from fleet.errors import LinkError, Refused
from fleet.link.clock import Clock
from fleet.link.fake_body import STEP_S, FakeBody
from fleet.link.items import Item, Programme, difference
from fleet.link.port import LOST_AFTER_S, TEXT_LOG_SIZE, LandingTarget, Listener, VehicleText
from fleet.model.command import GoTo, LookAtPoint, Orbit, PointGimbal
from fleet.model.live import Telemetry
from fleet.model.traffic import Aircraft

TARGETS_KEPT = 1000


class FakeVehicle(FakeBody):
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
        Reason by command name: ``load``, ``holds``, ``fence``, ``held_fence``, ``arm``, ``disarm``,
        ``start``, ``item``, ``hold``, ``return``, ``land``, ``precision_land``, ``goto``, ``orbit``,
        ``look_at``, ``gimbal``, ``kill``, ``speed``.
    mute
        Commands by name that are not answered.
    silent
        It flies on and is not heard.
    commands
        What it was told, in order.
    traffic, differences, troubles
        What the link tells of these; a test sets them.
    rally, fence
        What it holds of these.
    camera
        What the camera was last told.
    targets
        Landing targets shown, the last ``TARGETS_KEPT``.
    recording
        File that is recorded to; it is made, and stays empty, there being no packets.
    """

    def __init__(
        self, drone: str, clock: Clock, position: tuple[float, float], *, answers: bool = True
    ) -> None:
        super().__init__(clock, position)
        self._drone = drone
        self._clock = clock
        self._listeners: list[Listener] = []
        self._texts: deque[VehicleText] = deque(maxlen=TEXT_LOG_SIZE)
        self._task: asyncio.Task[None] | None = None
        self._silent_s = 0.0
        self._told = self._t
        self.refuse: dict[str, str] = {}
        self.mute: set[str] = set()
        self.silent = False
        self.answers = answers
        self.commands: list[str] = []
        self._traffic: Sequence[Aircraft] = ()
        self._aircraft_listeners: list[Callable[[Aircraft], None]] = []
        self.differences: Sequence[str] | None = ()
        self.troubles: Sequence[str] = ()
        self.fence: tuple[Item, ...] = ()
        self.rally: tuple[Item, ...] = ()
        self.camera: LookAtPoint | PointGimbal | None = None
        self.targets: deque[LandingTarget] = deque(maxlen=TARGETS_KEPT)
        self.recording: Path | None = None

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
    def texts(self) -> Sequence[VehicleText]:
        """The last texts of the autopilot, oldest first."""
        return tuple(self._texts)

    @property
    def traffic(self) -> Sequence[Aircraft]:
        """Aircraft that its receiver tells of."""
        return self._traffic

    @traffic.setter
    def traffic(self, traffic: Sequence[Aircraft]) -> None:
        self._traffic = tuple(traffic)
        for aircraft in self._traffic:
            for listener in tuple(self._aircraft_listeners):
                listener(aircraft)

    def hear_aircraft(self, listener: Callable[[Aircraft], None]) -> Callable[[], None]:
        """Call ``listener`` at once with each word of an aircraft; return what ends it."""
        self._aircraft_listeners.append(listener)
        return lambda: self._aircraft_listeners.remove(listener)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` on every change of telemetry; return what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def say(self, text: str, severity: str = "CRITICAL") -> None:
        """Send a STATUSTEXT."""
        self._texts.append(VehicleText(self._clock.now(), severity, text))

    async def load(self, programme: Programme) -> None:
        """Take fence, rally points and mission."""
        await self._heed("load")
        self.fence, self.rally = programme.fence, programme.rally
        self.mission = programme.items
        self.set(mission_current=0, mission_total=len(programme.items))
        self._tell()

    async def holds(self, programme: Programme) -> str | None:
        """Compare the mission held with this one."""
        await self._heed("holds")
        return difference(programme.items, self.mission)

    async def load_fence(self, fence: Sequence[Item]) -> None:
        """Take a fence."""
        await self._heed("fence")
        self.fence = tuple(fence)

    async def held_fence(self) -> Sequence[Item]:
        """Return the fence held."""
        await self._heed("held_fence")
        return self.fence

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
        self._enter("MISSION")

    async def fly_to_item(self, index: int) -> None:
        """Go on with the mission from one item."""
        await self._heed("item")
        self._held_s = 0.0
        self.set(mission_current=index)
        self._enter("MISSION")

    async def hold(self) -> None:
        """Hold here."""
        await self._heed("hold")
        self._enter("HOLD")

    async def return_to_launch(self) -> None:
        """Fly home and land."""
        await self._heed("return")
        self._enter("RETURN_TO_LAUNCH")

    async def land(self) -> None:
        """Land here."""
        await self._heed("land")
        self._enter("LAND")

    async def precision_land(self) -> None:
        """Land here, in the mode that looks for a target."""
        await self._heed("precision_land")
        self._enter("PRECISION_LAND")

    async def go_to(self, target: GoTo) -> None:
        """Fly to a point and hold there."""
        await self._heed("goto")
        self._need_air("go to")
        self.speed_m_s = target.speed_m_s or self.speed_m_s
        self._enter("HOLD", target)

    async def orbit(self, circle: Orbit) -> None:
        """Fly circles."""
        await self._heed("orbit")
        self._need_air("orbit")
        self.speed_m_s = circle.speed_m_s
        self._enter("ORBIT", circle)

    async def look_at(self, point: LookAtPoint) -> None:
        """Keep the camera on a point."""
        await self._heed("look_at")
        self.camera = point

    async def point_gimbal(self, pointing: PointGimbal) -> None:
        """Point the camera."""
        await self._heed("gimbal")
        self.camera = pointing

    async def kill(self) -> None:
        """Stop the motors; in the air it falls."""
        await self._heed("kill")
        self.set(armed=False)
        self._tell()

    async def set_speed(self, speed_m_s: float) -> None:
        """Set the speed over ground."""
        await self._heed("speed")
        self.speed_m_s = speed_m_s

    def show_target(self, target: LandingTarget) -> None:
        """Keep the target."""
        self.targets.append(target)

    def record(self, path: Path | None) -> None:
        """Keep the path, and make the file."""
        self.recording = path
        if path is not None:
            path.touch()

    def _enter(self, mode: str, goal: GoTo | Orbit | None = None) -> None:
        self.goal = goal
        self.set(mode=mode)
        self._tell()

    def _need_air(self, what: str) -> None:
        if not self._t.in_air:
            raise Refused(f"{self._drone}: {what}: COMMAND_DENIED: not in the air")

    async def _heed(self, name: str) -> None:
        self.commands.append(name)
        await asyncio.sleep(STEP_S / 2)
        if name in self.mute or self.silent or not self.answers:
            raise LinkError(f"{self._drone}: {name}: no answer")
        if name in self.refuse:
            raise Refused(f"{self._drone}: {name}: COMMAND_DENIED: {self.refuse[name]}")

    async def _run(self) -> None:
        while True:
            self.move()
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
