"""One sortie, built and held against its limits: way out, cells or a site, way home.

``Ground`` is what the planner has to know of a city, worked out once; a ``Builder`` makes the
sorties of one drone at one altitude.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from shapely import STRtree
from shapely.geometry import LineString, MultiPolygon, Polygon

from missions.airspace import Airspace, Tube, layers
from missions.city import City, Dock, Drone, Site
from missions.coverage import (
    Cell,
    Metres,
    Track,
    city_cells,
    city_frame,
    enter_from,
    lawnmower,
    stare_leg,
    swath_m,
)
from missions.energy import (
    Cost,
    Point,
    PowerModel,
    Wind,
    landing_cost,
    longest_hold_s,
    sortie_energy,
    step_cost,
)
from missions.errors import PlanError
from missions.geo import LocalFrame
from missions.relief import ASIDE_S, off_height
from missions.rim import around
from missions.sortie import Leg, LegKind, LookAt, Sortie, SortieEnergy, Waypoint

SIDE_OVERLAP = 0.2
MIN_STARE_S = 60.0
"""A shorter watch is not worth the flight."""
MARGIN_PERCENT = 3.0
"""Battery that is planned with neither for flying nor as reserve: between plan and take-off the
reading falls, and no model is exact."""
ALTERNATES = 2
ALTERNATE_M = 2500.0
"""A dock that is farther from a sortie's way is no alternate of it."""
LOWEST_WAIT_M = 20.0
"""A relief waits no lower than this."""
MIN_SEEN = 0.05
"""A cell is not flown where no-fly zones leave less than this part of it."""


@dataclass(frozen=True)
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
    _tracks: dict[tuple[int, float, float], tuple[Track, ...]] = field(default_factory=dict)

    def tracks(self, cell: int, altitude_m: float, swath: float) -> tuple[Track, ...]:
        """Return the lawnmower over what of a cell is not closed at an altitude.

        Raises
        ------
        PlanError
            If no-fly zones leave nothing of it.
        """
        key = (cell, altitude_m, swath)
        known = self._tracks.get(key)
        if known is not None:
            return known
        shape = self.cells[cell].shape
        closed = self.airspace.closed_at(altitude_m)
        left = shape.difference(closed) if closed.intersects(shape) else shape
        tracks: tuple[Track, ...] = ()
        if isinstance(left, Polygon | MultiPolygon) and left.area >= MIN_SEEN * shape.area:
            tracks = around(
                lawnmower(left, swath, SIDE_OVERLAP), left, self.airspace, altitude_m, swath
            )
        if not tracks:
            raise PlanError(f"cell {self.cells[cell].id!r} lies in a no-fly zone")
        return self._tracks.setdefault(key, tracks)


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
        layers=layers(city.limits.ceiling_m),
        cells=cells,
        index={cell.id: i for i, cell in enumerate(cells)},
        neighbours=tuple(tuple(sorted(n)) for n in near),
        docks={dock.id: dock for dock in city.docks},
        places=places,
        distances={d: np.hypot(*(middles - np.array(p)).T) for d, p in places.items()},
        drones={drone.id: drone for drone in city.drones},
        sites={site.id: site for site in city.sites},
    )


@dataclass(frozen=True, slots=True)
class _Leg:
    kind: LegKind
    points: tuple[Point, ...]
    cell: str | None = None
    site: str | None = None
    look_at: LookAt | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A sortie as far as it is built: legs from the pad to ``here``, and what they take."""

    legs: tuple[_Leg, ...]
    cost: Cost

    @property
    def here(self) -> Point:
        """Where the last leg ends."""
        return self.legs[-1].points[-1]

    @property
    def path(self) -> list[tuple[float, float, float]]:
        """Every waypoint as (east, north, altitude)."""
        return [(p.east, p.north, p.altitude_m) for leg in self.legs for p in leg.points]


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds sorties of one drone at one transit altitude."""

    ground: Ground
    drone: Drone
    altitude_m: float
    battery_percent: float
    wind: Wind
    berth: str | None = None
    """Dock that the drone stands in and comes back to; None: the one it lives in."""

    @property
    def dock(self) -> str:
        """Dock that the sortie begins and ends at."""
        return self.berth or self.drone.dock

    @property
    def model(self) -> PowerModel:
        """The drone's power model."""
        return PowerModel.of(self.drone)

    def start(self) -> Draft:
        """Return the take-off: straight up over the dock to the transit altitude."""
        east, north = self.ground.places[self.dock]
        top = Point(east, north, self.altitude_m)
        cost = step_cost(replace(top, altitude_m=0.0), top, self._speed, self.model, self.wind)
        return Draft((_Leg(LegKind.TAKEOFF, (top,)),), cost)

    @property
    def _speed(self) -> float:
        return self.drone.cruise_m_s

    def _with(self, draft: Draft, leg: _Leg) -> Draft:
        cost, here = draft.cost, draft.here
        for point in leg.points:
            cost += step_cost(here, point, self._speed, self.model, self.wind)
            here = point
        return Draft((*draft.legs, leg), cost)

    def _way(self, start: Point, goal: Metres) -> tuple[Point, ...]:
        """Return the points from a place to another at transit altitude, without the start."""
        way = self.ground.airspace.route((start.east, start.north), goal, self.altitude_m)
        return tuple(Point(x, y, self.altitude_m) for x, y in way[1:])

    def check_reach(self, cell: int) -> None:
        """Refuse a cell whose least conceivable sortie is too much; cheap, and never wrong.

        Take-off and landing, the straight way there and back, and tracks over the smallest part
        of the cell that is flown at all, at full speed and the least power.

        Raises
        ------
        PlanError
            With what it takes at least and what there is.
        """
        target, model = self.ground.cells[cell], self.model
        way = float(self.ground.distances[self.dock][cell]) - target.radius_m
        tracks = target.area_m2 * MIN_SEEN / swath_m(self.drone.camera, self.altitude_m)
        seconds = (2.0 * max(0.0, way) + tracks) / self._speed
        least = seconds * min(model.hover_w, model.cruise_w) / 3600.0
        least += self.start().cost.energy_wh
        least += landing_cost(self.altitude_m, model, self.wind).energy_wh
        reserve = self.ground.city.limits.reserve_percent
        left = model.capacity_wh * (self.battery_percent - MARGIN_PERCENT - reserve) / 100.0
        if least > left:
            raise PlanError(
                f"takes at least {least:.0f} Wh; above a reserve of {reserve:g} % and a margin of "
                f"{MARGIN_PERCENT:g} % the battery of {self.drone.id!r} holds "
                f"{max(0.0, left):.0f} Wh ({self.battery_percent:g} %)"
            )

    def survey(self, draft: Draft, cell: int) -> Draft:
        """Return the draft with a cell flown at its end.

        Raises
        ------
        PlanError
            If the cell cannot be reached or seen.
        """
        swath = round(swath_m(self.drone.camera, self.altitude_m), 3)
        tracks = self.ground.tracks(cell, self.altitude_m, swath)
        here = draft.here
        tracks = enter_from(tracks, (here.east, here.north))
        out = self._way(here, tracks[0][0])
        if len(draft.legs) == 1 or len(out) > 1:
            draft = self._with(draft, _Leg(LegKind.TRANSIT, out))
        points = [Point(*tracks[0][0], self.altitude_m)]
        for place in [place for track in tracks for place in track][1:]:
            points.extend(self._way(points[-1], place))
        name = self.ground.cells[cell].id
        return self._with(draft, _Leg(LegKind.SURVEY, tuple(points), cell=name))

    def home(self, draft: Draft, dock: str | None = None) -> Draft:
        """Return the draft with the way home, or to another dock; its cost includes the landing."""
        way = self._way(draft.here, self.ground.places[dock or self.dock])
        draft = self._with(draft, _Leg(LegKind.TRANSIT, way))
        draft = self._with(draft, _Leg(LegKind.HOME, way[-1:]))
        return replace(
            draft, cost=draft.cost + landing_cost(self.altitude_m, self.model, self.wind)
        )

    def stare(self, site: Site) -> Draft:
        """Return the whole sortie that watches a site for as long as the battery lasts.

        The drone goes down to the stare and up from it straight over its place.

        Raises
        ------
        PlanError
            If the site cannot be reached, or the battery leaves less than a minute over it.
        """
        goal, _ = self._stare_at(site)
        place = (goal.east, goal.north)
        out = self._with(self.start(), _Leg(LegKind.TRANSIT, self._way(self.start().here, place)))
        return self._stay(out, site)

    def relieve(self, site: Site, aside: Metres) -> tuple[Draft, Draft]:
        """Return the sortie that takes over a site from another drone, and its way out alone.

        It first stands aside, off the height of the stare, and then takes the place itself.

        Raises
        ------
        PlanError
            As ``stare`` does.
        """
        goal, look_at = self._stare_at(site)
        start = self.start()
        out = self._with(start, _Leg(LegKind.TRANSIT, self._way(start.here, aside)))
        height = off_height(goal.altitude_m, self.altitude_m, LOWEST_WAIT_M)
        wait = Point(*aside, height, hold_s=ASIDE_S)
        out = self._with(out, _Leg(LegKind.STARE, (wait,), site=site.id, look_at=look_at))
        return self._stay(out, site), out

    def _stare_at(self, site: Site) -> tuple[Point, LookAt | None]:
        leg = stare_leg(site, 0.0, self._speed)
        goal = leg.waypoints[0]
        east, north = self.ground.frame.to_enu(goal.lon, goal.lat)
        return Point(float(east), float(north), goal.altitude_m), leg.look_at

    def _stay(self, draft: Draft, site: Site) -> Draft:
        """Return the draft with the stare for as long as the battery lasts, and the way home."""
        low, look_at = self._stare_at(site)
        above = replace(low, altitude_m=self.altitude_m)
        stare = _Leg(LegKind.STARE, (low,), site=site.id, look_at=look_at)
        climb = _Leg(LegKind.TRANSIT, (above,))
        whole = self.home(self._with(self._with(draft, stare), climb))
        reserve = self.ground.city.limits.reserve_percent
        planned = self.battery_percent - MARGIN_PERCENT
        hold = math.floor(longest_hold_s(whole.cost, self.model, planned, reserve, self.wind))
        if hold < MIN_STARE_S:
            raise PlanError(
                f"battery {self.battery_percent:g} % leaves {hold} s over site {site.id!r} with a "
                f"reserve of {reserve:g} % and a margin of {MARGIN_PERCENT:g} %; at least "
                f"{MIN_STARE_S:g} s are worth a flight"
            )
        holding = replace(stare, points=(replace(low, hold_s=float(hold)),))
        return self.home(self._with(self._with(draft, holding), climb))

    def energy(self, draft: Draft) -> SortieEnergy:
        """Return the energy of a whole sortie."""
        reserve = self.ground.city.limits.reserve_percent
        return sortie_energy(draft.cost, self.model, self.battery_percent, reserve)

    def check_energy(self, draft: Draft) -> None:
        """Hold a whole sortie against the battery.

        Raises
        ------
        PlanError
            With what it takes and what there is.
        """
        if not self.fits(draft):
            energy = self.energy(draft)
            raise PlanError(
                f"takes {energy.needed_wh:.0f} Wh, {energy.reserve_wh:.0f} Wh reserve and a margin "
                f"of {MARGIN_PERCENT:g} %; the battery of {self.drone.id!r} holds "
                f"{energy.available_wh:.0f} Wh ({self.battery_percent:g} %)"
            )

    def fits(self, draft: Draft) -> bool:
        """Whether the battery holds a whole sortie, the reserve and the margin."""
        reserve = self.ground.city.limits.reserve_percent
        planned = self.battery_percent - MARGIN_PERCENT
        return sortie_energy(draft.cost, self.model, planned, reserve).feasible

    def tube(self, draft: Draft) -> Tube:
        """Return where the sortie is, without time."""
        return Tube.of(self.dock, draft.path)

    def finish(
        self, draft: Draft, sortie_id: str, order: str, ends_at: str | None = None
    ) -> Sortie:
        """Return a whole draft as a sortie, with its fence; ``ends_at`` as in ``Sortie``.

        Raises
        ------
        PlanError
            If it breaks the airspace or its fence cannot be made.
        """
        path = draft.path
        airspace = self.ground.airspace
        airspace.check(path)
        alternates = self._alternates(path)
        places = [p[:2] for p in path]
        try:
            around = [*places, *(self.ground.places[dock] for dock in alternates)]
            fence, exclusions = airspace.fence(around, self.altitude_m)
        except PlanError:
            alternates = ()  # the way itself may still be fenced in
            fence, exclusions = airspace.fence(places, self.altitude_m)
        home = self.ground.docks[self.dock].position
        return Sortie(
            id=sortie_id,
            order=order,
            drone=self.drone.id,
            dock=self.dock,
            home_lon=home[0],
            home_lat=home[1],
            altitude_m=self.altitude_m,
            legs=self._legs(draft.legs),
            energy=self.energy(draft),
            fence=fence,
            exclusions=exclusions,
            alternates=tuple(
                Waypoint(*self.ground.docks[dock].position, self.altitude_m) for dock in alternates
            ),
            ends_at=ends_at,
        )

    def _alternates(self, path: Sequence[tuple[float, float, float]]) -> tuple[str, ...]:
        """Return the docks that the drone may come down at where its own cannot take it.

        The nearest to the way, with more slots than drones that live there, and in sight of the
        dock over no closed ground.
        """
        ground = self.ground
        live = Counter(drone.dock for drone in ground.drones.values())
        closed = ground.airspace.closed_at(self.altitude_m)
        home = ground.places[self.dock]
        reach = []
        for name, dock in ground.docks.items():
            place = ground.places[name]
            away = min(math.dist(place, (east, north)) for east, north, _ in path)
            spare = name != self.dock and live[name] < dock.slots
            if spare and away <= ALTERNATE_M and not closed.intersects(LineString([home, place])):
                reach.append((away, name))
        return tuple(name for _, name in sorted(reach)[:ALTERNATES])

    def _legs(self, legs: Sequence[_Leg]) -> tuple[Leg, ...]:
        points = [p for leg in legs for p in leg.points]
        lonlat = iter(self.ground.frame.points_to_lonlat([(p.east, p.north) for p in points]))
        return tuple(
            Leg(
                leg.kind,
                tuple(
                    Waypoint(float(lon), float(lat), p.altitude_m, p.hold_s)
                    for p, (lon, lat) in zip(leg.points, lonlat, strict=False)
                ),
                self._speed,
                look_at=leg.look_at,
                cell=leg.cell,
                site=leg.site,
            )
            for leg in legs
        )
