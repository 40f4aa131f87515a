"""Tours made better by PyVRP: never worse than those they began with, and as able to be flown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from missions.ground import Ground
from missions.patrol.polish import polished
from missions.patrol.problem import GAIN

Make = Callable[..., Any]
QUICK = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
BEGIN_S = 35.0


@pytest.fixture(scope="session")
def ground(town: Make) -> Ground:
    return town(3)


def zigzag(ground: Ground, dock: str, usable_s: float, watch: Any) -> tuple[int, ...]:
    """Return a tour that goes to and fro without need."""
    near = np.argsort(ground.distances[dock], kind="stable")[:20].tolist()
    return tuple(watch.fitting(tuple(near[::2] + near[1::2]), dock, usable_s))


@QUICK
@given(st.integers(0, 1000), st.floats(200, 1500))
def test_it_fits_the_battery_visits_what_is_wanted_and_is_no_worse(
    ground: Ground, watch_of: Make, seed: int, usable_s: float
) -> None:
    rng, count = np.random.default_rng(seed), len(ground.cells)
    worth = np.where(rng.random(count) < 0.5, rng.uniform(1, 2000, count), 0.0)
    watch = watch_of(ground, worth, rng.uniform(0.1, 1, count))
    _, laid = watch.tour("k0", BEGIN_S, usable_s)
    drawn = tuple(rng.permutation(count)[:15].tolist())
    cells = polished(watch, "k0", BEGIN_S, usable_s, [drawn, laid])
    assert len(set(cells)) == len(cells)
    assert all(worth[cell] > 0 for cell in cells)
    if cells:
        passed, _ = watch.passed(cells, "k0", BEGIN_S)
        assert passed[-1] - BEGIN_S <= usable_s + 1e-3
    for tour in (drawn, laid):
        least = watch.score(watch.fitting(tour, "k0", usable_s), "k0", BEGIN_S)
        assert (1 + GAIN) * watch.score(cells, "k0", BEGIN_S) >= least - 1e-6


def test_a_tour_that_goes_to_and_fro_is_made_better(ground: Ground, watch_of: Make) -> None:
    watch = watch_of(ground, np.full(len(ground.cells), 1000.0), np.ones(len(ground.cells)))
    poor = zigzag(ground, "k4", 1200.0, watch)
    better = polished(watch, "k4", BEGIN_S, 1200.0, [poor])
    assert watch.score(better, "k4", BEGIN_S) > 1.1 * watch.score(poor, "k4", BEGIN_S)


def test_it_goes_where_calls_would_come_too_late(ground: Ground, watch_of: Make) -> None:
    """Of cells that owe the same those are taken from which most calls come."""
    count, east = len(ground.cells), ground.places["k4"][0]
    for side in (-1.0, 1.0):
        calls = np.array([1.0 if side * (c.center[0] - east) > 900 else 1e-9 for c in ground.cells])
        watch = watch_of(ground, np.full(count, 100.0), calls)
        start = zigzag(ground, "k4", 700.0, watch)
        cells = polished(watch, "k4", BEGIN_S, 700.0, [start])
        assert np.mean([ground.cells[c].center[0] - east for c in cells]) * side > 300


def test_the_earlier_is_kept_where_another_gains_little(ground: Ground, watch_of: Make) -> None:
    worth = np.full(len(ground.cells), 1000.0)
    watch = watch_of(ground, worth, np.ones(len(ground.cells)))
    best = polished(watch, "k4", BEGIN_S, 900.0, [watch.tour("k4", BEGIN_S, 900.0)[1]])
    assert polished(watch, "k4", BEGIN_S, 900.0, [best, best[::-1]]) == best


def test_of_nothing_that_can_be_flown_comes_nothing(ground: Ground, watch_of: Make) -> None:
    count = len(ground.cells)
    watch = watch_of(ground, np.zeros(count), np.ones(count))
    assert polished(watch, "k0", BEGIN_S, 900.0, [(0, 1, 2), ()]) == ()
    watch = watch_of(ground, np.ones(count), np.ones(count))
    assert polished(watch, "k0", BEGIN_S, 10.0, [(0, 1, 2)]) == ()
