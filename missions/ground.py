"""What the planner has to know of a city, worked out once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from shapely import STRtree
from shapely.geometry import MultiPolygon, Polygon

from missions.airspace import Airspace, layers
from missions.cells import Cell, city_cells, city_frame
from missions.city import CameraSpec, City, Dock, Drone, Site
from missions.cover import gaps
from missions.energy import Wind
from missions.errors import PlanError
from missions.footprint import footprint
from missions.geo import LocalFrame
from missions.lawnmower import Flown, lawnmower, sides_deg, soonest
from missions.rim import around
from missions.tracks import Metres, Track

SIDE_OVERLAP = 0.2
MIN_SEEN = 0.05
"""A cell is not flown where no-fly zones leave less than this part of it."""
STARTS_S = 2.0
"""From an open door to lift-off: arming, the start of the mission, motors that spin up. Measured on
PX4 and on the embedded vehicle."""


@dataclass(frozen=True, repr=False)
class Ground:
    """What the planner has to know of a city, worked out once."""

    city: City
    frame: LocalFrame
    airspace: Airspace
    layers: tuple[float, ...]
    cells: tuple[Cell, ...]
    index: dict[str, int]
    """Place of a cell in ``cells`` by its id."""
    neighbours: tuple[tuple[int, ...], ...]
    """Cells that share a border, by place."""
    docks: dict[str, Dock]
    places: dict[str, Metres]
    """Docks, metres."""
    distances: dict[str, npt.NDArray[np.float64]]
    """From a dock to every cell's middle, metres."""
    drones: dict[str, Drone]
    sites: dict[str, Site]
    _tracks: dict[tuple[object, ...], tuple[Track, ...]] = field(default_factory=dict)

    def leaves_s(self, dock: str) -> float:
        """Return how long a drone that is sent stays in its dock: it is checked as the door opens."""
        return max(self.city.limits.checks_s, self.docks[dock].door_s) + STARTS_S

    def tracks(
        self, cell: int, altitude_m: float, camera: CameraSpec, flown: Flown | None = None
    ) -> tuple[Track, ...]:
        """Return the lawnmower over what of a cell is not closed at an altitude.

        Parameters
        ----------
        cell
            Its place in ``cells``.
        altitude_m, camera
            What it is seen from, and with, looking straight down.
        flown
            With what speed, power and wind: tracks lie along one of the cell's sides, along that
            which is flown sooner; None: along the longer one. Wind is taken to the full m/s and
            10 degrees.

        Raises
        ------
        PlanError
            If no-fly zones leave nothing of it, or wind lets none be flown.
        """
        flown = flown and replace(flown, wind=_about(flown.wind))
        key = (cell, altitude_m, camera, flown)
        known = self._tracks.get(key)
        if known is not None:
            return known
        shape = self.cells[cell].shape
        closed = self.airspace.closed_at(altitude_m)
        left = shape.difference(closed) if closed.intersects(shape) else shape
        tracks: tuple[Track, ...] = ()
        if isinstance(left, Polygon | MultiPolygon) and left.area >= MIN_SEEN * shape.area:
            seen = footprint(camera, altitude_m)
            swath = seen.near_width_m
            if flown is None:
                tracks = lawnmower(left, swath, SIDE_OVERLAP)
            else:
                tracks = soonest(left, swath, SIDE_OVERLAP, sides_deg(left), flown)
            tracks = around(tracks, left, self.airspace, altitude_m, swath)
            tracks += gaps(tracks, left, self.airspace, altitude_m, seen)
        if not tracks:
            raise PlanError(f"cell {self.cells[cell].id!r} lies in a no-fly zone", "airspace")
        return self._tracks.setdefault(key, tracks)


def _about(wind: Wind) -> Wind:
    """Return a wind that tracks are kept for: they need not be laid anew for each gust."""
    from_deg = None if wind.from_deg is None else round(wind.from_deg, -1) % 360.0
    return Wind(float(math.floor(wind.speed_m_s)), from_deg)


@lru_cache(maxsize=8)
def ground_of(city: City) -> Ground:
    """Return what the planner has to know of a city; kept for the cities last asked for."""
    frame = city_frame(city)
    cells = city_cells(city)
    shapes = [cell.shape for cell in cells]
    pairs = STRtree(shapes).query(shapes, predicate="dwithin", distance=1.0)
    near: list[list[int]] = [[] for _ in cells]
    for a, b in zip(*pairs.tolist(), strict=True):
        if a != b:
            near[a].append(b)
    places = {dock.id: frame.to_enu(*dock.position) for dock in city.docks}
    middles = np.array([cell.center for cell in cells], dtype=np.float64)
    return Ground(
        city=city,
        frame=frame,
        airspace=Airspace.of(city),
        layers=layers(city.limits.ceiling_m, first_m=city.limits.first_layer_m),
        cells=cells,
        index={cell.id: i for i, cell in enumerate(cells)},
        neighbours=tuple(tuple(sorted(n)) for n in near),
        docks={dock.id: dock for dock in city.docks},
        places=places,
        distances={d: np.hypot(*(middles - np.array(p)).T) for d, p in places.items()},
        drones={drone.id: drone for drone in city.drones},
        sites={site.id: site for site in city.sites},
    )
