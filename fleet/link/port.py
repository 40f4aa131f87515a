"""The port to one vehicle: what flight may ask of it, and what it tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from fleet.link.items import Item, Programme
from fleet.model.command import GoTo, LookAtPoint, Orbit, PointGimbal
from fleet.model.live import Telemetry
from fleet.model.traffic import Aircraft

TEXT_LOG_SIZE = 200
"""Autopilot texts kept of each vehicle."""


@dataclass(frozen=True, slots=True)
class VehicleText:
    """One STATUSTEXT in the vehicle's own words; ``severity`` is MAV_SEVERITY's name."""

    at: datetime
    severity: str
    text: str

    @property
    def grave(self) -> bool:
        """Whether it is a warning or worse."""
        return self.severity in {"WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"}


@dataclass(frozen=True, slots=True)
class LandingTarget:
    """Where the marker on the pad is, from the vehicle: metres north, east and down (NED)."""

    captured_at: datetime
    north_m: float
    east_m: float
    down_m: float


Listener = Callable[[], None]
"""Called in the event loop when telemetry has changed, at most some twenty times a second."""


class DroneLink(Protocol):
    """A vehicle. Each command returns when the vehicle is seen to do it, within a bound.

    Raises
    ------
    fleet.errors.Refused
        By every command that the vehicle answers with no; carries its own words.
    fleet.errors.LinkError
        By every command that is not answered, or not seen to take effect, within its bound.
    """

    @property
    def drone(self) -> str:
        """The drone's id."""

    @property
    def telemetry(self) -> Telemetry:
        """The vehicle's last word.

        ``connected`` is false until it is heard, and after ``LOST_AFTER_S`` of silence.
        """

    @property
    def texts(self) -> Sequence[VehicleText]:
        """The last texts of the autopilot, oldest first."""

    @property
    def traffic(self) -> Sequence[Aircraft]:
        """Aircraft that the vehicle's ADS-B receiver told of in the last ``TRAFFIC_S``."""

    @property
    def differences(self) -> Sequence[str] | None:
        """How the autopilot's parameters differ from the profile; None until they were read.

        Read on every connection, and again when a vehicle was started again.
        """

    @property
    def troubles(self) -> Sequence[str]:
        """What is wrong with the link itself, in words for an operator.

        A second vehicle with its system id, rubbish, old packets, a rate of loss; of the last
        ``TROUBLE_S``. And what a vehicle that is heard does not tell any more.
        """

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` on every change of telemetry; return what ends it."""

    def hear_aircraft(self, listener: Callable[[Aircraft], None]) -> Callable[[], None]:
        """Call ``listener`` at once with each word of an aircraft; return what ends it."""

    async def load(self, programme: Programme) -> None:
        """Upload the fence, the rally points, then the mission, read all back and compare them."""

    async def holds(self, programme: Programme) -> str | None:
        """Read the vehicle's mission; return None where it is this one, else the difference."""

    async def load_fence(self, fence: Sequence[Item]) -> None:
        """Replace the fence, in the air too; returns when it was read back and is in force."""

    async def held_fence(self) -> Sequence[Item]:
        """Read the fence that the vehicle holds."""

    async def arm(self) -> None:
        """Arm."""

    async def disarm(self) -> None:
        """Disarm; refused in the air."""

    async def start_mission(self) -> None:
        """Start or continue the mission; returns when the mode is seen to be MISSION."""

    async def fly_to_item(self, index: int) -> None:
        """Go on with the mission from one item; returns when the vehicle is seen to fly to it."""

    async def hold(self) -> None:
        """Hold here; returns when the mode is seen to be HOLD."""

    async def return_to_launch(self) -> None:
        """Fly home and land; returns when the mode is seen to be RETURN_TO_LAUNCH."""

    async def land(self) -> None:
        """Land here; returns when the mode is seen to be LAND."""

    async def precision_land(self) -> None:
        """Land on the marker below; returns when the mode is seen. Without a target PX4 lands here."""

    async def go_to(self, target: GoTo) -> None:
        """Fly to a point and hold there; returns when the vehicle is seen to hold it as its target."""

    async def orbit(self, circle: Orbit) -> None:
        """Fly circles; returns when the mode is seen to be ORBIT."""

    async def look_at(self, point: LookAtPoint) -> None:
        """Keep the camera on a point."""

    async def point_gimbal(self, pointing: PointGimbal) -> None:
        """Point the camera."""

    async def kill(self) -> None:
        """Stop the motors at once, in the air too. Nothing asks again: the caller has."""

    async def set_speed(self, speed_m_s: float) -> None:
        """Set the speed over ground of what is flown now."""

    def show_target(self, target: LandingTarget) -> None:
        """Send one LANDING_TARGET. Never waits; one that cannot be sent is left out."""

    def record(self, path: Path | None) -> None:
        """Append every packet of both directions to a ``.tlog`` from now on; None ends it."""


TRAFFIC_S = 15.0
TROUBLE_S = 30.0
LOST_AFTER_S = 5.0
"""A vehicle whose heartbeat is not heard for so long is not connected."""


def why(texts: Sequence[VehicleText], since: datetime) -> str:
    """Return the vehicle's grave words since a time, joined, or an empty string."""
    words = dict.fromkeys(t.text for t in texts if t.at >= since and t.grave)
    return "; ".join(words)
