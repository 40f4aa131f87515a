"""What the rest of the simulator may ask of a vehicle, whichever autopilot flies it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a vehicle is and where its camera looks, at one moment.

    Longitude and latitude are degrees, WGS-84. ``altitude_m`` is above home, ``altitude_amsl_m``
    above mean sea level. Roll, pitch and yaw are degrees, aeronautical (yaw clockwise from true
    north, pitch up positive). The gimbal's pitch and yaw are in the earth frame: pitch -90 looks
    straight down, yaw is a compass bearing; its roll is kept at zero.
    """

    lon: float
    lat: float
    altitude_m: float
    altitude_amsl_m: float
    roll_deg: float
    pitch_deg: float
    yaw_deg: float
    gimbal_pitch_deg: float
    gimbal_yaw_deg: float


class EventKind(StrEnum):
    """What a vehicle tells its listeners."""

    TAKEOFF = "takeoff"
    LANDED = "landed"
    MODE = "mode"


@dataclass(frozen=True, slots=True)
class VehicleEvent:
    """Something that happened to a vehicle; ``mode`` is the flight mode at that moment."""

    vehicle: str
    kind: EventKind
    pose: Pose
    mode: str


class Fault(StrEnum):
    """What can be broken on a vehicle, and mended again."""

    GPS = "gps"
    """No satellite fix: the autopilot lands within seconds, drifting."""
    MOTOR = "motor"
    """One motor stops: the vehicle falls, spinning."""
    BATTERY = "battery"
    """The charge collapses to 3 %: the autopilot's emergency action."""
    LINK = "link"
    """Nothing is sent and nothing is heard over MAVLink."""


@dataclass(frozen=True, slots=True)
class Aircraft:
    """Another aircraft, as an ADS-B receiver hears it.

    Degrees; metres above mean sea level; m/s; ``heading_deg`` is its course over ground.
    """

    icao: int
    callsign: str
    lon: float
    lat: float
    altitude_amsl_m: float
    heading_deg: float = 0.0
    speed_m_s: float = 0.0
    climb_m_s: float = 0.0


EventHook = Callable[[VehicleEvent], None]


class SimVehicle(Protocol):
    """One simulated vehicle, embedded or a real PX4."""

    @property
    def id(self) -> str:
        """Return the drone's identifier in the city file."""

    @property
    def landed(self) -> bool:
        """Return whether it stands on the ground."""

    @property
    def armed(self) -> bool:
        """Return whether its motors are armed."""

    @property
    def battery_percent(self) -> float:
        """Return the charge left, 0 to 100."""

    @property
    def mode(self) -> str:
        """Return its flight mode in lower case: hold, takeoff, mission, rtl, land, ..."""

    def true_pose(self) -> Pose:
        """Return where it really is; the camera is rendered from here."""

    def reported_pose(self) -> Pose:
        """Return where its estimator believes it is; telemetry and KLV carry this."""

    def charge(self, watts: float) -> None:
        """Charge the battery with this power from now on; 0 ends it, and so does arming."""

    def on_event(self, hook: EventHook) -> None:
        """Call ``hook`` on every take-off, landing and change of mode, in the event loop."""

    def set_parameter(self, name: str, value: float) -> None:
        """Set one of the autopilot's parameters, as a ground station would.

        Raises
        ------
        VehicleError
            If PX4 has no parameter of this name.
        """

    def traffic(self, aircraft: Aircraft) -> None:
        """Let its ADS-B receiver hear an aircraft, once; to be called again each second.

        Raises
        ------
        VehicleError
            If what it is told of is none: a callsign of more than 8 letters, a place off the earth.
        """

    def set_fault(self, fault: Fault, active: bool = True) -> None:
        """Break something, or mend it.

        Raises
        ------
        VehicleError
            If this vehicle cannot be broken so.
        """
