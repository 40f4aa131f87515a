"""Who could answer a call, the soonest conceivable first; cheap, and for all drones at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from missions.builder import MARGIN_PERCENT
from missions.coverage import Metres
from missions.energy import Point, PowerModel, step_cost
from missions.errors import PlanError
from missions.ground import Ground
from missions.picture import Doing, DroneNow
from missions.responder.answer import Call, Refused
from missions.responder.bound import Floats, least_s
from missions.responder.way import LEVEL_M, Scene, refused_by

_ON_ORDERS = frozenset({Doing.PATROL, Doing.TASK, Doing.STARE, Doing.RESPONSE, Doing.LEAVING})


class Candidate(NamedTuple):
    """A drone that could be sent, and the soonest that it could be there, seconds."""

    least_s: float
    now: DroneNow


def candidates(scene: Scene, fleet: Sequence[DroneNow]) -> tuple[list[Candidate], list[Refused]]:
    """Return who could be sent, the soonest first, and who cannot and why."""
    ground, call = scene.ground, scene.call
    able: list[DroneNow] = []
    refused: list[Refused] = []
    for now in fleet:
        why = _unable(ground, call, now)
        if why is None:
            able.append(now)
        else:
            refused.append(why)
    if not able:
        return [], refused
    try:
        seconds = _least_s(scene, able)
    except PlanError as error:
        return [], refused + [refused_by(now.id, error) for now in able]
    possible = []
    for now, least, short in zip(able, seconds.tolist(), _short(scene, able, seconds), strict=True):
        if not np.isfinite(least):
            words = f"wind of {scene.wind.speed_m_s:g} m/s does not let it fly there"
            refused.append(Refused(now.id, "wind", words))
        elif short:
            words = (
                f"{now.battery_percent:.0f} % of battery do not take it there and keep the reserve"
            )
            refused.append(Refused(now.id, "energy", words))
        else:
            possible.append(Candidate(least, now))
    return sorted(possible, key=lambda c: (c.least_s, c.now.id)), refused


def free_docks(ground: Ground, fleet: Sequence[DroneNow]) -> dict[str, tuple[str, ...]]:
    """Return the docks that each drone may come down at: those it has a slot in, or that have one.

    A slot is a drone's that lives there, stands there, or is bound for it.
    """
    taken: defaultdict[str, set[str]] = defaultdict(set)
    for drone in ground.drones.values():
        taken[drone.dock].add(drone.id)
    for now in fleet:
        taken[now.dock].add(now.id)
    spare = [name for name, dock in ground.docks.items() if len(taken[name]) < dock.slots]
    return {
        now.id: (
            *(d for d in ground.docks if now.id in taken[d]),
            *(d for d in spare if now.id not in taken[d]),
        )
        for now in fleet
    }


def _unable(ground: Ground, call: Call, now: DroneNow) -> Refused | None:
    if now.id not in ground.drones:
        return Refused(now.id, "fleet", "is no drone of the city")
    if now.doing is Doing.OUT:
        return Refused(now.id, "fleet", now.reason or "cannot fly")
    if now.doing in _ON_ORDERS and now.priority >= call.priority:
        words = f"is on {now.doing} of priority {now.priority}; the call's is {call.priority}"
        return Refused(now.id, "priority", words)
    return None


def _least_s(scene: Scene, fleet: Sequence[DroneNow]) -> Floats:
    """Return the least seconds until each drone is there, at whatever altitude.

    Raises
    ------
    PlanError
        If there is no altitude at which a drone may be there.
    """
    ground = scene.ground
    drones = [ground.drones[now.id] for now in fleet]
    origins = np.array([now.place for now in fleet], dtype=np.float64)
    cruise = np.array([drone.cruise_m_s for drone in drones], dtype=np.float64)
    straight: dict[Metres, Floats] = {}
    climbs = _Climbs()
    least = np.full(len(fleet), np.inf)
    error: PlanError | None = None
    for altitude in ground.layers:
        try:
            place = scene.place(altitude)
        except PlanError as failed:
            error = failed
            continue
        if place not in straight:
            straight[place] = least_s(origins, place, cruise, scene.wind)
        rise = [
            climbs.seconds(PowerModel.of(drone), now.altitude_m, altitude)
            for now, drone in zip(fleet, drones, strict=True)
        ]
        least = np.minimum(least, straight[place] + np.array(rise))
    if not straight:
        raise error or PlanError("the city has no altitude to fly at")
    return least + np.array([scene.start_s(now) for now in fleet])


class _Climbs:
    """Seconds from one altitude to another, worked out once for each kind of drone."""

    def __init__(self) -> None:
        self._known: dict[tuple[PowerModel, float, float], float] = {}

    def seconds(self, model: PowerModel, here: float, there: float) -> float:
        if abs(there - here) <= LEVEL_M:
            return 0.0
        key = model, here, there
        if key not in self._known:
            step = step_cost(Point(0, 0, here), Point(0, 0, there), model.cruise_m_s, model)
            self._known[key] = step.duration_s
        return self._known[key]


def _short(scene: Scene, fleet: Sequence[DroneNow], seconds: Floats) -> list[bool]:
    """Return whether not even the least power on the soonest way leaves a battery its reserve."""
    reserve = scene.ground.city.limits.reserve_percent + MARGIN_PERCENT
    short = []
    for now, least in zip(fleet, seconds.tolist(), strict=True):
        model = PowerModel.of(scene.ground.drones[now.id])
        flown = max(least - scene.start_s(now), 0.0) + scene.call.min_stay_s
        needed = min(model.hover_w, model.cruise_w) * flown / 3600.0
        short.append(needed > model.capacity_wh * (now.battery_percent - reserve) / 100.0)
    return short
