"""A real PX4 as the rest of the simulator sees it, through its ground-station link."""

from __future__ import annotations

import asyncio
import math
from typing import Any, cast

from pymavlink.dialects.v20 import common as mav

from sitl.autopilot.modes import by_custom_mode
from sitl.autopilot.params import INT32, REAL32, Params, wire_float
from sitl.autopilot.port import Aircraft, EventHook, EventKind, Fault, Pose, VehicleEvent
from sitl.autopilot.traffic import adsb_vehicle
from sitl.errors import Px4Error, VehicleError
from sitl.px4 import STATION_PORT, Px4Instance

_HEARTBEAT_S = 1.0
_ON_GROUND = 1
_ONBOARD_CONTROLLER = 18
_SYSTEM, _COMPONENT = 246, 191
_STREAMS_HZ = {115: 25.0, 33: 10.0, 30: 25.0, 285: 10.0, 245: 5.0, 147: 1.0, 242: 1.0}
"""HIL_STATE_QUATERNION (SIH's ground truth), position, attitude, gimbal, landed, battery, home."""


def _angles(q: list[float]) -> tuple[float, float, float]:
    """Return (roll, pitch, yaw) in degrees of a quaternion (w, x, y, z)."""
    w, x, y, z = q
    roll = math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))
    pitch = math.asin(max(-1.0, min(1.0, 2 * (w * y - z * x))))
    yaw = math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    return math.degrees(roll), math.degrees(pitch), math.degrees(yaw) % 360.0


class Px4Vehicle(asyncio.DatagramProtocol):
    """A ``SimVehicle`` that is flown by a real PX4.

    It speaks to the instance's ground-station link from a port of its own (PX4 answers the first
    that it hears), as an onboard computer and not as a ground station: PX4 must not take it for
    the controller's heartbeat. A ground station that is to see the drone as well connects to the
    onboard link's other side, or to the controller.

    Parameters
    ----------
    vehicle_id
        The drone's identifier.
    instance
        The running PX4.
    """

    def __init__(self, vehicle_id: str, instance: Px4Instance) -> None:
        self._id = vehicle_id
        self._instance = instance
        self._address = ("127.0.0.1", STATION_PORT + instance.spec.instance)
        self._mav = mav.MAVLink(None, srcSystem=_SYSTEM, srcComponent=_COMPONENT)
        self._mav.robust_parsing = True
        self._transport: asyncio.DatagramTransport | None = None
        self._last: dict[str, Any] = {}
        self._hooks: list[EventHook] = []
        self._mode = ""
        self._landed = True
        self._seen = asyncio.Event()

    @property
    def id(self) -> str:
        """Return the drone's identifier."""
        return self._id

    @property
    def landed(self) -> bool:
        """Return whether it stands on the ground."""
        return self._landed

    @property
    def armed(self) -> bool:
        """Return whether its motors are armed."""
        heartbeat = self._last.get("HEARTBEAT")
        return heartbeat is not None and bool(heartbeat.base_mode & 128)

    @property
    def battery_percent(self) -> float:
        """Return the charge left, 0 to 100, as PX4's battery simulation says."""
        battery = self._last.get("BATTERY_STATUS")
        return 100.0 if battery is None else float(max(0, battery.battery_remaining))

    @property
    def mode(self) -> str:
        """Return its flight mode in lower case."""
        return self._mode

    def true_pose(self) -> Pose:
        """Return SIH's ground truth; the estimate where PX4 does not send that."""
        truth = self._last.get("HIL_STATE_QUATERNION")
        if truth is None:
            return self.reported_pose()
        roll, pitch, yaw = _angles(list(truth.attitude_quaternion))
        amsl = truth.alt / 1000.0
        lon, lat = truth.lon * 1e-7, truth.lat * 1e-7
        return self._pose(lon, lat, amsl - self._instance.spec.amsl_m, amsl, roll, pitch, yaw)

    def reported_pose(self) -> Pose:
        """Return where PX4's estimator believes it is."""
        place, turn = self._last.get("GLOBAL_POSITION_INT"), self._last.get("ATTITUDE")
        spec = self._instance.spec
        if place is None or turn is None:
            return self._pose(spec.lon, spec.lat, 0.0, spec.amsl_m, 0.0, 0.0, 0.0)
        return self._pose(
            place.lon * 1e-7,
            place.lat * 1e-7,
            place.relative_alt / 1000.0,
            place.alt / 1000.0,
            math.degrees(turn.roll),
            math.degrees(turn.pitch),
            math.degrees(turn.yaw) % 360.0,
        )

    def _pose(
        self,
        lon: float,
        lat: float,
        altitude: float,
        amsl: float,
        roll: float,
        pitch: float,
        yaw: float,
    ) -> Pose:
        gimbal_pitch, gimbal_yaw = 0.0, yaw
        status = self._last.get("GIMBAL_DEVICE_ATTITUDE_STATUS")
        if status is not None:
            _, gimbal_pitch, turn = _angles(list(status.q))
            earth = bool(status.flags & 64) or (bool(status.flags & 16) and not status.flags & 32)
            gimbal_yaw = turn if earth else (turn + yaw) % 360.0
        return Pose(lon, lat, altitude, amsl, roll, pitch, yaw, gimbal_pitch, gimbal_yaw)

    def charge(self, watts: float) -> None:
        """Do nothing: PX4's battery simulation fills itself up on disarming."""

    def on_event(self, hook: EventHook) -> None:
        """Call ``hook`` on every take-off, landing and change of mode."""
        self._hooks.append(hook)

    def set_parameter(self, name: str, value: float) -> None:
        """Set one of the autopilot's parameters, as a ground station would."""
        self._set_param(name, value, Params().kind_of(name))

    def traffic(self, aircraft: Aircraft) -> None:
        """Let its ADS-B receiver hear an aircraft, once: PX4 tells its other links of it."""
        self._send(adsb_vehicle(aircraft))

    def set_fault(self, fault: Fault, active: bool = True) -> None:
        """Break something, or mend it.

        Raises
        ------
        VehicleError
            For a motor, which SIH cannot break.
        """
        if fault is Fault.GPS:
            self._set_param("SIM_GPS_USED", 0 if active else 10, INT32)
        elif fault is Fault.BATTERY:
            self._set_param("SIM_BAT_MIN_PCT", 0.0 if active else 50.0, REAL32)
            self._set_param("SIM_BAT_DRAIN", 5.0 if active else 60.0, REAL32)
        elif fault is Fault.LINK:
            raise VehicleError("PX4 in SIH: its link cannot be broken alone; pause the instance")
        else:
            raise VehicleError("PX4 in SIH accepts a motor failure without any effect")

    async def run(self, ready_s: float = 30.0) -> None:
        """Listen until cancelled.

        Raises
        ------
        Px4Error
            If PX4 sends no heartbeat within ``ready_s``, or ends.
        """
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        try:
            deadline = loop.time() + ready_s
            while True:
                self._instance.check()
                self._send(mav.MAVLink_heartbeat_message(_ONBOARD_CONTROLLER, 8, 0, 0, 0, 3))
                if not self._seen.is_set() and loop.time() > deadline:
                    raise Px4Error(
                        f"PX4 instance {self._instance.spec.instance} sent no heartbeat within "
                        f"{ready_s:g} s; its last words: {self._instance.last_words()}"
                    )
                if self._seen.is_set() and "HIL_STATE_QUATERNION" not in self._last:
                    self._ask_for_streams()
                await asyncio.sleep(_HEARTBEAT_S)
        finally:
            transport.close()
            self._transport = None

    async def ready(self) -> None:
        """Wait for PX4's first heartbeat; ``run`` must be running, and bounds the wait."""
        await self._seen.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # asyncio's own datagram transports are not subclasses of DatagramTransport
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take note of what PX4 sends."""
        for message in self._mav.parse_buffer(data) or ():
            if message.get_srcSystem() == self._instance.spec.system_id:
                self._take(message)

    def error_received(self, exc: Exception) -> None:
        """Do nothing: as long as PX4 starts up, its port is closed."""

    def _take(self, message: Any) -> None:
        kind = message.get_type()
        self._last[kind] = message
        if kind == "HEARTBEAT" and message.get_srcComponent() == 1:
            self._seen.set()
            mode = by_custom_mode(message.custom_mode)
            slug = mode.slug if mode is not None else "unknown"
            if slug != self._mode:
                first, self._mode = not self._mode, slug
                if not first:
                    self._emit(EventKind.MODE)
        elif kind == "EXTENDED_SYS_STATE" and message.landed_state:
            landed = message.landed_state == _ON_GROUND
            if landed != self._landed:
                self._landed = landed
                self._emit(EventKind.LANDED if landed else EventKind.TAKEOFF)

    def _emit(self, kind: EventKind) -> None:
        event = VehicleEvent(self._id, kind, self.true_pose(), self._mode)
        for hook in self._hooks:
            hook(event)

    def _ask_for_streams(self) -> None:
        target = (self._instance.spec.system_id, 1)
        for number, hz in _STREAMS_HZ.items():
            command = mav.MAVLink_command_long_message(
                *target, 511, 0, number, 1e6 / hz, 0, 0, 0, 0, 0
            )
            self._send(command)

    def _set_param(self, name: str, value: float, kind: int) -> None:
        target = (self._instance.spec.system_id, 1)
        wire = wire_float(value, kind)
        self._send(mav.MAVLink_param_set_message(*target, name.encode(), wire, kind))

    def _send(self, message: Any) -> None:
        if self._transport is not None:
            self._transport.sendto(message.pack(self._mav), self._address)
            self._mav.seq = (self._mav.seq + 1) % 256
