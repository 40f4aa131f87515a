"""The port to one vehicle: what flight may ask of it, and what it tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fleet.link.items import Programme
from fleet.model.live import Telemetry

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


Listener = Callable[[], None]
"""Called in the event loop when telemetry has changed, about five times a second at most."""


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

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` on every change of telemetry; return what ends it."""

    async def load(self, programme: Programme) -> None:
        """Upload the fence, then the mission, read both back and compare them."""

    async def holds(self, programme: Programme) -> str | None:
        """Read the vehicle's mission; return None where it is this one, else the difference."""

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


LOST_AFTER_S = 5.0
"""A vehicle whose heartbeat is not heard for so long is not connected."""


def why(texts: Sequence[VehicleText], since: datetime) -> str:
    """Return the vehicle's grave words since a time, joined, or an empty string."""
    words = dict.fromkeys(t.text for t in texts if t.at >= since and t.grave)
    return "; ".join(words)
