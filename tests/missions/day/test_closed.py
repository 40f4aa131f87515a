"""Airspace that is closed while drones fly: who is on a way through it leaves, and nobody enters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon, box

from missions.city import Zone
from missions.day.closed import Sky
from missions.day.conditions import Closing
from missions.day.drone import DayDrone
from missions.day.flown import Course, Flight
from missions.day.patrolling import Greedy
from missions.day.responding import Responder
from missions.day.run import DayRun
from missions.day.simulate import NAMES, Name, run_day
from missions.day.view import View
from missions.energy import Point as Metre
from missions.energy import PowerModel, Wind
from missions.ground import Ground
from missions.picture import Doing
from missions.responder import Call, Response
from missions.zones import MARGIN_M, Closed

Make = Callable[..., Any]
HOURS = 1.0
OUT_S = 60.0
"""Out of the middle of a closure against the wind."""
SLOW = settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Flown:
    """What was flown, by drone, and what was closed."""

    def __init__(self) -> None:
        self.flights = defaultdict[str, list[tuple[float, Flight | None]]](list)
        self.closings: list[Closing] = []

    def inside(self, drone: str, closed: Closed, times: np.ndarray[Any, Any]) -> list[bool]:
        """Say for each time whether a drone is within; it is not while it stands in its dock."""
        flights, found, index = self.flights[drone], [], -1
        for at in times.tolist():
            while index + 1 < len(flights) and flights[index + 1][0] <= at:
                index += 1
            flight = flights[index][1] if index >= 0 else None
            place = None if flight is None else flight.at(at).place
            found.append(
                place is not None and closed.holds((place.east, place.north, place.altitude_m))
            )
        return found


@pytest.fixture
def flown(monkeypatch: pytest.MonkeyPatch) -> Iterator[Flown]:
    """Keep what is flown and what is closed."""
    kept, fly, stay, close = Flown(), DayDrone.fly, DayDrone.stay, Sky.close

    def flies(self: DayDrone, flight: Flight, now_s: float, doing: Doing, at_s: float) -> None:
        kept.flights[self.drone.id].append((now_s, flight))
        fly(self, flight, now_s, doing, at_s)

    def stays(self: DayDrone, now_s: float) -> None:
        kept.flights[self.drone.id].append((now_s, None))
        stay(self, now_s)

    def closes(self: Sky, one: Closing) -> None:
        kept.closings.append(one)
        close(self, one)

    monkeypatch.setattr(DayDrone, "fly", flies)
    monkeypatch.setattr(DayDrone, "stay", stays)
    monkeypatch.setattr(Sky, "close", closes)
    return kept


def closing(ground: Ground, at_s: float, area: Polygon, lasts_s: float = 1800.0) -> Closing:
    zone = Zone(id=f"closure-{at_s:g}", kind="no_fly", area=ground.frame.ring(area))
    return Closing(at_s, zone, lasts_s)


@SLOW
@given(st.integers(0, 10_000), st.sampled_from(NAMES))
def test_nobody_is_within_a_closure_but_on_the_way_out(
    town: Make, flown: Flown, seed: int, name: Name
) -> None:
    ground = town(1)
    flown.flights.clear()
    flown.closings.clear()
    measured = run_day(ground.city, HOURS / 24.0, seed, name, iterations=2, closures_a_day=100.0)
    assert measured.closures == len(flown.closings)
    for one in flown.closings:
        closed = Closed.of(one.zone, ground.frame, 0.0)
        for drone in ground.drones:
            times = np.arange(one.at_s + 0.01, one.until_s, 1.0)
            within = flown.inside(drone, closed, times)
            leaves = within.index(False)
            assert leaves <= OUT_S, (drone, one)
            assert not any(within[leaves:]), (drone, one)


class Seen:
    """Somebody's patrols, with what was known at each moment."""

    def __init__(self, patrols: Any) -> None:
        self.views: list[View] = []
        self._patrols = patrols

    def leaving(self, view: View) -> Any:
        self.views.append(view)
        return self._patrols.leaving(view)

    def at(self, now_s: float) -> View:
        return next(view for view in self.views if view.now_s >= now_s)


class Heard:
    """The responder, with what it said."""

    def __init__(self) -> None:
        self.told: list[tuple[float, Response]] = []

    def respond(self, call: Call, view: View) -> Response:
        answer = Responder().respond(call, view)
        self.told.append((view.now_s, answer))
        return answer


def where(view: View, drone: str) -> Any:
    return next(d for d in view.fleet if d.id == drone)


def test_a_patrol_through_it_comes_home_and_leaves_its_cells(town: Make, day: Make) -> None:
    ground = town(1)
    before = Seen(Greedy(ground, 1))
    day(ground, patrolling=before, hours=0.3).run()
    due = next(v for v in before.views if any(d.doing is Doing.PATROL for d in v.fleet))
    drone = next(d for d in due.fleet if d.doing is Doing.PATROL)
    ahead = [ground.cells[ground.index[cell]] for cell in drone.left]
    last = ahead[-1].shape  # not where it is now: all before it would have been free
    assert last.distance(Polygon(box(600, 600, 800, 800))) > 40
    one = closing(ground, due.now_s + 1.0, last.buffer(20.0).envelope)
    seen = Seen(Greedy(ground, 1))
    measured = day(ground, patrolling=seen, closures=[one], hours=0.3).run()
    after = where(seen.at(due.now_s + 20.0), drone.id)
    assert (measured.closures, measured.diverted) == (1, 1)
    assert (after.doing, after.left, after.sortie) == (Doing.RETURNING, (), None)
    later = [where(view, drone.id) for view in seen.views if view.now_s > after.ends_in_s]
    assert Doing.DOCKED in {d.doing for d in later}
    assert not any(ahead[-1].id in d.left for d in later)  # nor does a plan after it fly there


def test_who_is_within_goes_out_by_the_shortest_way(town: Make, day: Make, call: Make) -> None:
    ground = town(1)
    seen = Seen(Greedy(ground, 0))
    calls = [call(ground, 10, (250.0, 1200.0))]
    area = box(150, 1000, 350, 1400)
    run: DayRun = day(
        ground, calls, patrolling=seen, closures=[closing(ground, 301, area)], hours=0.3
    )
    measured = run.run()
    drone = measured.calls[0].drone
    assert area.contains(_at(seen.at(300), drone))
    out = _at(seen.at(320), drone)
    assert not area.buffer(MARGIN_M).contains(out)
    assert measured.diverted == 1


def test_a_call_whose_place_is_closed_is_watched_from_beside_it(
    town: Make, day: Make, call: Make
) -> None:
    ground, heard = town(1), Heard()
    place, area = (250.0, 1200.0), box(150, 1000, 350, 1400)
    calls = [call(ground, 10, place)]
    one = closing(ground, 301, area)
    measured = day(ground, calls, responding=heard, closures=[one], hours=0.3).run()
    (_, first), (at, second) = heard.told
    assert first.off_m == 0.0
    assert 301 < at < 301 + OUT_S
    assert second.picks[0].drone == measured.calls[0].drone  # it is nearest
    assert MARGIN_M <= area.distance(Point(second.place)) < MARGIN_M + 3.0
    assert second.off_m == pytest.approx(100.0 + MARGIN_M, abs=3.0)
    left_s = 10 + first.picks[0].eta_s + 600 - at
    assert second.call.on_scene_s == pytest.approx(left_s, abs=15)


def test_one_that_has_not_left_stays(town: Make, day: Make, call: Make) -> None:
    ground, heard = town(1), Heard()
    calls = [call(ground, 10, (250.0, 1200.0))]
    one = closing(ground, 12, box(150, 1000, 350, 1400))
    seen = Seen(Greedy(ground, 0))
    run = day(ground, calls, patrolling=seen, responding=heard, closures=[one], hours=0.3)
    measured = run.run()
    (_, first), (at, second) = heard.told
    assert (measured.diverted, measured.sorties) == (1, 1)
    assert at == pytest.approx(13.0)
    assert first.off_m == 0.0
    assert second.off_m > 100.0
    assert measured.calls[0].took_s < 120


def test_a_way_home_that_was_closed_meanwhile_leads_around(
    town: Make, day: Make, call: Make, flown: Flown
) -> None:
    """The place of the call stays open: the drone watches as long as before."""
    ground, place = town(1), (200.0, 1300.0)
    area = box(300, 950, 500, 1150)  # between it and the dock
    one = closing(ground, 301, area)
    measured = day(ground, [call(ground, 10, place)], closures=[one], hours=0.5).run()
    drone = measured.calls[0].drone
    (_, first), (done_s, second) = flown.flights[drone]
    assert first is not None
    assert second is not None
    assert done_s > 610  # ten minutes over it
    closed = Closed.of(one.zone, ground.frame, 0.0)
    times = np.arange(one.at_s, one.until_s, 1.0)
    assert not any(flown.inside(drone, closed, times))
    assert second.end_s > first.end_s
    assert measured.diverted == 1
    assert measured.reliefs == 0


def test_it_is_open_again_afterwards(town: Make, day: Make, call: Make) -> None:
    ground, heard = town(1), Heard()
    place, area = (250.0, 1200.0), box(150, 1000, 350, 1400)
    calls = [call(ground, at, place, 5, 120.0) for at in (110, 1000)]
    one = closing(ground, 100, area, 800.0)
    measured = day(ground, calls, responding=heard, closures=[one], hours=0.5).run()
    first, second = (response for _, response in heard.told)
    assert first.off_m > 100.0
    assert second.off_m == 0.0
    assert (measured.closures, measured.diverted) == (1, 0)


def _at(view: View, drone: str) -> Point:
    return Point(where(view, drone).place)


def test_who_waits_beside_its_closed_dock_spends_what_it_takes_to_stay_in_the_air(
    town: Make,
) -> None:
    ground, now_s, opens_s = town(1), 100.0, 700.0
    east, north = ground.places["k0"]
    drone = ground.drones["v0"]
    model, wind = PowerModel.of(drone), Wind(4.0)
    course = Course(now_s - 10.0, Metre(east - 500.0, north, 60.0), model, wind)
    course.go(Metre(east, north, 60.0), model.cruise_m_s)
    course.land()
    sky = Sky(ground)
    sky.close(closing(ground, now_s, Point(east, north).buffer(100.0).envelope, opens_s - now_s))
    home, out_s = sky.home(course.flight("k0"), now_s, model, wind)
    assert out_s == now_s  # it is outside
    assert home.end_s > opens_s
    waits_wh = model.still_w(wind) * (opens_s - now_s) / 3600.0
    assert home.at(opens_s).spent_wh == pytest.approx(waits_wh)
    assert home.marks[-1].spent_wh > waits_wh
