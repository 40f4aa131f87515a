"""What a simulated day brings: wind, faults and closures, from a seed, the same for every run of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from shapely import MultiPoint
from shapely.affinity import rotate
from shapely.geometry import Point, box

from missions.airspace import APART_M
from missions.cells import city_cells, city_frame
from missions.city import City, Zone
from missions.energy import Wind
from missions.zones import MARGIN_M

HOUR_S, DAY_S = 3600.0, 86400.0
WIND_M_S = 4.0
FAULTS_A_DAY = 2.0
"""Drones of the fleet that need a person, together."""
FAULT_S = 7200.0
"""Until it is repaired."""
CLOSURES_A_DAY = 3.0
CLOSED_M = (150.0, 400.0)
"""Diameter of a closed circle, and sides of a closed rectangle: least, most."""
CLOSED_S = (1800.0, 7200.0)
"""For how long, least and most."""
CIRCLE = 12
"""Corners of a circle."""
CLEAR_M = 2.0 * MARGIN_M + APART_M
"""Kept from docks: their columns, and a margin, which goes twice as far at a corner."""
TRIES = 100
"""Places that are tried for a closure; none of a city may be far enough from all docks."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A drone that stays in its dock, from when on (or once it is back), and how long, seconds."""

    at_s: float
    drone: str
    lasts_s: float


@dataclass(frozen=True, slots=True)
class Closing:
    """Airspace that is closed at all heights: nobody knows of it before; from when on, how long, s."""

    at_s: float
    zone: Zone
    lasts_s: float

    @property
    def until_s(self) -> float:
        """When it is open again."""
        return self.at_s + self.lasts_s


@dataclass(frozen=True)
class Conditions:
    """Wind by the hour, faults, and closures.

    Parameters
    ----------
    winds
        One an hour, from the begin.
    faults, closures
        In order.
    """

    winds: tuple[Wind, ...]
    faults: tuple[Fault, ...] = ()
    closures: tuple[Closing, ...] = ()

    def wind(self, now_s: float) -> Wind:
        """Return the wind at a time, seconds from the begin."""
        return self.winds[min(int(now_s // HOUR_S), len(self.winds) - 1)]


def draw_conditions(
    city: City,
    rng: np.random.Generator,
    days: float,
    *,
    wind_m_s: float = WIND_M_S,
    faults_a_day: float = FAULTS_A_DAY,
    closures_a_day: float = CLOSURES_A_DAY,
) -> Conditions:
    """Draw wind from all sides, faults, and closures."""
    hours = max(1, int(np.ceil(days * 24)))
    winds = tuple(Wind(wind_m_s, float(side)) for side in rng.uniform(0.0, 360.0, hours))
    count = int(rng.poisson(faults_a_day * days))
    times = np.sort(rng.uniform(0.0, days * DAY_S, count)).tolist()
    drones = rng.choice([drone.id for drone in city.drones], size=count).tolist()
    faults = tuple(Fault(at, drone, FAULT_S) for at, drone in zip(times, drones, strict=True))
    return Conditions(winds, faults, _closures(city, rng, days, closures_a_day))


def _closures(
    city: City, rng: np.random.Generator, days: float, a_day: float
) -> tuple[Closing, ...]:
    """Draw closures; drawn last, so that how many there are changes nothing else of a seed."""
    times = np.sort(rng.uniform(0.0, days * DAY_S, int(rng.poisson(a_day * days)))).tolist()
    found = []
    for number, at in enumerate(times, 1):
        zone, lasts_s = _zone(city, rng, f"closure-{number}"), float(rng.uniform(*CLOSED_S))
        if zone is not None:
            found.append(Closing(at, zone, lasts_s))
    return tuple(found)


def _zone(city: City, rng: np.random.Generator, name: str) -> Zone | None:
    """Draw a circle or a rectangle about a cell's middle; no dock and its column are within.

    None where no place was found for it.
    """
    frame, cells = city_frame(city), city_cells(city)
    docks = MultiPoint([frame.to_enu(*dock.position) for dock in city.docks])
    for _ in range(TRIES):
        east, north = cells[int(rng.integers(len(cells)))].center
        width, height = rng.uniform(*CLOSED_M, 2).tolist()
        if rng.random() < 0.5:
            area = Point(east, north).buffer(width / 2.0, quad_segs=CIRCLE // 4)
        else:
            half = width / 2.0, height / 2.0
            sides = box(east - half[0], north - half[1], east + half[0], north + half[1])
            area = rotate(sides, float(rng.uniform(0.0, 180.0)))
        if area.distance(docks) > CLEAR_M:
            return Zone(id=name, kind="no_fly", area=frame.ring(area))
    return None
