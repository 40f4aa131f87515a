"""What a drone can reach: the docks it can come home to, which is the best, how long it may stay.

A dock is reached where the way there and the landing leave the reserve in the battery. Which docks
can take it (a slot, a door that works, weather) the caller knows; a drone's own is one of them like
any other. The best is the one that takes the least energy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from missions.energy import CALM, THERE_M, Cost, Point, PowerModel, Wind, way_home_cost
from missions.errors import PlanError
from missions.ways import Place

Way = Callable[[Place, Place, float], Sequence[Place]]
"""From a place to another at an altitude, both included; it raises ``PlanError`` where there is no
way. ``Airspace.route`` is one."""


def straight(start: Place, goal: Place, _: float) -> tuple[Place, Place]:
    """Return the straight way, whatever is below it."""
    return start, goal


@dataclass(frozen=True, slots=True)
class Home:
    """A way home.

    Attributes
    ----------
    dock
        Where it leads.
    way
        From where the drone is to over the dock, metres in the caller's frame.
    altitude_m
        At which it is flown.
    cost
        Of climb, way and landing.
    """

    dock: str
    way: tuple[Place, ...]
    altitude_m: float
    cost: Cost


@dataclass(frozen=True, slots=True)
class Reserves:
    """What a drone has in its battery, and what it must land with; percent of what it holds full."""

    battery_percent: float
    reserve_percent: float

    def spare_wh(self, model: PowerModel) -> float:
        """Return what may be flown; below 0 where the reserve is gone already."""
        return model.capacity_wh * (self.battery_percent - self.reserve_percent) / 100.0


def homes(
    here: Point,
    docks: Mapping[str, Place],
    model: PowerModel,
    wind: Wind = CALM,
    *,
    altitude_m: float = 0.0,
    way: Way = straight,
) -> Iterator[Home]:
    """Yield the ways home, the one that takes the least energy first; of equal ones by name.

    Exact ways are made only as far as they are asked for. Docks without a way, or against too much
    wind, are left out.

    Parameters
    ----------
    here
        Where the drone is; altitude above its dock.
    docks
        Those that can take it, in the frame of ``here``.
    model, wind
        Of the drone; mean wind.
    altitude_m
        To fly home at; a drone that is higher stays as high.
    way
        From place to place.
    """
    height = max(altitude_m, here.altitude_m)
    place = here.east, here.north
    up_and_down = way_home_cost(here, (place,), height, model, wind).energy_wh
    least_wh = {
        name: up_and_down + _least_wh(math.dist(place, at), model) for name, at in docks.items()
    }
    known: list[tuple[float, str, Home]] = []
    for name in sorted(docks, key=lambda name: (least_wh[name], name)):
        while known and known[0][0] < least_wh[name]:
            yield known.pop(0)[2]
        try:
            path = tuple(way(place, docks[name], height))
            cost = way_home_cost(here, path, height, model, wind)
        except PlanError:
            continue
        known.append((cost.energy_wh, name, Home(name, path, height, cost)))
        known.sort(key=lambda found: found[:2])
    for _, _, home in known:
        yield home


def _least_wh(distance_m: float, model: PowerModel) -> float:
    """Return what no way takes less than: the straight one, without a stop, at the least power."""
    seconds = max(0.0, distance_m - THERE_M) / model.cruise_m_s
    return seconds * model.least_w / 3600.0


def reachable(
    here: Point,
    docks: Mapping[str, Place],
    model: PowerModel,
    has: Reserves,
    wind: Wind = CALM,
    *,
    altitude_m: float = 0.0,
    way: Way = straight,
) -> tuple[Home, ...]:
    """Return the ways to all docks that the battery takes the drone to with the reserve kept.

    Parameters are those of ``homes``; the one that takes the least energy is the first.
    """
    spare_wh = has.spare_wh(model)
    found = homes(here, docks, model, wind, altitude_m=altitude_m, way=way)
    return tuple(takewhile(lambda home: home.cost.energy_wh <= spare_wh, found))


def best_dock(
    here: Point,
    docks: Mapping[str, Place],
    model: PowerModel,
    has: Reserves,
    wind: Wind = CALM,
    *,
    altitude_m: float = 0.0,
    way: Way = straight,
) -> Home:
    """Return the way to the dock that takes the least energy, of those that can take the drone.

    Parameters are those of ``homes``.

    Raises
    ------
    PlanError
        If there is none, or none that keeps the reserve (constraint ``energy``).
    """
    best = next(homes(here, docks, model, wind, altitude_m=altitude_m, way=way), None)
    if best is None:
        names = ", ".join(sorted(docks)) or "none can take it"
        raise PlanError(f"there is no way home to a dock: {names}", "reach")
    spare_wh = has.spare_wh(model)
    if best.cost.energy_wh > spare_wh:
        raise PlanError(
            f"coming home to {best.dock}, the nearest by energy, takes {best.cost.energy_wh:.0f} Wh; "
            f"above a reserve of {has.reserve_percent:g} % the battery holds "
            f"{max(0.0, spare_wh):.0f} Wh ({has.battery_percent:.0f} %)",
            "energy",
        )
    return best


def stay_s(home: Home, model: PowerModel, has: Reserves, wind: Wind = CALM) -> float:
    """Return for how long a drone may stay where a way home begins; 0 where it must leave now.

    It holds its place and then flies home with the reserve kept.
    """
    left_wh = has.spare_wh(model) - home.cost.energy_wh
    return max(0.0, left_wh * 3600.0 / model.still_w(wind))


def keep_percent(home: Home, model: PowerModel, reserve_percent: float) -> float:
    """Return what must be left in the battery where a way home begins: the way and the reserve."""
    return reserve_percent + 100.0 * home.cost.energy_wh / model.capacity_wh
