"""The DroneLink of one vehicle: flown through mavsdk, seen through its tap."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mavsdk.system import System
from pymavlink.dialects.v20 import development as mav

from fleet.errors import LinkError, Refused
from fleet.link.asking import Asking, NoAnswer
from fleet.link.camera import Camera
from fleet.link.clock import Clock
from fleet.link.dialect import Writer, read
from fleet.link.fence import FenceLoader
from fleet.link.items import Item, Programme
from fleet.link.landing_target import Track, landing_target
from fleet.link.maneuvers import Maneuvers
from fleet.link.mavsdk_telemetry import Slots
from fleet.link.modes import HOLD, LAND, MISSION, PRECISION_LAND, RETURN_TO_LAUNCH
from fleet.link.port import LandingTarget, Listener, VehicleText
from fleet.link.profile import Expected
from fleet.link.profile_keeper import ProfileKeeper
from fleet.link.rates import Rater, rates
from fleet.link.seen import Seen
from fleet.link.tap import Tap
from fleet.link.wire import ATTITUDE, HOME_POSITION, STATION
from fleet.model.command import GoTo, LookAtPoint, Orbit, PointGimbal
from fleet.model.live import Telemetry
from fleet.model.traffic import Aircraft

ARM_DISARM, CHANGE_SPEED = 400, 178
HELD_FIRST = frozenset({MISSION, RETURN_TO_LAUNCH})
SEEN_S = 4.5
"""Bound on arming and disarming being seen after it was acknowledged."""


class MavsdkLink:
    """The DroneLink of one vehicle.

    Parameters
    ----------
    drone
        Its id.
    clock
        Times its requests.
    tap
        Its wire.
    expected
        What its parameters must be.
    wanted
        Messages a second that it is to send, by message id; those for a vehicle alone where None.
    station
        System id that it is asked as.
    """

    def __init__(
        self,
        drone: str,
        clock: Clock,
        tap: Tap,
        *,
        expected: Sequence[Expected] = (),
        wanted: Mapping[int, float] | None = None,
        station: int = STATION,
    ) -> None:
        self._drone = drone
        self._tap = tap
        self._slots = Slots(clock, tap)
        self._last = self._slots.picture()
        self._track = Track()
        self._listeners: list[Listener] = []
        self._aircraft_listeners: list[Callable[[Aircraft], None]] = []
        tap.heard_aircraft = self._tell_aircraft
        self._arming = asyncio.Lock()
        self._speeding = asyncio.Lock()
        self._looking = asyncio.Lock()
        self._seen = Seen(drone, clock, lambda: self._last, lambda: tap.texts, self.listen)
        self._asking = Asking(tap, self._seen, station=station)
        self._writer = Writer(station)
        self._maneuvers = Maneuvers(self._asking, self._seen, self._home_amsl)
        self._camera = Camera(self._asking, self._seen, self._home_amsl)
        self._loader = FenceLoader(self._asking, self._seen)
        self._rater = Rater(drone, self._asking, rates(1) if wanted is None else wanted)
        self._profile = ProfileKeeper(drone, self._asking, expected)
        tap.heard_parameter = self._profile.hear

    # --- what is known ------------------------------------------------------------------------

    @property
    def drone(self) -> str:
        """The drone's id."""
        return self._drone

    @property
    def telemetry(self) -> Telemetry:
        """The vehicle's last word, as of the last refresh."""
        return self._last

    @property
    def texts(self) -> Sequence[VehicleText]:
        """The last texts of the autopilot, oldest first."""
        return self._tap.texts

    @property
    def traffic(self) -> Sequence[Aircraft]:
        """Aircraft that the vehicle's ADS-B receiver told of lately."""
        return self._tap.traffic

    @property
    def troubles(self) -> Sequence[str]:
        """What is wrong with the link itself, in words."""
        return (*self._tap.troubles, *self._slots.troubles)

    @property
    def differences(self) -> Sequence[str] | None:
        """How the parameters differ from the profile; None until they were read."""
        return self._profile.differences

    @property
    def attached(self) -> bool:
        """Whether the vehicle was ever discovered."""
        return self._asking.attached

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` on every change of telemetry; return what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def hear_aircraft(self, listener: Callable[[Aircraft], None]) -> Callable[[], None]:
        """Call ``listener`` at once with each word of an aircraft; return what ends it."""
        self._aircraft_listeners.append(listener)
        return lambda: self._aircraft_listeners.remove(listener)

    def _tell_aircraft(self, aircraft: Aircraft) -> None:
        for listener in tuple(self._aircraft_listeners):
            listener(aircraft)

    def record(self, path: Path | None) -> None:
        """Append every packet of both directions to a ``.tlog`` from now on; None ends it."""
        self._tap.record(path)

    # --- life ---------------------------------------------------------------------------------

    def attach(self, system: System, tell: Callable[[bytes], None]) -> None:
        """Take the system that mavsdk discovered under this drone's system id.

        ``tell`` gives mavsdk a packet of this vehicle.
        """
        self._asking.attach(system, tell)

    def refresh(self) -> None:
        """Take a picture of what was heard and tell the listeners where it has changed."""
        picture, before = self._slots.picture(), self._last
        self._track.add(picture)
        if self._profile.notice(picture.connected, self._tap.latest(ATTITUDE)):
            self._rater.begin()
        if picture != before:
            self._last = picture
            for listener in tuple(self._listeners):
                listener()

    async def close(self) -> None:
        """End what goes on by itself."""
        await self._profile.close()
        await self._rater.close()
        await self._asking.close()

    # --- plans --------------------------------------------------------------------------------

    async def load(self, programme: Programme) -> None:
        """Upload fence, rally points, then mission; read each back and compare it."""
        self._need_heard()
        await self._loader.load(programme)

    async def holds(self, programme: Programme) -> str | None:
        """Read the vehicle's mission; return None where it is this one, else the difference."""
        self._need_heard()
        return await self._loader.holds(programme)

    async def load_fence(self, fence: Sequence[Item]) -> None:
        """Replace the fence, in the air too; returns when it was read back and is in force."""
        self._need_heard()
        await self._loader.load_fence(fence)

    async def held_fence(self) -> Sequence[Item]:
        """Read the fence that the vehicle holds."""
        self._need_heard()
        return await self._loader.held_fence()

    # --- flight -------------------------------------------------------------------------------

    async def arm(self) -> None:
        """Arm; returns when the vehicle says that it is armed. Refused where its parameters differ.

        From a mode that PX4 does not arm in it goes to HOLD first. mavsdk would see to that too, but
        then arm at whatever time the mode is answered for, a kill in between or not.
        """
        self._need_heard()
        differs = await self._profile.confirm()
        if differs:
            words = "; ".join(differs)
            raise Refused(f"{self._drone}: arm: autopilot's parameters differ: {words}")
        async with self._arming:
            if self._last.mode in HELD_FIRST and not self._last.armed:
                await self._maneuvers.enter("arm", HOLD)
            await self._asking.ask("arm", lambda p: p.action.arm_async, command=ARM_DISARM)
            await self._see(lambda t: t.armed, "armed")

    async def disarm(self) -> None:
        """Disarm; refused in the air."""
        self._need_heard()
        async with self._arming:
            await self._asking.ask("disarm", lambda p: p.action.disarm_async, command=ARM_DISARM)
            await self._see(lambda t: not t.armed, "disarmed")

    async def kill(self) -> None:
        """Stop the motors at once, in the air too; waits for no other request."""
        self._need_heard()
        self._asking.overtake(frozenset({ARM_DISARM}), "kill")
        await self._asking.ask("kill", lambda p: p.action.kill_async, command=ARM_DISARM)
        await self._see(lambda t: not t.armed, "disarmed")

    async def _see(self, seen: Callable[[Telemetry], bool], what: str) -> None:
        """Wait for a heartbeat that shows it, and ask for one: PX4 sends one a second."""
        self._asking.show_heartbeat()
        await self._seen.until(seen, what, SEEN_S)

    async def start_mission(self) -> None:
        """Start or continue the mission; returns when the mode is seen to be MISSION.

        A disarmed PX4 takes the mode with no mission at all, so that counts for nothing.
        """
        self._need_armed()
        # what was said of the plan since it was loaded is why a mission is refused
        await self._maneuvers.enter("start mission", MISSION, self._loader.loaded_at)
        self._need_armed()

    async def fly_to_item(self, index: int) -> None:
        """Go on with the mission from one item; returns when the vehicle is seen to fly to it."""
        self._need_armed()
        await self._maneuvers.fly_to_item(index, self._loader.held)

    async def hold(self) -> None:
        """Hold here; returns when the mode is seen to be HOLD."""
        self._need_heard()
        await self._maneuvers.enter("hold", HOLD)

    async def return_to_launch(self) -> None:
        """Fly home and land; returns when the mode is seen to be RETURN_TO_LAUNCH."""
        self._need_heard()
        await self._maneuvers.enter("return", RETURN_TO_LAUNCH)

    async def land(self) -> None:
        """Land here; returns when the mode is seen to be LAND."""
        self._need_heard()
        await self._maneuvers.enter("land", LAND)

    async def precision_land(self) -> None:
        """Land on the marker below; returns when the mode is seen to be PRECISION_LAND."""
        self._need_heard()
        await self._maneuvers.enter("precision land", PRECISION_LAND)

    async def go_to(self, target: GoTo) -> None:
        """Fly to a point and hold there; returns when the vehicle has it as its target."""
        self._need_heard()
        await self._maneuvers.go_to(target)

    async def orbit(self, circle: Orbit) -> None:
        """Fly circles; returns when the mode is seen to be ORBIT."""
        self._need_heard()
        await self._maneuvers.orbit(circle)

    async def set_speed(self, speed_m_s: float) -> None:
        """Set the speed over ground of what is flown now."""
        self._need_heard()
        async with self._speeding:
            await self._asking.ask(
                "set speed",
                lambda p: p.action.set_current_speed_async,
                speed_m_s,
                command=CHANGE_SPEED,
            )

    # --- camera -------------------------------------------------------------------------------

    async def look_at(self, point: LookAtPoint) -> None:
        """Keep the camera on a point."""
        self._need_heard()
        async with self._looking:
            await self._camera.look_at(point)

    async def point_gimbal(self, pointing: PointGimbal) -> None:
        """Point the camera."""
        self._need_heard()
        async with self._looking:
            await self._camera.point(pointing)

    def show_target(self, target: LandingTarget) -> None:
        """Send one LANDING_TARGET; left out where it is not known where the vehicle was then.

        Not through mavsdk: the message names no system, so that would send it to every vehicle, and
        each takes the place for one in a frame of its own.
        """
        place = self._track.at(target.captured_at)
        if place is not None:
            told = landing_target(target, place)
            self._tap.send(self._writer.frame(told, mav.MAV_COMP_ID_ONBOARD_COMPUTER))

    # --- what must be known -------------------------------------------------------------------

    def _need_heard(self) -> None:
        """Refuse at once to ask a vehicle that was never heard of."""
        if self._tap.last_heard is None:
            raise NoAnswer(f"{self._drone} was never heard of")

    def _need_armed(self) -> None:
        self._need_heard()
        if not self._last.armed:
            raise Refused(f"{self._drone}: start mission: vehicle is not armed")

    def _home_amsl(self) -> float:
        """Return home's altitude in metres above mean sea level, as the vehicle has it."""
        raw = self._tap.latest(HOME_POSITION)
        message: Any = read(raw) if raw is not None else None
        if message is not None:
            return float(message.altitude) / 1000.0
        now = self._last
        if now.altitude_amsl_m is None or now.altitude_m is None:
            raise LinkError(f"{self._drone}: altitude of home is not known yet")
        return now.altitude_amsl_m - now.altitude_m
