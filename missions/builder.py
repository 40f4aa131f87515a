"""Builds sorties of one drone at one altitude, and holds them against their limits."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from missions.airspace import Tube
from missions.city import Drone, Site
from missions.draft import Draft, DraftLeg
from missions.energy import (
    Point,
    PowerModel,
    Wind,
    landing_cost,
    longest_hold_s,
    sortie_energy,
    step_cost,
)
from missions.errors import PlanError
from missions.finish import Sketch, finished
from missions.footprint import swath_m
from missions.ground import MIN_SEEN, Ground
from missions.lawnmower import Flown
from missions.relief import ASIDE_S, off_height
from missions.sites import stare_leg
from missions.sortie import LegKind, LookAt, Sortie, SortieEnergy
from missions.tracks import Metres, enter_from

MIN_STARE_S = 60.0
"""A shorter watch is not worth the flight."""
MARGIN_PERCENT = 3.0
"""Battery that is planned with neither for flying nor as reserve: between plan and take-off the
reading falls, and no model is exact."""
LOWEST_WAIT_M = 20.0
"""A relief waits no lower than this."""


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
    temperature_c: float | None = None
    """Of its battery at take-off; None: not known, and taken for warm."""

    @property
    def dock(self) -> str:
        """Dock that the sortie begins and ends at."""
        return self.berth or self.drone.dock

    @property
    def model(self) -> PowerModel:
        """The drone's power model."""
        return PowerModel.of(self.drone, self.temperature_c)

    def start(self) -> Draft:
        """Return the take-off: straight up over the dock to the transit altitude."""
        east, north = self.ground.places[self.dock]
        top = Point(east, north, self.altitude_m)
        cost = step_cost(replace(top, altitude_m=0.0), top, self._speed, self.model, self.wind)
        return Draft((DraftLeg(LegKind.TAKEOFF, (top,)),), cost)

    @property
    def _speed(self) -> float:
        return self.drone.cruise_m_s

    def _with(self, draft: Draft, leg: DraftLeg) -> Draft:
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
        least = seconds * model.least_w / 3600.0
        least += self.start().cost.energy_wh
        least += landing_cost(self.altitude_m, model, self.wind).energy_wh
        reserve = self.ground.city.limits.reserve_percent
        left = model.capacity_wh * (self.battery_percent - MARGIN_PERCENT - reserve) / 100.0
        if least > left:
            raise PlanError(
                f"takes at least {least:.0f} Wh; above a reserve of {reserve:g} % and a margin of "
                f"{MARGIN_PERCENT:g} % the battery of {self.drone.id!r} holds "
                f"{max(0.0, left):.0f} Wh ({self.battery_percent:g} %)",
                "energy",
            )

    def survey(self, draft: Draft, cell: int) -> Draft:
        """Return the draft with a cell flown at its end.

        Raises
        ------
        PlanError
            If the cell cannot be reached or seen.
        """
        flown = Flown(self._speed, self.model, self.wind)
        tracks = self.ground.tracks(cell, self.altitude_m, self.drone.camera, flown)
        here = draft.here
        tracks = enter_from(tracks, (here.east, here.north))
        out = self._way(here, tracks[0][0])
        if len(draft.legs) == 1 or len(out) > 1:
            draft = self._with(draft, DraftLeg(LegKind.TRANSIT, out))
        points = [Point(*tracks[0][0], self.altitude_m)]
        for place in [place for track in tracks for place in track][1:]:
            points.extend(self._way(points[-1], place))
        name = self.ground.cells[cell].id
        return self._with(draft, DraftLeg(LegKind.SURVEY, tuple(points), cell=name))

    def home(self, draft: Draft, dock: str | None = None) -> Draft:
        """Return the draft with the way home, or to another dock; its cost includes the landing."""
        way = self._way(draft.here, self.ground.places[dock or self.dock])
        draft = self._with(draft, DraftLeg(LegKind.TRANSIT, way))
        draft = self._with(draft, DraftLeg(LegKind.HOME, way[-1:]))
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
        out = self._with(
            self.start(), DraftLeg(LegKind.TRANSIT, self._way(self.start().here, place))
        )
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
        out = self._with(start, DraftLeg(LegKind.TRANSIT, self._way(start.here, aside)))
        height = off_height(goal.altitude_m, self.altitude_m, LOWEST_WAIT_M)
        wait = Point(*aside, height, hold_s=ASIDE_S)
        out = self._with(out, DraftLeg(LegKind.STARE, (wait,), site=site.id, look_at=look_at))
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
        stare = DraftLeg(LegKind.STARE, (low,), site=site.id, look_at=look_at)
        climb = DraftLeg(LegKind.TRANSIT, (above,))
        whole = self.home(self._with(self._with(draft, stare), climb))
        reserve = self.ground.city.limits.reserve_percent
        planned = self.battery_percent - MARGIN_PERCENT
        hold = math.floor(longest_hold_s(whole.cost, self.model, planned, reserve, self.wind))
        if hold < MIN_STARE_S:
            raise PlanError(
                f"battery {self.battery_percent:g} % leaves {hold} s over site {site.id!r} with a "
                f"reserve of {reserve:g} % and a margin of {MARGIN_PERCENT:g} %; at least "
                f"{MIN_STARE_S:g} s are worth a flight",
                "energy",
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
                f"{energy.available_wh:.0f} Wh ({self.battery_percent:g} %)",
                "energy",
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
        return finished(
            self.ground,
            self.drone,
            draft,
            Sketch(sortie_id, order, self.dock, self.altitude_m, self.energy(draft), ends_at),
        )
