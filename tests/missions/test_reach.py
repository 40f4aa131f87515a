"""Which docks are reached, which is the best, how long a drone may stay: against brute force."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from missions.city import City
from missions.energy import (
    CALM,
    Point,
    PowerModel,
    Wind,
    come_home_cost,
    landing_cost,
    step_cost,
    way_home_cost,
)
from missions.errors import PlanError
from missions.geo import LocalFrame
from missions.ground import ground_of
from missions.reach import (
    Reserves,
    Way,
    best_dock,
    homes,
    keep_percent,
    reachable,
    stay_s,
    straight,
)
from missions.sortie import Waypoint
from missions.ways import Place

MODEL = PowerModel(hover_w=420, cruise_w=380, cruise_m_s=12, capacity_wh=274)
COORDINATES = st.floats(-6000, 6000)
PLACES = st.tuples(COORDINATES, COORDINATES)
DOCKS = st.dictionaries(st.sampled_from("abcdefgh"), PLACES, min_size=1)
HERE = st.builds(Point, COORDINATES, COORDINATES, st.floats(0, 120))
WINDS = st.builds(Wind, st.floats(0, 10.5), st.one_of(st.none(), st.floats(0, 360)))
HAS = st.builds(Reserves, st.floats(0, 100), st.floats(5, 40))


def bent(start: Place, goal: Place, _: float) -> Sequence[Place]:
    """A way with a corner, and none at all to where the sum of metres is odd."""
    if int(abs(goal[0]) + abs(goal[1])) % 2:
        raise PlanError("there is no way")
    return start, ((start[0] + goal[0]) / 2 + 300, (start[1] + goal[1]) / 2), goal


def by_brute_force(
    here: Point, docks: dict[str, Place], wind: Wind, altitude: float, way: Way
) -> list[tuple[float, str]]:
    found = []
    height = max(altitude, here.altitude_m)
    for name, dock in docks.items():
        start = (here.east, here.north)
        try:
            path = way(start, dock, height)
            cost = step_cost(here, Point(*start, height), 12, MODEL, wind)
            for a, b in pairwise(path):
                cost += step_cost(Point(*a, height), Point(*b, height), 12, MODEL, wind)
        except PlanError:
            continue
        cost += landing_cost(height, MODEL, wind)
        found.append((cost.energy_wh, name))
    return sorted(found)


@given(HERE, DOCKS, WINDS, st.floats(0, 120), HAS, st.sampled_from([straight, bent]))
def test_what_is_reached_is_what_brute_force_finds(
    here: Point,
    docks: dict[str, Place],
    wind: Wind,
    altitude: float,
    has: Reserves,
    way: Way,
) -> None:
    expected = by_brute_force(here, docks, wind, altitude, way)
    found = list(homes(here, docks, MODEL, wind, altitude_m=altitude, way=way))
    assert [home.dock for home in found] == [name for _, name in expected]
    assert [h.cost.energy_wh for h in found] == pytest.approx([wh for wh, _ in expected])
    kept = [name for wh, name in expected if wh <= has.spare_wh(MODEL)]
    reached = reachable(here, docks, MODEL, has, wind, altitude_m=altitude, way=way)
    assert [home.dock for home in reached] == kept
    if kept:
        best = best_dock(here, docks, MODEL, has, wind, altitude_m=altitude, way=way)
        assert best == reached[0]
    else:
        with pytest.raises(PlanError) as error:
            best_dock(here, docks, MODEL, has, wind, altitude_m=altitude, way=way)
        assert error.value.constraint == ("energy" if expected else "reach")


@given(HERE, DOCKS, WINDS, HAS)
def test_who_stays_as_long_as_it_may_lands_with_the_reserve(
    here: Point, docks: dict[str, Place], wind: Wind, has: Reserves
) -> None:
    reached = reachable(here, docks, MODEL, has, wind, altitude_m=60)
    assume(reached)
    home = reached[0]
    stays_s = stay_s(home, MODEL, has, wind)
    hovering_wh = stays_s * MODEL.still_w(wind) / 3600
    left_wh = has.battery_percent / 100 * MODEL.capacity_wh - hovering_wh
    assert 100 * left_wh / MODEL.capacity_wh == pytest.approx(
        keep_percent(home, MODEL, has.reserve_percent)
    )
    landed_wh = left_wh - home.cost.energy_wh
    assert 100 * landed_wh / MODEL.capacity_wh == pytest.approx(has.reserve_percent)


@given(HERE, DOCKS, PLACES, WINDS, HAS)
def test_one_more_dock_is_never_a_loss(
    here: Point,
    docks: dict[str, Place],
    more: Place,
    wind: Wind,
    has: Reserves,
) -> None:
    few = reachable(here, docks, MODEL, has, wind)
    many = reachable(here, docks | {"more": more}, MODEL, has, wind)
    assert {home.dock for home in few} <= {home.dock for home in many}
    if few:
        assert stay_s(many[0], MODEL, has, wind) >= stay_s(few[0], MODEL, has, wind)


@given(HERE, PLACES, st.floats(0, 9), st.floats(0, 2), st.floats(0, 100))
def test_more_wind_and_less_battery_never_let_it_stay_longer(
    here: Point, dock: Place, wind: float, more: float, percent: float
) -> None:
    def stays_s(wind: float, percent: float) -> float:
        blows, has = Wind(wind), Reserves(percent, 20)
        found = reachable(here, {"d": dock}, MODEL, has, blows)
        return stay_s(found[0], MODEL, has, blows) if found else -1.0

    assert stays_s(wind + more, percent) <= stays_s(wind, percent) + 1e-6
    assert stays_s(wind, percent / 2) <= stays_s(wind, percent) + 1e-6


def test_a_dock_down_the_wind_is_better_than_a_nearer_one_against_it() -> None:
    docks = {"near": (0.0, 2000.0), "far": (0.0, -2400.0)}
    has = Reserves(90, 20)
    calm = best_dock(Point(0, 0, 60), docks, MODEL, has)
    windy = best_dock(Point(0, 0, 60), docks, MODEL, has, Wind(8, from_deg=0))
    assert (calm.dock, windy.dock) == ("near", "far")


def test_it_is_what_coming_home_in_degrees_takes() -> None:
    home = (117.65, 24.50)
    lon, lat = LocalFrame(*home).to_lonlat(-900, 400)
    cost = come_home_cost(Waypoint(lon, lat, 20), home, 60, MODEL, Wind(5, 30))
    found = next(homes(Point(-900, 400, 20), {"d": (0, 0)}, MODEL, Wind(5, 30), altitude_m=60))
    assert found.cost.energy_wh == pytest.approx(cost.energy_wh, rel=1e-6)
    assert found.altitude_m == 60
    assert found.way == ((-900, 400), (0, 0))


def test_ways_go_round_what_is_closed(small: City) -> None:
    ground = ground_of(small)
    dock = small.docks[0]
    place = ground.places[dock.id]
    here = Point(place[0] + 500, place[1], 60)
    found = next(homes(here, ground.places, MODEL, CALM, altitude_m=60, way=ground.airspace.route))
    path = ground.airspace.route((here.east, here.north), ground.places[found.dock], 60)
    assert found.way == tuple(path)
    assert found.cost == way_home_cost(here, path, 60, MODEL)


def test_words_say_what_is_asked_and_what_there_is() -> None:
    here, docks = Point(0, 0, 60), {"d1": (5000.0, 0.0)}
    with pytest.raises(PlanError, match=r"home to d1, .* takes 5\d Wh; above a reserve of 20 %"):
        best_dock(here, docks, MODEL, Reserves(30, 20))
    with pytest.raises(PlanError, match="no way home to a dock: none can take it"):
        best_dock(here, {}, MODEL, Reserves(30, 20))
    assert math.isclose(keep_percent(next(homes(here, docks, MODEL)), MODEL, 20), 39, abs_tol=3)
