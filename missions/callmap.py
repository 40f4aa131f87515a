"""Where and when calls are to be expected in a city, by what its file says of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from missions.cells import Cell, city_cells, city_frame
from missions.city import City
from missions.geo import Floats
from missions.places import HotSpot, ProfileName
from missions.profile import share_per_hour


@dataclass(frozen=True)
class CallMap:
    """Calls a day by cell, apart by when they come.

    Parameters
    ----------
    zone
        The city's clock.
    by_profile
        Mean calls a day of each cell, in the order of ``city_cells``.
    """

    zone: ZoneInfo
    by_profile: Mapping[ProfileName, Floats]

    @property
    def per_day(self) -> float:
        """Mean calls a day in the city."""
        return float(sum(calls.sum() for calls in self.by_profile.values()))

    def per_hour(self, at: datetime) -> Floats:
        """Return the calls an hour that each cell is to expect at a time."""
        wall = at.astimezone(self.zone)
        shares = {p: share_per_hour(p, wall.weekday(), wall.hour) for p in self.by_profile}
        return np.asarray(sum(calls * shares[p] for p, calls in self.by_profile.items()))


@lru_cache(maxsize=16)
def call_map(city: City) -> CallMap:
    """Return where a city's file says that calls come from.

    Calls of a beat are spread evenly over its area and come by the profile ``streets``. Those of a
    hot spot thin out from its middle as a normal distribution does; what of it would lie outside
    the city lies inside. Where the file says nothing of calls, each square kilometre has one a day.
    """
    cells = city_cells(city)
    areas = np.array([cell.area_m2 for cell in cells])
    beats = {beat.id: beat.calls_per_day for beat in city.beats}
    streets = np.zeros(len(cells))
    for beat, calls in beats.items():
        inside = areas * np.array([cell.beat == beat for cell in cells])
        streets += calls * inside / inside.sum()
    if not city.hot_spots and not streets.any():
        streets = areas / 1e6
    spread: dict[ProfileName, Floats] = {"streets": streets}
    frame = city_frame(city)
    for spot in city.hot_spots:
        calls_there = _around(spot, frame.to_enu(*spot.position), cells, areas)
        spread[spot.profile] = spread.get(spot.profile, np.zeros(len(cells))) + calls_there
    return CallMap(ZoneInfo(city.city.timezone), spread)


def _around(
    spot: HotSpot, middle: tuple[float, float], cells: tuple[Cell, ...], areas: Floats
) -> Floats:
    """Return the calls a day that each cell has of a hot spot."""
    away = np.array([math.dist(cell.center, middle) for cell in cells])
    power = (away**2 - away.min() ** 2) / (2.0 * spot.radius_m**2)
    mass = np.exp(-power) * areas
    return np.asarray(spot.calls_per_day * mass / mass.sum())
