"""Which calls somebody would reach in time: held against a count cell by cell and moment by moment."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from missions.energy import CALM, Wind
from missions.ground import Ground
from missions.overhead import BOUND_S
from missions.patrol.cover import CHANGES_S, DECIDES_S, TAKEN, Cover, Covered
from missions.trajectory import Trajectory

QUICK = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
Make = Callable[..., Any]


@pytest.fixture(scope="session")
def ground(town: Make) -> Ground:
    return town(2)


def cover_of(ground: Ground, seed: int, wind: Wind = CALM) -> Cover:
    return Cover.of(ground, np.random.default_rng(seed).uniform(0.1, 5, len(ground.cells)), wind)


def reaches(
    cover: Cover, place: tuple[float, float], cell: int, waits_s: float = CHANGES_S
) -> bool:
    """Whether a drone at a place is over a cell's middle in time, once it has waited."""
    way_s = math.dist(place, cover.ground.cells[cell].center) / cover.speed_m_s
    over_s = math.sqrt(2 * 20 / 3)  # it brakes over the last 20 m
    return waits_s + cover.turn_s - over_s + way_s <= BOUND_S - DECIDES_S


def together(cover: Cover, each: list[Covered]) -> Covered:
    """What somebody covers; and the more do, the less likely a call finds nobody."""
    nobody = cover.missing(each)
    count = np.log(nobody) / math.log(TAKEN)
    assert np.allclose(count, sum(one.astype(int) for one in each) if each else 0)
    return nobody < 1.0


@QUICK
@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1200)), max_size=4))
def test_standing(ground: Ground, ready: list[tuple[int, float]]) -> None:
    cover = cover_of(ground, 0)
    ready_s = {f"k{n}": since for n, since in ready}
    found = together(cover, cover.standing(ready_s))
    assert found.shape == (len(cover.times), len(ground.cells))
    waits = 17 + ground.layers[0] / 3.0
    for row, at in enumerate(cover.times):
        for cell in range(len(ground.cells)):
            expected = any(
                at >= since and reaches(cover, ground.places[dock], cell, waits)
                for dock, since in ready_s.items()
            )
            assert found[row, cell] == expected, (at, cell)


@QUICK
@given(st.integers(0, 1000), st.integers(0, 3))
def test_aloft(ground: Ground, seed: int, count: int) -> None:
    rng, cover = np.random.default_rng(seed), cover_of(ground, seed)
    ways = []
    for _ in range(count):
        times = np.sort(rng.uniform(0, 1200, 4))
        places = np.column_stack([rng.uniform(-200, 3200, (4, 2)), np.full(4, 60.0)])
        ways.append(Trajectory.of(np.column_stack([times, places])))
    found = together(cover, cover.aloft(ways))
    for row, at in enumerate(cover.times):
        here = [way.at(float(at)) for way in ways]
        places = [(place[0], place[1]) for place in here if place is not None]
        for cell in range(len(ground.cells)):
            expected = any(reaches(cover, place, cell) for place in places)
            assert found[row, cell] == expected, (at, cell)
        assert (found[row] == cover.there(places)).all()


def test_weights_are_shares(ground: Ground) -> None:
    cover = cover_of(ground, 4)
    assert cover.weights.sum() == pytest.approx(1.0)


def test_wind_leaves_less_within_reach(ground: Ground) -> None:
    def share(wind: Wind) -> float:
        return float(cover_of(ground, 0, wind).from_dock("k0").mean())

    assert share(CALM) >= share(Wind(4.0, 0.0)) > share(Wind(10.0, 0.0))
