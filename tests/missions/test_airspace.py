"""Ways around no-fly zones, fences, layers, and drones that keep apart."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, Polygon

from missions.airspace import (
    APART_M,
    FENCE_POINTS,
    LAYER_M,
    OUT_M,
    Airspace,
    layers,
)
from missions.city import City, Zone
from missions.errors import PlanError
from missions.geo import LocalFrame
from missions.zones import MARGIN_M


def zone(frame: LocalFrame, name: str, ring: list[tuple[float, float]], **more: object) -> Zone:
    area = [tuple(frame.to_lonlat(*p)) for p in ring]
    return Zone.model_validate({"id": name, "kind": "no_fly", "area": area, **more})


def ngon(x: float, y: float, radius: float, corners: int = 8) -> list[tuple[float, float]]:
    steps = [2 * math.pi * i / corners for i in range(corners)]
    return [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in steps]


@pytest.fixture(scope="session")
def frame(small: City) -> LocalFrame:
    return LocalFrame(*small.city.origin)


def space(city: City, *zones: Zone) -> Airspace:
    return Airspace.of(city.model_copy(update={"zones": zones}))


def test_layers_go_up_by_15_m_to_the_ceiling() -> None:
    assert layers(120) == (40, 55, 70, 85, 100, 115)
    assert layers(40) == (40,)
    assert layers(30) == (30,)
    assert layers(120, first_m=60) == (60, 75, 90, 105, 120)


def test_a_free_way_is_straight(small: City, frame: LocalFrame) -> None:
    air = space(small, zone(frame, "z", ngon(0, 0, 100)))
    assert air.route((-500, 300), (500, 300), 40) == ((-500, 300), (500, 300))


def test_a_way_across_a_zone_goes_around_it_and_not_far(small: City, frame: LocalFrame) -> None:
    air = space(small, zone(frame, "z", ngon(0, 0, 100)))
    way = air.route((-500, 0), (500, 0), 40)
    assert len(way) > 2
    line = LineString(way)
    assert line.distance(Polygon(ngon(0, 0, 100))) > MARGIN_M * 0.9
    assert line.length < 1000 * 1.1
    air.check([(x, y, 40) for x, y in way])


@settings(max_examples=40, deadline=None)
@given(
    centres=st.lists(
        st.tuples(st.floats(-800, 800), st.floats(-800, 800), st.floats(40, 250)),
        min_size=1,
        max_size=5,
    ),
    start=st.tuples(st.floats(-1500, 1500), st.floats(-1500, 1500)),
    goal=st.tuples(st.floats(-1500, 1500), st.floats(-1500, 1500)),
)
def test_a_way_never_crosses_a_zone_or_is_refused(
    small: City,
    frame: LocalFrame,
    centres: list[tuple[float, float, float]],
    start: tuple[float, float],
    goal: tuple[float, float],
) -> None:
    shapes = [Polygon(ngon(*c)) for c in centres]
    assume(start != goal)
    air = space(small, *(zone(frame, f"z{i}", ngon(*c)) for i, c in enumerate(centres)))
    closed = air.closed_at(40)
    ends = [Point(start), Point(goal)]
    if any(closed.buffer(-0.1).covers(end) for end in ends):
        with pytest.raises(PlanError, match="no-fly zones z0"):
            air.route(start, goal, 40)
        return
    assume(not any(shapely.convex_hull(closed).covers(end) for end in ends))
    way = air.route(start, goal, 40)
    assert (way[0], way[-1]) == (start, goal)
    for a, b in pairwise(way):
        assert not any(shape.intersects(LineString([a, b])) for shape in shapes)


def test_a_goal_inside_a_zone_is_refused_by_the_zone_s_name(small: City, frame: LocalFrame) -> None:
    air = space(small, zone(frame, "helipad", ngon(0, 0, 100)))
    with pytest.raises(PlanError, match="helipad"):
        air.route((-500, 0), (0, 0), 40)
    with pytest.raises(PlanError, match="above the ceiling of 100 m"):
        air.route((-500, 0), (500, 0), 101)


def test_a_zone_may_be_flown_under(small: City, frame: LocalFrame) -> None:
    air = space(small, zone(frame, "z", ngon(0, 0, 100), floor_m=80))
    assert len(air.route((-500, 60), (500, 60), 40)) == 2
    assert len(air.route((-500, 60), (500, 60), 85)) > 2
    half = LAYER_M / 2
    assert len(air.route((-500, 60), (500, 60), 80 - half)) == 2
    assert len(air.route((-500, 60), (500, 60), 80 - half + 0.1)) > 2, "half a layer is kept"


def test_nobody_climbs_or_sinks_into_a_zone(small: City, frame: LocalFrame) -> None:
    air = space(small, zone(frame, "z", ngon(0, 0, 100), floor_m=30, ceiling_m=60))
    for low, high in ((20, 40), (20, 80), (40, 80)):
        for path in ([(0, 0, low), (0, 0, high)], [(-500, 0, low), (500, 0, high)]):
            for way in (path, path[::-1]):
                with pytest.raises(PlanError, match="crosses no-fly zone 'z'"):
                    air.check(way)
    air.check([(-500, 0, 20), (500, 0, 30)])
    air.check([(500, 0, 60), (-500, 0, 80)])


def test_a_zone_less_than_a_layer_above_is_left_out_of_the_fence(
    small: City, frame: LocalFrame
) -> None:
    air = space(small, zone(frame, "z", ngon(0, 0, 100), floor_m=50))
    points = [(-300.0, 0.0), (300.0, 0.0)]
    assert len(air.fence(points, 50 - LAYER_M + 0.1)[1]) == 1
    assert air.fence(points, 50 - LAYER_M)[1] == ()


def test_a_way_goes_around_a_dock_s_column_but_for_its_own(small: City, frame: LocalFrame) -> None:
    air = space(small)
    (dock,) = (frame.to_enu(*d.position) for d in small.docks)
    way = LineString(air.route((-500, 5), (500, 5), 40))
    assert APART_M - 0.1 <= way.distance(Point(dock)) < APART_M + 4
    assert air.route(dock, (500, 5), 40) == (dock, (500, 5))


def test_a_path_is_held_against_ceiling_zone_and_fence(small: City, frame: LocalFrame) -> None:
    edge = zone(frame, "edge", ngon(0, 0, 1000), kind="fence")
    air = space(small, zone(frame, "z", ngon(0, 0, 100)), edge)
    air.check([(-500, 200, 40), (500, 200, 40)])
    for path, said in (
        ([(-500, 200, 40), (500, 200, 101)], "at 101 m; allowed are 0 to 100 m"),
        ([(-500, 0, 40), (500, 0, 40)], "crosses no-fly zone 'z'"),
        ([(-500, 200, 40), (1500, 200, 40)], "leaves the city's fence"),
    ):
        with pytest.raises(PlanError, match=said):
            air.check(path)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-3000, 3000), st.floats(-3000, 3000)), min_size=1, max_size=80))
def test_a_fence_holds_every_point_with_room_and_few_corners(
    small: City, frame: LocalFrame, points: list[tuple[float, float]]
) -> None:
    ring, exclusions = space(small).fence(points, 40)
    assert 3 <= len(ring) <= FENCE_POINTS
    assert exclusions == ()
    area = Polygon([frame.to_enu(*p) for p in ring])
    assert area.is_valid
    for point in points:
        assert area.contains(Point(point))
        assert area.exterior.distance(Point(point)) > 50


def test_a_fence_stays_in_the_city_s_and_excludes_zones_within(
    small: City, frame: LocalFrame
) -> None:
    inner = zone(frame, "in", ngon(0, 0, 50))
    outer = zone(frame, "out", ngon(5000, 0, 50))
    high = zone(frame, "high", ngon(100, 100, 50), floor_m=90)
    edge = zone(frame, "edge", ngon(0, 0, 900), kind="fence")
    air = space(small, inner, outer, high, edge)
    ring, exclusions = air.fence([(-800, 0), (400, 300), (400, -300)], 40)
    (excluded,) = exclusions
    assert Polygon([frame.to_enu(*p) for p in excluded]).centroid.distance(Point(0, 0)) < 1
    assert Polygon(ngon(0, 0, 900.01)).covers(Polygon([frame.to_enu(*p) for p in ring]))
    with pytest.raises(PlanError, match="city's fence"):
        air.fence([(-1000, 0), (400, 300)], 40)


def test_too_many_corners_are_refused(small: City, frame: LocalFrame) -> None:
    around = [(0, 0), (0, 250), (0, -250), (300, 0)]
    air = space(
        small, *(zone(frame, f"z{i}", ngon(x, y, 99, 16)) for i, (x, y) in enumerate(around))
    )
    with pytest.raises(PlanError, match="a vehicle holds 64"):
        air.fence([(-800, 0), (800, 300), (800, -300)], 40)


def test_a_round_zone_is_fenced_by_a_plainer_ring(small: City, frame: LocalFrame) -> None:
    air = space(small, zone(frame, "round", ngon(0, 0, 100, 60)))
    ring, (excluded,) = air.fence([(-800, 0), (800, 300), (800, -300)], 40)
    assert len(ring) + len(excluded) <= 32
    fenced = Polygon([frame.to_enu(*p) for p in excluded])
    assert fenced.covers(Polygon(ngon(0, 0, 99.99, 60)))
    assert Point(0, 0).buffer(100 + MARGIN_M).covers(fenced)


def test_in_a_hole_of_a_zone_one_may_fly_and_not_out_of_it(small: City, frame: LocalFrame) -> None:
    hole = [tuple(frame.to_lonlat(*p)) for p in ngon(0, 0, 300)]
    air = space(small, zone(frame, "ring", ngon(0, 0, 600), holes=[hole]))
    assert air.route((-100, 150), (100, 150), 40) == ((-100, 150), (100, 150))
    air.check([(-100, 0, 40), (100, 0, 40)])
    with pytest.raises(PlanError, match="no way"):
        air.route((0, 0), (900, 0), 40)
    with pytest.raises(PlanError, match="crosses no-fly zone 'ring'"):
        air.check([(0, 0, 40), (400, 0, 40)])
    reach = 300 * math.cos(math.pi / 8)  # to the hole's sides, which are nearer than its corners
    at_edge = (reach * math.cos(math.pi / 8), reach * math.sin(math.pi / 8))
    near, nearer = (1 - (MARGIN_M + 1) / reach), (1 - (MARGIN_M - 1) / reach)
    assert len(air.route((0, 0), (at_edge[0] * near, at_edge[1] * near), 40)) == 2
    with pytest.raises(PlanError, match="no way"):
        air.route((0, 0), (at_edge[0] * nearer, at_edge[1] * nearer), 40)
    fence, exclusions = air.fence([(-100, 0), (100, 0)], 40)
    assert exclusions == ()
    assert Polygon(ngon(0, 0, 300.01)).covers(Polygon([frame.to_enu(*p) for p in fence]))


def test_heights_above_the_sea_are_those_above_the_citys_ground(
    small: City, frame: LocalFrame
) -> None:
    info = small.city.model_copy(update={"elevation_m": 60.0})
    high = small.model_copy(update={"city": info})
    low = zone(
        frame,
        "low",
        ngon(0, 300, 100),
        floor_reference="amsl",
        ceiling_m=90,
        ceiling_reference="amsl",
    )
    air = space(high, low)  # up to 30 m above ground
    assert air.route((-500, 300), (500, 300), 40) == ((-500, 300), (500, 300))
    assert len(space(small, low).route((-500, 300), (500, 300), 40)) > 2


def test_the_bay_of_a_zone_is_open(small: City, frame: LocalFrame) -> None:
    bay = [(-400, 200), (400, 200), (400, 800), (300, 800), (300, 300), (-300, 300), (-300, 800)]
    air = space(small, zone(frame, "bay", [*bay, (-400, 800)]))
    assert air.route((0, 500), (0, 1200), 40) == ((0, 500), (0, 1200))
    way = air.route((0, 500), (0, -300), 40)
    assert len(way) > 3
    assert LineString(way).length < 2600
    air.check([(x, y, 40) for x, y in way])


def test_the_way_out_of_what_is_closed_is_the_shortest_and_leads_clear_of_all(
    small: City, frame: LocalFrame
) -> None:
    """With a second zone 2 m beyond the first one's margins to the east, that way out is none."""
    half = 100.0
    first = zone(frame, "z", [(-half, -half), (half, -half), (half, half), (-half, half)])
    west = 2 * MARGIN_M + half + 2.0
    second = zone(frame, "y", [(west, -300), (west + 100, -300), (west + 100, 300), (west, 300)])
    out = half + MARGIN_M + OUT_M
    assert space(small, first).way_out((60, 0, 40)) == pytest.approx((out, 0), abs=0.1)
    assert space(small, first).way_out((200, 7, 40)) == (200, 7)
    both = space(small, first, second)
    assert both.way_out((60, 40, 40)) == pytest.approx((60, out), abs=0.1)
    within = Polygon([(-500, -500), (500, -500), (500, 120), (-500, 120)])
    assert both.way_out((60, 40, 40), within) == pytest.approx((60, -out), abs=0.1)
    assert both.way_out((60, 40, 40), Point(0, 0).buffer(90)) is None
