"""What mavsdk's callbacks say of one vehicle, gathered into a Telemetry on demand.

mavsdk calls back in a thread of its own at the autopilot's rates (PX4: several hundred messages a
second). Each callback only replaces one slot, so nothing queues and the event loop is not woken;
the loop takes a picture of the slots a few times a second. ``mavsdk.asyncio``'s generators are
not used for this: each holds a queue without a bound and wakes the loop for every message.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any

from mavsdk.plugins.mission_raw import MissionRaw
from mavsdk.plugins.telemetry import Telemetry as TelemetryPlugin

from fleet.link.clock import Clock
from fleet.link.port import LOST_AFTER_S, TEXT_LOG_SIZE, VehicleText
from fleet.model.live import Telemetry

RATE_HZ = 5.0
"""Asked of the autopilot for position and velocity; PX4 would send 50."""

STATUSTEXT_SIZE = 50
"""Characters of one STATUSTEXT; a longer text comes in several."""
CHUNKS_S = 0.5

_STREAMS = (
    "position",
    "velocity_ned",
    "heading",
    "battery",
    "flight_mode",
    "armed",
    "in_air",
    "landed_state",
    "health",
    "gps_info",
    "home",
)


class Slots:
    """Last value of each telemetry stream of one vehicle. Written by mavsdk's thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._values: dict[str, Any] = {}
        self._heard: float | None = None
        self._heard_at: datetime | None = None
        self._mission: MissionRaw | None = None
        self._texts: deque[VehicleText] = deque(maxlen=TEXT_LOG_SIZE)
        self._chunk = 0
        self._lock = threading.Lock()

    def subscribe(self, telemetry: TelemetryPlugin, mission: MissionRaw) -> None:
        """Fill the slots from a system's plugins until these are destroyed."""
        for name in _STREAMS:
            getattr(telemetry, f"subscribe_{name}")(self._slot(name))
        self._mission = mission
        telemetry.subscribe_status_text(self._text)

    def _slot(self, name: str) -> Callable[[Any, Any], None]:
        def put(value: Any, _user_data: Any) -> None:
            self._values[name] = value
            self._heard_at = self._clock.now()
            self._heard = self._clock.monotonic()

        return put

    def _text(self, value: Any, _user_data: Any) -> None:
        now, words = self._clock.now(), value.text.rstrip("\t\0")
        with self._lock:
            last = self._texts[-1] if self._texts else None
            if last is not None and _continues(last, self._chunk, value, now):
                self._texts[-1] = VehicleText(last.at, last.severity, last.text + words)
            else:
                self._texts.append(VehicleText(now, value.type.name, words))
            self._chunk = len(value.text)

    @property
    def texts(self) -> tuple[VehicleText, ...]:
        """The last texts, oldest first."""
        with self._lock:
            return tuple(self._texts)

    @property
    def heard(self) -> bool:
        """Whether the vehicle was heard within ``LOST_AFTER_S``."""
        return self._heard is not None and self._clock.monotonic() - self._heard <= LOST_AFTER_S

    def picture(self) -> Telemetry:
        """Return the slots as a Telemetry; what was never heard is None or unknown.

        The mission's progress is asked for, which takes no wait: mavsdk tells it only when it
        changes, and drops what it tells where this machine is busy, so that a change that was
        missed would stay missed. All else is told again within a second.
        """
        v = dict(self._values)
        progress = self._mission.mission_progress() if self._mission is not None else None
        position, velocity, home = v.get("position"), v.get("velocity_ned"), v.get("home")
        battery, gps, health = v.get("battery"), v.get("gps_info"), v.get("health")
        mode, landed = v.get("flight_mode"), v.get("landed_state")
        heading = v.get("heading")
        return Telemetry(
            at=self._heard_at or self._clock.now(),
            connected=self.heard,
            lon=_number(position and position.longitude_deg),
            lat=_number(position and position.latitude_deg),
            altitude_m=_number(position and position.relative_altitude_m),
            altitude_amsl_m=_number(position and position.absolute_altitude_m),
            heading_deg=_number(heading and heading.heading_deg),
            velocity_north_m_s=_number(velocity and velocity.north_m_s) or 0.0,
            velocity_east_m_s=_number(velocity and velocity.east_m_s) or 0.0,
            velocity_down_m_s=_number(velocity and velocity.down_m_s) or 0.0,
            battery_percent=_number(battery and battery.remaining_percent),
            battery_voltage_v=_number(battery and battery.voltage_v),
            mode=mode.name if mode is not None else "UNKNOWN",
            armed=bool(v.get("armed")),
            in_air=bool(v.get("in_air")),
            landed_state=landed.name if landed is not None else "UNKNOWN",
            gps_fix=int(gps.fix_type) if gps is not None else 0,
            satellites=gps.num_satellites if gps is not None else 0,
            armable=bool(health and health.is_armable),
            home_lon=_number(home and home.longitude_deg),
            home_lat=_number(home and home.latitude_deg),
            mission_current=max(0, progress.current) if progress is not None else 0,
            mission_total=max(0, progress.total) if progress is not None else 0,
        )


def _continues(last: VehicleText, chunk: int, value: Any, now: datetime) -> bool:
    """Whether a STATUSTEXT is the rest of the one before.

    mavsdk hands on no chunk number, so a full one followed at once by another of its severity is
    taken for one text.
    """
    return (
        chunk == STATUSTEXT_SIZE
        and last.severity == value.type.name
        and (now - last.at).total_seconds() < CHUNKS_S
    )


def _number(value: Any) -> float | None:
    """Return a finite float, or None (mavsdk says NaN for what it does not know)."""
    return float(value) if value is not None and math.isfinite(value) else None
