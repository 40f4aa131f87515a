"""The planner: watches, one-off missions and patrols, each a sortie that keeps clear of the others.

A function of its arguments, but for the patrols ahead, which roll on from one call to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from missions.city import City
from missions.energy import CALM, Wind
from missions.guests import ferries
from missions.patrol.rolling import RollingPlan
from missions.patrol.work import PatrolWork
from missions.patrols import Patrols
from missions.planning import CROWDED, Planning
from missions.relief import Station
from missions.sortie import Sortie
from missions.stares import stares
from missions.tasks import tasks
from missions.wishes import DroneOffer, OrderWish, Plan, Refusal, Scheduled

ALONE = 300
"""Iterations of PyVRP for patrols that no plan goes before, and that none follows."""

__all__ = ["CROWDED", "DroneOffer", "OrderWish", "Plan", "Refusal", "plan"]


def plan(
    city: City,
    now: datetime,
    orders: Sequence[OrderWish],
    drones: Sequence[DroneOffer],
    visits: Mapping[str, datetime],
    wind: Wind = CALM,
    *,
    flying: Sequence[Sortie] = (),
    stations: Sequence[Station] = (),
    new_id: Callable[[], str],
    patrols: PatrolWork | None = None,
) -> Plan:
    """Return the sorties to start now.

    Stare orders come first, then patrols, by priority, then by age. All patrol orders are planned
    together: a visit of a cell is worth the more the longer it is overdue, and drones fly the
    tours that collect the most (``missions.patrol``). Guests of other docks that nothing wants are
    flown home, last.

    Parameters
    ----------
    city
        The city. What is worked out from it is kept for the next call with an equal one.
    now
        Time of the plan; a visit after it counts as now.
    orders
        Active orders.
    drones
        Drones with their batteries. One that is not ready, or that flies, gets nothing.
    visits
        Last visit by cell id; a cell that is missing was never visited.
    wind
        Mean wind over the city.
    flying
        Sorties that are under way or about to be: their drones, cells, sites and airspace are
        taken.
    stations
        Those of them that stare, with when each must leave. A relief is planned so that it is
        there before.
    new_id
        Called once for each sortie, in the order of the plan.
    patrols
        What patrols are planned by, and those ahead; None: no plan goes before this one.
    """
    too_windy = _too_windy(city, wind)
    if too_windy is not None:
        return Plan(refusals=tuple(Refusal(o.id, "", too_windy, "wind") for o in orders))
    known = None if patrols is None else patrols.trajectories
    planning = Planning(city, now, drones, visits, wind, flying, stations, new_id, known)
    ranked = sorted(orders, key=lambda o: (-o.priority, o.created, o.id))
    for order in ranked:
        if order.kind == "stare":
            stares(planning, order)
        elif order.kind == "task":
            tasks(planning, order)
    scheduled: tuple[Scheduled, ...] = ()
    wanted = [order for order in ranked if order.kind == "patrol"]
    if wanted:
        work = patrols or PatrolWork(RollingPlan(planning.ground, ALONE))
        scheduled = Patrols(planning, work).run(wanted)
    ferries(planning)
    return Plan(tuple(planning.sorties), tuple(dict.fromkeys(planning.refusals)), scheduled)


def _too_windy(city: City, wind: Wind) -> str | None:
    if wind.speed_m_s <= city.limits.wind_m_s:
        return None
    return f"wind {wind.speed_m_s:g} m/s is above the limit of {city.limits.wind_m_s:g}"
