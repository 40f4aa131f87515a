"""The city as everyone speaks of it: districts, beats, docks, drones, sites, zones, CAD, limits.

These are the models that a city file is validated into. Positions are ``(longitude, latitude)``
in degrees, WGS-84, in the order GeoJSON uses. Altitudes are metres; each field's name or
description says above what. All models are frozen.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from missions.fields import Model, Position, Ring, Slug
from missions.hours import Hours, known_timezone
from missions.places import Building, HotSpot, KeyTarget
from missions.policy import Policy

HeightReference = Literal["agl", "amsl"]
TOP_AIR = 4.0 / 3.0
"""Top speed through the air over the speed that a drone cruises at, where the file does not say:
makers of drones that cruise at 15 m/s say 20 to 23 m/s."""


class CityInfo(Model):
    """The city's name and its local frame."""

    name: str = Field(description="name shown on the map")
    name_zh: str = Field(default="", description="the same in Chinese")
    note: str = Field(
        default="", description="shown on the map, e.g. that the city is illustrative"
    )
    origin: Position = Field(description="origin of the local metric frame")
    elevation_m: float = Field(default=0.0, description="ground above mean sea level at the origin")
    timezone: Annotated[str, AfterValidator(known_timezone)] = Field(
        default="UTC", description="of every hour that is told without one, e.g. Asia/Shanghai"
    )


class Broker(Model):
    """The MQTT broker over which docks are reached."""

    url: str = Field(
        pattern=r"^mqtts?://[^/\s]+$", description="mqtt://host:port or mqtts://host:port"
    )
    username_env: str | None = Field(
        default=None, description="environment variable with the user name"
    )
    password_env: str | None = Field(
        default=None, description="environment variable with the password"
    )


class Listen(Model):
    """Where the controller's API and map listen."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)


class Limits(Model):
    """What no flight may exceed."""

    ceiling_m: float = Field(default=120, gt=0, description="highest altitude above ground")
    lowest_m: float = Field(
        default=20, ge=0, description="lowest altitude that may be ordered: above trees and houses"
    )
    first_layer_m: float = Field(
        default=40, ge=20, description="lowest transit altitude; the next are 15 m apart"
    )
    patrol_m: float | None = Field(
        default=None,
        gt=0,
        description="altitude at which cells are flown where it is free; unsaid, each dock has its own",
    )
    wind_m_s: float = Field(
        default=12, gt=0, description="mean wind above which no drone takes off"
    )
    rain_mm_h: float = Field(default=4, ge=0, description="rain above which no drone takes off")
    reserve_percent: float = Field(default=25, ge=5, le=90, description="battery kept to come home")
    patrol_reserve_percent: float | None = Field(
        default=None,
        ge=5,
        le=90,
        description="battery that patrols come home with, enough to answer a call from the air and "
        "from the dock; unsaid, the reserve",
    )
    checks_s: float = Field(
        default=5,
        ge=0,
        le=120,
        description="what checks and loading take, beside the opening of the door",
    )
    max_airborne: int = Field(default=8, ge=1, description="drones in the air at once")
    ready_per_dock: int = Field(
        default=0,
        ge=0,
        le=8,
        description="drones that patrols leave in each dock, with battery enough to answer a call",
    )
    on_link_loss: Literal["continue", "return"] = Field(
        default="continue",
        description="what the autopilot does when it hears the controller no more: fly its mission "
        "to the end and hold over the dock (NAV_DLL_ACT 0), or return (2)",
    )
    operator_absent_min: float = Field(
        default=30, gt=0, description="drones come home when no officer was heard for so long"
    )
    refuge_m: float = Field(
        default=30,
        ge=15,
        description="height above home that a drone goes down to for a manned aircraft",
    )

    @property
    def patrols_keep_percent(self) -> float:
        """Battery that a patrol comes home with, never less than the reserve."""
        return max(self.reserve_percent, self.patrol_reserve_percent or 0.0)


class District(Model):
    """A police district."""

    id: Slug
    name: str
    name_zh: str = ""
    area: Ring


class Beat(Model):
    """A patrol beat (网格警区), cut into square cells."""

    id: Slug
    name: str
    name_zh: str = ""
    district: Slug
    area: Ring
    cell_m: float = Field(
        default=400, gt=20, le=5000, description="edge of the cells the beat is cut to"
    )
    revisit_min: float | None = Field(
        default=60,
        gt=0,
        description="a cell is owed a visit this often; null: only where policy says so",
    )
    calls_per_day: float = Field(
        default=0,
        ge=0,
        le=10_000,
        description="calls outside the hot spots, spread over its area",
    )

    @property
    def revisit_s(self) -> float:
        """How often a cell is owed a visit, seconds; infinite where it is not."""
        return math.inf if self.revisit_min is None else self.revisit_min * 60.0


class Marker(Model):
    """The ArUco marker on a dock's pad, for precision landing."""

    id: int = Field(ge=0, le=999, description="0 to 999, its number in DICT_4X4_1000")
    size_m: float = Field(gt=0, le=5, description="edge of its black square, metres")


class Dock(Model):
    """An automatic dock; it must lie in a beat."""

    id: Slug
    name: str = ""
    position: Position
    slots: int = Field(default=2, ge=1, le=8, description="drones it can hold")
    door_s: float = Field(default=15, ge=0, le=120, description="until its door is open")
    marker: Marker | None = Field(default=None, description="what a drone lands on by sight")


class Battery(Model):
    """A drone's battery and what it spends."""

    capacity_wh: float = Field(default=274, gt=0, description="when new and warm (25 °C)")
    hover_w: float = Field(default=420, gt=0, description="power in a hover without wind")
    cruise_w: float = Field(default=380, gt=0, description="power at cruise speed in still air")
    health_percent: float = Field(
        default=100, ge=50, le=100, description="capacity that age has left; under 50 it is scrap"
    )
    charge_min: float = Field(
        default=35, ge=1, le=1440, description="minutes that its dock takes from 20 to 90 %"
    )


class CameraSpec(Model):
    """A drone's camera (pinhole)."""

    width_px: int = Field(default=960, ge=160, le=7680)
    height_px: int = Field(default=540, ge=120, le=4320)
    hfov_deg: float = Field(default=60, gt=5, lt=170, description="horizontal field of view")
    fps: float = Field(default=10, gt=0, le=120)


class Drone(Model):
    """A drone, the dock it lives in, and its addresses."""

    id: Slug
    dock: Slug
    system_id: int = Field(ge=1, le=254, description="MAVLink system id, one of a kind in the city")
    mavlink: str = Field(
        pattern=r"^(udpin|udpout|tcpout|serial)://\S+$",
        description="mavsdk connection url, e.g. udpin://0.0.0.0:14540; one of a kind in the city",
    )
    video: str | None = Field(
        default=None, description="rtsp://, tcp://, udp:// or file address of its camera"
    )
    camera: CameraSpec = CameraSpec()
    cruise_m_s: float = Field(default=12, gt=0, le=30)
    max_air_speed_m_s: float | None = Field(
        default=None,
        gt=0,
        le=60,
        description="what it can fly at through the air, to hold its speed over ground in wind; "
        "unsaid, a third more than it cruises at",
    )
    climb_m_s: float = Field(
        default=3.0, gt=0, le=15, description="speed it climbs at; PX4's MPC_Z_VEL_MAX_UP"
    )
    descent_m_s: float = Field(
        default=1.5, gt=0, le=10, description="speed it comes down at; PX4's MPC_Z_VEL_MAX_DN"
    )
    mass_kg: float | None = Field(
        default=None,
        gt=0,
        le=150,
        description="take-off mass without payload; unsaid, it is guessed from hover_w",
    )
    payload_kg: float = Field(
        default=0, ge=0, le=100, description="carried on top of what hover_w was measured with"
    )
    payload_w: float = Field(
        default=0, ge=0, description="drawn on top of it, e.g. by a searchlight or a loudspeaker"
    )
    battery: Battery = Battery()

    @property
    def top_air_m_s(self) -> float:
        """What it can fly at through the air, m/s."""
        known = self.max_air_speed_m_s
        return TOP_AIR * self.cruise_m_s if known is None else known


class Camera(Model):
    """A camera that is fixed at a site."""

    id: Slug
    source: str = Field(description="rtsp://, tcp://, udp:// or file address")


class Stare(Model):
    """Where a drone hovers to watch a site, and what it looks at."""

    position: Position
    altitude_m: float = Field(gt=0, description="above the dock that the drone left")
    look_at: Position
    look_at_altitude_m: float = Field(default=0, description="above ground")


class WaterLevels(Model):
    """Levels of a river at a station, metres on the station's datum."""

    normal_m: float
    warning_m: float = Field(description="警戒水位")
    danger_m: float = Field(description="保证水位")


class WaterDetector(Model):
    """A water level is measured at this site."""

    kind: Literal["water"]
    station: str = Field(description="station file, relative to the city file")
    levels: WaterLevels
    hysteresis_m: float = Field(
        default=0.05, gt=0, description="a level ends this far below its threshold"
    )
    dwell_s: float = Field(
        default=3.0, ge=0, description="a threshold must be passed for this long"
    )


class CrowdLevels(Model):
    """Densities that raise an alarm, people per square metre over the zone."""

    yellow_per_m2: float = Field(gt=0)
    orange_per_m2: float = Field(gt=0)
    red_per_m2: float = Field(gt=0)


class CrowdDetector(Model):
    """People are counted on this site's ground."""

    kind: Literal["crowd"]
    zone: Ring = Field(description="ground on which people are counted")
    levels: CrowdLevels
    hysteresis_per_m2: float = Field(default=0.03, gt=0)
    dwell_s: float = Field(default=3.0, ge=0)
    person_height_m: float = Field(default=1.7, gt=0.5, le=2.5)
    model: str | None = Field(
        default=None, description="ONNX network to use in place of the built-in detector"
    )


Detector = Annotated[WaterDetector | CrowdDetector, Field(discriminator="kind")]


class Site(Model):
    """A place that is watched."""

    id: Slug
    name: str
    name_zh: str = ""
    position: Position
    stare: Stare | None = Field(default=None, description="how a drone watches it")
    cameras: tuple[Camera, ...] = Field(default=(), description="fixed cameras that watch it")
    detector: Detector
    policy: Literal["confirm", "straight"] = Field(
        default="confirm", description="confirm: an officer first; straight: to the CAD at once"
    )


class Zone(Model):
    """A no-fly zone, or the fence that no flight may leave."""

    id: Slug
    kind: Literal["no_fly", "fence"]
    name: str = ""
    area: Ring
    holes: tuple[Ring, ...] = Field(default=(), description="parts of the area that are left out")
    floor_m: float = Field(default=0, ge=-500, le=100_000)
    floor_reference: HeightReference = Field(
        default="agl", description="agl: above ground; amsl: above mean sea level"
    )
    ceiling_m: float = Field(default=10_000, gt=-500, le=100_000)
    ceiling_reference: HeightReference = "agl"
    active: tuple[Hours, ...] | None = Field(
        default=None, min_length=1, description="when; left out: always"
    )

    def heights_m(self, ground_amsl_m: float) -> tuple[float, float]:
        """Return floor and ceiling above ground, which lies so high above mean sea level."""
        floor = self.floor_m - (ground_amsl_m if self.floor_reference == "amsl" else 0.0)
        ceiling = self.ceiling_m - (ground_amsl_m if self.ceiling_reference == "amsl" else 0.0)
        return floor, ceiling


class CadEndpoint(Model):
    """A CAD that receives incidents as Standard Webhooks."""

    id: Slug
    url: str = Field(pattern=r"^https?://\S+$")
    secret_env: str = Field(
        pattern=r"^[A-Z][A-Z0-9_]*$",
        description="environment variable with the signing secret (whsec_...); never the secret itself",
    )
    calls_secret_env: str | None = Field(
        default=None,
        pattern=r"^[A-Z][A-Z0-9_]*$",
        description="environment variable with the secret that this CAD signs its calls with; "
        "left out, it sends none",
    )
    timeout_s: float = Field(default=5, gt=0, le=60)
    ack: Literal["echo", "status"] = Field(
        default="echo",
        description="echo: delivered when the answer is 2xx and a JSON object whose id is the webhook-id; "
        "status: any 2xx (a proxy that answers for a dead CAD then loses incidents)",
    )


class City(Model):
    """Everything that a city file says. References between its parts have been checked.

    Where no beat and no hot spot says how many calls there are, they are taken to be spread evenly.
    """

    city: CityInfo
    broker: Broker
    api: Listen = Listen()
    limits: Limits = Limits()
    districts: tuple[District, ...] = ()
    beats: tuple[Beat, ...] = Field(min_length=1)
    docks: tuple[Dock, ...] = Field(min_length=1)
    drones: tuple[Drone, ...] = Field(min_length=1)
    sites: tuple[Site, ...] = ()
    hot_spots: tuple[HotSpot, ...] = ()
    targets: tuple[KeyTarget, ...] = ()
    zones: tuple[Zone, ...] = ()
    buildings: tuple[Building, ...] = ()
    policy: Policy = Policy()
    cad: tuple[CadEndpoint, ...] = ()

    def part(self, docks: frozenset[str]) -> City:
        """Return the same city with only some docks and the drones that live in them.

        Parameters
        ----------
        docks
            Identifiers of the docks to keep.

        Raises
        ------
        KeyError
            If a name is no dock of this city.
        """
        unknown = docks - {dock.id for dock in self.docks}
        if unknown:
            raise KeyError(f"no dock {sorted(unknown)!r}; docks are {[d.id for d in self.docks]!r}")
        changes: dict[str, Any] = {
            "docks": tuple(d for d in self.docks if d.id in docks),
            "drones": tuple(d for d in self.drones if d.dock in docks),
        }
        return self.model_copy(update=changes)
