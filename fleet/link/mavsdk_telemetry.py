"""What the last packets of one vehicle say, put together into a Telemetry when it is asked for.

No callback of mavsdk's has a part in it: mavsdk drops what it tells where a machine is busy, and
some things are told once. Here the last packet of each kind is kept by the tap and read when a
picture is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from fleet.link.clock import Clock
from fleet.link.modes import mode_name
from fleet.link.wire import (
    ATTITUDE,
    EXTENDED_SYS_STATE,
    GLOBAL_POSITION_INT,
    GPS_RAW_INT,
    HEARTBEAT,
    HOME_POSITION,
    LOCAL_POSITION_NED,
    MISSION_CURRENT,
    MISSION_ITEM_REACHED,
    SYS_STATUS,
    WIND_COV,
    fields,
)
from fleet.model.live import Telemetry

ARMED = 0x80
"""MAV_MODE_FLAG_SAFETY_ARMED."""
CRITICAL = 5
"""MAV_STATE_CRITICAL, which PX4 shows while a failsafe acts; those above it are worse."""
PREARM_CHECK = 0x10000000
"""MAV_SYS_STATUS_PREARM_CHECK."""
COMPLETE = 5
"""MISSION_STATE_COMPLETE."""
_NO_COUNT = 0xFFFF
_LANDED_STATES = ("UNKNOWN", "ON_GROUND", "IN_AIR", "TAKING_OFF", "LANDING")
"""MAV_LANDED_STATE by its number."""
_IN_AIR = frozenset(_LANDED_STATES[2:])
STALE_S = {
    GLOBAL_POSITION_INT: 5.0,
    LOCAL_POSITION_NED: 5.0,
    ATTITUDE: 5.0,
    SYS_STATUS: 10.0,
    GPS_RAW_INT: 10.0,
    EXTENDED_SYS_STATE: 10.0,
    WIND_COV: 10.0,
}
"""What a vehicle that is heard has not told again for so long is old, by message id: an autopilot
whose estimator fails, or whose line is full, goes on with its heartbeat alone. The first three come
four times a second at least, the others once."""
_KEPT = frozenset({GPS_RAW_INT, EXTENDED_SYS_STATE})
"""Not forgotten when they are old: a drone is not down for being silent."""
_TOLD_OF = {
    GLOBAL_POSITION_INT: ("its position",),
    ATTITUDE: ("its attitude",),
    SYS_STATUS: ("its battery",),
    GPS_RAW_INT: ("its GPS fix",),
    EXTENDED_SYS_STATE: ("whether it flies",),
}
"""Of what an operator is told that it is old."""
_POLE, _DATE_LINE = 900_000_000, 1_800_000_000
"""Greatest latitude and longitude, 1e-7 degrees."""
_WIND_LEAST_M_S = 0.05
"""Below this a direction means nothing."""


class Heard(Protocol):
    """The part of a tap that a picture is made from."""

    @property
    def heard_at(self) -> datetime | None:
        """When anything of the vehicle was last heard."""

    @property
    def connected(self) -> bool:
        """Whether its heartbeat was heard lately."""

    def latest(self, msgid: int) -> bytes | None:
        """Return the last packet of a kind, whole, or None."""


class Slots:
    """The last packet of each kind of one vehicle, as a Telemetry on demand.

    What one packet says is read once, however many pictures are taken before the next.
    """

    def __init__(self, clock: Clock, tap: Heard) -> None:
        self._clock = clock
        self._tap = tap
        self._read: dict[int, _Read] = {}
        self._since: float | None = None
        self.troubles: tuple[str, ...] = ()
        """What is no longer told, in words for an operator, as of the last picture."""

    def picture(self) -> Telemetry:
        """Return what is known; what was never heard is None or unknown."""
        now, connected = self._clock.monotonic(), self._tap.connected
        known: dict[str, Any] = {
            "at": self._tap.heard_at or self._clock.now(),
            "connected": connected,
        }
        if not connected:
            self._since = None
        elif self._since is None:
            self._since = now
        heard_s = 0.0 if self._since is None else now - self._since
        old: list[str] = []
        for message, reader in _READERS:
            raw = self._tap.latest(message)
            if raw is None:
                continue
            last = self._read.get(message)
            if last is None or last.raw is not raw:
                last = self._read[message] = _Read(raw, now, reader(fields(raw)))
            if min(now - last.at, heard_s) > STALE_S.get(message, math.inf):
                old += _TOLD_OF.get(message, ())
                if message not in _KEPT:
                    continue
            known.update(last.says)
        self.troubles = (f"it is heard, and no longer tells {', '.join(old)}",) if old else ()
        total = known.get("mission_total", 0)
        if total and known["mission_current"] == total - 1 and self._flown(total):
            known["mission_current"] = total
        return Telemetry(**known)

    def _flown(self, total: int) -> bool:
        """Whether the last item, which stays the current one, was flown."""
        reached, current = map(self._tap.latest, (MISSION_ITEM_REACHED, MISSION_CURRENT))
        if reached is not None and fields(reached)[0] == total - 1:
            return True
        return current is not None and fields(current)[2] == COMPLETE


class _Read(NamedTuple):
    raw: bytes
    at: float
    says: dict[str, Any]


def _heartbeat(v: tuple[Any, ...]) -> dict[str, Any]:
    custom_mode, _, _, base_mode, system_status, _ = v
    return {
        "mode": mode_name(custom_mode),
        "armed": bool(base_mode & ARMED),
        "failsafe": system_status >= CRITICAL,
    }


def _sys_status(v: tuple[Any, ...]) -> dict[str, Any]:
    health, millivolts, percent = v[2], v[4], v[12]
    return {
        "armable": bool(health & PREARM_CHECK),
        "battery_voltage_v": millivolts / 1000 if millivolts != 0xFFFF else None,
        "battery_percent": float(percent) if 0 <= percent <= 100 else None,
    }


def _gps(v: tuple[Any, ...]) -> dict[str, Any]:
    fix, satellites = v[8], v[9]
    return {"gps_fix": fix, "satellites": satellites if satellites != 0xFF else 0}


def _position(v: tuple[Any, ...]) -> dict[str, Any]:
    _, lat, lon, amsl, relative, north, east, down, heading = v
    on_earth = abs(lat) <= _POLE and abs(lon) <= _DATE_LINE
    return {
        "lat": lat / 1e7 if on_earth else None,
        "lon": lon / 1e7 if on_earth else None,
        "altitude_m": relative / 1000,
        "altitude_amsl_m": amsl / 1000,
        "velocity_north_m_s": north / 100,
        "velocity_east_m_s": east / 100,
        "velocity_down_m_s": down / 100,
        "heading_deg": heading / 100 if heading != 0xFFFF else None,
    }


def _local(v: tuple[Any, ...]) -> dict[str, Any]:
    if not all(map(math.isfinite, v[1:4])):
        return {"local_north_m": None, "local_east_m": None, "local_down_m": None}
    return {"local_north_m": v[1], "local_east_m": v[2], "local_down_m": v[3]}


def _attitude(v: tuple[Any, ...]) -> dict[str, Any]:
    return {"roll_deg": _degrees(v[1]), "pitch_deg": _degrees(v[2])}


def _landed(v: tuple[Any, ...]) -> dict[str, Any]:
    number = v[1]
    state = _LANDED_STATES[number] if number < len(_LANDED_STATES) else "UNKNOWN"
    return {"landed_state": state, "in_air": state in _IN_AIR}


def _home(v: tuple[Any, ...]) -> dict[str, Any]:
    return {"home_lat": v[0] / 1e7, "home_lon": v[1] / 1e7}


def _mission(v: tuple[Any, ...]) -> dict[str, Any]:
    current, total, _, _ = v
    total = total if total != _NO_COUNT else 0
    current = current if current != _NO_COUNT else 0
    return {"mission_current": current, "mission_total": total}


def _wind(v: tuple[Any, ...]) -> dict[str, Any]:
    north, east = v[1], v[2]
    speed = math.hypot(north, east)
    if not math.isfinite(speed):
        return {"wind_m_s": None, "wind_from_deg": None}
    calm = speed < _WIND_LEAST_M_S
    return {
        "wind_m_s": speed,
        "wind_from_deg": None if calm else math.degrees(math.atan2(-east, -north)) % 360.0,
    }


def _degrees(radians: float) -> float | None:
    return math.degrees(radians) if math.isfinite(radians) else None


_READERS: tuple[tuple[int, Callable[[tuple[Any, ...]], dict[str, Any]]], ...] = (
    (HEARTBEAT, _heartbeat),
    (SYS_STATUS, _sys_status),
    (GPS_RAW_INT, _gps),
    (GLOBAL_POSITION_INT, _position),
    (LOCAL_POSITION_NED, _local),
    (ATTITUDE, _attitude),
    (EXTENDED_SYS_STATE, _landed),
    (HOME_POSITION, _home),
    (MISSION_CURRENT, _mission),
    (WIND_COV, _wind),
)
