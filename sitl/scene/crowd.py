"""People who walk about a zone: where each of them is at any time of the scene.

Coordinates are metres in the city's frame. The walk is a function of the seed and the time alone:
it is stepped at a fixed rate, so two scenes with one seed show the same people.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from sitl.scenario import Curve
from sitl.scene.view import Floats

STEP_S = 0.1
STRIDE_M = 1.45
"""Way walked in one cycle of the legs."""
CLOSEST_M = 0.75
REWIND_S = 2.0
"""Going back by less is extrapolated; by more, everybody starts again from the beginning."""
PASSERS_BY = 5
MAX_PEOPLE = 400


@dataclass(frozen=True, slots=True)
class People:
    """Where people are.

    Positions (N, 2), headings as unit vectors (N, 2), phases of their legs 0 to 1 (N,), whether
    they walk (N,), and who they are (N,).
    """

    position: Floats
    heading: Floats
    phase: Floats
    walking: npt.NDArray[np.bool_]
    person: npt.NDArray[np.int64]


class Crowd:
    """The people of one zone. Several cameras, each in a thread, may ask at once.

    Parameters
    ----------
    zone
        (N, 2) ring in metres on which the curve's people stay.
    curve
        How many people there shall be at a time in seconds.
    seed
        Of the walk.
    """

    def __init__(self, zone: Floats, curve: Curve, seed: int) -> None:
        self.zone = zone
        self._shape = shapely.Polygon(zone)
        self._curve = curve
        self._seed = seed
        self._lock = threading.Lock()
        self._slots = min(MAX_PEOPLE, int(np.ceil(curve.highest))) + PASSERS_BY
        self._reset()

    def _reset(self) -> None:
        self._rng = np.random.default_rng(self._seed)
        n = self._slots
        self._time = 0.0
        self._low, self._high = self.zone.min(axis=0), self.zone.max(axis=0)
        self._position = self._outside(n)
        self._target = self._inside(n)
        self._speed = self._rng.uniform(0.7, 1.4, n)
        self._pause = np.zeros(n)
        self._heading = np.tile([1.0, 0.0], (n, 1))
        self._phase = self._rng.random(n)
        self._present = np.zeros(n, bool)
        self._present[:PASSERS_BY] = True
        first = self._wanted(0.0)
        self._present[PASSERS_BY : PASSERS_BY + first] = True
        self._position[PASSERS_BY : PASSERS_BY + first] = self._inside(first)
        self._target[:PASSERS_BY] = self._around(PASSERS_BY)

    def _wanted(self, t: float) -> int:
        return min(self._slots - PASSERS_BY, round(self._curve.at(t)))

    def _inside(self, n: int) -> Floats:
        """Return points in the zone's inner part."""
        inner = self._shape.buffer(-0.4)
        inner = self._shape if inner.is_empty else inner
        out: list[Floats] = []
        for _ in range(200):  # a ring that fills 1/20 of its box is found in far fewer rounds
            points = self._rng.uniform(self._low, self._high, (max(8, 2 * n), 2))
            out.extend(points[shapely.contains_xy(inner, points[:, 0], points[:, 1])])
            if len(out) >= n:
                return np.array(out[:n]).reshape(-1, 2)
        return np.tile(np.asarray(inner.centroid.coords[0]), (n, 1))

    def _around(self, n: int) -> Floats:
        """Return points just outside the zone's box."""
        side = self._rng.choice([-1.0, 1.0], n)
        along = self._rng.uniform(self._low[0] - 4, self._high[0] + 4, n)
        edge = np.where(side < 0, self._low[1] - 2.0, self._high[1] + 2.0)
        return np.column_stack([along, edge + side * self._rng.uniform(0, 2, n)])

    def _outside(self, n: int) -> Floats:
        """Return points where people come from, left and right of the zone."""
        left = self._rng.random(n) < 0.5
        x = np.where(left, self._low[0] - 7.0, self._high[0] + 7.0)
        return np.column_stack([x, self._rng.uniform(self._low[1] - 1, self._high[1] + 1, n)])

    def at(self, t: float) -> People:
        """Return the people at a time of the scene in seconds (0 or later)."""
        with self._lock:
            return self._at(t)

    def _at(self, t: float) -> People:
        if t < self._time - REWIND_S:
            self._reset()
        while self._time + STEP_S <= t:
            self._step()
        shown = np.flatnonzero(self._present)
        ahead = (t - self._time) * self._speed[shown] * (self._pause[shown] <= 0)
        return People(
            self._position[shown] + self._heading[shown] * ahead[:, None],
            self._heading[shown],
            self._phase[shown] % 1.0,
            self._pause[shown] <= 0,
            shown,
        )

    def inside(self, people: People) -> int:
        """Return how many people stand on the zone."""
        return int(
            shapely.contains_xy(self._shape, people.position[:, 0], people.position[:, 1]).sum()
        )

    def _step(self) -> None:
        self._time += STEP_S
        self._come_and_go()
        moving = self._present & (self._pause <= 0)
        self._pause = np.maximum(0.0, self._pause - STEP_S)
        way = self._target - self._position
        left = np.linalg.norm(way, axis=1)
        wish = way / np.maximum(left, 1e-6)[:, None]
        wish += self._apart()
        norm = np.linalg.norm(wish, axis=1)
        wish /= np.maximum(norm, 1e-6)[:, None]
        turned = self._heading + 0.35 * (wish - self._heading)
        turned /= np.maximum(np.linalg.norm(turned, axis=1), 1e-6)[:, None]
        self._heading[moving] = turned[moving]
        step = self._speed * STEP_S * moving
        self._position += self._heading * step[:, None]
        self._phase += step / STRIDE_M
        self._arrive(np.flatnonzero(moving & (left < 0.5)))

    def _apart(self) -> Floats:
        """Return how each is pushed away from those who come too close."""
        ids = np.flatnonzero(self._present)
        push = np.zeros_like(self._position)
        apart = self._position[ids][:, None] - self._position[ids][None]
        distance = np.linalg.norm(apart, axis=2)
        near = (distance < CLOSEST_M) & (distance > 1e-6)
        weight = np.where(
            near, (CLOSEST_M - distance) / CLOSEST_M / np.maximum(distance, 0.05), 0.0
        )
        push[ids] = 1.6 * (apart * weight[..., None]).sum(axis=1)
        return push

    def _arrive(self, ids: npt.NDArray[np.int64]) -> None:
        """Give those who arrived a rest and a new target; those who left are gone."""
        for i in ids:
            if i < PASSERS_BY:
                self._target[i] = self._around(1)[0]
            elif self._leaving[i]:
                self._present[i] = False
                continue
            else:
                self._target[i] = self._inside(1)[0]
            self._pause[i] = self._rng.choice([0.0, 0.0, self._rng.uniform(0.5, 3.0)])

    @property
    def _leaving(self) -> npt.NDArray[np.bool_]:
        wanted = self._wanted(self._time)
        return np.arange(self._slots) >= PASSERS_BY + wanted

    def _come_and_go(self) -> None:
        leaving = self._leaving
        new = ~leaving & ~self._present
        if new.any():
            n = int(new.sum())
            self._present[new] = True
            self._position[new] = self._outside(n)
            self._target[new] = self._inside(n)
            self._pause[new] = 0.0
        inside = shapely.contains_xy(self._shape, self._target[:, 0], self._target[:, 1])
        away = leaving & self._present & inside
        if away.any():
            self._target[away] = self._outside(int(away.sum()))
            self._pause[away] = 0.0
