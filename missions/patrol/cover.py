"""Which calls could be answered in time: by drones that stand ready, and by those on patrol.

A cell is covered at a moment where some drone that may be sent is overhead within a bound. Calls
come where they mostly do, so cells count by their share of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from missions.energy import Wind
from missions.geo import Floats
from missions.ground import Ground
from missions.overhead import BOUND_S, sooner_s
from missions.patrol.cells import FAR_M, mean_speed, middles_of, turn_s, usual_drone
from missions.trajectory import Trajectory

DECIDES_S = 1.0
"""Of the bound, what a decision takes, and telling the drone."""
CHANGES_S = 5.0
"""And what one in the air takes to change its height, where another is in its way."""
STEP_S = 60.0
AHEAD_S = 1200.0
"""Looked ahead so far, in such steps: a sortie."""

GAP_S = 420.0
"""A gap is looked at for so long: a drone that leaves now fills it after one or two minutes."""
TAKEN = 0.1
"""How likely a drone that covers a place is taken by another call just then."""

Covered = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Cover:
    """How far drones reach in time, over one city.

    Parameters
    ----------
    ground
        The city.
    weights
        Share of calls by cell.
    speed_m_s
        Over ground, in the mean.
    turn_s
        Lost by starting and stopping.
    climb_s
        From the ground to the height flown at.
    middles
        Of the cells, metres, shape (cells, 2).
    apart
        From middle to middle, metres, shape (cells, cells).
    """

    ground: Ground
    weights: Floats
    speed_m_s: float
    turn_s: float
    climb_s: float
    middles: Floats
    apart: npt.NDArray[np.float32]

    @classmethod
    def of(cls, ground: Ground, weights: Floats, wind: Wind) -> Cover:
        """Return it for a city's usual drone in a wind."""
        drone = usual_drone(ground)
        speed = mean_speed(drone, wind)
        climb_s = ground.layers[0] / drone.climb_m_s
        weights = weights / weights.sum()
        middles, apart = middles_of(ground)
        return cls(ground, weights, speed, turn_s(speed), climb_s, middles, apart)

    @property
    def within(self) -> npt.NDArray[np.float32]:
        """Share of calls that a drone over each cell brings within reach from each other."""
        return np.asarray(self.apart <= self._reach_m(CHANGES_S), dtype=np.float32)

    @property
    def times(self) -> Floats:
        """The moments looked at, seconds from now."""
        return np.arange(0.0, AHEAD_S, STEP_S)

    def standing(self, ready_s: Mapping[str, float]) -> list[Covered]:
        """Return what drones in docks cover at each moment, each of shape (times, cells).

        Parameters
        ----------
        ready_s
            When the first drone of each dock can answer a call, seconds from now.
        """
        return [
            (self.times >= since_s)[:, None] & self.from_dock(name)
            for name, since_s in ready_s.items()
        ]

    def from_dock(self, name: str) -> Covered:
        """Return what a drone that stands in a dock covers, shape (cells,)."""
        waits = self.ground.leaves_s(name) + self.climb_s
        return np.asarray(self.ground.distances[name] <= self._reach_m(waits))

    def _reach_m(self, waits_s: float) -> float:
        lost_s = self.turn_s - sooner_s(FAR_M, self.speed_m_s) + DECIDES_S + waits_s
        return (BOUND_S - lost_s) * self.speed_m_s

    def aloft(self, trajectories: Iterable[Trajectory]) -> list[Covered]:
        """Return what drones in the air cover at each moment, each of shape (times, cells)."""
        return [self.over(one.times, one.places[:, :2]) for one in trajectories]

    def missing(self, covered: Iterable[Covered]) -> Floats:
        """Return how likely it is that of those who cover a cell nobody is left for a call there.

        Parameters
        ----------
        covered
            What each drone covers, shape (times, cells).
        """
        found = np.ones((len(self.times), len(self.weights)))
        for one in covered:
            found[one] *= TAKEN
        return found

    def gap(self, missing: Floats, more: Covered | None = None) -> float:
        """Return the share of calls that nobody reaches in time in the next ``GAP_S`` seconds.

        Parameters
        ----------
        missing
            As ``missing`` returns it.
        more
            What one more drone covers, shape (times, cells).
        """
        nobody = missing >= 1.0 if more is None else (missing >= 1.0) & ~more
        soon = self.times < GAP_S
        return float((nobody[soon] @ self.weights).mean())

    def there(self, places: Sequence[tuple[float, float]]) -> Covered:
        """Return what drones at some places in the air cover now, shape (cells,)."""
        if not places:
            return np.zeros(len(self.weights), dtype=bool)
        at = np.asarray(places, dtype=np.float64)
        away = np.hypot(*(at[:, None, :] - self.middles[None]).transpose(2, 0, 1))
        return np.asarray((away <= self._reach_m(CHANGES_S)).any(axis=0))

    def over(self, passed_s: Floats, places: Floats) -> Covered:
        """Return what a drone covers that passes places at times, shape (times, cells)."""
        flies = (self.times >= passed_s[0]) & (self.times <= passed_s[-1])
        at = np.column_stack([np.interp(self.times, passed_s, places[:, k]) for k in (0, 1)])
        away = np.hypot(*(at[:, None, :] - self.middles[None]).transpose(2, 0, 1))
        return np.asarray((away <= self._reach_m(CHANGES_S)) & flies[:, None])
