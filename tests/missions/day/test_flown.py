"""A sortie on the clock takes what its own plan says, and is where that says."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point as Place

from missions.builder import Builder
from missions.day.flown import Course, Flight, flown
from missions.energy import CALM, Point, PowerModel, Wind
from missions.ground import Ground
from missions.sortie import Sortie

Make = Callable[..., Any]
QUICK = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


def patrol(ground: Ground, cells: list[int], wind: Wind) -> tuple[Sortie, PowerModel]:
    builder = Builder(ground, ground.drones["v0"], ground.layers[1], 100, wind)
    draft = builder.start()
    for cell in cells:
        draft = builder.survey(draft, cell)
    return builder.finish(builder.home(draft), "s", "patrol"), builder.model


@QUICK
@given(
    st.lists(st.integers(0, 24), min_size=1, max_size=3, unique=True),
    st.sampled_from([CALM, Wind(4.0, 90.0), Wind(7.0, 200.0)]),
    st.floats(0, 60),
)
def test_it_takes_what_the_sortie_says(
    town: Make, cells: list[int], wind: Wind, wait: float
) -> None:
    ground = town(1)
    sortie, model = patrol(ground, cells, wind)
    flight = flown(sortie, ground.frame, 1000.0, wait, model, wind)
    assert (flight.start_s, flight.dock) == (1000.0, "k0")
    # waypoints are kept to the centimetre
    assert flight.end_s - 1000.0 - wait == pytest.approx(sortie.energy.duration_s, rel=1e-3)
    assert flight.marks[-1].spent_wh == pytest.approx(sortie.energy.needed_wh, rel=1e-3)
    assert [cell for _, cell in flight.seen] == list(sortie.cells)
    assert flight.left(1000.0) == sortie.cells
    assert flight.left(flight.end_s) == ()


def test_cells_are_seen_where_they_are(town: Make) -> None:
    ground = town(1)
    sortie, model = patrol(ground, [3, 9, 17], CALM)
    flight = flown(sortie, ground.frame, 0.0, 20.0, model, CALM)
    times = [at for at, _ in flight.seen]
    assert times == sorted(times)
    for at, cell in flight.seen:
        here = flight.at(at).place
        shape = ground.cells[ground.index[cell]].shape
        assert shape.distance(Place(here.east, here.north)) < 60
        assert flight.left(at - 0.1)[0] == cell


@QUICK
@given(st.floats(0, 1))
def test_between_its_moments(town: Make, part: float) -> None:
    ground = town(1)
    sortie, model = patrol(ground, [3], CALM)
    flight = flown(sortie, ground.frame, 50.0, 20.0, model, CALM)
    pad = ground.places["k0"]
    at = 50.0 + part * (flight.end_s - 50.0)
    here = flight.at(at)
    assert here.at_s == pytest.approx(at)
    later = flight.at(at + 5.0)
    assert later.spent_wh >= here.spent_wh
    moved = Place(here.place.east, here.place.north).distance(
        Place(later.place.east, later.place.north)
    )
    assert moved <= 5.0 * ground.drones["v0"].cruise_m_s + 0.1
    assert flight.at(0.0) == flight.marks[0]
    assert flight.at(1e9) == flight.marks[-1]
    for end in (flight.at(60.0), flight.at(flight.end_s)):
        assert (end.place.east, end.place.north) == pytest.approx(pad, abs=0.1)
        assert end.place.altitude_m == 0.0
    ahead = flight.ahead(at)
    assert ahead.end_s <= flight.end_s - at + 1.0
    if here.place.altitude_m > 0:
        assert ahead.at(0.0) == pytest.approx(
            (here.place.east, here.place.north, here.place.altitude_m)
        )


def test_a_course_step_by_step() -> None:
    model = PowerModel(capacity_wh=100.0, hover_w=300.0, cruise_w=280.0, cruise_m_s=10.0)
    course = Course(10.0, Point(0.0, 0.0, 0.0), model, CALM)
    course.wait(20.0)
    assert (course.here.at_s, course.here.spent_wh) == (30.0, 0.0)
    course.wait(36.0, 300.0)
    assert (course.here.at_s, course.here.spent_wh) == (66.0, pytest.approx(3.0))
    course.go(Point(0.0, 0.0, 40.0, hold_s=12.0), 10.0)
    course.go(Point(600.0, 0.0, 40.0), 10.0)
    course.see("a")
    course.land()
    flight = course.flight("k1")
    assert isinstance(flight, Flight)
    assert flight.dock == "k1"
    assert flight.seen == [(flight.marks[-2].at_s, "a")]
    assert all(a.at_s <= b.at_s and a.spent_wh <= b.spent_wh for a, b in pairwise(flight.marks))
    hold = [(a, b) for a, b in pairwise(flight.marks) if b.at_s - a.at_s == pytest.approx(12.0)]
    assert len(hold) == 1
    assert hold[0][0].place == hold[0][1].place


def test_it_ends_where_the_sortie_does(town: Make) -> None:
    ground = town(2)
    builder = Builder(ground, ground.drones["v0"], ground.layers[0], 100, CALM)
    draft = builder.survey(builder.start(), 3)
    sortie = builder.finish(builder.home(draft), "s", "patrol", "k1")
    flight = flown(sortie, ground.frame, 0.0, 0.0, builder.model, CALM)
    assert flight.dock == "k1"
