"""A whole draft made a sortie: held against the airspace, fenced in, with docks to come down at."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from shapely.geometry import LineString

from missions.city import Drone
from missions.draft import Draft, DraftLeg
from missions.errors import PlanError
from missions.ground import Ground
from missions.sortie import Leg, Sortie, SortieEnergy, Waypoint

ALTERNATES = 2
ALTERNATE_M = 2500.0
"""A dock that is farther from a sortie's way is no alternate of it."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """What a sortie is beside its legs; ``ends_at`` as in ``Sortie``."""

    id: str
    order: str
    dock: str
    altitude_m: float
    energy: SortieEnergy
    ends_at: str | None = None


def finished(ground: Ground, drone: Drone, draft: Draft, sketch: Sketch) -> Sortie:
    """Return a whole draft as a sortie, with its fence.

    Raises
    ------
    PlanError
        If it breaks the airspace or its fence cannot be made.
    """
    path = draft.path
    airspace = ground.airspace
    airspace.check(path)
    alternates = _alternates(ground, sketch, path)
    places = [p[:2] for p in path]
    top = max(sketch.altitude_m, *(p[2] for p in path))
    try:
        around = [*places, *(ground.places[dock] for dock in alternates)]
        fence, exclusions = airspace.fence(around, top)
    except PlanError:
        alternates = ()  # the way itself may still be fenced in
        fence, exclusions = airspace.fence(places, top)
    home = ground.docks[sketch.dock].position
    return Sortie(
        id=sketch.id,
        order=sketch.order,
        drone=drone.id,
        dock=sketch.dock,
        home_lon=home[0],
        home_lat=home[1],
        altitude_m=sketch.altitude_m,
        legs=_legs(ground, draft.legs, drone.cruise_m_s),
        energy=sketch.energy,
        fence=fence,
        exclusions=exclusions,
        alternates=tuple(
            Waypoint(*ground.docks[dock].position, sketch.altitude_m) for dock in alternates
        ),
        ends_at=sketch.ends_at,
    )


def _alternates(
    ground: Ground, sketch: Sketch, path: Sequence[tuple[float, float, float]]
) -> tuple[str, ...]:
    """Return the docks that the drone may come down at where its own cannot take it.

    The nearest to the way, with more slots than drones that live there, and in sight of the
    dock over no closed ground.
    """
    live = Counter(drone.dock for drone in ground.drones.values())
    closed = ground.airspace.closed_at(sketch.altitude_m)
    home = ground.places[sketch.dock]
    reach = []
    for name, dock in ground.docks.items():
        place = ground.places[name]
        away = min(math.dist(place, (east, north)) for east, north, _ in path)
        spare = name != sketch.dock and live[name] < dock.slots
        if spare and away <= ALTERNATE_M and not closed.intersects(LineString([home, place])):
            reach.append((away, name))
    return tuple(name for _, name in sorted(reach)[:ALTERNATES])


def _legs(ground: Ground, legs: Sequence[DraftLeg], cruise_m_s: float) -> tuple[Leg, ...]:
    points = [p for leg in legs for p in leg.points]
    lonlat = iter(ground.frame.points_to_lonlat([(p.east, p.north) for p in points]))
    return tuple(
        Leg(
            leg.kind,
            tuple(
                Waypoint(float(lon), float(lat), p.altitude_m, p.hold_s)
                for p, (lon, lat) in zip(leg.points, lonlat, strict=False)
            ),
            cruise_m_s if leg.speed_m_s is None else leg.speed_m_s,
            look_at=leg.look_at,
            aim=leg.aim,
            cell=leg.cell,
            site=leg.site,
        )
        for leg in legs
    )
