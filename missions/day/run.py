"""One simulated run: an event follows the other, and nothing happens between them."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import numpy as np

from missions.day.calls import DayCall
from missions.day.closed import Sky
from missions.day.conditions import Closing, Conditions, Fault
from missions.day.drone import DayDrone
from missions.day.flown import Course, Flight, flown
from missions.day.measure import SAMPLE_S, Answered, Measured
from missions.day.view import View
from missions.demand import Demand
from missions.energy import Point
from missions.gate import waits_s
from missions.geo import Floats
from missions.ground import Ground
from missions.patrol.cover import Cover
from missions.patrol.ready import READY_PERCENT
from missions.picture import Doing
from missions.power import PowerModel
from missions.responder import Call, Pick, Response
from missions.responder.answer import RELIEF_S, THERE_S
from missions.sortie import FERRY, Sortie

TICK_S = 20.0
"""Somebody may leave so often."""
AGAIN_S = 10.0
"""A call that nobody could take is tried again after this."""
GIVE_UP_S = 1800.0
"""And for so long."""


class Patrolling(Protocol):
    """Who sends patrols."""

    def leaving(self, view: View) -> Sequence[Sortie]:
        """Return the sorties that leave now."""


class Responding(Protocol):
    """Who sends a drone to a call."""

    def respond(self, call: Call, view: View) -> Response:
        """Return who is sent."""


class DayRun:
    """One run over a city.

    Parameters
    ----------
    ground
        The city.
    start
        When it begins.
    days
        How long it lasts.
    calls, conditions
        What it brings.
    demand
        What the city is owed.
    patrolling, responding
        Who sends whom.
    """

    def __init__(
        self,
        ground: Ground,
        start: datetime,
        days: float,
        calls: Sequence[DayCall],
        conditions: Conditions,
        demand: Demand,
        patrolling: Patrolling,
        responding: Responding,
    ) -> None:
        self.ground = ground
        self.start = start
        self.end_s = days * 86400.0
        self.demand = demand
        self.measured = Measured(len(ground.cells))
        self._sky = Sky(ground)
        self._calls = list(calls)
        self._conditions = conditions
        self._patrolling = patrolling
        self._responding = responding
        self._seen: Floats = np.full(len(ground.cells), 0.0)
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._now_s = 0.0
        self.fleet = {
            drone.id: DayDrone(drone, PowerModel.of(drone), drone.dock, ground.places[drone.dock])
            for drone in ground.city.drones
        }
        self._stagger()

    def _stagger(self) -> None:
        """Begin in the middle of a day's work: batteries and cells differ."""
        reserve = self.ground.city.limits.reserve_percent
        seconds = self.demand.owed_s(self.start)
        for number, drone in enumerate(self.fleet.values()):
            drone.percent = 100.0 if number % 2 == 0 else reserve + (97 * number) % 60
        spread = np.array([(37 * i) % 100 / 100.0 for i in range(len(self._seen))])
        self._seen = -spread * np.where(np.isfinite(seconds), seconds, 0.0)

    def run(self) -> Measured:
        """Run to the end; return what was counted."""
        for index, call in enumerate(self._calls):
            at_s = (call.at - self.start).total_seconds()
            self.measured.calls.append(Answered(at_s, call.kind))
            self._at(at_s, partial(self._call, index))
        for fault in self._conditions.faults:
            self._at(fault.at_s, partial(self._break, fault))
        for closing in self._conditions.closures:
            self._at(closing.at_s, partial(self._close, closing))
        self._at(0.0, self._tick)
        self._at(SAMPLE_S, self._sample)
        while self._queue and self._queue[0][0] <= self.end_s + GIVE_UP_S:
            self._now_s, _, act = heapq.heappop(self._queue)
            act()
        return self.measured

    def _at(self, when_s: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (when_s, next(self._number), act))

    # what is seen of it

    def view(self) -> View:
        """Return what is known now."""
        now = self.start + timedelta(seconds=self._now_s)
        return View(
            ground=self._sky.ground,
            now=now,
            now_s=self._now_s,
            fleet=tuple(drone.picture(self._now_s) for drone in self.fleet.values()),
            age_s=self._now_s - self._seen,
            owed_s=self.demand.owed_s(now),
            wind=self._conditions.wind(self._now_s),
            trajectories={
                drone.drone.id: drone.flight.ahead(self._now_s)
                for drone in self.fleet.values()
                if drone.flight is not None
            },
            flying=tuple(d.sortie for d in self.fleet.values() if d.flight and d.sortie),
        )

    def _sample(self) -> None:
        if self._now_s <= self.end_s:
            now = self.start + timedelta(seconds=self._now_s)
            aloft = sum(
                d.flight is not None and self._now_s >= d.airborne_s for d in self.fleet.values()
            )
            self.measured.sample(
                self._now_s - self._seen, self.demand.owed_s(now), aloft, self._covered()
            )
            self._at(self._now_s + SAMPLE_S, self._sample)

    def _covered(self) -> float:
        """Return the share of calls that somebody who may be sent would reach in time now."""
        calls = self.demand.weights(self.start + timedelta(seconds=self._now_s))
        cover = Cover.of(self.ground, calls, self._conditions.wind(self._now_s))
        able, now = [d for d in self.fleet.values() if not d.fault], self._now_s
        docks = {d.dock for d in able if d.flight is None and d.battery(now) >= READY_PERCENT}
        sent = (Doing.PATROL, Doing.RETURNING)
        aloft = [d.flight.at(now).place for d in able if d.flight and d.doing in sent]
        covered = cover.there([(p.east, p.north) for p in aloft])
        for dock in docks:
            covered = covered | cover.from_dock(dock)
        return float(calls[covered].sum() / calls.sum())

    # patrols

    def _tick(self) -> None:
        if self._now_s > self.end_s:
            return
        for sortie in self._patrolling.leaving(self.view()):
            self._leave(sortie)
        self._at(self._now_s + TICK_S, self._tick)

    def _leave(self, sortie: Sortie) -> None:
        drone = self.fleet[sortie.drone]
        wait_s = self._gate_s(drone)
        wind = self._conditions.wind(self._now_s)
        flight = flown(sortie, self.ground.frame, self._now_s, wait_s, drone.model, wind)
        drone.sortie, drone.priority = sortie, 0
        doing = Doing.FERRY if sortie.order == FERRY else Doing.PATROL
        drone.fly(flight, self._now_s, doing, self._now_s + wait_s)
        self.measured.sorties += 1
        self._follow(drone, flight)

    def _gate_s(self, drone: DayDrone) -> float:
        """Return how long a drone waits in its dock: its door, and one that is landing."""
        fleet = [d.picture(self._now_s) for d in self.fleet.values() if d is not drone]
        return waits_s(self.ground, drone.dock, fleet)

    def _follow(self, drone: DayDrone, flight: Flight) -> None:
        """Note what a flight sees, and its landing."""
        for at_s, cell in flight.seen:
            self._at(at_s, partial(self._see, drone, flight, cell))
        self._at(flight.end_s, lambda: self._land(drone, flight))

    def _see(self, drone: DayDrone, flight: Flight, cell: str) -> None:
        if drone.flight is not flight:
            return
        index = self.ground.index[cell]
        if self._now_s <= self.end_s:
            self.measured.intervals[index].append(self._now_s - float(self._seen[index]))
        self._seen[index] = self._now_s

    def _land(self, drone: DayDrone, flight: Flight) -> None:
        if drone.flight is not flight:
            return
        self._book(drone, flight)
        drone.land(self.ground.places[flight.dock])
        self.measured.charges += 1
        self.measured.lowest_percent = min(self.measured.lowest_percent, drone.percent)

    def _book(self, drone: DayDrone, flight: Flight) -> None:
        """Count what of a flight was flown."""
        begun = max(flight.start_s, min(drone.airborne_s, self._now_s))
        self.measured.flight_s += max(0.0, self._now_s - begun)
        self.measured.energy_wh += flight.at(self._now_s).spent_wh

    # calls

    def _call(self, index: int) -> None:
        answered, wanted = self.measured.calls[index], self._wanted(index)
        response = self._responding.respond(wanted, self.view())
        if response.picks:
            for pick in response.picks:
                self._send(pick, wanted, answered)
        elif self._now_s - answered.at_s < GIVE_UP_S:
            self._at(self._now_s + AGAIN_S, lambda: self._call(index))

    def _wanted(self, index: int, on_scene_s: float | None = None) -> Call:
        """Return a call as the responder is asked; for what is left of it, where that is said."""
        call = self._calls[index]
        place = self.ground.frame.to_enu(call.lon, call.lat)
        stays_s = call.on_scene_s if on_scene_s is None else on_scene_s
        return Call(str(index), place, call.priority, stays_s)

    def _ends(self, drone: DayDrone, flight: Flight, call: Call, answered: Answered) -> None:
        """Send another where a drone must leave its call, and was not taken from it before."""
        if drone.flight is flight:
            self._relieve(call, answered)

    def _relieve(self, call: Call, answered: Answered) -> None:
        """Send another to a call whose drone must leave."""
        response = self._responding.respond(call, self.view())
        if response.picks:
            self.measured.reliefs += 1
            answered.reliefs += 1
            self._send(response.picks[0], call, answered)

    def _send(self, pick: Pick, call: Call, answered: Answered) -> None:
        drone = self.fleet[pick.drone]
        now = drone.picture(self._now_s)
        wind = self._conditions.wind(self._now_s)
        speed = drone.drone.cruise_m_s
        in_air = drone.flight is not None and self._now_s >= drone.airborne_s
        course = Course(self._now_s, Point(*now.place, now.altitude_m), drone.model, wind)
        wait_s = begins_s = 0.0
        if not in_air:
            begins_s = self._gate_s(drone)
            left = drone.airborne_s - self._now_s if drone.flight is not None else None
            wait_s = begins_s if left is None else max(left, 0.0)
            course.wait(wait_s)
            self.measured.sorties += drone.flight is None
        if not pick.gives_up.nothing:
            self.measured.preemptions += 1
        if drone.flight is not None:
            self._book(drone, drone.flight)
        if drone.call and drone.call != call.id:
            self._take_from(drone)
        for point in pick.way:
            course.go(point, speed)
        stay_s = min(call.on_scene_s, pick.stay_s)
        course.wait(stay_s, drone.model.still_w(wind))
        done_s = course.here.at_s
        for point in pick.home:
            course.go(point, speed)
        course.land()
        flight = course.flight(pick.ends_at)
        drone.fly(flight, self._now_s, Doing.RESPONSE, self._now_s + wait_s)
        drone.sortie, drone.priority, drone.call = None, call.priority, call.id
        drone.scene_until_s = done_s
        over_s = self._now_s + wait_s + pick.eta_s - begins_s
        self._at(over_s, lambda: self._overhead(drone, flight, answered))
        self._at(done_s, lambda: self._done(drone, flight))
        if stay_s < call.on_scene_s - 1.0:
            due_s = max(self._now_s, done_s - RELIEF_S)
            by_s = max(0.0, done_s - due_s - THERE_S)
            rest = replace(call, on_scene_s=call.on_scene_s - stay_s, by_s=by_s)
            self._at(due_s, lambda: self._ends(drone, flight, rest, answered))
        self._follow(drone, flight)

    def _take_from(self, drone: DayDrone, in_s: float = 0.0) -> None:
        """Ask anew for a drone for the call that one leaves: for another call, or what is closed."""
        index = int(drone.call)
        left, answered = drone.scene_until_s - self._now_s - in_s, self.measured.calls[index]
        rest = self._wanted(index, left)
        if answered.overhead_s is None:
            self._at(self._now_s + in_s + 1.0, lambda: self._call(index))
        elif left > rest.min_stay_s:
            self._at(self._now_s + in_s + 1.0, lambda: self._relieve(rest, answered))

    def _overhead(self, drone: DayDrone, flight: Flight, answered: Answered) -> None:
        if drone.flight is flight and answered.overhead_s is None:
            answered.overhead_s, answered.drone = self._now_s, drone.drone.id

    def _done(self, drone: DayDrone, flight: Flight) -> None:
        if drone.flight is flight:
            drone.doing, drone.priority, drone.call = Doing.RETURNING, 0, ""
            self._clear(drone)

    # closures and faults

    def _close(self, closing: Closing) -> None:
        """Close airspace for a while: who is on a way through it leaves that at once."""
        self._sky.close(closing)
        self._at(closing.until_s, lambda: self._sky.reopen(closing))
        self.measured.closures += 1
        for drone in self.fleet.values():
            self._clear(drone)

    def _clear(self, drone: DayDrone) -> None:
        """Divert a drone whose way is closed; its way home from a call is looked at when it begins."""
        until_s = drone.scene_until_s if drone.doing is Doing.RESPONSE else math.inf
        if drone.flight is not None and self._sky.shuts(drone.flight, self._now_s, until_s):
            self._divert(drone, drone.flight)

    def _divert(self, drone: DayDrone, flight: Flight) -> None:
        """Send a drone home around what is closed; one that has not left stays where it is."""
        self.measured.diverted += 1
        out_s, wind = self._now_s, self._conditions.wind(self._now_s)
        self._book(drone, flight)
        if self._now_s < drone.airborne_s:
            drone.stay(self._now_s)
            self.measured.sorties -= 1
        else:
            home, out_s = self._sky.home(flight, self._now_s, drone.model, wind)
            drone.fly(home, self._now_s, Doing.RETURNING, self._now_s)
            self._follow(drone, home)
        if drone.call:
            self._take_from(drone, out_s - self._now_s)
        drone.sortie, drone.priority, drone.call = None, 0, ""

    def _break(self, fault: Fault) -> None:
        """Ground a drone; one in the air when it is back."""
        drone = self.fleet[fault.drone]
        if drone.flight is not None:
            self._at(drone.flight.end_s + 1.0, lambda: self._break(fault))
            return
        drone.fault = "needs a person"
        self.measured.faults += 1
        self._at(self._now_s + fault.lasts_s, lambda: setattr(drone, "fault", ""))
