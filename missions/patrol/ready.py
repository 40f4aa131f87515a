"""When a drone can leave on a patrol, for how long it can fly, and when it could answer a call."""

from __future__ import annotations

from collections.abc import Iterable

from missions.builder import MARGIN_PERCENT
from missions.charge import seconds_to
from missions.energy import Point, PowerModel, Wind, landing_cost, step_cost
from missions.ground import Ground
from missions.patrol.cells import mean_w, usual_drone
from missions.picture import Doing, DroneNow

EARLY_PERCENT = 75.0
"""A patrol may leave with so much, where it is needed in the air."""
LEAVE_PERCENT = 88.0
"""A patrol leaves with so much wherever it flies to: above it charging is slow."""
FULL_PERCENT = 97.0
"""Nothing is gained by charging any longer."""
READY_PERCENT = 45.0
"""A drone that stands in its dock with so much can answer a call: there, some minutes over it, and
home with the reserve."""
PATROLS = frozenset({Doing.LEAVING, Doing.PATROL})
_TAKEN_FROM = frozenset({Doing.PATROL, Doing.FERRY, Doing.RETURNING})
STRETCH = 1.05
"""Tours are planned so much longer than a battery lasts at cruise power: part of a tour takes less.
The sortie is held to the battery exactly; what does not fit is left out."""


def able(drone: DroneNow) -> bool:
    """Whether a drone can be told to fly, now or when it is back."""
    return drone.doing is not Doing.OUT and not drone.reason


def free(drone: DroneNow) -> bool:
    """Whether a drone that is out can be taken for a call: it is on no other, and has the battery."""
    patrols = drone.doing is Doing.LEAVING and bool(drone.left)
    out = patrols or drone.doing in _TAKEN_FROM
    return out and able(drone) and drone.battery_percent >= READY_PERCENT


def leaves(ground: Ground, drone: DroneNow) -> tuple[float, float]:
    """Return in how many seconds a drone can leave on a patrol, and with how many percent."""
    if drone.doing is Doing.DOCKED and drone.battery_percent >= EARLY_PERCENT:
        return 0.0, drone.battery_percent
    back_s, percent = _back(ground, drone)
    battery = ground.drones[drone.id].battery
    wait_s = seconds_to(battery, percent, LEAVE_PERCENT) if percent < LEAVE_PERCENT else 0.0
    return back_s + wait_s, max(percent, LEAVE_PERCENT)


def answers_s(ground: Ground, drone: DroneNow) -> float:
    """Return in how many seconds a drone stands in its dock with what a call takes."""
    back_s, percent = _back(ground, drone)
    battery = ground.drones[drone.id].battery
    wait_s = seconds_to(battery, percent, READY_PERCENT) if percent < READY_PERCENT else 0.0
    return back_s + wait_s


def standing(ground: Ground, fleet: Iterable[DroneNow]) -> set[str]:
    """Return the drones that can answer a call from their docks now."""
    return {d.id for d in fleet if able(d) and answers_s(ground, d) <= 0}


def docks_ready_s(
    ground: Ground, fleet: Iterable[DroneNow], but: Iterable[str] = ()
) -> dict[str, float]:
    """Return in how many seconds the first drone of each dock can answer a call.

    Parameters
    ----------
    but
        Drones that are not counted.
    """
    out, found = set(but), dict[str, float]()
    for drone in fleet:
        if able(drone) and drone.id not in out:
            since = answers_s(ground, drone)
            found[drone.dock] = min(since, found.get(drone.dock, since))
    return found


def _back(ground: Ground, drone: DroneNow) -> tuple[float, float]:
    """Return in how many seconds a drone is in its dock, and with how many percent."""
    if drone.doing is Doing.DOCKED:
        return 0.0, drone.battery_percent
    limits = ground.city.limits
    kept = limits.patrols_keep_percent if drone.doing in PATROLS else limits.reserve_percent
    return drone.ends_in_s, min(kept, drone.battery_percent)


def usable_s(ground: Ground, name: str, percent: float, altitude_m: float, wind: Wind) -> float:
    """Return for how long a drone can patrol between take-off and landing, seconds."""
    drone = ground.drones[name]
    model = PowerModel.of(drone)
    top = Point(0.0, 0.0, altitude_m)
    up = step_cost(Point(0.0, 0.0, 0.0), top, drone.cruise_m_s, model, wind)
    down = landing_cost(altitude_m, model, wind)
    kept = MARGIN_PERCENT + ground.city.limits.patrols_keep_percent
    left_wh = model.capacity_wh * (percent - kept) / 100.0 - up.energy_wh - down.energy_wh
    return STRETCH * left_wh * 3600.0 / mean_w(model, wind)


def sustained(ground: Ground, count: int, altitude_m: float, wind: Wind) -> int:
    """Return how many of so many drones can be in the air for good, the others charging."""
    if not count:
        return 0
    drone = usual_drone(ground)
    low = ground.city.limits.patrols_keep_percent
    flies_s = usable_s(ground, drone.id, LEAVE_PERCENT, altitude_m, wind)
    charges_s = seconds_to(drone.battery, low, LEAVE_PERCENT)
    return max(1, round(count * flies_s / (flies_s + charges_s)))
