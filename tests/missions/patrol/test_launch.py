"""Who leaves now: within the ceiling, with the reserve kept, those first who reach most calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from missions.ground import Ground
from missions.patrol.ready import EARLY_PERCENT, FULL_PERCENT, LEAVE_PERCENT
from missions.patrol.rolling import RollingPlan
from missions.patrol.situation import Planned, Situation

Make = Callable[..., Any]
QUICK = settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])


def due(ground: Ground, now: Situation, tours: Sequence[Planned] | None = None) -> list[Planned]:
    """Return who leaves, of given tours or of a plan's own."""
    plan = RollingPlan(ground, iterations=5)
    if tours is None:
        plan.refresh(now)
    else:
        plan.tours = {tour.drone: tour for tour in tours}
    return plan.due(now)


def tour(ground: Ground, drone: str, beat: str, count: int = 4) -> Planned:
    """Return a tour over cells of a beat, those farthest to the north-east."""
    cells = sorted(
        (sum(cell.center), at) for at, cell in enumerate(ground.cells) if cell.beat == beat
    )
    dock = ground.drones[drone].dock
    return Planned(drone, dock, tuple(at for _, at in cells[-count:]), 0.0, 900.0)


@QUICK
@given(st.integers(0, 8), st.integers(0, 2), st.integers(0, 1000))
def test_ceiling_and_reserve_are_kept(
    town: Make, moment: Make, ceiling: int, ready: int, seed: int
) -> None:
    ground = town(2)
    rng = np.random.default_rng(seed)
    percents = {drone: float(rng.choice([30, 70, 90, 100])) for drone in ground.drones}
    now = moment(ground, percents=percents, ceiling=ceiling, ready=ready)
    leaving = due(ground, now)
    assert len(leaving) <= ceiling
    assert len({t.drone for t in leaving}) == len(leaving)
    for dock, gone in Counter(t.dock for t in leaving).items():
        mates = [d for d in ground.drones.values() if d.dock == dock]
        left = [d.id for d in mates if d.id not in {t.drone for t in leaving}]
        charged = sum(percents[d] >= 70 for d in left)
        # with one drone gone the other is its only mate
        assert gone + min(ready, 1) <= len(mates)
        assert charged >= min(ready, 1)


def test_none_is_kept_where_none_is_asked_for(town: Make, moment: Make) -> None:
    """Full drones all leave, however many that makes: nothing is gained by charging on."""
    ground = town(2)
    # while one leaves for another dock's calls, its mate may follow
    leaving = due(ground, moment(ground, ready=0))
    assert Counter(t.dock for t in leaving) == dict.fromkeys(ground.docks, 2)
    assert {t.start_s for t in leaving} == {0.0}


def test_drones_in_the_air_count(town: Make, moment: Make, docked: Make, flying: Make) -> None:
    ground = town(2)
    fleet = [flying(ground, f"v{n}", (700.0, 700.0)) for n in (0, 2, 4)]
    fleet += [docked(ground, f"v{n}") for n in (1, 3, 5, 6, 7)]
    leaving = due(ground, moment(ground, fleet=fleet, ceiling=4, ready=0))
    assert len(leaving) == 1
    assert due(ground, moment(ground, fleet=fleet, ceiling=3, ready=0)) == []


@pytest.mark.parametrize(("busy", "quiet"), [("b2", "b6"), ("b6", "b2")])
def test_those_who_reach_most_calls_leave_first(
    town: Make, moment: Make, alone: Make, busy: str, quiet: str
) -> None:
    """Calls come from a corner far from any dock that has a drone."""
    ground = town(3)
    calls = np.full(len(ground.cells), 1e-6)
    far = max(
        (i for i, c in enumerate(ground.cells) if c.beat == busy),
        key=lambda i: sum(ground.cells[i].center),
    )
    calls[far] = 1.0
    near = {"b2": "v4", "b6": "v12"}  # the beats' own drones
    fleet = alone(ground, *near.values())
    tours = [tour(ground, near[beat], beat) for beat in ("b2", "b6")]
    now = moment(ground, fleet=fleet, calls=calls, ready=0)
    assert [t.drone for t in due(ground, now, tours)] == [near[busy], near[quiet]]
    assert [t.drone for t in due(ground, replace(now, ceiling=1), tours)] == [near[busy]]


def test_a_tour_is_flown_in_the_direction_that_reaches_more(
    town: Make, moment: Make, alone: Make
) -> None:
    """Whichever way round it was planned."""
    ground = town(2)
    row = sorted((c.center, i) for i, c in enumerate(ground.cells) if c.beat == "b3")
    cells = tuple(i for _, i in row)
    planned = Planned("v6", "k3", cells, 0.0, 900.0)
    calls = np.full(len(ground.cells), 1e-6)
    calls[cells[0]] = calls[cells[-1]] = 1.0
    now = moment(ground, fleet=alone(ground, "v6"), calls=calls, ready=0)
    one = due(ground, now, [planned])
    other = due(ground, now, [replace(planned, cells=cells[::-1])])
    assert [t.cells for t in one] == [t.cells for t in other]
    assert one[0].cells in (cells, cells[::-1])


def test_batteries_say_who_may_leave(town: Make, moment: Make, alone: Make) -> None:
    """Below a level nobody; between, who is worth it; charged ones where too few are in the air."""
    ground = town(2)
    planned = [tour(ground, "v6", "b3")]
    calls = np.zeros(len(ground.cells))
    calls[planned[0].cells[0]] = 1.0
    somewhere = np.zeros(len(ground.cells))
    somewhere[0] = 1.0  # nobody comes near it

    def leaves(percent: float, calls: Any) -> bool:
        fleet = alone(ground, "v6", percent=percent)
        return bool(due(ground, moment(ground, fleet=fleet, calls=calls, ready=0), planned))

    assert not leaves(EARLY_PERCENT - 1, calls)
    assert leaves(EARLY_PERCENT + 1, calls)
    assert not leaves(EARLY_PERCENT + 1, somewhere)
    assert leaves(LEAVE_PERCENT, somewhere)
    levels = (EARLY_PERCENT, LEAVE_PERCENT, FULL_PERCENT)
    assert all(low < high for low, high in pairwise(levels))
