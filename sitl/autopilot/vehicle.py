"""The embedded vehicle, and the loop that many of them share."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

from sitl.autopilot.clock import Clock, SpeedClock
from sitl.autopilot.commander import CHECK_S, Commander
from sitl.autopilot.commands import CommandServer
from sitl.autopilot.core import Core, VehicleSpec
from sitl.autopilot.endpoint import MavlinkLink
from sitl.autopilot.navigator import Navigator
from sitl.autopilot.port import Aircraft, EventHook, EventKind, Fault, Pose, VehicleEvent
from sitl.autopilot.traffic import adsb_vehicle

TICK_S = 0.02
"""Simulated time between two steps of the physics."""
BOOT_S = 1.5
"""Simulated time from start to the first message, as PX4 takes."""
_MOST_TICKS_BEHIND = 10
_TOGETHER = 8


class EmbeddedVehicle:
    """A vehicle that speaks PX4's MAVLink over UDP and flies without PX4; a ``SimVehicle``.

    Parameters
    ----------
    spec
        What it is made of and where it stands.
    mavlink
        The controller's address of it, as in a city file (``udpin://0.0.0.0:14540``); more than
        one for more than one link (a ground station besides the controller).

    Raises
    ------
    AddressError
        If an address cannot be used.
    """

    def __init__(self, spec: VehicleSpec, mavlink: str | Sequence[str]) -> None:
        self._core = Core(spec)
        self._navigator = Navigator(self._core)
        self._commander = Commander(self._core, self._navigator, self._emit)
        commands = CommandServer(self._core, self._commander, self._navigator)
        urls = [mavlink] if isinstance(mavlink, str) else list(mavlink)
        self._core.say = self._say
        self._core.retell = self._retell
        self.links = [MavlinkLink(self._core, self._commander, commands, url) for url in urls]
        self._hooks: list[EventHook] = []
        self._texts = 0
        self._next_check = CHECK_S
        self._checked = 0.0

    # --- SimVehicle ---------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """Return the drone's identifier."""
        return self._core.spec.id

    @property
    def landed(self) -> bool:
        """Return whether it stands on the ground."""
        return self._core.landed

    @property
    def armed(self) -> bool:
        """Return whether its motors are armed."""
        return self._core.armed

    @property
    def battery_percent(self) -> float:
        """Return the charge left, 0 to 100."""
        return self._core.battery.percent

    @property
    def mode(self) -> str:
        """Return its flight mode in lower case."""
        return self._core.mode.slug

    def true_pose(self) -> Pose:
        """Return where it really is; altitude above the ground it started from."""
        body = self._core.body
        return self._pose(body.north, body.east, body.up, self._core.true_amsl)

    def reported_pose(self) -> Pose:
        """Return where its estimator believes it is."""
        core = self._core
        return self._pose(core.north, core.east, core.altitude, core.amsl)

    def charge(self, watts: float) -> None:
        """Charge the battery with this power from now on; 0 ends it, and so does arming."""
        if not self._core.armed:
            self._core.battery.charging_w = max(0.0, watts)

    def on_event(self, hook: EventHook) -> None:
        """Call ``hook`` on every take-off, landing and change of mode."""
        self._hooks.append(hook)

    def set_parameter(self, name: str, value: float) -> None:
        """Set one of the autopilot's parameters, as a ground station would."""
        self._core.params.kind_of(name)
        self._core.params.write(name, value)

    def traffic(self, aircraft: Aircraft) -> None:
        """Let its ADS-B receiver hear an aircraft, once."""
        self._retell(adsb_vehicle(aircraft))

    def set_fault(self, fault: Fault, active: bool = True) -> None:
        """Break something, or mend it."""
        if not active:
            self._core.faults.discard(fault)
            self._commander.mend(fault)
            return
        self._core.faults.add(fault)
        if fault is Fault.BATTERY:
            self._core.battery.set_percent(min(3.0, self.battery_percent))
        elif fault is Fault.MOTOR:
            self._commander.break_motor()

    # --- life ---------------------------------------------------------------------------------

    @property
    def core(self) -> Core:
        """Return the vehicle's state, for tests and tools."""
        return self._core

    async def open(self) -> None:
        """Bind its sockets.

        Raises
        ------
        VehicleError
            If a port is taken.
        """
        try:
            for link in self.links:
                await link.socket.open()
        except BaseException:
            self.close()
            raise

    def allow_for_speed(self, speed: float) -> None:
        """Wait longer for heartbeats where simulated time runs fast, as PX4's start script does."""
        if speed > 1.0:
            params = self._core.params
            params.preset("COM_DL_LOSS_T", math.ceil(params["COM_DL_LOSS_T"] * speed))

    def close(self) -> None:
        """Close its sockets."""
        for link in self.links:
            link.socket.close()

    def step(self, dt: float) -> None:
        """Go on by ``dt`` simulated seconds: physics, decisions, telemetry."""
        core = self._core
        core.now += dt
        if core.now >= self._next_check - 1e-6:
            elapsed, self._checked = core.now - self._checked, core.now
            self._next_check += CHECK_S
            core.estimator.step(elapsed, core.now, gps=core.gps)
            if not core.landed:
                core.wind.step(elapsed)
            core.estimator.feel(elapsed, core.wind, on=core.feels_wind)
            if "SIM_BAT_DRAIN" in core.params.written:
                core.battery.drain_s = core.params["SIM_BAT_DRAIN"]
                core.battery.floor_percent = core.params["SIM_BAT_MIN_PCT"]
            self._power(elapsed)
            self._commander.check()
        if core.landed and not core.falling:
            core.gimbal.neutral()
        else:
            self._fly(dt)
        core.gimbal.step(dt, core.north, core.east, core.altitude, core.body.yaw)
        if core.now >= BOOT_S:
            for link in self.links:
                link.tick(dt)

    def _fly(self, dt: float) -> None:
        core, body = self._core, self._core.body
        if core.crashed or core.falling:
            body.fall(dt, core.wind)
        elif not self._commander.contact.lifting:
            body.rest()
            return
        else:
            self._navigator.step(dt)
        if body.up <= 0.0 and body.vu <= 0.0:
            body.rest()
            core.falling = False
            self._commander.touch()
        elif body.up > 0.05:
            self._commander.contact.clear()

    def _power(self, dt: float) -> None:
        core, body, wind = self._core, self._core.body, self._core.wind
        core.battery.step(
            dt,
            armed=core.armed,
            flying=not core.landed and not core.crashed,
            airspeed=math.hypot(body.vn - wind.north, body.ve - wind.east),
            climb=body.vu,
        )

    def _pose(self, north: float, east: float, altitude: float, amsl: float) -> Pose:
        core, body, gimbal = self._core, self._core.body, self._core.gimbal
        lon, lat = core.frame.to_lonlat(north, east)
        return Pose(
            lon,
            lat,
            altitude,
            amsl,
            math.degrees(body.roll),
            math.degrees(body.pitch),
            math.degrees(body.yaw) % 360.0,
            math.degrees(gimbal.pitch),
            math.degrees(gimbal.yaw) % 360.0,
        )

    def _emit(self, kind: EventKind) -> None:
        event = VehicleEvent(self.id, kind, self.true_pose(), self.mode)
        for hook in self._hooks:
            hook(event)

    def _retell(self, message: Any) -> None:
        for link in self.links:
            link.send(message)

    def _say(self, severity: int, text: str) -> None:
        number, self._texts = self._texts, self._texts + 1
        if self._core.gcs_lost:
            return  # PX4 keeps its texts from a link that nobody listens to
        for link in self.links:
            link.say(severity, text, 1 + number % 0xFFFF)  # 0 would mean: not in chunks


async def fly(
    vehicles: Sequence[EmbeddedVehicle],
    clock: Clock | None = None,
    ready: asyncio.Event | None = None,
) -> None:
    """Open embedded vehicles and step them all until cancelled; then close them.

    Simulated time never runs ahead of the clock. Where the machine is too slow it falls behind,
    as PX4's does, and what was missed is not made up for.

    Parameters
    ----------
    vehicles
        The vehicles, each used by one ``fly`` only.
    clock
        The time to run on; the wall's where not given.
    ready
        Set when all sockets are bound.

    Raises
    ------
    VehicleError
        If a port is taken.
    """
    clock = clock or SpeedClock()
    speed = 1.0 / clock.wall_s(1.0)
    try:
        for vehicle in vehicles:
            vehicle.allow_for_speed(speed)
            await vehicle.open()
        if ready is not None:
            ready.set()
        due = clock.now()
        while True:
            due += TICK_S
            now = clock.now()
            if now < due:
                await asyncio.sleep(clock.wall_s(due - now))
            elif now - due > _MOST_TICKS_BEHIND * TICK_S:
                due = now
            for i, vehicle in enumerate(vehicles):
                vehicle.step(TICK_S)
                if i % _TOGETHER == _TOGETHER - 1:
                    await asyncio.sleep(0)
            await asyncio.sleep(0)
    finally:
        for vehicle in vehicles:
            vehicle.close()
