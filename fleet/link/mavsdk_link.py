"""One vehicle over mavsdk 4.

Requests go through mavsdk's callback calls rather than its blocking ones, so that a vehicle that
does not answer holds no thread: 24 silent drones would otherwise fill the default executor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from mavsdk.plugins.action import Action
from mavsdk.plugins.geofence import Geofence
from mavsdk.plugins.mission_raw import MissionItem, MissionRaw
from mavsdk.plugins.telemetry import Telemetry as TelemetryPlugin
from mavsdk.system import System

from fleet.errors import LinkError, Refused
from fleet.link.clock import Clock
from fleet.link.items import Item, Programme, difference
from fleet.link.mavsdk_telemetry import RATE_HZ, Slots
from fleet.link.port import LandingTarget, Listener, VehicleText, why
from fleet.model.command import GoTo, LookAtPoint, Orbit, PointGimbal
from fleet.model.live import Telemetry
from fleet.model.traffic import Aircraft

COMMAND_S = 8.0
"""Bound on one acknowledgement: mavsdk sends a command four times half a second apart."""
TRANSFER_S = 30.0
"""Bound on one mission or fence transfer; 2,000 items were seen to take 1 s."""
MODE_S = 1.5
"""PX4 validates a mission after acknowledging it: a start 1.5 s later works where one at once is
refused without a word, so a mode is waited for this long before it is asked for again."""
MODE_TRIES = 5
"""In all less than the 10 s after which PX4 disarms a vehicle that stays on the ground."""
ITEM_TRIES = 3
READ_TRIES = 3
READ_PAUSE_S = 0.5
"""PX4 acknowledges a plan before its own store has it: one read back at once was seen empty."""
WORDS_S = 1.5
"""A refusal's STATUSTEXT may come after its acknowledgement."""

_NO_ANSWER = frozenset({"TIMEOUT", "NO_SYSTEM", "CONNECTION_ERROR"})
log = structlog.get_logger(__name__)


class MavsdkLink:
    """The DroneLink of one vehicle, attached to mavsdk's system once that is discovered."""

    def __init__(self, drone: str, clock: Clock) -> None:
        self._drone = drone
        self._clock = clock
        self._slots = Slots(clock)
        self._loaded_at = clock.now()
        self._last = self._slots.picture()
        self._listeners: list[Listener] = []
        self._transfer = asyncio.Lock()
        self._system: System | None = None
        self._telemetry: Any = None
        self._mission: Any = None
        self._geofence: Any = None
        self._action: Any = None

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
        return self._slots.texts

    @property
    def attached(self) -> bool:
        """Whether the vehicle was ever discovered."""
        return self._system is not None

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` on every change of telemetry; return what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def attach(self, system: System) -> None:
        """Take the system that mavsdk discovered under this drone's system id."""
        self._system = system
        self._telemetry = TelemetryPlugin(system)
        self._mission = MissionRaw(system)
        self._geofence = Geofence(system)
        self._action = Action(system)
        self._slots.subscribe(self._telemetry, self._mission)
        system.subscribe_is_connected(self._on_connected)
        self._ask_rates()

    def _on_connected(self, connected: bool, _user_data: Any) -> None:
        # in mavsdk's thread; a vehicle that was started again has forgotten its rates
        if connected:
            self._ask_rates()

    def _ask_rates(self) -> None:
        def answered(result: Any, _user_data: Any) -> None:
            if result.name != "SUCCESS":
                log.debug("vehicle keeps its own rates", drone=self._drone, result=result.name)

        self._telemetry.set_rate_position_async(RATE_HZ, answered)
        self._telemetry.set_rate_velocity_ned_async(RATE_HZ, answered)

    def refresh(self) -> None:
        """Take a picture of the slots and tell the listeners where it has changed."""
        picture = self._slots.picture()
        if picture != self._last:
            self._last = picture
            for listener in tuple(self._listeners):
                listener()

    async def load(self, programme: Programme) -> None:
        """Upload the fence, then the mission, read both back and compare them."""
        self._loaded_at = self._clock.now()
        async with self._transfer:
            await self._load_fence(programme)
            await self._load_mission(programme)

    async def _load_fence(self, programme: Programme) -> None:
        if programme.fence:
            fence = _raw(programme.fence, mission_type=1)
            upload = self._plugin("_mission").upload_geofence_async
            await self._ask("fence upload", TRANSFER_S, upload, fence)
        else:
            clear = self._plugin("_geofence").clear_geofence_async
            await self._ask("fence removal", TRANSFER_S, clear)
        await self._read_back("fence", self._mission.download_geofence_async, programme.fence)

    async def _load_mission(self, programme: Programme) -> None:
        # PX4 goes on from its old current item where the same mission is uploaded again
        await self._ask("mission removal", COMMAND_S, self._mission.clear_mission_async)
        mission = _raw(programme.items, mission_type=0)
        await self._ask("mission upload", TRANSFER_S, self._mission.upload_mission_async, mission)
        await self._read_back("mission", self._mission.download_mission_async, programme.items)
        set_current = self._mission.set_current_mission_item_async
        try:
            await self._ask("first item", COMMAND_S, set_current, 0)
            await self._until(lambda t: t.mission_current == 0, "at the first item", 2 * MODE_S)
        except LinkError as error:
            # PX4 acknowledges a mission that it then finds not feasible, and shows no current item
            words = why(self.texts, self._loaded_at)
            raise (Refused(f"{error}: {words}") if words else error) from error

    async def _read_back(
        self, what: str, download: Callable[..., None], sent: Sequence[Item]
    ) -> None:
        """Read a plan until it is what was sent, a few times."""
        for attempt in range(1, READ_TRIES + 1):
            held = await self._ask(f"{what} read-back", TRANSFER_S, download)
            found = difference(sent, [_item(raw) for raw in held[0]])
            if found is None:
                return
            if attempt < READ_TRIES:
                await asyncio.sleep(READ_PAUSE_S)
        raise LinkError(f"{self._drone}: the {what} read back differs: {found}")

    async def holds(self, programme: Programme) -> str | None:
        """Read the vehicle's mission; return None where it is this one, else the difference."""
        async with self._transfer:
            download = self._plugin("_mission").download_mission_async
            held = await self._ask("mission read-back", TRANSFER_S, download)
        return difference(programme.items, [_item(raw) for raw in held[0]])

    async def arm(self) -> None:
        """Arm; returns when the vehicle says that it is armed."""
        await self._ask("arm", COMMAND_S, self._plugin("_action").arm_async)
        await self._until(lambda t: t.armed, "armed", 3 * MODE_S)

    async def disarm(self) -> None:
        """Disarm; refused in the air."""
        await self._ask("disarm", COMMAND_S, self._plugin("_action").disarm_async)
        await self._until(lambda t: not t.armed, "disarmed", 3 * MODE_S)

    async def start_mission(self) -> None:
        """Start or continue the mission; returns when the mode is seen to be MISSION.

        A disarmed PX4 takes the mode with no mission at all, so that counts for nothing.
        """
        self._need_armed()
        await self._mode("start mission", "MISSION", self._plugin("_mission").start_mission_async)
        self._need_armed()

    def _need_armed(self) -> None:
        if not self._last.armed:
            raise Refused(f"{self._drone}: start mission: vehicle is not armed")

    async def hold(self) -> None:
        """Hold here; returns when the mode is seen to be HOLD."""
        await self._mode("hold", "HOLD", self._plugin("_action").hold_async)

    async def return_to_launch(self) -> None:
        """Fly home and land; returns when the mode is seen to be RETURN_TO_LAUNCH."""
        await self._mode(
            "return", "RETURN_TO_LAUNCH", self._plugin("_action").return_to_launch_async
        )

    async def land(self) -> None:
        """Land here; returns when the mode is seen to be LAND."""
        await self._mode("land", "LAND", self._plugin("_action").land_async)

    async def precision_land(self) -> None:
        """Land on the marker below; returns when the mode is seen."""
        raise LinkError(f"{self._drone}: precision land: not there yet")

    async def go_to(self, target: GoTo) -> None:
        """Fly to a point and hold there."""
        raise LinkError(f"{self._drone}: go to: not there yet")

    async def orbit(self, circle: Orbit) -> None:
        """Fly circles."""
        raise LinkError(f"{self._drone}: orbit: not there yet")

    async def look_at(self, point: LookAtPoint) -> None:
        """Keep the camera on a point."""
        raise LinkError(f"{self._drone}: look at: not there yet")

    async def point_gimbal(self, pointing: PointGimbal) -> None:
        """Point the camera."""
        raise LinkError(f"{self._drone}: gimbal: not there yet")

    async def kill(self) -> None:
        """Stop the motors at once."""
        await self._ask("kill", COMMAND_S, self._plugin("_action").kill_async)
        await self._until(lambda t: not t.armed, "disarmed", 3 * MODE_S)

    async def set_speed(self, speed_m_s: float) -> None:
        """Set the speed over ground of what is flown now."""
        request = self._plugin("_action").set_current_speed_async
        await self._ask("set speed", COMMAND_S, request, speed_m_s)

    def show_target(self, target: LandingTarget) -> None:
        """Send one LANDING_TARGET."""

    def record(self, path: Path | None) -> None:
        """Append every packet to a ``.tlog`` from now on; None ends it."""

    @property
    def traffic(self) -> Sequence[Aircraft]:
        """Aircraft that the vehicle's ADS-B receiver told of."""
        return ()

    @property
    def differences(self) -> Sequence[str] | None:
        """How the autopilot's parameters differ from the profile."""
        return ()

    @property
    def troubles(self) -> Sequence[str]:
        """What is wrong with the link itself."""
        return ()

    async def fly_to_item(self, index: int) -> None:
        """Go on with the mission from one item; returns when the vehicle is seen to fly to it.

        PX4 tells of the new item only in MISSION mode, so that is started first where need be.
        """
        request = self._plugin("_mission").set_current_mission_item_async
        for attempt in range(1, ITEM_TRIES + 1):
            await self._ask(f"go to item {index}", COMMAND_S, request, index)
            if self._last.mode != "MISSION":
                await self.start_mission()
            try:
                await self._until(
                    lambda t: t.mission_current >= index, f"flying to item {index}", 2 * MODE_S
                )
            except _NotSeen:
                if attempt == ITEM_TRIES:
                    raise
            else:
                return

    def _plugin(self, name: str) -> Any:
        if self._system is None:
            raise LinkError(f"{self._drone} was never heard of")
        return getattr(self, name)

    async def _ask(
        self, what: str, bound_s: float, request: Callable[..., None], *args: Any
    ) -> tuple[Any, ...]:
        """Send one request; return what its answer carries besides the result."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[Any, ...]] = loop.create_future()

        def settle(answer: tuple[Any, ...]) -> None:
            if not future.done():
                future.set_result(answer)

        def answered(*answer: Any) -> None:
            # in mavsdk's thread; a loop that is closing no longer wants the answer
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, answer[:-1])

        asked_at = self._clock.now()
        request(*args, answered)
        try:
            async with asyncio.timeout(bound_s):
                result, *data = await future
        except TimeoutError:
            raise LinkError(f"{self._drone}: {what}: no answer within {bound_s:g} s") from None
        if result.name == "SUCCESS":
            return tuple(data)
        if result.name in _NO_ANSWER:
            raise LinkError(f"{self._drone}: {what}: no answer ({result.name})")
        await self._words(asked_at)
        words = why(self.texts, asked_at)
        raise Refused(f"{self._drone}: {what}: {result.name}" + (f": {words}" if words else ""))

    async def _words(self, since: Any) -> None:
        """Give the words of a refusal a moment to arrive."""
        with suppress(LinkError):
            await self._until(lambda _: bool(why(self.texts, since)), "words", WORDS_S)

    async def _mode(self, what: str, mode: str, request: Callable[..., None]) -> None:
        """Ask for a mode until the vehicle is seen in it.

        PX4 acknowledges a mode change that it then refuses; only the heartbeat's mode tells.
        """
        # what was said of the plan since it was loaded is why a mission is refused
        asked_at = self._loaded_at if mode == "MISSION" else self._clock.now()
        refusal = ""
        for _ in range(MODE_TRIES):
            try:
                await self._ask(what, COMMAND_S, request)
                await self._until(lambda t: t.mode == mode, f"in {mode}", MODE_S)
            except Refused as error:
                refusal = str(error)
                with suppress(LinkError):  # the next try is owed the time that validation takes
                    await self._until(lambda t: t.mode == mode, f"in {mode}", MODE_S)
            except _NotSeen:
                continue
            if self._last.mode == mode:
                return
        words = why(self.texts, asked_at) or refusal or "no reason given"
        raise Refused(
            f"{self._drone}: {what}: mode is {self._last.mode}, not {mode}, after {MODE_TRIES} tries: {words}"
        )

    async def _until(self, seen: Callable[[Telemetry], bool], what: str, bound_s: float) -> None:
        changed = asyncio.Event()
        stop = self.listen(changed.set)
        try:
            async with asyncio.timeout(bound_s):
                while not seen(self._last):
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            raise _NotSeen(f"{self._drone}: not seen {what} within {bound_s:g} s") from None
        finally:
            stop()


class _NotSeen(LinkError):
    """Acknowledged, and not seen to take effect."""


def _raw(items: Sequence[Item], *, mission_type: int) -> list[MissionItem]:
    return [
        MissionItem(
            seq=seq,
            frame=item.frame,
            command=item.command,
            current=int(seq == 0 and mission_type == 0),
            autocontinue=1,
            param1=item.params[0],
            param2=item.params[1],
            param3=item.params[2],
            param4=item.params[3],
            x=item.x,
            y=item.y,
            z=item.z,
            mission_type=mission_type,
        )
        for seq, item in enumerate(items)
    ]


def _item(raw: Any) -> Item:
    params = (raw.param1, raw.param2, raw.param3, raw.param4)
    return Item(raw.command, raw.frame, params, raw.x, raw.y, raw.z)
