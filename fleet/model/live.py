"""What is known right now: last telemetry of a drone, last state of a dock, watch of a site."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from fleet.model.states import DoorState, DroneState


class Fact(BaseModel):
    """Base of the live models: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Telemetry(Fact):
    """Last word of a vehicle. Angles in degrees, NED velocities in m/s, altitudes in metres."""

    at: datetime
    connected: bool = False
    lon: float | None = None
    lat: float | None = None
    altitude_m: float | None = Field(default=None, description="above home")
    altitude_amsl_m: float | None = None
    heading_deg: float | None = None
    velocity_north_m_s: float = 0.0
    velocity_east_m_s: float = 0.0
    velocity_down_m_s: float = 0.0
    battery_percent: float | None = Field(default=None, description="0 to 100")
    battery_voltage_v: float | None = None
    mode: str = Field(default="UNKNOWN", description="mavsdk flight mode name")
    armed: bool = False
    in_air: bool = False
    landed_state: str = "UNKNOWN"
    gps_fix: int = 0
    satellites: int = 0
    armable: bool = False
    home_lon: float | None = None
    home_lat: float | None = None
    mission_current: int = 0
    mission_total: int = 0
    roll_deg: float | None = None
    pitch_deg: float | None = None
    local_north_m: float | None = Field(
        default=None, description="in the autopilot's own local frame (NED, origin where it booted)"
    )
    local_east_m: float | None = None
    local_down_m: float | None = None
    wind_m_s: float | None = Field(default=None, description="as the autopilot estimates it")
    wind_from_deg: float | None = None
    failsafe: bool = Field(
        default=False, description="the autopilot says that one of its failsafes is acting"
    )


class Looking(Fact):
    """A detector that looks at a drone's video."""

    kind: str = Field(description="water or crowd")
    site: str = Field(description="whose it is: where it looks, and what raises its alarms")
    since: datetime


class DroneLive(Fact):
    """A drone as the map shows it."""

    id: str
    dock: str = Field(description="where it lives, by the city file")
    berth: str = Field(default="", description="dock it stands in or is bound for")
    state: DroneState
    reason: str = Field(default="", description="why it is in this state, in words for an operator")
    warnings: tuple[str, ...] = Field(default=(), description="what the safety monitor warns of")
    holder: str | None = Field(default=None, description="who has control of it, where a pilot has")
    holder_token: UUID | None = Field(default=None, description="id of that pilot's token")
    sortie: str | None = None
    site: str | None = Field(default=None, description="site it watches on this sortie")
    detectors: tuple[Looking, ...] = Field(
        default=(), description="what is to look at its video now: what its order asks for"
    )
    telemetry: Telemetry | None = None
    route: tuple[tuple[float, float], ...] = ()


class DockLive(Fact):
    """A dock as the map shows it."""

    id: str
    online: bool = False
    door: DoorState = DoorState.UNKNOWN
    clear: bool | None = None
    occupants: tuple[str, ...] = ()
    charging: dict[str, float] = Field(default_factory=dict)
    wind_m_s: float | None = None
    rain_mm_h: float | None = None
    temperature_c: float | None = None
    reason: str = ""
    at: datetime | None = None


WatchState = Literal["unwatched", "watching", "off_station", "not_measurable", "blind"]


class SiteLive(Fact):
    """What is known of a watched site.

    ``unwatched``: no camera is assigned; ``watching``: measured; ``off_station``: the camera does
    not look at it (yet); ``not_measurable``: it looks but cannot tell; ``blind``: no picture.
    """

    id: str
    state: WatchState = "unwatched"
    reason: str = ""
    value: float | None = None
    unit: str = ""
    level: str = Field(default="normal", description="normal, yellow, orange or red")
    confidence: float | None = None
    source: str | None = None
    fps: float | None = None
    frame_at: datetime | None = None
    at: datetime | None = None
