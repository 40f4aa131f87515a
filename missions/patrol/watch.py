"""Tours that are where calls would come too late, while they visit the cells that are owed most.

A tour is laid out cell after cell. Several partial tours are kept side by side, and the best of
them are lengthened (a beam search), by what their cells are worth and by how many of the calls
that nobody else would reach in time they bring within reach, moment by moment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from missions.geo import Floats
from missions.patrol.cover import STEP_S, Cover

WIDTH = 24
"""Partial tours that are kept side by side."""
BRANCH = 12
"""Cells that each of them is lengthened by, the most promising."""
FIRST_M = 2000.0
"""A tour begins no farther from its dock."""
NEXT_S = 20.0
"""From a cell to the next it is about so long."""
WATCH = 250.0
"""What it is worth to bring all calls within reach for a second, against ``owing.SCALE``."""

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Watch:
    """Where a drone is wanted, and when.

    Parameters
    ----------
    cover
        How far drones reach.
    service_s
        What flying each cell takes, seconds.
    worth
        What a visit of each cell is worth.
    gained
        What a drone over each cell has brought within reach by each step, shape (times + 1, cells).
    """

    cover: Cover
    service_s: Floats
    worth: Floats
    gained: Floats
    near: Numbers
    """The cells nearest to each that are worth a visit, shape (cells, BRANCH)."""

    @classmethod
    def of(cls, cover: Cover, service_s: Floats, worth: Floats, missing: Floats) -> Watch:
        """Return it for how likely nobody else covers each cell, shape (times, cells)."""
        rate = (missing * cover.weights) @ cover.within
        gained = np.vstack([np.zeros(rate.shape[1]), np.cumsum(rate, axis=0) * STEP_S])
        apart = np.where((worth > 0) & np.isfinite(service_s), cover.apart, np.inf)
        near = np.argpartition(apart, min(BRANCH, len(apart)) - 1, axis=1)[:, :BRANCH]
        return cls(cover, service_s, worth, gained, near)

    def _watched(self, since_s: Floats, until_s: Floats, cells: Numbers) -> Floats:
        """Return what being over cells between two times brings within reach."""
        return self._by(until_s, cells) - self._by(since_s, cells)

    def _by(self, at_s: Floats, cells: Numbers) -> Floats:
        steps = np.minimum(at_s / STEP_S, len(self.gained) - 1.001)
        low = steps.astype(np.int64)
        part = steps - low
        return np.asarray(
            (1.0 - part) * self.gained[low, cells] + part * self.gained[low + 1, cells]
        )

    def tour(self, dock: str, begin_s: float, usable_s: float) -> tuple[float, tuple[int, ...]]:
        """Return the best tour found from a dock, and what it gains a second.

        Parameters
        ----------
        begin_s
            When it takes off, seconds from now.
        usable_s
            For how long it may fly.
        """
        cover, worth, service = self.cover, self.worth, self.service_s
        home_s = self.home_s(dock)
        near = cover.ground.distances[dock] < FIRST_M
        able = np.flatnonzero((worth > 0) & np.isfinite(service) & near)
        at, since = able, np.full(len(able), begin_s)
        until = since + home_s[able] + service[able]
        score = worth[able] + WATCH * self._watched(since, until, able)
        ends = until + home_s[able] - begin_s <= usable_s
        at, until, score = at[ends], until[ends], score[ends]
        tours = at[:, None]
        most, best = -np.inf, (0.0, tuple[int, ...]())
        while len(at):
            rate = score / (until + home_s[at] - begin_s)
            order = np.argsort(-rate, kind="stable")[:WIDTH]
            at, until, score, tours = at[order], until[order], score[order], tours[order]
            top = int(score.argmax())
            if score[top] > most:
                most, best = (
                    float(score[top]),
                    (float(rate[order[top]]), tuple(tours[top].tolist())),
                )
            at, until, score, tours = self._longer(
                at, until, score, tours, home_s, begin_s + usable_s
            )
        return best

    def _longer(
        self,
        at: Numbers,
        until: Floats,
        score: Floats,
        tours: Numbers,
        home_s: Floats,
        latest_s: float,
    ) -> tuple[Numbers, Floats, Floats, Numbers]:
        """Return partial tours, each with each cell that may come next."""
        near = self.near[at]
        row = np.repeat(np.arange(len(at)), near.shape[1])
        cell = near.ravel()
        apart = self.cover.apart[at[row], cell]
        ends = until[row] + apart / self.cover.speed_m_s + self.cover.turn_s + self.service_s[cell]
        fits = (ends + home_s[cell] <= latest_s) & (self.worth[cell] > 0)
        fits &= ~(tours[row] == cell[:, None]).any(axis=1)
        row, cell, ends = row[fits], cell[fits], ends[fits]
        more = self.worth[cell] + WATCH * self._watched(until[row], ends, cell)
        return cell, ends, score[row] + more, np.column_stack([tours[row], cell])

    def home_s(self, dock: str) -> Floats:
        """Return what the way between a dock and each cell takes, seconds."""
        return self.cover.ground.distances[dock] / self.cover.speed_m_s + self.cover.turn_s

    def _ends(self, cells: tuple[int, ...], dock: str) -> Floats:
        """Return when each cell of a tour has been flown, seconds after it began over the dock."""
        at, cover = np.asarray(cells), self.cover
        ways = cover.apart[at[:-1], at[1:]] / cover.speed_m_s + cover.turn_s
        return np.cumsum(np.concatenate([self.home_s(dock)[at[:1]], ways]) + self.service_s[at])

    def fitting(self, cells: tuple[int, ...], dock: str, usable_s: float) -> tuple[int, ...]:
        """Return as much of a tour, from its beginning, as may be flown and is worth something."""
        wanted = tuple(c for c in cells if self.worth[c] > 0 and np.isfinite(self.service_s[c]))
        if not wanted:
            return ()
        home = self._ends(wanted, dock) + self.home_s(dock)[list(wanted)]
        return wanted[: int((np.maximum.accumulate(home) <= usable_s).sum())]

    def score(self, cells: tuple[int, ...], dock: str, begin_s: float) -> float:
        """Return what a tour gains: its cells' worth, and the calls that it brings within reach."""
        if not cells:
            return 0.0
        at, until = np.asarray(cells), begin_s + self._ends(cells, dock)
        since = np.concatenate([[begin_s], until[:-1]])
        return float(self.worth[at].sum() + WATCH * self._watched(since, until, at).sum())

    def mean_prize(self, cells: Numbers, begin_s: float, usable_s: float) -> Floats:
        """Return what a visit of each cell gains, whenever it is made in a tour's time."""
        since = np.full(len(cells), begin_s)
        rate = self._watched(since, since + usable_s, cells) / usable_s
        return self.worth[cells] + WATCH * rate * (NEXT_S + self.service_s[cells])

    def passed(self, cells: tuple[int, ...], dock: str, begin_s: float) -> tuple[Floats, Floats]:
        """Return when a tour is where, roughly: from middle to middle."""
        cover = self.cover
        pad = np.array([cover.ground.places[dock]])
        places = np.vstack([pad, cover.middles[list(cells)], pad])
        ways = np.hypot(*np.diff(places, axis=0).T) / cover.speed_m_s + cover.turn_s
        stays = np.concatenate([[0.0], self.service_s[list(cells)], [0.0]])
        passed = begin_s + np.cumsum(np.concatenate([[0.0], ways + (stays[:-1] + stays[1:]) / 2]))
        return passed, places
