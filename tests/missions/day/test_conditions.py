"""Wind, faults and closures of a day: from the seed alone."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from shapely.geometry import Point

from missions.airspace import APART_M
from missions.cells import city_frame
from missions.city import City
from missions.day.conditions import (
    CLOSED_M,
    CLOSED_S,
    DAY_S,
    HOUR_S,
    Conditions,
    draw_conditions,
)
from missions.energy import Wind
from missions.zones import Closed


def draw(city: City, seed: int, days: float = 1.0, **more: float) -> Conditions:
    return draw_conditions(city, np.random.default_rng(seed), days, **more)


def test_the_same_seed_brings_the_same(small: City) -> None:
    assert draw(small, 3, 2.5) == draw(small, 3, 2.5)
    assert draw(small, 3).winds != draw(small, 4).winds


def test_wind_changes_its_side_each_hour(small: City) -> None:
    found = draw(small, 1, 2.0, wind_m_s=6.0)
    assert len(found.winds) == 48
    assert {wind.speed_m_s for wind in found.winds} == {6.0}
    sides = np.array([wind.from_deg for wind in found.winds])
    assert ((sides >= 0) & (sides < 360)).all()
    assert {int(side // 90) for side in sides} == {0, 1, 2, 3}
    assert found.wind(0.0) == found.winds[0]
    assert found.wind(HOUR_S - 1) == found.winds[0]
    assert found.wind(HOUR_S) == found.winds[1]
    assert found.wind(1e9) == found.winds[-1]


@pytest.mark.parametrize("days", [0.01, 1 / 24])
def test_a_short_run_has_wind_too(small: City, days: float) -> None:
    assert len(draw(small, 1, days).winds) == 1


def test_faults_come_in_order_to_drones_that_there_are(small: City) -> None:
    found = draw(small, 2, 100.0, faults_a_day=2.0).faults
    assert len(found) == pytest.approx(200, abs=60)
    times = [fault.at_s for fault in found]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] <= 100 * DAY_S
    assert {fault.drone for fault in found} == {"one", "two"}
    assert draw(small, 2, 100.0, faults_a_day=0.0).faults == ()


def test_closures_come_in_order_and_change_nothing_else(reference: City) -> None:
    many = draw(reference, 2, 100.0)
    none = draw(reference, 2, 100.0, closures_a_day=0.0)
    assert (many.winds, many.faults) == (none.winds, none.faults)
    assert none.closures == ()
    assert draw(reference, 2, 100.0).closures == many.closures
    assert len(many.closures) == pytest.approx(300, abs=4 * 300**0.5)
    times = [one.at_s for one in many.closures]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] <= 100 * DAY_S


def test_what_is_closed_is_as_large_and_lasts_as_long_as_is_said(reference: City) -> None:
    frame = city_frame(reference)
    docks = [Point(frame.to_enu(*dock.position)) for dock in reference.docks]
    shapes = set()
    for one in draw(reference, 3, 100.0).closures:
        assert CLOSED_S[0] <= one.lasts_s <= CLOSED_S[1]
        assert one.until_s == one.at_s + one.lasts_s
        closed = Closed.of(one.zone, frame, reference.city.elevation_m)
        assert closed.reaches(0.0, 500.0)
        corners = list(closed.area.minimum_rotated_rectangle.exterior.coords)
        sides = [math.dist(a, b) for a, b in pairwise(corners)]
        assert min(sides) > CLOSED_M[0] - 6.0  # a circle has corners
        assert max(sides) < CLOSED_M[1] + 1.0
        shapes.add(len(one.zone.area))
        assert all(closed.wide.distance(dock) > APART_M - 1.0 for dock in docks)
    assert shapes == {4, 12}


def test_nothing_is_closed_where_docks_are_everywhere(small: City) -> None:
    dock = small.docks[0]
    frame = city_frame(small)
    grid = [frame.to_lonlat(100.0 * x, 100.0 * y) for x in range(-6, 7) for y in range(-6, 7)]
    docks = [
        dock.model_copy(update={"id": f"k{n}", "position": tuple(p)}) for n, p in enumerate(grid)
    ]
    full = small.model_copy(update={"docks": tuple(docks)})
    assert draw(full, 1, 1.0, closures_a_day=5.0).closures == ()


def test_wind_may_be_said() -> None:
    assert Conditions((Wind(1.0, 2.0),)).wind(5.0) == Wind(1.0, 2.0)
