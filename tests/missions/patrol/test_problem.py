"""Patrols as a routing problem: what PyVRP is given, and what is made of its answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missions.patrol.problem import GAIN, Patrol, Problem, Solved, Tour, improve

SPEED, TURN = 12.0, 5.0


def problem(seed: int, cells: int = 24, drones: int = 3) -> Problem:
    """Return docks and cells strewn over 4 km, the cells numbered as in a larger city."""
    rng = np.random.default_rng(seed)
    docks = [(float(x), float(y)) for x, y in rng.uniform(0, 4000, (2, 2))]
    numbers = rng.permutation(500)[:cells].astype(np.int64)
    return Problem(
        docks=docks,
        cells=numbers,
        middles=rng.uniform(0, 4000, (cells, 2)),
        service_s=rng.integers(60, 240, cells),
        prizes=rng.integers(0, 2000, cells),
        patrols=[
            Patrol(f"v{n}", n % 2, int(rng.integers(0, 1500)), int(rng.integers(0, 1500)))
            for n in range(drones)
        ],
        speed_m_s=SPEED,
        turn_s=TURN,
    )


def length_s(known: Problem, dock: int, cells: Sequence[int]) -> int:
    """Return what a tour takes, worked out without the problem's own code."""
    at = {int(cell): i for i, cell in enumerate(known.cells)}
    places = [known.docks[dock], *(tuple(known.middles[at[c]]) for c in cells), known.docks[dock]]
    ways = sum(round(math.dist(a, b) / SPEED + TURN) for a, b in pairwise(places))
    return ways + sum(int(known.service_s[at[c]]) for c in cells)


def cost(known: Problem, tours: Sequence[Tour]) -> int:
    """Return seconds flown, and prizes left."""
    dock = {p.drone: p.dock for p in known.patrols}
    seen = {c for tour in tours for c in tour.cells}
    left = sum(int(p) for c, p in zip(known.cells, known.prizes, strict=True) if int(c) not in seen)
    return left + sum(length_s(known, dock[t.drone], t.cells) for t in tours)


def cells_of(solved: Solved) -> Mapping[str, tuple[int, ...]]:
    return {tour.drone: tour.cells for tour in solved.tours}


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_tours_last_no_longer_than_batteries_and_see_nothing_twice(seed: int, drones: int) -> None:
    known = problem(seed, drones=drones)
    solved = improve(known, {}, 20, seed)
    patrols = {p.drone: p for p in known.patrols}
    seen = [cell for tour in solved.tours for cell in tour.cells]
    assert len(seen) == len(set(seen))
    assert set(seen) <= set(known.cells.tolist())
    assert len({tour.drone for tour in solved.tours}) == len(solved.tours)
    for tour in solved.tours:
        patrol = patrols[tour.drone]
        takes = length_s(known, patrol.dock, tour.cells)
        assert takes <= patrol.usable_s
        assert (tour.start_s, tour.end_s) == (patrol.ready_s, patrol.ready_s + takes)
    assert solved.cost == cost(known, solved.tours)
    assert solved.cost <= int(known.prizes.sum())


@settings(max_examples=10)
@given(st.integers(0, 10_000))
def test_the_same_seed_gives_the_same_tours(seed: int) -> None:
    assert improve(problem(seed), {}, 15, 7) == improve(problem(seed), {}, 15, 7)


def test_client_numbers_are_the_citys_cells() -> None:
    """Each dock has one cell beside it; numbers are in another order than the places."""
    docks = [(0.0, 0.0), (9000.0, 0.0), (0.0, 9000.0)]
    known = Problem(
        docks=docks,
        cells=np.array([41, 7, 300]),
        middles=np.array([[9000.0, 300.0], [300.0, 9000.0], [300.0, 0.0]]),
        service_s=np.array([100, 110, 120]),
        prizes=np.array([5000, 5000, 5000]),
        patrols=[Patrol(f"of-{dock}", dock, 0, 400) for dock in range(3)],
        speed_m_s=10.0,
        turn_s=0.0,
    )
    solved = improve(known, {}, 20, 1)
    assert cells_of(solved) == {"of-0": (300,), "of-1": (41,), "of-2": (7,)}
    assert {t.drone: t.end_s for t in solved.tours} == {"of-0": 180, "of-1": 160, "of-2": 170}


def test_what_is_worth_less_than_its_flight_is_left() -> None:
    known = Problem(
        docks=[(0.0, 0.0)],
        cells=np.array([3, 4]),
        middles=np.array([[1000.0, 0.0], [-1000.0, 0.0]]),
        service_s=np.array([100, 100]),
        prizes=np.array([299, 301]),
        patrols=[Patrol("one", 0, 0, 10_000)],
        speed_m_s=10.0,
        turn_s=0.0,
    )
    solved = improve(known, {}, 20, 1)
    assert cells_of(solved) == {"one": (4,)}
    assert solved.cost == 300 + 299


def test_a_plan_is_kept_where_another_gains_next_to_nothing() -> None:
    """A square of equal cells can be flown both ways around, for the same cost."""
    known = Problem(
        docks=[(0.0, 0.0)],
        cells=np.array([10, 11, 12]),
        middles=np.array([[1000.0, 0.0], [1000.0, 1000.0], [0.0, 1000.0]]),
        service_s=np.array([100, 100, 100]),
        prizes=np.array([3000, 3000, 3000]),
        patrols=[Patrol("a", 0, 0, 2000), Patrol("b", 0, 0, 2000)],
        speed_m_s=10.0,
        turn_s=0.0,
    )
    for before in ({"a": (10, 11, 12)}, {"a": (12, 11, 10)}, {"b": (12, 11, 10)}):
        for seed in range(5):
            assert cells_of(improve(known, before, 20, seed)) == before


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_plan_changes_only_where_it_gains_more_than_a_hundredth(seed: int, other: int) -> None:
    known = problem(seed)
    before = improve(known, {}, 10, seed)
    after = improve(known, cells_of(before), 30, other)
    if cells_of(after) != cells_of(before):
        assert after.cost <= (1.0 - GAIN) * before.cost


def test_a_poor_plan_is_given_up() -> None:
    known = problem(1)
    good = improve(known, {}, 60, 1)
    tour = max(good.tours, key=lambda t: len(t.cells))
    poor = {tour.drone: tour.cells[:1]}
    after = improve(known, poor, 60, 1)
    assert after.cost < 0.9 * cost(known, [Tour(tour.drone, tour.cells[:1], 0, 0)])


def test_of_a_plan_that_no_longer_holds_what_still_does_is_kept() -> None:
    """Cells nobody wants, a drone that is gone, one cell in two tours, a tour too long."""
    known = problem(3, cells=6, drones=2)
    known = Problem(
        known.docks, known.cells, known.middles, known.service_s, known.prizes,
        [Patrol("v0", 0, 0, 1200), Patrol("v1", 1, 0, 1200)], SPEED, TURN,
    )  # fmt: skip
    first, *others = known.cells.tolist()
    before = {"v0": (9999, first), "v1": (first, *others), "gone": tuple(others)}
    data = known.data()
    kept = known.tours(known.solution(data, before))
    assert all(length_s(known, int(t.drone[1]), t.cells) <= 1200 for t in kept)
    by_drone = {t.drone: t.cells for t in kept}
    assert by_drone["v0"] == (first,)
    assert by_drone["v1"] == tuple(others[: len(by_drone["v1"])])
    assert 0 < len(by_drone["v1"]) < len(others)


@pytest.mark.parametrize("what", ["nobody", "nothing"])
def test_nobody_to_fly_or_nothing_to_see(what: str) -> None:
    known = problem(2, cells=0 if what == "nothing" else 4, drones=0 if what == "nobody" else 2)
    assert improve(known, {"v0": (1, 2)}, 5, 0) == Solved((), int(known.prizes.sum()))
