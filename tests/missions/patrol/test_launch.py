"""Who leaves now: within the ceiling, with the reserve kept, those first who reach most calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import dist
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from missions.ground import Ground, ground_of
from missions.patrol.launch import SOON_PERCENT
from missions.patrol.ready import EARLY_PERCENT, FULL_PERCENT, LEAVE_PERCENT
from missions.patrol.rolling import RollingPlan
from missions.patrol.situation import Planned, Situation
from missions.picture import Doing, DroneNow
from missions.trajectory import Trajectory

Make = Callable[..., Any]
QUICK = settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])


def due(ground: Ground, now: Situation) -> list[Planned]:
    """Return who leaves."""
    plan = RollingPlan(ground, iterations=5)
    plan.refresh(now)
    return plan.due(now)


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


@QUICK
@given(st.integers(0, 9), st.integers(0, 1000))
def test_the_shift_s_reserve_stays_in_docks(
    town: Make, moment: Make, reserve: int, seed: int
) -> None:
    """As many charged drones as it says, wherever they stand; who is empty is none of them."""
    ground = town(2)
    rng = np.random.default_rng(seed)
    percents = {drone: float(rng.choice([30, 70, 100])) for drone in ground.drones}
    now = moment(ground, percents=percents, ready=0, reserve=reserve)
    gone = {tour.drone for tour in due(ground, now)}
    charged = {drone for drone, percent in percents.items() if percent >= 70}
    assert len(charged - gone) >= min(reserve, len(charged))
    full = {drone for drone, percent in percents.items() if percent >= 97}
    if not reserve:
        assert gone >= full
    elif gone and len(full) > len(gone):
        assert len(charged - gone) == reserve  # no more of them are kept than it says


def test_who_stays_for_the_shift_s_reserve_is_said(town: Make, moment: Make) -> None:
    ground = town(2)
    plan = RollingPlan(ground, iterations=5)
    count = len(ground.drones)
    now = moment(ground, ready=0, reserve=count)
    assert plan.due(now) == []
    assert plan.unready(now) == (
        f"{count} charged drones stand in docks; the shift keeps {count} ready"
    )
    assert len(plan.due(moment(ground, ready=0, reserve=count - 3))) == 3
    assert "the shift" not in str(plan.unready(moment(ground, ready=0, reserve=count - 3)))


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


def test_drones_that_are_about_to_leave_count_as_those_in_the_air(
    town: Make, moment: Make, docked: Make
) -> None:
    ground = town(2)
    fleet = [docked(ground, drone) for drone in ground.drones]
    fleet[:3] = [replace(one, doing=Doing.LEAVING) for one in fleet[:3]]
    assert len(due(ground, moment(ground, fleet=fleet, ceiling=4, ready=0))) == 1
    assert due(ground, moment(ground, fleet=fleet, ceiling=3, ready=0)) == []


def test_drones_that_leave_together_fly_over_different_cells(town: Make, moment: Make) -> None:
    leaving = due(town(2), moment(town(2), ready=0))
    cells = [cell for tour in leaving for cell in tour.cells]
    assert len(leaving) > 4
    assert len(set(cells)) == len(cells)


@pytest.mark.parametrize(("place", "first"), [((2250, 750), "v0"), ((5250, 3450), "v30")])
def test_those_who_reach_most_calls_leave_first(
    town: Make, moment: Make, alone: Make, place: tuple[float, float], first: str
) -> None:
    """Calls come from where no drone in its dock would be in time, near the way of one of two."""
    ground = town(4)
    calls = np.full(len(ground.cells), 1e-6)
    calls[min(range(len(calls)), key=lambda i: dist(ground.cells[i].center, place))] = 1.0
    now = moment(ground, fleet=alone(ground, "v0", "v30"), calls=calls, ready=0)
    assert [t.drone for t in due(ground, replace(now, ceiling=1))] == [first]
    assert next(t.drone for t in due(ground, now)) == first


def test_the_plan_s_tour_is_flown_where_another_gains_little(
    town: Make, moment: Make, alone: Make
) -> None:
    """It is as good the other way round, so that is flown if the plan has it so."""
    ground = town(3)
    now = moment(ground, fleet=alone(ground, "v8"), ready=0)
    (tour,) = due(ground, now)
    for cells in (tour.cells, tour.cells[::-1]):
        plan = RollingPlan(ground, iterations=5, tours={"v8": replace(tour, cells=cells)})
        assert [t.cells for t in plan.due(now)] == [cells]
    poor = {"v8": replace(tour, cells=tour.cells[:2])}
    (better,) = RollingPlan(ground, iterations=5, tours=poor).due(now)
    assert len(better.cells) >= len(tour.cells) - 1


@pytest.mark.parametrize(
    ("doing", "percent", "first"),
    [
        (Doing.PATROL, 80.0, "v30"),
        (Doing.RETURNING, 80.0, "v30"),
        (Doing.RESPONSE, 80.0, "v0"),
        (Doing.PATROL, 30.0, "v0"),
    ],
)
def test_who_is_at_a_call_or_nearly_empty_reaches_no_other(
    town: Make, moment: Make, alone: Make, flying: Make, doing: Doing, percent: float, first: str
) -> None:
    """Most calls come from near one that is out, the others from elsewhere."""
    ground = town(4)
    places = (2250.0, 750.0), (5250.0, 3450.0)
    calls = np.full(len(ground.cells), 1e-6)
    for place, share in zip(places, (0.6, 0.4), strict=True):
        calls[min(range(len(calls)), key=lambda i: dist(ground.cells[i].center, place))] = share
    fleet = [d for d in alone(ground, "v0", "v30") if d.id != "v9"]
    fleet.append(flying(ground, "v9", places[0], doing=doing, percent=percent))
    stays = Trajectory.of([(0.0, *places[0], 60.0), (1500.0, *places[0], 60.0)])
    now = moment(ground, fleet=fleet, calls=calls, ready=0, trajectories={"v9": stays})
    assert [t.drone for t in due(ground, replace(now, ceiling=2))] == [first]


def test_a_gap_is_filled_by_who_is_not_full_yet(
    town: Make, moment: Make, docked: Make, flying: Make
) -> None:
    """Both drones of a dock are at calls: another leaves early to be near, where it fills the gap."""
    ground = town(4)

    def leaves(percent: float, doing: Doing) -> list[str]:
        fleet = [docked(ground, d, percent) for d in ground.drones if d not in ("v0", "v1")]
        fleet += [flying(ground, d, (700.0, 700.0), doing=doing) for d in ("v0", "v1")]
        stays = Trajectory.of([(0.0, 700.0, 700.0, 60.0), (1500.0, 700.0, 700.0, 60.0)])
        way = {"v0": stays, "v1": stays}
        calls = np.full(len(ground.cells), 1e-6)
        calls[min(range(len(calls)), key=lambda i: dist(ground.cells[i].center, (300, 300)))] = 1.0
        now = moment(ground, fleet=fleet, calls=calls, trajectories=way)
        return [t.dock for t in due(ground, now)]

    assert leaves(EARLY_PERCENT - 1, Doing.PATROL) == []
    (dock,) = leaves(SOON_PERCENT, Doing.RESPONSE)
    assert dist(ground.places[dock], ground.places["k0"]) < 2200
    assert leaves(SOON_PERCENT - 1, Doing.RESPONSE) == []


def test_batteries_say_who_may_leave(
    town: Make, moment: Make, docked: Make, alone: Make, flying: Make
) -> None:
    """Where few are in the air who is charged enough; where enough are only who is full.

    A gap is filled sooner; here the dock's other drone leaves none.
    """
    ground = town(2)
    calls = np.array(
        [1.0 if dist(c.center, ground.places["k3"]) < 600 else 1e-6 for c in ground.cells]
    )
    busy = [flying(ground, f"v{n}", (700.0, 700.0)) for n in (0, 2, 4)]

    def leaves(percent: float, others: Sequence[DroneNow] = ()) -> bool:
        fly = {d.id for d in others}
        fleet = [d for d in alone(ground, "v6", percent=percent) if d.id not in {*fly, "v7"}]
        fleet.append(docked(ground, "v7", 50.0))
        return bool(due(ground, moment(ground, fleet=[*fleet, *others], ready=0, calls=calls)))

    assert not leaves(EARLY_PERCENT - 1)
    assert leaves(LEAVE_PERCENT)
    assert not leaves(LEAVE_PERCENT, busy)
    assert leaves(FULL_PERCENT, busy)


def test_a_dock_keeps_its_last_drone_while_the_other_is_out_of_order(
    town: Make, moment: Make, alone: Make
) -> None:
    ground = town(2)
    fleet = alone(ground, "v0")
    assert due(ground, moment(ground, fleet=fleet, ready=1)) == []
    assert [t.drone for t in due(ground, moment(ground, fleet=fleet, ready=0))] == ["v0"]


def test_the_only_drone_of_a_dock_is_not_kept_for_ever(town: Make, moment: Make) -> None:
    """As many stay ready as live there beside it: none."""
    city = town(2).city
    ground = ground_of(city.model_copy(update={"drones": city.drones[:1]}))
    assert [t.drone for t in due(ground, moment(ground, ready=1))] == ["v0"]
