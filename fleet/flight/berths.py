"""Which other dock takes a drone that its own cannot take. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from fleet.flight.place import come_home_percent, distance_m
from fleet.flight.policy import Policy
from fleet.model.live import DockLive, Telemetry
from fleet.model.states import DoorState
from missions.city import Drone, Limits
from missions.sortie import Sortie

AT_M = 20.0
"""A place this near to a dock is that dock's."""


@dataclass(frozen=True, slots=True)
class Berth:
    """A dock as one that looks for a place in it sees it.

    ``taken`` are the drones that stand in it, live in it (it is owed to them wherever they are) or
    are bound for it.
    """

    id: str
    position: tuple[float, float]
    slots: int
    state: DockLive
    silent_s: float
    """Since its last word; infinite where there never was one."""
    taken: frozenset[str]
    doubt: str | None = None
    """Why it is not believed, where it is not."""
    closed: str | None = None
    """What airspace is closed over it, where some is."""
    unheard: frozenset[str] = frozenset()
    """Drones that may be over it: they are not heard, or do not tell where they are."""

    def free_for(self, drone: str) -> bool:
        """Whether it has a slot that is nobody's."""
        return len(self.taken - {drone}) < self.slots


def fails(drone: str, berth: Berth, limits: Limits, policy: Policy) -> str | None:
    """Say why a dock cannot take a drone now; None where it can."""
    state, silent_s = berth.state, berth.silent_s
    if berth.doubt is not None:
        return f"dock {state.id}: {berth.doubt}"
    if not state.online:
        return f"dock {state.id}: {state.reason or 'offline'}"
    if silent_s > policy.dock_silent_s:
        return f"dock {state.id} has said nothing for {silent_s:.0f} s"
    if state.door is DoorState.JAMMED:
        return f"dock {state.id}: door is jammed"
    if berth.closed is not None:
        return f"dock {state.id}: the air over it is closed: {berth.closed}"
    unheard = berth.unheard - {drone}
    if unheard:
        return f"dock {state.id}: where {min(unheard)} is nobody knows, and it may be over it"
    wind, rain = state.wind_m_s or 0.0, state.rain_mm_h or 0.0
    if wind > limits.wind_m_s:
        return f"dock {state.id}: wind {wind:g} m/s is over the limit of {limits.wind_m_s:g} m/s"
    if rain > limits.rain_mm_h:
        return f"dock {state.id}: rain {rain:g} mm/h is over the limit of {limits.rain_mm_h:g} mm/h"
    return None


def reaches(
    drone: Drone,
    telemetry: Telemetry,
    pad: tuple[float, float],
    altitude_m: float,
    wind_m_s: float,
    policy: Policy,
    temperature_c: float | None = None,
) -> bool:
    """Whether the battery takes a drone to a pad and down on it, with what is left at the end."""
    takes = come_home_percent(drone, telemetry, pad, altitude_m, wind_m_s, temperature_c)
    return _holds(telemetry, takes, policy)


def _holds(telemetry: Telemetry, takes_percent: float, policy: Policy) -> bool:
    if telemetry.battery_percent is None:
        return True  # nothing is known; then nothing is forbidden
    return telemetry.battery_percent > takes_percent + policy.touch_down_percent


def choose(
    drone: Drone,
    telemetry: Telemetry,
    altitude_m: float,
    berths: Iterable[Berth],
    limits: Limits,
    policy: Policy,
    *,
    but: Collection[str],
    free: Callable[[tuple[float, float]], bool],
) -> str | None:
    """Return the best dock that can take a drone from where it is, or None.

    One that works, under its weather limits, with a slot that is nobody's, that the battery
    reaches, with a free way there; of those the one that it takes least energy to come down at, in
    the wind that each tells.

    Parameters
    ----------
    drone, telemetry, altitude_m
        Who looks for a place, where it is, how high it flies there.
    berths
        The docks of the city.
    limits, policy
        Weather limits; bounds.
    but
        Docks not to be asked.
    free
        Whether the straight way to a place (lon, lat) is free.
    """
    if telemetry.lon is None or telemetry.lat is None:
        return None
    found = []
    for berth in berths:
        works = berth.id not in but and fails(drone.id, berth, limits, policy) is None
        if works and berth.free_for(drone.id):
            blows, cold = berth.state.wind_m_s or 0.0, berth.state.temperature_c
            takes = come_home_percent(drone, telemetry, berth.position, altitude_m, blows, cold)
            found.append((takes, berth.id, berth.position))
    return next(
        (
            dock
            for takes, dock, position in sorted(found)
            if _holds(telemetry, takes, policy) and free(position)
        ),
        None,
    )


def returns_to(
    telemetry: Telemetry, sortie: Sortie | None, pads: dict[str, tuple[float, float]]
) -> str | None:
    """Return the dock that a vehicle's own return leads to, or None where that is none.

    PX4 goes straight to the nearest of home and rally points, and those are the sortie's
    alternates.
    """
    points = []
    if telemetry.home_lon is not None and telemetry.home_lat is not None:
        points.append((telemetry.home_lon, telemetry.home_lat))
    if sortie is not None:
        points += [(w.lon, w.lat) for w in sortie.alternates]
    if not points:
        return None
    lon, lat = min(points, key=lambda point: distance_m(telemetry, point))
    goal = telemetry.model_copy(update={"lon": lon, "lat": lat})
    near = [(distance_m(goal, pad), dock) for dock, pad in pads.items()]
    away, dock = min(near)
    return dock if away <= AT_M else None
