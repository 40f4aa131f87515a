"""How long a drone that is sent stays in its dock: the door, and who comes down there first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from missions.energy import PowerModel, Wind, landing_cost
from missions.ground import Ground
from missions.picture import Doing, DroneNow
from missions.trajectory import Trajectory


def waits_s(ground: Ground, dock: str, fleet: Iterable[DroneNow]) -> float:
    """Return in how many seconds a drone that is sent now lifts off from a dock.

    A dock is used by one at a time: who has begun to come down has its gate, who has not waits.

    Parameters
    ----------
    ground
        The city.
    dock
        Where it stands.
    fleet
        Every drone; ``ends_in_s`` of one in the air is when it has landed, 0 where that is not
        known.
    """
    lands = [d.ends_in_s for d in fleet if d.dock == dock and d.in_air and _comes_down(ground, d)]
    return max([ground.leaves_s(dock), *lands])


def _comes_down(ground: Ground, drone: DroneNow) -> bool:
    """Whether a drone lands so soon that it has begun to, from the lowest height."""
    model = PowerModel.of(ground.drones[drone.id])
    return drone.ends_in_s <= landing_cost(ground.layers[0], model).duration_s


def with_ends(
    ground: Ground, fleet: Iterable[DroneNow], ways: Mapping[str, Trajectory], wind: Wind
) -> list[DroneNow]:
    """Return a fleet, each drone that is out with when it has landed.

    Parameters
    ----------
    ground, fleet, wind
        The city, its drones, the mean wind.
    ways
        Where those that are out will be until they are over a dock, by drone.
    """
    return [
        _with_end(ground, drone, ways[drone.id], wind)
        if drone.id in ways and drone.doing is not Doing.DOCKED
        else drone
        for drone in fleet
    ]


def _with_end(ground: Ground, drone: DroneNow, way: Trajectory, wind: Wind) -> DroneNow:
    model = PowerModel.of(ground.drones[drone.id])
    landing = landing_cost(float(way.places[-1, 2]), model, wind)
    return replace(drone, ends_in_s=way.end_s + landing.duration_s)
