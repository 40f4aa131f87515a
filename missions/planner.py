"""The first planner: the drone of the nearest dock to the cell longest unvisited.

A pure function of its arguments. Sorties are spread over altitude layers so that any two that
come near each other anywhere keep 15 m vertically.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from missions.city import City
from missions.energy import CALM, Wind
from missions.guests import ferries
from missions.patrols import MAX_PATROL_S, Patrols
from missions.planning import CROWDED, Planning
from missions.relief import Station
from missions.sortie import Sortie
from missions.stares import stares
from missions.tasks import tasks
from missions.wishes import DroneOffer, OrderWish, Plan, Refusal

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
    max_patrol_s: float = MAX_PATROL_S,
) -> Plan:
    """Return the sorties to start now.

    Stare orders come first, then patrols, each by priority, then by age. A patrol takes the cell
    longest unvisited and as many neighbours of it as energy and ``max_patrol_s`` allow. Among
    cells that were never visited, that one is next which lies nearest to a dock with the fewest
    drones out. Guests of other docks that nothing wants are flown home, last.

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
    max_patrol_s
        A patrol takes no further cell that would make it longer than this, seconds.
    """
    too_windy = _too_windy(city, wind)
    if too_windy is not None:
        return Plan(refusals=tuple(Refusal(o.id, "", too_windy, "wind") for o in orders))
    planning = Planning(city, now, drones, visits, wind, flying, stations, new_id)
    ranked = sorted(orders, key=lambda o: (-o.priority, o.created, o.id))
    for order in ranked:
        if order.kind == "stare":
            stares(planning, order)
        elif order.kind == "task":
            tasks(planning, order)
    patrols = [order for order in ranked if order.kind == "patrol"]
    for priority in dict.fromkeys(order.priority for order in patrols):
        level = [order for order in patrols if order.priority == priority]
        Patrols(planning, max_patrol_s).run(level)
    ferries(planning)
    return Plan(tuple(planning.sorties), tuple(dict.fromkeys(planning.refusals)))


def _too_windy(city: City, wind: Wind) -> str | None:
    if wind.speed_m_s <= city.limits.wind_m_s:
        return None
    return f"wind {wind.speed_m_s:g} m/s is above the limit of {city.limits.wind_m_s:g}"
