"""Which messages one link sends, how often, and on request."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

from sitl.autopilot import streams_gimbal as gimbal
from sitl.autopilot import streams_motion as motion
from sitl.autopilot import streams_status as status
from sitl.autopilot import streams_target as aims
from sitl.autopilot.codec import Layout
from sitl.autopilot.commander import Commander
from sitl.autopilot.core import Core

Pack = Callable[[Core, float], bytes | None]

ONBOARD_HZ: dict[str, float] = {
    "HEARTBEAT": 1,
    "ATTITUDE": 100,
    "ATTITUDE_QUATERNION": 50,
    "HIGHRES_IMU": 50,
    "GLOBAL_POSITION_INT": 50,
    "LOCAL_POSITION_NED": 30,
    "ODOMETRY": 30,
    "ALTITUDE": 10,
    "VFR_HUD": 10,
    "WIND_COV": 10,
    "ATTITUDE_TARGET": 10,
    "POSITION_TARGET_LOCAL_NED": 10,
    "POSITION_TARGET_GLOBAL_INT": 10,
    "SERVO_OUTPUT_RAW": 10,
    "DISTANCE_SENSOR": 10,
    "MOUNT_ORIENTATION": 10,
    "TIMESYNC": 10,
    "GPS_RAW_INT": 8,
    "SYS_STATUS": 5,
    "EXTENDED_SYS_STATE": 5,
    "GIMBAL_DEVICE_ATTITUDE_STATUS": 5,
    "ORBIT_EXECUTION_STATUS": 5,
    "ESTIMATOR_STATUS": 1,
    "MISSION_CURRENT": 1,
    "OPEN_DRONE_ID_LOCATION": 1,
    "OPEN_DRONE_ID_SYSTEM": 1,
    "PING": 1,
    "SCALED_PRESSURE": 1,
    "SYSTEM_TIME": 1,
    "BATTERY_STATUS": 0.5,
    "CURRENT_MODE": 0.5,
    "HOME_POSITION": 0.5,
    "VIBRATION": 0.5,
    "TIME_ESTIMATE_TO_TARGET": 0.5,
    "GIMBAL_MANAGER_STATUS": 0.5,
}
"""Rates of PX4's onboard link, as recorded, and as its source sets them for a gimbal."""


@dataclass(slots=True)
class Stream:
    """One message that is sent again and again; ``interval`` 0 is off (seconds)."""

    shape: Layout
    pack: Pack
    interval: float
    default: float
    due: float


class Telemetry:
    """The streams of one link.

    Parameters
    ----------
    core, commander
        The vehicle.
    """

    def __init__(self, core: Core, commander: Commander) -> None:
        self._core = core
        self._commander = commander
        self._ping = 0
        self._streams: dict[int, Stream] = {}
        for shape, pack in self._table():
            hz = ONBOARD_HZ.get(shape.name, 0.0)
            interval = 1.0 / hz if hz else 0.0
            self._streams[shape.msgid] = Stream(shape, pack, interval, interval, core.now)
        self._on_request: dict[int, tuple[Layout, Pack]] = {
            s.msgid: (s, p)
            for s, p in (
                (status.AUTOPILOT_VERSION, _plain(status.autopilot_version)),
                (gimbal.GIMBAL_MANAGER_INFORMATION, _plain(gimbal.gimbal_manager_information)),
                (gimbal.GIMBAL_DEVICE_INFORMATION, _plain(gimbal.gimbal_device_information)),
            )
        }
        self._line_up()

    def due(self, dt: float) -> list[tuple[Layout, bytes]]:
        """Return what is to be sent now, where a tick takes ``dt`` seconds."""
        core, queue = self._core, self._queue
        now = core.now
        found: list[tuple[Layout, bytes]] = []
        while queue and queue[0][0] <= now + 1e-9:
            stream = queue[0][2]
            due, interval = stream.due, stream.interval
            if interval < dt:
                # faster than the tick: as many samples as fit, each with its own time
                age = min(now - due, dt)
                while age > interval - 1e-9:
                    payload = stream.pack(core, age)
                    if payload is not None:
                        found.append((stream.shape, payload))
                    due += interval
                    age -= interval
                due = max(due, now - dt)
            payload = stream.pack(core, 0.0)
            if payload is not None:
                found.append((stream.shape, payload))
            due += interval
            if due <= now - max(interval, dt):
                due = now + interval
            stream.due = due
            heapq.heapreplace(queue, (max(due, now + 1e-6), stream.shape.msgid, stream))
        return found

    def set_interval(self, msgid: int, interval_us: float) -> bool:
        """Set a stream's interval: microseconds, 0 the default rate, -1 off.

        Returns whether there is such a stream.
        """
        stream = self._streams.get(msgid)
        if stream is None:
            return False
        if interval_us < 0:
            stream.interval = 0.0
        elif interval_us == 0:
            stream.interval = stream.default
        else:
            stream.interval = interval_us * 1e-6
        stream.due = self._core.now
        self._line_up()
        return True

    def _line_up(self) -> None:
        """Put the streams that are on in the order in which they are due."""
        self._queue = [(s.due, s.shape.msgid, s) for s in self._streams.values() if s.interval > 0]
        heapq.heapify(self._queue)

    def interval_us(self, msgid: int) -> int:
        """Return a stream's interval in microseconds: -1 off, 0 unknown."""
        stream = self._streams.get(msgid)
        if stream is None:
            return 0
        return round(stream.interval * 1e6) if stream.interval > 0 else -1

    def once(self, msgid: int) -> tuple[Layout, bytes] | None:
        """Return one message that was asked for, or None where it cannot be had."""
        stream = self._streams.get(msgid)
        found = (stream.shape, stream.pack) if stream is not None else self._on_request.get(msgid)
        if found is None:
            return None
        payload = found[1](self._core, 0.0)
        return None if payload is None else (found[0], payload)

    def _table(self) -> list[tuple[Layout, Pack]]:
        ready = self._commander
        battery = self._commander.battery
        return [
            (status.HEARTBEAT, lambda core, _: status.heartbeat(core, ready.ready)),
            (
                status.SYS_STATUS,
                lambda core, _: status.sys_status(core, ready.ready, battery.level),
            ),
            (status.BATTERY_STATUS, lambda core, _: status.battery_status(core, battery.level)),
            (status.PING, self._pack_ping),
            (
                gimbal.GIMBAL_MANAGER_STATUS,
                _plain(gimbal.gimbal_manager_status),
            ),
            (motion.ATTITUDE, motion.attitude),
            (motion.ATTITUDE_QUATERNION, motion.attitude_quaternion),
            (motion.HIGHRES_IMU, motion.highres_imu),
            (motion.GLOBAL_POSITION_INT, motion.global_position_int),
            (motion.LOCAL_POSITION_NED, motion.local_position_ned),
            (motion.ODOMETRY, motion.odometry),
            (motion.ALTITUDE, motion.altitude),
            (motion.VFR_HUD, motion.vfr_hud),
            (aims.ATTITUDE_TARGET, aims.attitude_target),
            (aims.POSITION_TARGET_LOCAL, aims.position_target_local),
            (aims.POSITION_TARGET_GLOBAL, aims.position_target_global),
            (aims.SERVO_OUTPUT, aims.servo_output),
            (motion.DISTANCE_SENSOR, motion.distance_sensor),
            (motion.GPS_RAW_INT, motion.gps_raw_int),
            (motion.SCALED_PRESSURE, motion.scaled_pressure),
            (motion.VIBRATION, motion.vibration),
            (motion.WIND_COV, motion.wind_cov),
            (
                aims.ORBIT_STATUS,
                lambda core, _: aims.orbit_status(core, ready.circle),
            ),
            (gimbal.MOUNT_ORIENTATION, _plain(gimbal.mount_orientation)),
            (status.TIMESYNC, _plain(status.timesync)),
            (status.EXTENDED_SYS_STATE, _plain(status.extended_sys_state)),
            (gimbal.GIMBAL_ATTITUDE, _plain(gimbal.gimbal_attitude)),
            (status.ESTIMATOR_STATUS, _plain(status.estimator_status)),
            (status.MISSION_CURRENT, _plain(status.mission_current)),
            (status.REMOTE_ID_LOCATION, _plain(status.remote_id_location)),
            (status.REMOTE_ID_SYSTEM, _plain(status.remote_id_system)),
            (status.SYSTEM_TIME, _plain(status.system_time)),
            (status.CURRENT_MODE, _plain(status.current_mode)),
            (status.HOME_POSITION, _plain(status.home_position)),
            (status.TIME_ESTIMATE, _plain(status.time_estimate)),
        ]

    def _pack_ping(self, core: Core, age: float) -> bytes:
        self._ping += 1
        return status.PING.pack(int(core.now * 1e6), self._ping, 0, 0)


def _plain(pack: Callable[[Core], bytes | None]) -> Pack:
    return lambda core, _: pack(core)
