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


class Fault(Part):
    """Something fails for a while.

    ``target`` is a drone for ``camera_*``, a dock for ``dock_*`` and the weather, a CAD for
    ``cad_*``.
    """

    at_s: float = Field(ge=0)
    for_s: float = Field(gt=0, le=86_400)
    target: str
    fault: Literal[
        "camera_freeze", "camera_drop", "camera_rubbish",
        "dock_jam", "dock_offline", "cad_down", "cad_slow", "cad_error", "cad_nonsense",
    ]  # fmt: skip


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
    targets = {
        "camera": {drone.id for drone in city.drones},
        "dock": {dock.id for dock in city.docks},
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
