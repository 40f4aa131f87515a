"""Who could answer a call, the soonest conceivable first; cheap, and for all drones at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from missions.builder import MARGIN_PERCENT
from missions.energy import PowerModel
from missions.errors import PlanError
from missions.ground import Ground
from missions.picture import Doing, DroneNow
from missions.responder.answer import Call, Refused
from missions.responder.bound import Floats, least_s
from missions.responder.way import LEVEL_M, Scene, refused_by
from missions.tracks import Metres

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
    models = [PowerModel.of(ground.drones[now.id], now.temperature_c) for now in able]
    try:
        seconds = _least_s(scene, able, models)
    except PlanError as error:
        return [], refused + [refused_by(now.id, error) for now in able]
    possible = []
    for now, model, least in zip(able, models, seconds.tolist(), strict=True):
        if not np.isfinite(least):
            words = f"wind of {scene.wind.speed_m_s:g} m/s does not let it fly there"
            refused.append(Refused(now.id, "wind", words))
        elif _is_short(scene, now, model, least):
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


def _least_s(scene: Scene, fleet: Sequence[DroneNow], models: Sequence[PowerModel]) -> Floats:
    """Return the least seconds until each drone is there, at whatever altitude.

    Raises
    ------
    PlanError
        If there is no altitude at which a drone may be there.
    """
    ground = scene.ground
    origins = np.array([now.place for now in fleet], dtype=np.float64)
    cruise = np.array([model.cruise_m_s for model in models], dtype=np.float64)
    top_air = np.array([model.top_air_m_s for model in models], dtype=np.float64)
    straight: dict[Metres, Floats] = {}
    heights = np.array([now.altitude_m for now in fleet], dtype=np.float64)
    least = np.full(len(fleet), np.inf)
    error: PlanError | None = None
    for altitude in ground.layers:
        try:
            place = scene.place(altitude)
        except PlanError as failed:
            error = failed
            continue
        if place not in straight:
            straight[place] = least_s(origins, place, cruise, top_air, scene.wind)
        least = np.minimum(least, straight[place] + _rise_s(models, heights, altitude))
    if not straight:
        raise error or PlanError("the city has no altitude to fly at")
    return least + np.array([scene.start_s(now) for now in fleet])


def _rise_s(models: Sequence[PowerModel], here: Floats, there: float) -> Floats:
    """Return the seconds from an altitude each to one for all; none where they are that near."""
    climb = np.array([model.climb_m_s for model in models])
    descent = np.array([model.descent_m_s for model in models])
    rise = there - here
    seconds: Floats = np.where(rise > 0, rise / climb, -rise / descent)
    return np.where(np.abs(rise) <= LEVEL_M, 0.0, seconds)


def _is_short(scene: Scene, now: DroneNow, model: PowerModel, least_s: float) -> bool:
    """Whether not even the least power on the soonest way leaves the battery its reserve."""
    reserve = scene.ground.city.limits.reserve_percent + MARGIN_PERCENT
    flown_s = max(least_s - scene.start_s(now), 0.0) + scene.call.min_stay_s
    needed = model.least_w * flown_s / 3600.0
    return needed > model.capacity_wh * (now.battery_percent - reserve) / 100.0
