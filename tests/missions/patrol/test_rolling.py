"""The plan as it rolls: when it is made anew, what is in it, what is left for by the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from missions.energy import Wind
from missions.ground import Ground
from missions.patrol.rolling import EACH_S, HORIZON_S, SOON_S, RollingPlan, patrol_m
from missions.picture import Doing

Make = Callable[..., Any]
QUICK = settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def plan(town: Make) -> RollingPlan:
    return RollingPlan(town(2), iterations=10)


def test_it_is_made_anew_when_it_is_old(plan: RollingPlan, moment: Make) -> None:
    ground = plan.ground
    assert plan.refresh(moment(ground))
    assert not plan.refresh(moment(ground))
    assert not plan.refresh(moment(ground, EACH_S - 1))
    assert plan.made_s == 0.0
    assert plan.refresh(moment(ground, EACH_S))
    assert plan.made_s == EACH_S


def test_and_soon_when_drones_come_or_go(plan: RollingPlan, moment: Make, flying: Make) -> None:
    ground = plan.ground
    now = moment(ground)
    plan.refresh(now)
    away = flying(ground, "v0", (700.0, 700.0))
    changed = [away, *now.fleet[1:]]
    assert not plan.refresh(replace(now, now_s=SOON_S - 1, fleet=changed))
    assert plan.refresh(replace(now, now_s=SOON_S, fleet=changed))


def test_and_at_once_when_orders_change(plan: RollingPlan, moment: Make) -> None:
    now = moment(plan.ground)
    plan.refresh(now)
    weight = now.weight.copy()
    weight[3] = 4.0
    assert plan.refresh(replace(now, now_s=1.0, weight=weight))


@QUICK
@given(st.integers(0, 1000))
def test_what_is_planned_can_be_flown(
    town: Make, moment: Make, flying: Make, docked: Make, seed: int
) -> None:
    """Nothing twice, nothing that nobody wants or somebody flies to, from where drones stand."""
    ground = town(2)
    rng = np.random.default_rng(seed)
    count = len(ground.cells)
    unwanted = rng.choice(count, 20, replace=False)
    weight = np.ones(count)
    weight[unwanted] = 0.0
    coming = tuple(ground.cells[i].id for i in rng.choice(count, 5, replace=False))
    fleet = [docked(ground, f"v{n}", float(rng.uniform(30, 100))) for n in range(6)]
    fleet.append(flying(ground, "v6", (2000.0, 2000.0), left=coming))
    fleet.append(replace(docked(ground, "v7"), doing=Doing.OUT, reason="broken"))
    ages = rng.uniform(0, 9000, count)
    now = moment(ground, 500.0, fleet=fleet, weight=weight, age_s=ages)
    plan = RollingPlan(ground, iterations=10, seed=seed)
    plan.make(now)
    seen = [cell for tour in plan.tours.values() for cell in tour.cells]
    assert seen
    assert len(seen) == len(set(seen))
    assert not {*unwanted.tolist()} & set(seen)
    assert not {ground.index[cell] for cell in coming} & set(seen)
    assert "v7" not in plan.tours
    for name, tour in plan.tours.items():
        assert (tour.drone, tour.dock) == (name, ground.drones[name].dock)
        assert 500.0 <= tour.start_s <= 500.0 + HORIZON_S
        assert tour.end_s > tour.start_s
    spare = plan.spare(now)
    assert not spare[seen].any()
    assert not spare[unwanted].any()
    assert (spare >= 0).all()


def test_the_same_seed_gives_the_same_plan(town: Make, moment: Make) -> None:
    ground = town(2)
    plans = [RollingPlan(ground, iterations=10, seed=3) for _ in range(2)]
    for plan in plans:
        plan.make(moment(ground))
    assert plans[0].tours == plans[1].tours
    assert plans[0].cost == plans[1].cost


def test_made_again_for_the_same_it_stays(town: Make, moment: Make) -> None:
    plan = RollingPlan(town(2), iterations=40)
    now = moment(plan.ground)
    plan.make(now)
    before = {drone: tour.cells for drone, tour in plan.tours.items()}
    cost = plan.cost
    for seed in range(1, 4):
        plan.seed = seed
        plan.make(now)
        after = {drone: tour.cells for drone, tour in plan.tours.items()}
        assert after == before or plan.cost < 0.99 * cost
        before, cost = after, plan.cost


def test_the_whole_city_as_one_problem(plan: RollingPlan, moment: Make) -> None:
    ground = plan.ground
    weight = np.ones(len(ground.cells))
    weight[7] = 0.0
    whole = plan.problem(moment(ground, weight=weight, wind=Wind(8.0, 10.0)))
    assert whole.cells.tolist() == [i for i in range(len(ground.cells)) if i != 7]
    assert np.allclose(whole.middles, [ground.cells[i].center for i in whole.cells])
    assert {p.drone for p in whole.patrols} == set(ground.drones)
    docks = list(ground.docks)
    assert all(docks[p.dock] == ground.drones[p.drone].dock for p in whole.patrols)
    assert whole.docks == [ground.places[dock] for dock in docks]
    assert whole.speed_m_s < 15.0


def test_closed_cells_are_named_and_not_planned(town: Make, moment: Make) -> None:
    ground: Ground = town(2, no_fly=((0.0, 0.0, 299.0, 299.0),))
    plan = RollingPlan(ground, iterations=5)
    now = moment(ground)
    closed = plan.closed(now)
    assert [ground.cells[i].center for i in closed] == [pytest.approx((150, 150), abs=3)]
    assert not set(closed) & set(plan.problem(now).cells.tolist())
    nobody = np.zeros(len(ground.cells))
    assert plan.closed(moment(ground, weight=nobody)) == []


def test_why_nobody_leaves(plan: RollingPlan, moment: Make) -> None:
    ground = plan.ground
    assert plan.unready(moment(ground)) is None
    held = {drone: 50.0 for drone in ground.drones} | {"v3": 60.0}
    words = plan.unready(moment(ground, percents=held))
    assert words is not None
    assert words.startswith("v3: 60 % of battery; a patrol leaves with ")
    alone = [d for d in moment(ground).fleet if d.id == "v0"]
    assert plan.unready(moment(ground, fleet=alone, ready=1)) is None


def test_the_layer_of_patrols(town: Make) -> None:
    assert patrol_m(town(1, patrol_m=80)) == min(town(1).layers, key=lambda layer: abs(layer - 80))
    layers = town(1).layers
    assert patrol_m(town(1)) == layers[len(layers) // 2]
