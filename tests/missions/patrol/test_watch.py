"""Tours laid out one by one: they can be flown, and go where calls would come too late."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import dist
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from missions.ground import Ground

Make = Callable[..., Any]
QUICK = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="session")
def ground(town: Make) -> Ground:
    return town(3)


@QUICK
@given(st.integers(0, 1000), st.floats(200, 1500))
def test_a_tour_fits_its_battery_and_visits_what_is_wanted(
    ground: Ground, watch_of: Make, seed: int, usable_s: float
) -> None:
    rng, count = np.random.default_rng(seed), len(ground.cells)
    worth = np.where(rng.random(count) < 0.5, rng.uniform(1, 2000, count), 0.0)
    watch = watch_of(ground, worth, rng.uniform(0.1, 1, count))
    gain, cells = watch.tour("k0", 35.0, usable_s)
    assert len(set(cells)) == len(cells)
    assert all(worth[cell] > 0 for cell in cells)
    assert gain > 0 or not cells
    if cells:
        passed, places = watch.passed(cells, "k0", 35.0)
        assert passed[-1] - 35.0 <= usable_s + 1e-3
        assert all(b > a for a, b in pairwise(passed))
        assert tuple(places[0]) == tuple(places[-1]) == ground.places["k0"]
        assert watch.score(cells, "k0", 35.0) == pytest.approx(gain * (passed[-1] - 35.0))
        assert watch.fitting(cells, "k0", usable_s) == cells


def test_of_a_tour_that_is_too_long_its_beginning_fits(ground: Ground, watch_of: Make) -> None:
    """And cells that were seen meanwhile are left out."""
    worth = np.full(len(ground.cells), 10.0)
    watch = watch_of(ground, worth, np.ones(len(ground.cells)))
    _, cells = watch.tour("k0", 35.0, 1200.0)
    short = watch.fitting(cells, "k0", 600.0)
    assert 0 < len(short) < len(cells)
    assert short == cells[: len(short)]
    passed, _ = watch.passed(cells[: len(short) + 1], "k0", 35.0)
    assert passed[-1] - 35.0 > 600.0
    worth[cells[0]] = 0.0
    watch = watch_of(ground, worth, np.ones(len(ground.cells)))
    assert watch.fitting(cells, "k0", 1200.0)[:1] == cells[1:2]


def test_nothing_wanted_is_no_tour(ground: Ground, watch_of: Make) -> None:
    count = len(ground.cells)
    assert watch_of(ground, np.zeros(count), np.ones(count)).tour("k0", 35.0, 1200.0) == (0.0, ())


def test_it_goes_where_calls_would_come_too_late(ground: Ground, watch_of: Make) -> None:
    """Of two sides that owe the same it takes that from which more calls come."""
    count, (east, north) = len(ground.cells), ground.places["k4"]
    for side in (-1.0, 1.0):
        place = (east + side * 1900.0, north)
        calls = np.full(count, 1e-9)
        calls[min(range(count), key=lambda i: dist(ground.cells[i].center, place))] = 1.0
        _, cells = watch_of(ground, np.full(count, 10.0), calls).tour("k4", 35.0, 600.0)
        assert np.mean([ground.cells[c].center[0] - east for c in cells]) * side > 0
