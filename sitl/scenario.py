"""The scenario file: how the river rises, how the crowd grows, what fails and when.

Times are seconds since the simulator was ready.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.functional_validators import AfterValidator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from missions.city import City
from sitl.errors import SimError


class ScenarioError(SimError, ValueError):
    """A scenario file that cannot be used; the message carries every finding."""

    status = 2
    """Exit status of a command that was given it."""


class Part(BaseModel):
    """Base of the scenario's models: frozen, an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _rising(points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    for (a, _), (b, _) in pairwise(points):
        if not b > a:
            raise ValueError(f"times must rise; {b} follows {a}")
    return points


Points = Annotated[
    tuple[tuple[float, float], ...], Field(min_length=1, max_length=1000), AfterValidator(_rising)
]


class Curve(Part):
    """A value over time, linear between points and constant before the first and after the last."""

    points: Points = Field(description="[seconds, value] pairs; the seconds rise")

    @model_validator(mode="before")
    @classmethod
    def _bare_list(cls, value: Any) -> Any:
        return {"points": value} if isinstance(value, list | tuple) else value

    def at(self, t: float) -> float:
        """Return the value at a time in seconds."""
        return float(np.interp(t, [p[0] for p in self.points], [p[1] for p in self.points]))

    @property
    def highest(self) -> float:
        """Greatest value ever."""
        return max(p[1] for p in self.points)


class RiverScene(Part):
    """A river at a site with a water detector."""

    site: str
    level_m: Curve = Field(description="mean level on the station's datum")
    wave_m: float = Field(
        default=0.015, ge=0, le=0.5, description="greatest height of waves at the board"
    )
    tide_m: float = Field(default=0.02, ge=0, le=2, description="amplitude of a slow swell")
    tide_period_s: float = Field(default=40, gt=1)


class CrowdScene(Part):
    """People on the zone of a site with a crowd detector."""

    site: str
    people: Curve = Field(description="how many people stay on the zone")


class Traffic(Part):
    """A manned aircraft that flies straight on from where it starts."""

    start: tuple[
        Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(ge=-90, le=90)]
    ] = Field(description="[longitude, latitude] in degrees")
    heading_deg: float = Field(ge=0, lt=360)
    speed_m_s: float = Field(ge=0, le=350)
    altitude_m: float = Field(ge=0, le=12_000, description="above the city's ground")
    climb_m_s: float = Field(default=0.0, ge=-50, le=50)
    callsign: str = Field(default="B-7021", pattern=r"^[A-Z0-9-]{1,8}$")
    icao: int = Field(default=0x780001, ge=1, le=0xFFFFFF, description="24-bit address")


ALL = "all"
"""Target of a fault that reaches every dock and every vehicle."""
HIGHEST = {"weather_wind": 60.0, "weather_rain": 300.0}
"""Faults that carry a value, metres a second and millimetres an hour, and the greatest of each."""


class Fault(Part):
    """Something fails for a while.

    ``target`` is a drone for ``camera_*`` and ``vehicle_*``, a dock for ``dock_*``, a CAD for ``cad_*``;
    for ``weather_*`` a dock, whose drones feel it too, or ``all``; for ``traffic`` the drone whose
    receiver hears the aircraft, or ``all``.
    """

    at_s: float = Field(ge=0)
    for_s: float = Field(gt=0, le=86_400)
    target: str
    fault: Literal[
        "camera_freeze", "camera_drop", "camera_rubbish",
        "dock_jam", "dock_offline", "dock_lies",
        "cad_down", "cad_slow", "cad_error", "cad_nonsense",
        "vehicle_gps", "vehicle_motor", "vehicle_battery", "vehicle_link",
        "weather_wind", "weather_rain", "traffic",
    ]  # fmt: skip
    value: float | None = Field(default=None, ge=0, description="of weather_wind and weather_rain")
    aircraft: Traffic | None = Field(default=None, description="of traffic")

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        most = HIGHEST.get(self.fault)
        if most is None and self.value is not None:
            raise ValueError(f"{self.fault} has no value; {sorted(HIGHEST)} have")
        if most is not None and (self.value is None or self.value > most):
            raise ValueError(f"{self.fault} needs a value of 0 to {most:g}, not {self.value!r}")
        if (self.fault == "traffic") != (self.aircraft is not None):
            wrong = "needs" if self.aircraft is None else "has no"
            raise ValueError(f"{self.fault} {wrong} `aircraft:`; traffic, and it alone, has one")
        return self


class Weather(Part):
    """What the docks' stations measure."""

    wind_m_s: float = Field(default=3.0, ge=0, le=60)
    wind_from_deg: float = Field(default=60.0, ge=0, lt=360)
    rain_mm_h: float = Field(default=0.0, ge=0, le=300)
    temperature_c: float = Field(default=27.0, ge=-40, le=60)


class Scenario(Part):
    """Everything that happens in the simulated city by itself."""

    seed: int = 1
    weather: Weather = Weather()
    rivers: tuple[RiverScene, ...] = ()
    crowds: tuple[CrowdScene, ...] = ()
    faults: tuple[Fault, ...] = ()

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        sites = [r.site for r in self.rivers] + [c.site for c in self.crowds]
        for site in sites:
            if sites.count(site) > 1:
                raise ValueError(f"site {site!r} is named more than once")
        return self


def parse(text: str, name: str) -> Scenario:
    """Return the scenario in a YAML text.

    Parameters
    ----------
    text
        The file's content.
    name
        What to call it in errors.

    Raises
    ------
    ScenarioError
        With every finding, each with its key and what is allowed.
    """
    try:
        raw = YAML(typ="safe").load(text)
    except YAMLError as error:
        raise ScenarioError(f"{name}: not YAML: {error}") from error
    if not isinstance(raw, dict):
        raise ScenarioError(f"{name}: a scenario is a mapping, this is {type(raw).__name__}")
    try:
        return Scenario.model_validate(raw)
    except ValidationError as error:
        findings = [
            f"{name}: {'.'.join(str(p) for p in e['loc']) or 'scenario'}: {e['msg']} (is {e['input']!r:.80})"
            for e in error.errors()
        ]
        raise ScenarioError("\n".join(findings)) from error


def check(scenario: Scenario, city: City) -> None:
    """Check that a scenario is one for a city.

    Raises
    ------
    ScenarioError
        If it names a site, drone, dock or CAD that the city lacks, or a site that has another
        detector than the scene is for.
    """
    detectors = {site.id: site.detector.kind for site in city.sites}
    scenes = [(r.site, "water") for r in scenario.rivers] + [
        (c.site, "crowd") for c in scenario.crowds
    ]
    for site, kind in scenes:
        if site not in detectors:
            raise ScenarioError(f"scenario names site {site!r}; the city's are {sorted(detectors)}")
        if detectors[site] != kind:
            raise ScenarioError(
                f"scenario gives site {site!r} a {kind} scene, but its detector is {detectors[site]!r}"
            )
    drones = {drone.id for drone in city.drones}
    docks = {dock.id for dock in city.docks}
    targets = {
        "camera": drones,
        "vehicle": drones,
        "traffic": drones | {ALL},
        "dock": docks,
        "weather": docks | {ALL},
        "cad": {cad.id for cad in city.cad},
    }
    for fault in scenario.faults:
        known = targets[fault.fault.partition("_")[0]]
        if fault.target not in known:
            raise ScenarioError(
                f"scenario breaks {fault.target!r} with {fault.fault}; there are {sorted(known)}"
            )


def load(path: Path) -> Scenario:
    """Return the scenario in a file.

    Raises
    ------
    ScenarioError
        If it cannot be read or is not sound.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: cannot be read: {error}") from error
    return parse(text, str(path))
