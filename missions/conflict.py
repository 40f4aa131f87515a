"""Whether two drones come too near, exactly: nearer than 30 m and less than 15 m apart in height.

Two trajectories meet where there are a time of the one and a time of the other, no farther apart
than both may be early or late together, at which one is within the flat cylinder about the other.
On a pair of straight pieces those two times are a plane; what limits them (the pieces' ends, the
doubt, the heights) are half-planes of it, and the square of the distance is a convex quadratic
over it. Its least value on that polygon lies where both ways cross, or on one of the polygon's
sides, and is found there in closed form. Nothing is sampled. All pairs are worked out at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from missions.trajectory import Floats, Trajectory

KEEP_M = 30.0
"""Horizontal distance that two drones keep, or else ``KEEP_UP_M``."""
KEEP_UP_M = 15.0
HAIR = 1e-6
"""Metres: two that are just so far apart keep it."""
SLACK = 1e-9
HALVINGS = 24
"""Of the time in which the first meeting is looked for: 100 s to 6 microseconds."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Where two first may come too near.

    Parameters
    ----------
    at_s
        When, seconds from the reference of both.
    east, north, altitude_m
        Between the two, metres.
    horizontal_m, vertical_m
        How far apart they are then.
    """

    at_s: float
    east: float
    north: float
    altitude_m: float
    horizontal_m: float
    vertical_m: float


def conflict(
    a: Trajectory, b: Trajectory, *, horizontal_m: float = KEEP_M, vertical_m: float = KEEP_UP_M
) -> Conflict | None:
    """Return when and where two are first nearer than both limits; None where they never are."""
    found = Traffic.of([b]).conflicts(a, horizontal_m=horizontal_m, vertical_m=vertical_m)
    return found[0][1] if found else None


@dataclass(frozen=True, slots=True, eq=False)
class _Pieces:
    """The straight pieces of trajectories, one row each."""

    owner: npt.NDArray[np.intp]
    begin: Floats
    length: Floats
    doubt: Floats
    """At the beginning of each."""
    drift: Floats
    place: Floats
    velocity: Floats
    low: Floats
    high: Floats
    """Least and greatest of (time with the doubt, east, north, altitude)."""

    @classmethod
    def of(cls, trajectories: Sequence[Trajectory]) -> _Pieces:
        parts = [_pieces(index, t) for index, t in enumerate(trajectories)]
        columns = zip(*parts, strict=True) if parts else iter([_NONE] * 9)
        return cls(*(np.concatenate(list(column)) for column in columns))

    def some(self, rows: npt.NDArray[np.intp]) -> _Pieces:
        return _Pieces(*(getattr(self, name)[rows] for name in self.__slots__))


_NONE = (np.zeros(0),)


def _pieces(index: int, t: Trajectory) -> tuple[npt.NDArray[np.generic], ...]:
    length = np.diff(t.times)
    kept = length > 0
    kept[0] |= not kept.any()  # all of it at one moment
    begin, end = t.times[:-1][kept], t.times[1:][kept]
    here, there = t.places[:-1][kept], t.places[1:][kept]
    length = length[kept]
    velocity = (there - here) / np.where(length > 0, length, 1.0)[:, None]
    first = t.doubt_s + t.drift * (begin - t.times[0])
    last = first + t.drift * length
    low = np.column_stack([begin - first, np.minimum(here, there)])
    high = np.column_stack([end + last, np.maximum(here, there)])
    count = len(begin)
    owner, drift = np.full(count, index, dtype=np.intp), np.full(count, t.drift)
    return owner, begin, length, first, drift, here, velocity, low, high


@dataclass(frozen=True, slots=True, eq=False)
class Traffic:
    """Many trajectories, ready to be asked which of them another one meets."""

    trajectories: tuple[Trajectory, ...]
    _pieces: _Pieces

    @classmethod
    def of(cls, trajectories: Sequence[Trajectory]) -> Traffic:
        """Return the trajectories, made ready."""
        return cls(tuple(trajectories), _Pieces.of(trajectories))

    def conflicts(
        self,
        a: Trajectory,
        *,
        horizontal_m: float = KEEP_M,
        vertical_m: float = KEEP_UP_M,
    ) -> list[tuple[int, Conflict]]:
        """Return those that ``a`` meets, by their place in ``trajectories``, and where first.

        In the order of the places.
        """
        pairs = self._near(a, horizontal_m, vertical_m)
        return [] if pairs is None else pairs.first(horizontal_m)

    def met(
        self, a: Trajectory, *, horizontal_m: float = KEEP_M, vertical_m: float = KEEP_UP_M
    ) -> list[int]:
        """Return those that ``a`` meets, by their place; less work than to say where."""
        pairs = self._near(a, horizontal_m, vertical_m)
        if pairs is None:
            return []
        return sorted(set(pairs.b.owner[pairs.meet(horizontal_m)].tolist()))

    def clear(
        self, a: Trajectory, *, horizontal_m: float = KEEP_M, vertical_m: float = KEEP_UP_M
    ) -> bool:
        """Whether ``a`` meets none of them; less work than to say where."""
        pairs = self._near(a, horizontal_m, vertical_m)
        return pairs is None or not bool(pairs.meet(horizontal_m).any())

    def _near(self, a: Trajectory, horizontal_m: float, vertical_m: float) -> _Pairs | None:
        """Return the pairs of pieces whose boxes come near; None where there is none."""
        own, others = _Pieces.of([a]), self._pieces
        if not len(others.begin):
            return None
        room = np.array([0.0, horizontal_m, horizontal_m, vertical_m])
        whole_low, whole_high = own.low.min(axis=0) - room, own.high.max(axis=0) + room
        rows = np.flatnonzero(((others.low <= whole_high) & (others.high >= whole_low)).all(axis=1))
        if not len(rows):
            return None
        near = np.ones((len(own.begin), len(rows)), dtype=bool)
        for axis in range(4):
            low, high = own.low[:, axis] - room[axis], own.high[:, axis] + room[axis]
            near &= others.low[rows, axis] <= high[:, None]
            near &= others.high[rows, axis] >= low[:, None]
        mine, theirs = np.nonzero(near)
        if not len(mine):
            return None
        return _Pairs.of(own.some(mine), others.some(rows[theirs]), vertical_m)


class _Least(NamedTuple):
    """The least distance of each pair, and the two times of it; infinite where there is none."""

    square: Floats
    x: Floats
    y: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Pairs of pieces; ``x`` and ``y`` are the times since the beginning of each."""

    a: _Pieces
    b: _Pieces
    normal: Floats
    """Of the half-planes that limit (x, y): pairs, half-planes, 2."""
    bound: Floats

    @classmethod
    def of(cls, a: _Pieces, b: _Pieces, vertical_m: float) -> _Pairs:
        one, none = np.ones(len(a.begin)), np.zeros(len(a.begin))
        ahead, doubt = a.begin - b.begin, a.doubt + b.doubt
        up = a.place[:, 2] - b.place[:, 2]
        wa, wb = a.velocity[:, 2], b.velocity[:, 2]
        room = vertical_m - HAIR
        limits = [
            (-one, none, none),
            (one, none, a.length),
            (none, -one, none),
            (none, one, b.length),
            (1.0 - a.drift, -1.0 - b.drift, doubt - ahead),
            (-1.0 - a.drift, 1.0 - b.drift, doubt + ahead),
            (wa, -wb, room - up),
            (-wa, wb, room + up),
        ]
        normal = np.stack([np.column_stack([x, y]) for x, y, _ in limits], axis=1)
        return cls(a, b, normal, np.column_stack([c for _, _, c in limits]))

    def meet(self, horizontal_m: float) -> npt.NDArray[np.bool_]:
        """Return which pairs meet."""
        return self._least(self.normal, self.bound).square < (horizontal_m - HAIR) ** 2

    def first(self, horizontal_m: float) -> list[tuple[int, Conflict]]:
        """Return each of the others that is met, and where first."""
        rows = np.flatnonzero(self.meet(horizontal_m))
        if not len(rows):
            return []
        rows = rows[self._may_be_first(rows)]
        meeting = _Pairs(self.a.some(rows), self.b.some(rows), self.normal[rows], self.bound[rows])
        at, least = meeting._earliest((horizontal_m - HAIR) ** 2)
        found: dict[int, Conflict] = {}
        for index in np.argsort(at, kind="stable"):
            owner = int(meeting.b.owner[index])
            if owner not in found:
                found[owner] = meeting._conflict(int(index), float(at[index]), least)
        return sorted(found.items())

    def _may_be_first(self, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        """Return which of the pairs that meet may do so before all others of the same two."""
        a, b = self.a.some(rows), self.b.some(rows)
        soonest = np.maximum(a.begin - a.doubt, b.begin - b.doubt)
        ends = np.minimum(
            a.begin + (1.0 + a.drift) * a.length + a.doubt,
            b.begin + (1.0 + b.drift) * b.length + b.doubt,
        )
        latest = np.full(int(b.owner.max()) + 1, np.inf)
        np.minimum.at(latest, b.owner, ends)
        kept: npt.NDArray[np.bool_] = soonest <= latest[b.owner]
        return kept

    def _conflict(self, index: int, at_s: float, least: _Least) -> Conflict:
        here = self.a.place[index] + self.a.velocity[index] * least.x[index]
        there = self.b.place[index] + self.b.velocity[index] * least.y[index]
        east, north, up = ((here + there) / 2.0).tolist()
        apart = float(np.sqrt(least.square[index]))
        return Conflict(at_s, east, north, up, apart, abs(float(here[2] - there[2])))

    def _earliest(self, square: float) -> tuple[Floats, _Least]:
        """Return when each pair, which does meet, first does, and the two times of it.

        Both are there at the later of the two earliest times at which each may be where it is
        then; that is bounded from above, and the bound is halved.
        """
        a, b = self.a, self.b
        zero = np.zeros(len(a.begin))
        # when each may be where it is at x and y: (1 - drift) x + soonest <= bound
        rates = np.column_stack([1.0 - a.drift, 1.0 - b.drift])
        soonest = np.column_stack([a.begin - a.doubt, b.begin - b.doubt])
        normal = np.concatenate(
            [
                self.normal,
                np.stack(
                    [
                        np.column_stack([rates[:, 0], zero]),
                        np.column_stack([zero, rates[:, 1]]),
                    ],
                    axis=1,
                ),
            ],
            axis=1,
        )
        least = self._least(self.normal, self.bound)
        low = soonest.max(axis=1)
        high = (soonest + rates * np.column_stack([least.x, least.y])).max(axis=1)
        high = np.maximum(high, low)
        best = least
        for _ in range(HALVINGS):
            middle = (low + high) / 2.0
            tried = self._least(
                normal, np.concatenate([self.bound, middle[:, None] - soonest], axis=1)
            )
            meets = tried.square < square
            high, low = np.where(meets, middle, high), np.where(meets, low, middle)
            best = _Least(
                *(np.where(meets, new, old) for new, old in zip(tried, best, strict=True))
            )
        return high, best

    def _least(self, normal: Floats, bound: Floats) -> _Least:
        """Return the least square of the distance where all limits hold."""
        apart = self.a.place[:, :2] - self.b.place[:, :2]
        va, vb = self.a.velocity[:, :2], self.b.velocity[:, :2]
        size = np.einsum("nki,nki->nk", normal, normal)
        flat = size < SLACK**2
        # a limit without a direction holds everywhere or nowhere
        void = (flat & (bound < 0)).any(axis=1)
        scale = np.where(flat, 1.0, np.sqrt(size))
        normal, bound = normal / scale[..., None], np.where(flat, np.inf, bound / scale)
        square, x, y = self._on_sides(apart, va, vb, normal, bound, flat)
        crossing = self._crossing(apart, va, vb, normal, bound)
        nearer = crossing.square < square
        square = np.where(void, np.inf, np.where(nearer, crossing.square, square))
        return _Least(square, np.where(nearer, crossing.x, x), np.where(nearer, crossing.y, y))

    @staticmethod
    def _on_sides(
        apart: Floats,
        va: Floats,
        vb: Floats,
        normal: Floats,
        bound: Floats,
        flat: npt.NDArray[np.bool_],
    ) -> _Least:
        """Return the least on the sides of the polygon that the limits leave."""
        finite = np.where(flat, 0.0, bound)
        foot = normal * finite[..., None]
        along = np.stack([-normal[..., 1], normal[..., 0]], axis=-1)
        slope = np.einsum("nki,nji->nkj", along, normal)
        room = bound[:, None, :] - np.einsum("nki,nji->nkj", foot, normal)
        level = np.abs(slope) < SLACK
        with np.errstate(divide="ignore", invalid="ignore"):
            at = room / np.where(level, 1.0, slope)
        high = np.where(level | (slope < 0), np.inf, at).min(axis=2)
        low = np.where(level | (slope > 0), -np.inf, at).max(axis=2)
        shut = (level & (room < -SLACK * 10)).any(axis=2) | flat | (low > high + SLACK * 100)
        low = np.minimum(low, high)  # one time alone, but for what floats lose
        start = apart[:, None, :] + va[:, None, :] * foot[..., :1] - vb[:, None, :] * foot[..., 1:]
        turn = va[:, None, :] * along[..., :1] - vb[:, None, :] * along[..., 1:]
        speed = np.einsum("nki,nki->nk", turn, turn)
        still = speed < SLACK**2
        with np.errstate(divide="ignore", invalid="ignore"):
            best = -np.einsum("nki,nki->nk", start, turn) / np.where(still, 1.0, speed)
        best = np.clip(np.where(still, 0.0, best), low, high)
        best = np.where(np.isfinite(best), best, 0.0)
        offset = start + turn * best[..., None]
        square = np.where(shut, np.inf, np.einsum("nki,nki->nk", offset, offset))
        side = square.argmin(axis=1)
        rows = np.arange(len(side))
        times = foot[rows, side] + along[rows, side] * best[rows, side, None]
        return _Least(square[rows, side], times[:, 0], times[:, 1])

    @staticmethod
    def _crossing(apart: Floats, va: Floats, vb: Floats, normal: Floats, bound: Floats) -> _Least:
        """Return where the two ways cross, if that is within the limits."""
        cross = va[:, 1] * vb[:, 0] - va[:, 0] * vb[:, 1]
        parallel = np.abs(cross) < SLACK
        safe = np.where(parallel, 1.0, cross)
        x = (apart[:, 0] * vb[:, 1] - apart[:, 1] * vb[:, 0]) / safe
        y = (apart[:, 0] * va[:, 1] - apart[:, 1] * va[:, 0]) / safe
        held = normal[..., 0] * x[:, None] + normal[..., 1] * y[:, None] <= bound + SLACK
        off = parallel | ~held.all(axis=1)
        return _Least(np.where(off, np.inf, 0.0), x, y)
