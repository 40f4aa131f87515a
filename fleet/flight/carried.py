"""The fence that a vehicle carries: its sortie's, or a wider one for where a pilot sends it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import shapely

from fleet.flight.safety import Fence
from fleet.link.items import FENCE_INCLUSION, Item, difference, fence_items
from missions.airspace import FENCE_POINTS, Airspace, Ring
from missions.errors import PlanError
from missions.sortie import Sortie

Place = tuple[float, float, float]
"""East, north and height above home, metres."""


class Carried(NamedTuple):
    """A ring that must not be left (empty where there is none), and rings not to be entered."""

    ring: Ring
    exclusions: tuple[Ring, ...] = ()

    @classmethod
    def of(cls, sortie: Sortie | None) -> Carried | None:
        """Return the fence that is loaded with a sortie; None where it has none."""
        if sortie is None or not (sortie.fence or sortie.exclusions):
            return None
        return cls(tuple(sortie.fence), tuple(tuple(ring) for ring in sortie.exclusions))

    @classmethod
    def read(cls, items: Sequence[Item]) -> Carried | None:
        """Return the fence that a vehicle was read to hold; None where it holds none."""
        ring: Ring = ()
        exclusions: list[Ring] = []
        left = list(items)
        while left:
            size = max(1, round(left[0].params[0]))
            part, left = left[:size], left[size:]
            corners = tuple((item.lon, item.lat) for item in part)
            if part[0].command == FENCE_INCLUSION:
                ring = corners
            else:
                exclusions.append(corners)
        return cls(ring, tuple(exclusions)) if items else None

    @property
    def items(self) -> tuple[Item, ...]:
        """The fence as it is loaded."""
        return tuple(fence_items(self.ring, self.exclusions))

    @property
    def guard(self) -> Fence:
        """The fence as the drone is held against it."""
        return Fence(self.ring, self.exclusions)

    def same(self, other: Carried) -> bool:
        """Whether a vehicle that holds the one holds the other."""
        return difference(self.items, other.items) is None


def wider(space: Airspace, sortie: Sortie, here: Place, there: Sequence[Place]) -> Carried:
    """Return a fence for a sortie and for where else its drone is sent.

    It holds all of the sortie, its dock and alternates, where the drone is and is to go, is cut at
    the city's fence, and leaves out the no-fly zones that reach down to those heights.

    Raises
    ------
    PlanError
        If there is none, or a vehicle does not hold so many corners.
    """
    frame = space.frame
    points = [w for leg in sortie.legs for w in leg.waypoints] + list(sortie.alternates)
    cloud = [frame.to_enu(w.lon, w.lat) for w in points]
    cloud.append(frame.to_enu(sortie.home_lon, sortie.home_lat))
    cloud += [place[:2] for place in (here, *there)]
    top_m = max(sortie.altitude_m, here[2], *(place[2] for place in there))
    ring, exclusions = space.fence(cloud, top_m)
    left_out = shapely.union_all([frame.polygon(zone) for zone in exclusions]).buffer(1.0)
    own = [tuple(r) for r in sortie.exclusions if not left_out.covers(frame.polygon(r))]
    made = Carried(ring, (*exclusions, *own))
    if len(made.items) > FENCE_POINTS:
        raise PlanError(
            f"the fence for that has {len(made.items)} corners; a vehicle holds {FENCE_POINTS}"
        )
    return made
