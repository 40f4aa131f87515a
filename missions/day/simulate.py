"""A simulated day: the same calls and conditions for the rolling plan and what it is held against."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np

from missions.city import City
from missions.day.calls import draw
from missions.day.conditions import CLOSURES_A_DAY, WIND_M_S, draw_conditions
from missions.day.measure import Measured
from missions.day.patrolling import Greedy, Idle, Rolling, RoundRobin
from missions.day.responding import Nearest, Responder
from missions.day.run import DayRun, Patrolling, Responding
from missions.demand import Demand
from missions.ground import Ground, ground_of
from missions.patrol.rolling import RollingPlan

Name = Literal["rolling", "idle", "round_robin", "greedy"]
NAMES: tuple[Name, ...] = ("rolling", "idle", "round_robin", "greedy")
"""The rolling plan and the responder; every drone ready in its dock and none on patrol, with the
responder; round-robin patrols with the nearest free drone sent to a call; patrols over the most
overdue cells, with the responder."""
BEGIN = datetime(2026, 3, 2)
"""A Monday; each further seed begins a day later."""
ITERATIONS = 10
"""Of PyVRP for each of the some 900 plans of a day: each begins with the one before."""


def run_day(
    city: City,
    days: float,
    seed: int,
    name: Name,
    *,
    iterations: int = ITERATIONS,
    wind_m_s: float = WIND_M_S,
    closures_a_day: float = CLOSURES_A_DAY,
) -> Measured:
    """Run some days in a city; return what was counted.

    Parameters
    ----------
    city
        The city.
    days
        How many, from midnight.
    seed
        Of calls, wind, faults and closures; the same seed gives every run the same.
    name
        Who plans and answers.
    iterations
        Of PyVRP, for a plan.
    wind_m_s
        It changes its side each hour.
    closures_a_day
        In the mean.
    """
    ground, demand = ground_of(city), Demand.of(city)
    begin = BEGIN.replace(day=BEGIN.day + seed % 7, tzinfo=ZoneInfo(city.city.timezone))
    rng = np.random.default_rng(seed)
    calls = draw(city, rng, begin, days)
    conditions = draw_conditions(city, rng, days, wind_m_s=wind_m_s, closures_a_day=closures_a_day)
    patrolling, responding = _who(name, ground, demand, iterations, seed)
    return DayRun(ground, begin, days, calls, conditions, demand, patrolling, responding).run()


def _who(
    name: Name, ground: Ground, demand: Demand, iterations: int, seed: int
) -> tuple[Patrolling, Responding]:
    ceiling = ground.city.limits.max_airborne
    match name:
        case "rolling":
            return Rolling(RollingPlan(ground, iterations, seed), demand), Responder()
        case "idle":
            return Idle(), Responder()
        case "round_robin":
            return RoundRobin(ground, ceiling), Nearest()
        case "greedy":
            return Greedy(ground, ceiling), Responder()
