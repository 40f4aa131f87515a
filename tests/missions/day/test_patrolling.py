"""Who leaves in a simulated day: the rolling plan gets what the controller's gets, and the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from missions.day.patrolling import Greedy, Rolling, RoundRobin
from missions.day.view import View
from missions.demand import Demand
from missions.energy import Wind
from missions.ground import Ground
from missions.patrol.rolling import RollingPlan
from missions.patrol.situation import Situation
from missions.policy import Policy

Make = Callable[..., Any]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SHIFT = {"id": "noon", "airborne": 2, "reserve": 3, "when": [{"days": ["mon"]}]}


class Asked(RollingPlan):
    """A rolling plan that keeps what it was asked."""

    asked: Situation

    def refresh(self, now: Situation) -> bool:
        self.asked = now
        return super().refresh(now)


@pytest.fixture
def view(town: Make, docked: Make) -> View:
    """Four charged drones in two docks, every cell overdue, one more than the other."""
    ground: Ground = town(2, ready_per_dock=1)
    fleet = tuple(docked(ground, f"v{n}") for n in range(4))
    count = len(ground.cells)
    age_s = 7200.0 + 60.0 * np.arange(count)
    return View(ground, NOON, 0.0, fleet, age_s, np.full(count, 3600.0), Wind(3.0, 90.0), {}, ())


def test_the_rolling_plan_is_asked_what_the_controller_asks_it(view: View) -> None:
    demand = Demand.of(view.ground.city, Policy.model_validate({"shifts": [SHIFT]}))
    plan = Asked(view.ground, 5)
    leaving = Rolling(plan, demand).leaving(view)
    asked = plan.asked
    assert (asked.ceiling, asked.reserve, asked.ready) == (2, 3, 1)
    assert asked.calls is not None
    assert asked.calls.tolist() == demand.weights(NOON).tolist()
    assert asked.age_s is view.age_s
    assert asked.owed_s is view.owed_s
    assert (asked.wind, asked.fleet, asked.trajectories) == (view.wind, view.fleet, {})
    assert len(leaving) == 1, "three of the four stay ready"


def test_what_is_closed_now_is_what_it_plans_by(view: View, town: Make) -> None:
    closed = town(2, no_fly=((-200.0, -200.0, 3200.0, 800.0),))
    plan = Asked(view.ground, 5)
    rolling = Rolling(plan, Demand.of(view.ground.city))
    sorties = rolling.leaving(replace(view, ground=closed, fleet=view.fleet[2:]))
    assert plan.ground is closed
    assert not sorties, "their dock is closed"


def test_the_greedy_fly_to_what_is_most_overdue(view: View) -> None:
    """Of the cells that are nearest to its dock."""
    ground = view.ground
    own = [
        n
        for n in range(len(ground.cells))
        if min(ground.docks, key=lambda dock: float(ground.distances[dock][n])) == "k0"
    ]
    age_s = view.age_s.copy()
    age_s[own[3]] = 86_400.0
    alone = replace(view, fleet=view.fleet[:1], age_s=age_s)
    (sortie,) = Greedy(ground, 1).leaving(alone)
    assert sortie.cells[0] == ground.cells[own[3]].id
    assert sortie.cells[1] == ground.cells[own[-1]].id
    assert Greedy(ground, 0).leaving(alone) == []


def test_round_robin_goes_on_where_the_last_one_ended(view: View) -> None:
    patrols = RoundRobin(view.ground, 1)
    alone = replace(view, fleet=view.fleet[:1])
    (first,), (second,) = patrols.leaving(alone), patrols.leaving(alone)
    assert not set(first.cells) & set(second.cells)
    order = [cell.id for cell in view.ground.cells]
    rows = [order.index(cell) for cell in (first.cells[-1], second.cells[0])]
    a, b = (view.ground.cells[row].center for row in rows)
    assert abs(a[0] - b[0]) + abs(a[1] - b[1]) < 400.0, "the next cell of the row, or above it"
