"""One MAVLink link of a vehicle: what comes in is carried out, what is due goes out."""

from __future__ import annotations

import time
from typing import Any

from pymavlink.dialects.v20 import common as mav

from sitl.autopilot.codec import Encoder
from sitl.autopilot.commander import ACCEPTED, DENIED, Commander
from sitl.autopilot.commands import UNSUPPORTED, Command, CommandServer, command_of
from sitl.autopilot.core import AUTOPILOT, CRITICAL, Core, LandingTarget
from sitl.autopilot.link import Endpoint, UdpLink
from sitl.autopilot.param_server import ParamServer
from sitl.autopilot.port import Fault
from sitl.autopilot.streams_status import MISSION_CURRENT, MISSION_ITEM_REACHED, mission_current
from sitl.autopilot.telemetry import Telemetry
from sitl.autopilot.transfer import MissionTransfer

_DATAGRAM = 1400
_CHUNK = 50
_REACHED_AGAIN = 10
_INJECT_FAILURE = 420
_COMPARISONS = 500
"""How often clocks are compared before PX4 believes in the difference."""
_ROUND_TRIP_S = 0.05


class MavlinkLink:
    """One link: its own socket, sequence numbers, streams and mission transfer."""

    def __init__(self, core: Core, commander: Commander, commands: CommandServer, url: str) -> None:
        self._core = core
        self._commander = commander
        self._commands = commands
        self._encoder = Encoder(core.spec.system_id, AUTOPILOT)
        self._parser = mav.MAVLink(None, srcSystem=core.spec.system_id, srcComponent=AUTOPILOT)
        self._parser.robust_parsing = True
        self.socket = UdpLink(Endpoint.parse(url), self._receive, time.monotonic)
        self.telemetry = Telemetry(core, commander)
        self.params = ParamServer(core.params, self.send)
        self.transfer = MissionTransfer(
            core.plan, core.spec.system_id, AUTOPILOT, self.send, core.say
        )
        self._clock: float | None = None
        """The vehicle's time when the station's clock was at 0; None until it is known."""
        self._compared = 0
        self._out = bytearray()
        self._reached = -1
        self._reached_count = 0
        self._reached_due = 0.0
        self._current = -1

    @property
    def muted(self) -> bool:
        """Whether the radio is broken."""
        return Fault.LINK in self._core.faults

    def send(self, message: Any) -> None:
        """Queue a pymavlink message for the next datagram."""
        self._put(self._encoder.message(message))

    def tick(self, dt: float) -> None:
        """Send what is due."""
        if self.muted:
            self._out.clear()
            return
        self.transfer.tick(self._core.now)
        self.params.tick()
        self._mission_progress()
        for shape, payload in self.telemetry.due(dt):
            self._put(self._encoder.frame(shape, payload))
        self.flush()

    def flush(self) -> None:
        """Send what is queued."""
        if self._out:
            self.socket.send(bytes(self._out))
            self._out.clear()

    def say(self, severity: int, text: str, number: int) -> None:
        """Send a text; one that is longer than 50 characters goes in numbered chunks."""
        raw = text.encode()
        chunks = [raw[i : i + _CHUNK] for i in range(0, len(raw), _CHUNK)] or [b""]
        for i, chunk in enumerate(chunks):
            self.send(mav.MAVLink_statustext_message(severity, chunk, number, i))

    def _put(self, frame: bytes) -> None:
        if len(self._out) + len(frame) > _DATAGRAM:
            self.flush()
        self._out += frame

    def _mission_progress(self) -> None:
        """Send MISSION_CURRENT and MISSION_ITEM_REACHED as PX4's mission manager does."""
        core, plan = self._core, self._core.plan
        if plan.valid and plan.current != self._current:
            self._current = plan.current
            self._put(self._encoder.frame(MISSION_CURRENT, mission_current(core)))
        if plan.reached != self._reached:
            self._reached, self._reached_count = plan.reached, 0
            self._reached_due = core.now
        again = self._reached >= 0 and self._reached_count <= _REACHED_AGAIN
        if again and core.now >= self._reached_due and plan.mission:
            self._reached_count += 1
            self._reached_due = core.now + 1.0
            self._put(
                self._encoder.frame(MISSION_ITEM_REACHED, MISSION_ITEM_REACHED.pack(self._reached))
            )

    # --- incoming -----------------------------------------------------------------------------

    def _receive(self, data: bytes) -> None:
        if self.muted:
            return
        for message in self._parser.parse_buffer(data) or ():
            self._handle(message)
        self.flush()

    def _handle(self, message: Any) -> None:
        sender = (message.get_srcSystem(), message.get_srcComponent())
        kind = message.get_type()
        family = kind.partition("_")[0]
        if family == "MISSION":
            self.transfer.handle(message, sender, self._core.now)
        elif family == "PARAM":
            if message.target_system == self._core.spec.system_id:
                self.params.handle(message)
        elif family == "COMMAND":
            ours = (0, self._core.spec.system_id)
            if kind != "COMMAND_ACK" and message.target_system in ours:
                self._command(message, sender)
        else:
            self._housekeeping(kind, message, sender)

    def _housekeeping(self, kind: str, message: Any, sender: tuple[int, int]) -> None:
        if kind == "HEARTBEAT" and message.type == 6:  # MAV_TYPE_GCS
            self._commander.station.heard()
        elif kind == "LANDING_TARGET":
            self._landing_target(message)
        elif kind == "ADSB_VEHICLE":
            self._core.retell(message)  # as PX4 does, also to the one who said it
        elif kind == "SET_MODE":
            self._set_mode(message)
        elif kind == "TIMESYNC":
            self._timesync(message)
        elif kind == "PING" and message.target_system == 0:
            self.send(mav.MAVLink_ping_message(message.time_usec, message.seq, *sender))

    def _landing_target(self, message: Any) -> None:
        core = self._core
        if not message.position_valid:
            return  # an angle alone is for PX4's own estimator, which is not simulated
        if message.frame != 1:  # MAV_FRAME_LOCAL_NED
            core.say(CRITICAL, f"Landing target: coordinate frame {message.frame} unsupported\t")
            return
        core.landing_target = LandingTarget(
            message.x, message.y, message.z, self._said_at(message.time_usec)
        )

    def _timesync(self, message: Any) -> None:
        """Answer another's TIMESYNC; compare the clocks by the answer to our own."""
        now = self._core.now
        if message.tc1 == 0:
            self.send(mav.MAVLink_timesync_message(int(now * 1e9), message.ts1))
            return
        sent = message.ts1 * 1e-9
        if not 0.0 <= now - sent < _ROUND_TRIP_S:
            return
        self._compared += 1
        if self._compared >= _COMPARISONS:
            self._clock = 0.5 * (sent + now) - message.tc1 * 1e-9

    def _said_at(self, usec: int) -> float:
        """Return the time since boot at which a station's clock showed ``usec``.

        As PX4 does it: where the clocks were not compared, everything is said just now.
        """
        return self._core.now if self._clock is None else usec * 1e-6 + self._clock

    def _set_mode(self, message: Any) -> None:
        if message.target_system != self._core.spec.system_id:
            return
        packed = message.custom_mode
        main, sub = (packed >> 16) & 0xFF, (packed >> 24) & 0xFF
        p = (float(message.base_mode), float(main), float(sub), 0.0, 0.0, 0.0, 0.0)
        self._commands.run(Command(176, p, None))

    def _command(self, message: Any, sender: tuple[int, int]) -> None:
        command = command_of(message)
        if message.target_component not in (0, AUTOPILOT, 154):  # 154: MAV_COMP_ID_GIMBAL
            return
        if command.frame is None or command.frame == 5:
            result = self._of_this_link(command.number, command.p, sender)
            if result is not None:
                self._ack(command.number, result, sender)
                return
        to = (0, 0) if command.number == _INJECT_FAILURE else sender  # PX4's injector knows no one
        for result in self._commands.run(command):
            self._ack(command.number, result, to)

    def _of_this_link(
        self, number: int, p: tuple[float, ...], sender: tuple[int, int]
    ) -> int | None:
        """Carry out a command about this link's messages; None where it is about the vehicle."""
        if number == 511:
            return ACCEPTED if self.telemetry.set_interval(int(p[0]), p[1]) else 4
        if number == 510:
            interval = self.telemetry.interval_us(int(p[0]))
            self.send(mav.MAVLink_message_interval_message(int(p[0]), interval))
            return ACCEPTED
        if number in (512, 520):
            found = self.telemetry.once(148 if number == 520 else int(p[0]))
            if found is None:
                return DENIED
            self._put(self._encoder.frame(*found))
            return ACCEPTED
        if number == 519:
            return UNSUPPORTED
        if number == 1001:  # DO_GIMBAL_MANAGER_CONFIGURE
            self._core.gimbal.configure(p, sender)
            return ACCEPTED
        if number == 1000 and self._core.gimbal.owner != sender:
            return DENIED  # DO_GIMBAL_MANAGER_PITCHYAW from one who has not taken control
        return None

    def _ack(self, number: int, result: int, to: tuple[int, int]) -> None:
        self.send(mav.MAVLink_command_ack_message(number, result, 0, 0, *to))
