"""What past calls say of where the next will be, and of how much oftener a cell is to be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from shapely import points
from shapely.strtree import STRtree

from missions.callmap import CallMap
from missions.cells import city_cells, city_frame
from missions.city import City
from missions.geo import Floats
from missions.policy import History

DAY_S: Final = 86_400.0
MOST_CALLS: Final = 100_000
"""Of more calls the newest are taken."""
ROWS: Final = 256
"""Cells that are spread at a time: bounds the memory to 10 MB at 4,800 cells."""


@dataclass(frozen=True, slots=True)
class PastCall:
    """Where a call came from, and how long ago, seconds."""

    lon: float
    lat: float
    age_s: float


@dataclass(frozen=True)
class Learned:
    """Past calls, cell by cell.

    Parameters
    ----------
    calls
        What they weigh in each cell, decayed and spread.
    prior
        What the word of the city file weighs against them, in calls.
    often
        How many times as often each cell is owed a visit, 1 or more.
    """

    calls: Floats
    prior: float
    often: Floats

    def shares(self, expected: Floats) -> Floats:
        """Return the share of calls that is to be expected of each cell.

        Parameters
        ----------
        expected
            What the city file expects; only its proportions count.
        """
        return _shares(self.calls, self.prior, expected)


def learn(city: City, history: History, known: CallMap, calls: Sequence[PastCall]) -> Learned:
    """Return what past calls say.

    Calls farther than ``radius_m`` from every cell do not count, nor do those of the future.
    """
    cells = city_cells(city)
    spread = np.zeros(len(cells))
    weights = _by_cell(city, history, calls)
    if weights.any():
        spread = _spread(city, history, weights)
    prior = known.per_day * history.prior_days
    mean_day = np.sum(list(known.by_profile.values()), axis=0)
    areas = np.array([cell.area_m2 for cell in cells])
    often = np.ones(len(cells))
    if history.strongest > 1.0:
        denser = _shares(spread, prior, mean_day) / areas * areas.sum()
        often = np.clip(np.sqrt(denser), 1.0, history.strongest)
    return Learned(spread, prior, often)


def _shares(calls: Floats, prior: float, expected: Floats) -> Floats:
    mixed = calls + prior * expected / expected.sum()
    return np.asarray(mixed / mixed.sum())


def _by_cell(city: City, history: History, calls: Sequence[PastCall]) -> Floats:
    """Return what calls weigh in the cells that they came from."""
    cells = city_cells(city)
    recent = [call for call in calls if 0.0 <= call.age_s <= history.days * DAY_S]
    if len(recent) > MOST_CALLS:
        recent = sorted(recent, key=lambda call: call.age_s)[:MOST_CALLS]
    weights = np.zeros(len(cells))
    if not recent:
        return weights
    places = city_frame(city).points_to_enu([(call.lon, call.lat) for call in recent])
    decayed = 0.5 ** (np.array([call.age_s for call in recent]) / (history.half_life_days * DAY_S))
    tree = STRtree([cell.shape for cell in cells])
    number, cell = tree.query_nearest(
        points(places), max_distance=history.radius_m, all_matches=False
    )
    np.add.at(weights, cell, decayed[number])
    return weights


def _spread(city: City, history: History, weights: Floats) -> Floats:
    """Return the weights spread by a normal distribution; each keeps its sum within the city."""
    cells = city_cells(city)
    middles = np.array([cell.center for cell in cells])
    areas = np.array([cell.area_m2 for cell in cells])
    spread = np.zeros(len(cells))
    sources = np.flatnonzero(weights)
    for begin in range(0, len(sources), ROWS):
        some = sources[begin : begin + ROWS]
        away = ((middles[some, np.newaxis, :] - middles[np.newaxis, :, :]) ** 2).sum(axis=2)
        kernel = np.exp(-away / (2.0 * history.radius_m**2)) * areas
        spread += (weights[some] / kernel.sum(axis=1)) @ kernel
    return spread
