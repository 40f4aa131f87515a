"""Builds sorties of one drone at one altitude, and holds them against their limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from missions.asked import Course, Run, Sight
from missions.city import Drone
from missions.course import course
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
from missions.posts import Post
from missions.relief import ASIDE_S, off_height
from missions.sortie import LegKind, Sortie, SortieEnergy
from missions.task import Task
from missions.tracks import Metres, Track, enter_from
from missions.trajectory import Trajectory, passed

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
    keeps_percent: float = 0.0
    """Battery to come home with, where that is more than the reserve."""

    @property
    def reserve_percent(self) -> float:
        """What of the battery no sortie is planned to take."""
        return max(self.ground.city.limits.reserve_percent, self.keeps_percent)

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
        speed = self._speed if leg.speed_m_s is None else leg.speed_m_s
        for point in leg.points:
            cost += step_cost(here, point, speed, self.model, self.wind)
            here = point
        return replace(draft, legs=(*draft.legs, leg), cost=cost)

    def _way(self, start: Point, goal: Metres) -> tuple[Point, ...]:
        """Return the points from a place to another at its altitude, without the start."""
        height = start.altitude_m
        way = self.ground.airspace.route((start.east, start.north), goal, height)
        return tuple(Point(x, y, height) for x, y in way[1:])

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
        reserve = self.reserve_percent
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
        draft = self._to(draft, tracks[0][0])
        name = self.ground.cells[cell].id
        points = self._along(tracks, self.altitude_m)
        return self._with(draft, DraftLeg(LegKind.SURVEY, points, cell=name))

    def _to(self, draft: Draft, place: Metres) -> Draft:
        """Return the draft with the way to a place, as a leg where it is more than one straight."""
        out = self._way(draft.here, place)
        if len(draft.legs) == 1 or len(out) > 1:
            draft = self._with(draft, DraftLeg(LegKind.TRANSIT, out))
        return draft

    def _along(self, tracks: Sequence[Track], altitude_m: float) -> tuple[Point, ...]:
        """Return tracks one after the other, with the ways between them, from the first's start."""
        points = [Point(*tracks[0][0], altitude_m)]
        for index, track in enumerate(tracks):
            if index:
                points.extend(self._way(points[-1], track[0]))
            points.extend(Point(*place, altitude_m) for place in track[1:])
        return tuple(points)

    def course(self, task: Task, here: Metres | None = None, now: datetime | None = None) -> Course:
        """Return what a task flies, before it is held against the battery.

        Parameters
        ----------
        task
            What is asked.
        here
            Where the drone comes from, metres; None: its dock.
        now
            When it is there; None: the sun is not looked at.

        Raises
        ------
        PlanError
            If it cannot be flown or seen.
        """
        flown = Flown(self._speed, self.model, self.wind)
        start = self.ground.places[self.dock] if here is None else here
        sight = Sight(self.drone.camera, self.altitude_m, flown, start, now)
        return course(self.ground, task, sight)

    def task(self, draft: Draft, task: Task, now: datetime | None = None) -> Draft:
        """Return the draft with a task, or a part of one, flown at its end.

        It ends at transit altitude. A stare without an end lasts as long as the battery lets it.

        Parameters
        ----------
        draft, task
            What is flown before, and what is asked.
        now
            When the drone is there; None: the sun is not looked at.

        Raises
        ------
        PlanError
            If it cannot be flown, seen or come home from.
        """
        flown = self.course(task, (draft.here.east, draft.here.north), now)
        done = self._runs(draft, flown.runs)
        if task.kind == "stare" and task.hold_s is None:
            hold = self._hold_s(self.home(done), "the place")
            done = self._runs(draft, [replace(run, hold_s=hold) for run in flown.runs])
        return replace(done, said=(*draft.said, flown.words))

    def _runs(self, draft: Draft, runs: Sequence[Run]) -> Draft:
        for run in runs:
            draft = self._to(draft, run.tracks[0][0])
            points = self._along(run.tracks, run.altitude_m)
            points = (*points[:-1], replace(points[-1], hold_s=run.hold_s))
            leg = DraftLeg(
                run.kind, points, look_at=run.look_at, aim=run.aim, speed_m_s=run.speed_m_s
            )
            draft = self._with(draft, leg)
            if run.altitude_m != self.altitude_m:
                above = replace(points[-1], altitude_m=self.altitude_m, hold_s=0.0)
                draft = self._with(draft, DraftLeg(LegKind.TRANSIT, (above,)))
        return draft

    def home(self, draft: Draft, dock: str | None = None) -> Draft:
        """Return the draft with the way home, or to another dock; its cost includes the landing."""
        way = self._way(draft.here, self.ground.places[dock or self.dock])
        draft = self._with(draft, DraftLeg(LegKind.TRANSIT, way))
        draft = self._with(draft, DraftLeg(LegKind.HOME, way[-1:]))
        return replace(
            draft, cost=draft.cost + landing_cost(self.altitude_m, self.model, self.wind)
        )

    def stare(self, post: Post, ends_s: float = math.inf) -> Draft:
        """Return the whole sortie that watches a place for as long as the battery lasts.

        The drone goes down to it and up from it straight over its place.

        Parameters
        ----------
        post
            The place.
        ends_s
            From the take-off to when it is watched no more, seconds.

        Raises
        ------
        PlanError
            If it cannot be reached, or is left with less than a minute over it.
        """
        return self._stay(self.out_to((post.place.east, post.place.north)), post, ends_s)

    def relieve(self, post: Post, aside: Metres, ends_s: float = math.inf) -> tuple[Draft, Draft]:
        """Return the sortie that takes over a place from another drone, and its way out alone.

        It first stands aside, off the height of the stare, and then takes the place itself.

        Raises
        ------
        PlanError
            As ``stare`` does.
        """
        height = off_height(post.place.altitude_m, self.altitude_m, LOWEST_WAIT_M)
        wait = replace(post, place=Point(*aside, height, hold_s=ASIDE_S))
        out = self._with(self.out_to(aside), _watch(wait))
        return self._stay(out, post, ends_s), out

    def out_to(self, place: Metres) -> Draft:
        """Return the take-off and the way to over a place."""
        start = self.start()
        return self._with(start, DraftLeg(LegKind.TRANSIT, self._way(start.here, place)))

    def watched(self, out: Draft, post: Post, hold_s: float = 0.0) -> Draft:
        """Return a way out with a place watched for some seconds, and the way home."""
        above = replace(post.place, altitude_m=self.altitude_m)
        there = replace(post, place=replace(post.place, hold_s=hold_s))
        climb = DraftLeg(LegKind.TRANSIT, (above,))
        return self.home(self._with(self._with(out, _watch(there)), climb))

    def _stay(self, out: Draft, post: Post, ends_s: float) -> Draft:
        """Return a way out with a place watched for as long as may be, and the way home."""
        hold = self._hold_s(self.watched(out, post), f"{post.name!r}")
        left = math.floor(min(hold, ends_s - out.cost.duration_s))
        if left < MIN_STARE_S:
            raise PlanError(
                f"{post.name!r} is watched no more {max(0, left)} s after a drone is there; at "
                f"least {MIN_STARE_S:g} s are worth a flight",
                "window",
            )
        return self.watched(out, post, float(left))

    def _hold_s(self, whole: Draft, what: str) -> float:
        """Return how long a whole sortie can hover besides, in full seconds.

        Raises
        ------
        PlanError
            If that is less than a minute.
        """
        reserve = self.reserve_percent
        planned = self.battery_percent - MARGIN_PERCENT
        hold = math.floor(longest_hold_s(whole.cost, self.model, planned, reserve, self.wind))
        if hold < MIN_STARE_S:
            raise PlanError(
                f"battery {self.battery_percent:g} % leaves {hold} s over {what} with a "
                f"reserve of {reserve:g} % and a margin of {MARGIN_PERCENT:g} %; at least "
                f"{MIN_STARE_S:g} s are worth a flight",
                "energy",
            )
        return float(hold)

    def energy(self, draft: Draft) -> SortieEnergy:
        """Return the energy of a whole sortie, with the reserve that no flight may break into."""
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
            energy = sortie_energy(
                draft.cost, self.model, self.battery_percent, self.reserve_percent
            )
            raise PlanError(
                f"takes {energy.needed_wh:.0f} Wh, {energy.reserve_wh:.0f} Wh reserve and a margin "
                f"of {MARGIN_PERCENT:g} %; the battery of {self.drone.id!r} holds "
                f"{energy.available_wh:.0f} Wh ({self.battery_percent:g} %)",
                "energy",
            )

    def fits(self, draft: Draft) -> bool:
        """Whether the battery holds a whole sortie, the reserve and the margin."""
        planned = self.battery_percent - MARGIN_PERCENT
        return sortie_energy(draft.cost, self.model, planned, self.reserve_percent).feasible

    def trajectory(self, draft: Draft, *, doubt_s: float, drift: float = 0.0) -> Trajectory:
        """Return when a sortie that is planned now is where, in seconds from now.

        Without climb and landing: no other way leads through the column over a dock, and in it
        the dock's gate keeps its own drones apart.
        """
        begins_s = self.ground.leaves_s(self.dock) + self.start().cost.duration_s
        points = [(p, leg.speed_m_s or self._speed) for leg in draft.legs for p in leg.points]
        times = passed(points[0][0], points[1:], begins_s, self.model, self.wind)
        return Trajectory.of(times, doubt_s=doubt_s, drift=drift)

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


def _watch(post: Post) -> DraftLeg:
    return DraftLeg(LegKind.STARE, (post.place,), site=post.name, look_at=post.look_at)
