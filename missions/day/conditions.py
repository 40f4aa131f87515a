"""What a simulated day brings: wind and faults, drawn from a seed, the same for every run of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from missions.city import City
from missions.energy import Wind

HOUR_S, DAY_S = 3600.0, 86400.0
WIND_M_S = 4.0
FAULTS_A_DAY = 2.0
"""Drones of the fleet that need a person, together."""
FAULT_S = 7200.0
"""Until it is repaired."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A drone that stays in its dock, from when on (or once it is back), and how long, seconds."""

    at_s: float
    drone: str
    lasts_s: float


@dataclass(frozen=True)
class Conditions:
    """Wind by the hour, and faults.

    Parameters
    ----------
    winds
        One an hour, from the begin.
    faults
        In order.
    """

    winds: tuple[Wind, ...]
    faults: tuple[Fault, ...] = ()

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
) -> Conditions:
    """Draw wind from all sides, and faults."""
    hours = max(1, int(np.ceil(days * 24)))
    winds = tuple(Wind(wind_m_s, float(side)) for side in rng.uniform(0.0, 360.0, hours))
    count = int(rng.poisson(faults_a_day * days))
    times = np.sort(rng.uniform(0.0, days * DAY_S, count)).tolist()
    drones = rng.choice([drone.id for drone in city.drones], size=count).tolist()
    faults = tuple(Fault(at, drone, FAULT_S) for at, drone in zip(times, drones, strict=True))
    return Conditions(winds, faults)
