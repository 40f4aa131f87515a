"""COMMAND_LONG and COMMAND_INT: carried out, refused, or left without an answer, as PX4 does."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sitl.autopilot.commander import ACCEPTED, DENIED, TEMPORARILY_REJECTED, Commander
from sitl.autopilot.core import CRITICAL, INFO, Core
from sitl.autopilot.gimbal import Point
from sitl.autopilot.guidance import Target
from sitl.autopilot.modes import Mode, from_custom_mode
from sitl.autopilot.navigator import Navigator
from sitl.autopilot.orbit import OrbitCommand

UNSUPPORTED, IN_PROGRESS, UNSUPPORTED_MAV_FRAME = 3, 5, 9
_FORCE = 21196.0
_SILENT = frozenset({42600, 203})
"""DO_WINCH, DO_DIGICAM_CONTROL: PX4 gives no ACK."""
_UNIT_BATTERY, _UNIT_MOTOR = 100, 101
"""FAILURE_UNIT of what SIH can break, or says it can."""
_MOTOR_FAILURES = frozenset({0, 1, 2, 5})
"""FAILURE_TYPE that PX4 takes for a motor: mended, off, stuck, wrong."""
_ACCEPTED_AS_IS = frozenset({241, 245})
"""Taken without an effect that can be seen from outside."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its number, seven parameters (5 and 6 degrees where they are a position)."""

    number: int
    p: tuple[float, float, float, float, float, float, float]
    frame: int | None
    """MAV_FRAME of a COMMAND_INT; None for a COMMAND_LONG."""


def command_of(message: Any) -> Command:
    """Return the command in a COMMAND_LONG or COMMAND_INT."""
    first = (message.param1, message.param2, message.param3, message.param4)
    if message.get_type() == "COMMAND_LONG":
        last = (message.param5, message.param6, message.param7)
        return Command(message.command, (*first, *last), None)
    unset = -(2**31), 2**31 - 1
    lat = math.nan if message.x in unset else message.x * 1e-7
    lon = math.nan if message.y in unset else message.y * 1e-7
    return Command(message.command, (*first, lat, lon, message.z), message.frame)


class CommandServer:
    """Carries out commands of one vehicle.

    ``run`` returns the MAV_RESULTs to acknowledge with, in order; none where PX4 stays silent.
    """

    def __init__(self, core: Core, commander: Commander, navigator: Navigator) -> None:
        self._core = core
        self._commander = commander
        self._nav = navigator
        self._handlers: dict[int, Callable[[Command], tuple[int, ...]]] = {
            400: self._arm,
            176: self._set_mode,
            300: self._start_mission,
            22: self._take_off,
            21: self._land,
            20: self._return,
            23: self._land_precisely,
            420: self._inject,
            186: self._change_altitude,
            192: self._reposition,
            34: self._orbit,
            178: self._change_speed,
            179: self._set_home,
            195: self._roi_location,
            201: self._roi,
            197: self._roi_none,
            205: self._mount,
            1000: self._pitch_yaw,
            224: self._set_current,
            211: lambda command: (IN_PROGRESS, ACCEPTED),
            246: self._reboot,
            185: lambda command: (DENIED,),
        }

    def run(self, command: Command) -> tuple[int, ...]:
        """Carry out one command."""
        if command.frame is not None and command.frame != 5:
            return (UNSUPPORTED_MAV_FRAME,)
        handler = self._handlers.get(command.number)
        if handler is not None:
            return handler(command)
        if command.number in _SILENT:
            return ()
        return (ACCEPTED,) if command.number in _ACCEPTED_AS_IS else (UNSUPPORTED,)

    def _arm(self, command: Command) -> tuple[int, ...]:
        force = command.p[1] == _FORCE
        if command.p[0] == 1.0:
            return (self._commander.arm(force=force),)
        if command.p[0] == 0.0:
            return (self._commander.disarm(force=force),)
        self._core.say(CRITICAL, f"Unsupported ARM_DISARM param: {command.p[0]:.3f}\t")
        return (UNSUPPORTED,)

    def _set_mode(self, command: Command) -> tuple[int, ...]:
        # the first ACK says only that the command was understood; the second that it was done
        if not int(command.p[0]) & 1:
            return (ACCEPTED, TEMPORARILY_REJECTED)
        mode = from_custom_mode(int(command.p[1]), int(command.p[2]))
        if mode is None:
            auto = int(command.p[1]) == 4
            self._core.say(CRITICAL, f"Unsupported {'auto' if auto else 'main'} mode\t")
            return (ACCEPTED, TEMPORARILY_REJECTED)
        done = self._commander.set_mode(mode)
        return (ACCEPTED, ACCEPTED if done else TEMPORARILY_REJECTED)

    def _start_mission(self, command: Command) -> tuple[int, ...]:
        if not self._commander.mission_available:
            self._core.say(CRITICAL, "Mission start denied! No valid mission\t")
            return (DENIED,)
        first = int(command.p[0])
        if 0 < first < len(self._core.plan.mission):
            self._core.plan.current, self._core.plan.finished = first, False
        if not self._commander.set_mode(Mode.MISSION):
            return (TEMPORARILY_REJECTED,)
        return (self._commander.arm(),)

    def _take_off(self, command: Command) -> tuple[int, ...]:
        amsl = command.p[6]
        above = amsl - self._core.home_alt if math.isfinite(amsl) else None
        self._nav.take_off_to(above)
        return self._mode(Mode.TAKEOFF)

    def _land(self, command: Command) -> tuple[int, ...]:
        result = self._mode(Mode.LAND)
        if result == (ACCEPTED,):
            self._core.say(INFO, "Landing at current position\t")
        return result

    def _return(self, command: Command) -> tuple[int, ...]:
        result = self._mode(Mode.RTL)
        if result == (ACCEPTED,):
            self._core.say(INFO, "Returning to launch\t")
        return result

    def _mode(self, mode: Mode) -> tuple[int, ...]:
        return (ACCEPTED,) if self._commander.set_mode(mode) else (TEMPORARILY_REJECTED,)

    def _place(self, command: Command) -> tuple[float, float, float]:
        """Return (north, east, altitude above home) of parameters 5 to 7; here where not given."""
        core = self._core
        lat, lon, amsl = command.p[4], command.p[5], command.p[6]
        north, east = core.north, core.east
        if math.isfinite(lat) and math.isfinite(lon):
            north, east = core.frame.to_ne(lon, lat)
        return north, east, amsl - core.home_alt if math.isfinite(amsl) else core.altitude

    def _reposition(self, command: Command) -> tuple[int, ...]:
        core = self._core
        if command.p[1] != 1.0:  # MAV_DO_REPOSITION_FLAGS_CHANGE_MODE, and no other
            return (UNSUPPORTED,)
        north, east, altitude = self._place(command)
        speed = command.p[0] if command.p[0] > 0 else self._nav.cruise_speed
        yaw = command.p[3] if math.isfinite(command.p[3]) else None
        moves = any(math.isfinite(v) for v in command.p[3:])
        if core.armed and not self._inside(north, east, altitude):
            core.say(CRITICAL, "Reposition is outside geofence\t")
        elif core.armed and not core.landed and moves:
            if not math.isfinite(command.p[4]):
                north, east = self._nav.place
            self._nav.reposition(Target(north, east, altitude, speed, yaw=yaw))
        return self._mode(Mode.HOLD)

    def _change_altitude(self, command: Command) -> tuple[int, ...]:
        core, altitude = self._core, command.p[0] - self._core.home_alt
        if core.armed and not core.landed and math.isfinite(altitude):
            if self._inside(core.north, core.east, altitude):
                target = Target(*self._nav.place, altitude, self._nav.cruise_speed)
                self._nav.reposition(target)
            else:
                core.say(CRITICAL, "Altitude change is outside geofence\t")
        return self._mode(Mode.HOLD)

    def _inside(self, north: float, east: float, altitude: float) -> bool:
        """Return whether the fence and the greatest distances allow a place."""
        core = self._core
        most, high = core.params["GF_MAX_HOR_DIST"], core.params["GF_MAX_VER_DIST"]
        far = math.hypot(north - core.home_north, east - core.home_east)
        if (0 < most < far) or (0 < high < altitude):
            return False
        fence = core.plan.fence
        return not fence or fence.allows(*core.frame.to_lonlat(north, east))

    def _orbit(self, command: Command) -> tuple[int, ...]:
        core, p = self._core, command.p
        centre = core.frame.to_ne(p[5], p[4]) if math.isfinite(p[4] + p[5]) else None
        self._nav.circle(
            OrbitCommand(
                radius=p[0] if math.isfinite(p[0]) else None,
                speed=p[1] if math.isfinite(p[1]) else None,
                facing=round(p[2]) if math.isfinite(p[2]) else None,
                centre=centre,
                altitude=p[6] - core.home_alt if math.isfinite(p[6]) else None,
            )
        )
        if self._commander.set_mode(Mode.ORBIT):
            return (ACCEPTED,)
        core.say(CRITICAL, "Orbit command rejected")
        return (TEMPORARILY_REJECTED,)

    def _land_precisely(self, command: Command) -> tuple[int, ...]:
        result = self._mode(Mode.PRECLAND)
        if result == (ACCEPTED,):
            self._core.say(INFO, "Precision landing\t")
        return result

    def _inject(self, command: Command) -> tuple[int, ...]:
        """Take a failure injection: of motors without any effect, as in SIH; of the battery."""
        if self._core.params.integer("SYS_FAILURE_EN") == 0:
            return (DENIED,)
        unit, kind, which = (round(v) for v in command.p[:3])
        if unit == _UNIT_MOTOR:
            return (ACCEPTED if kind in _MOTOR_FAILURES else UNSUPPORTED,)
        if unit == _UNIT_BATTERY and kind in (0, 1):
            if which:
                return (UNSUPPORTED,)
            self._core.battery.set_percent(0.0 if kind else 100.0)
            return (ACCEPTED,)
        return ()

    def _change_speed(self, command: Command) -> tuple[int, ...]:
        self._nav.change_speed(command.p[1])
        return (ACCEPTED,)

    def _set_home(self, command: Command) -> tuple[int, ...]:
        core = self._core
        if command.p[0] > 0.5:
            core.set_home()
            return (ACCEPTED,)
        lat, lon, amsl = command.p[4:7]
        if not all(math.isfinite(v) for v in (lat, lon, amsl)):
            return (DENIED,)
        core.home_north, core.home_east = core.frame.to_ne(lon, lat)
        core.home_amsl = amsl
        return (ACCEPTED,)

    def _roi_location(self, command: Command) -> tuple[int, ...]:
        north, east, altitude = self._place(command)
        self._core.gimbal.look_at(Point(north, east, altitude))
        return (ACCEPTED,)

    def _roi(self, command: Command) -> tuple[int, ...]:
        return self._roi_location(command) if command.p[0] == 3 else self._roi_none(command)

    def _roi_none(self, command: Command) -> tuple[int, ...]:
        self._core.gimbal.neutral()
        return (ACCEPTED,)

    def _mount(self, command: Command) -> tuple[int, ...]:
        pitch, yaw = math.radians(command.p[0]), math.radians(command.p[2])
        self._core.gimbal.angles(pitch, yaw, lock_yaw=False)
        return (ACCEPTED,)

    def _pitch_yaw(self, command: Command) -> tuple[int, ...]:
        pitch, yaw = command.p[:2]
        flags = int(command.p[4]) if math.isfinite(command.p[4]) else 0
        self._core.gimbal.pitch_yaw(pitch, yaw, flags)
        return (ACCEPTED,)

    def _set_current(self, command: Command) -> tuple[int, ...]:
        seq = int(command.p[0])
        plan = self._core.plan
        if not 0 <= seq < len(plan.mission):
            return (DENIED,)
        plan.current, plan.finished = seq, False
        self._nav.mission.replaced()
        return (ACCEPTED,)

    def _reboot(self, command: Command) -> tuple[int, ...]:
        return (TEMPORARILY_REJECTED,) if self._core.armed else (ACCEPTED,)
