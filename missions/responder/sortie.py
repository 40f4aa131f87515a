"""The sortie of a drone that answers a call: there, over it for as long as it is wanted, and home."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from missions.city import Drone
from missions.draft import Draft, DraftLeg
from missions.energy import Cost, Point, PowerModel, Wind, landing_cost, sortie_energy, step_cost
from missions.finish import Sketch, finished
from missions.ground import Ground
from missions.picture import DroneNow
from missions.responder.answer import Call, Pick
from missions.sortie import LegKind, LookAt, Sortie


def sortie_for(
    ground: Ground, call: Call, pick: Pick, now: DroneNow, wind: Wind, name: str, order: str
) -> Sortie:
    """Return what a drone flies that was picked: its way, the hover, the way home.

    Of one in the air it begins where that is; its first leg is named a take-off all the same.

    Parameters
    ----------
    ground, wind, now
        As the responder was asked.
    call, pick
        What it was asked, and what it answered.
    name, order
        Of the sortie.

    Raises
    ------
    PlanError
        If there is no fence for it.
    """
    drone = ground.drones[pick.drone]
    hold_s = float(min(pick.stay_s, call.on_scene_s))
    goal = replace(pick.way[-1], hold_s=hold_s)
    lon, lat = ground.frame.to_lonlat(*call.place)
    first = pick.way[0] if now.in_air else replace(pick.way[0], altitude_m=pick.altitude_m)
    out = tuple(p for p in pick.way[1:-1] if p != first)
    legs = (
        DraftLeg(LegKind.TAKEOFF, (first,)),
        DraftLeg(LegKind.TRANSIT, (*out, pick.way[-1])),
        DraftLeg(LegKind.STARE, (goal,), look_at=LookAt(lon, lat)),
        DraftLeg(LegKind.TRANSIT, pick.home[1:] or pick.home),
        DraftLeg(LegKind.HOME, pick.home[-1:]),
    )
    model = PowerModel.of(drone, now.temperature_c)
    cost = _cost(legs, pick.way[0], drone, model, wind)
    reserve = ground.city.limits.reserve_percent
    energy = sortie_energy(cost, model, now.battery_percent, reserve)
    ends_at = pick.ends_at if pick.ends_at != now.dock else None
    sketch = Sketch(name, order, now.dock, pick.altitude_m, energy, ends_at)
    return finished(ground, drone, Draft(legs, cost), sketch)


def _cost(
    legs: tuple[DraftLeg, ...], start: Point, drone: Drone, model: PowerModel, wind: Wind
) -> Cost:
    points = [start, *(point for leg in legs for point in leg.points)]
    total = landing_cost(points[-1].altitude_m, model, wind)
    for a, b in pairwise(points):
        total += step_cost(a, b, drone.cruise_m_s, model, wind)
    return total
