"""Whatever is not refused stays below the ceiling, in the fences and out of no-fly zones, all the way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from shapely.geometry import LineString, Point, Polygon

from fleet.flight.bounds import MARGIN_M, fence_for, refuses, too_low
from fleet.flight.policy import Policy
from fleet.model.command import Demand
from fleet.model.live import Telemetry
from missions.airspace import Airspace
from missions.city import City
from missions.geo import LocalFrame
from missions.sortie import Sortie, SortieEnergy

DEMAND: TypeAdapter[Demand] = TypeAdapter(Demand)
FRAME = LocalFrame(117.65, 24.51)
REACH_M = 20_000.0

CITY_RING = [(-1000.0, -1000.0), (1000.0, -1000.0), (1000.0, 1000.0), (-1000.0, 1000.0)]
TOWER = [(300.0, 300.0), (500.0, 300.0), (500.0, 500.0), (300.0, 500.0)]
SORTIE_RING = [(-600.0, -400.0), (800.0, -400.0), (800.0, 700.0), (-600.0, 700.0)]
SCHOOL = [(-300.0, 100.0), (-100.0, 100.0), (-100.0, 300.0), (-300.0, 300.0)]


def lonlat(ring: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    return tuple(tuple(FRAME.to_lonlat(*corner)) for corner in ring)


@pytest.fixture(scope="module")
def space() -> Airspace:
    area = lonlat(CITY_RING)
    city = City.model_validate(
        {
            "city": {"name": "T", "origin": (117.65, 24.51)},
            "broker": {"url": "mqtt://127.0.0.1:1"},
            "districts": [{"id": "x", "name": "X", "area": area}],
            "beats": [{"id": "b", "name": "B", "district": "x", "area": area}],
            "docks": [{"id": "d1", "position": (117.65, 24.51)}],
            "drones": [
                {"id": "u1", "dock": "d1", "system_id": 1, "mavlink": "udpin://0.0.0.0:14540"}
            ],
            "zones": [
                {"id": "fence", "kind": "fence", "area": area},
                {"id": "tower", "kind": "no_fly", "area": lonlat(TOWER), "ceiling_m": 80},
            ],
        }
    )
    return Airspace.of(city)


SORTIE = Sortie(
    "s", "o", "u1", "d1", 117.65, 24.51, 60, (), SortieEnergy(1, 2, 3, 4, 5),
    fence=lonlat(SORTIE_RING), exclusions=(lonlat(SCHOOL),),
)  # fmt: skip


def at(east: float, north: float, altitude_m: float = 60.0) -> Telemetry:
    lon, lat = FRAME.to_lonlat(east, north)
    return Telemetry(at=datetime.now(UTC), lon=lon, lat=lat, altitude_m=altitude_m)


def demand(action: str, east: float, north: float, altitude_m: float, **more: Any) -> Demand:
    lon, lat = FRAME.to_lonlat(east, north)
    body = {"action": action, "lon": lon, "lat": lat, "altitude_m": altitude_m, **more}
    return DEMAND.validate_python(body)


metres = st.floats(-1200, 1200)
heights = st.floats(1, 150)


@example(here=(0.0, -286.859375), there=(0.0, -768.0), low=2.0, high=1.0)  # all in a line
@given(here=st.tuples(metres, metres), there=st.tuples(metres, metres), low=heights, high=heights)
def test_a_point_that_is_not_refused_is_reached_within_bounds(
    space: Airspace,
    here: tuple[float, float],
    there: tuple[float, float],
    low: float,
    high: float,
) -> None:
    asked = demand("goto", *there, high)
    words = refuses(asked, at(*here, low), space, SORTIE, REACH_M)
    goal, way = Point(there), LineString([here, there]) if here != there else Point(here)
    city, ring, school, tower = (Polygon(r) for r in (CITY_RING, SORTIE_RING, SCHOOL, TOWER))
    if words is None:
        wide = fence_for(asked, at(*here, low), space, SORTIE, REACH_M)
        if wide is not None:
            ring = FRAME.polygon(wide.ring)
            assert city.buffer(0.1).covers(ring)
            home = LineString([there, (0.0, 0.0)])
            assert ring.buffer(0.1).covers(home)
            assert not school.buffer(-0.1).intersects(home)
            assert len(wide.items) <= 64
        assert high <= 120
        assert city.buffer(0.1).covers(goal)
        assert ring.buffer(0.1 - MARGIN_M).covers(goal)
        assert school.distance(goal) > MARGIN_M - 0.1
        if ring.covers(Point(here)):
            assert ring.buffer(0.1).covers(way)
        if not school.covers(Point(here)):
            assert not school.buffer(-0.1).intersects(way)
        if min(low, high) < 79.9 and not tower.covers(Point(here)) and city.covers(Point(here)):
            assert not tower.buffer(-0.1).intersects(way)
    else:
        inner = ring.buffer(-MARGIN_M - 0.1)
        safe = high <= 119 and inner.covers(way) and school.distance(way) > MARGIN_M + 0.1
        assert not (safe and tower.distance(way) > 0.1), words
        # and so anywhere in the city, where nothing is in the way there or home
        home = LineString([there, (0.0, 0.0)]) if any(there) else Point(there)
        both, near = way.union(home), MARGIN_M + 0.1
        free = city.buffer(-near).covers(both) and min(low, 121 - high) > 1
        clear = school.distance(both) > near and tower.distance(both) > near
        assert not (free and clear), words


@given(
    here=st.tuples(metres, metres),
    centre=st.tuples(metres, metres),
    radius=st.floats(10, 500),
    height=heights,
)
def test_an_orbit_that_is_not_refused_stays_within_bounds(
    space: Airspace,
    here: tuple[float, float],
    centre: tuple[float, float],
    radius: float,
    height: float,
) -> None:
    circles = demand("orbit", *centre, height, radius_m=radius)
    words = refuses(circles, at(*here, height), space, SORTIE, REACH_M)
    if words is None:
        wide = fence_for(circles, at(*here, height), space, SORTIE, REACH_M)
        ring = FRAME.polygon(wide.ring) if wide is not None else Polygon(SORTIE_RING)
        circle = Point(centre).buffer(radius, quad_segs=64).exterior
        assert height <= 120
        assert Polygon(CITY_RING).buffer(0.1).covers(circle)
        assert ring.buffer(0.1 - MARGIN_M).covers(circle)
        assert Polygon(SCHOOL).distance(circle) > MARGIN_M - 0.1


def test_over_a_low_no_fly_zone_is_allowed_and_through_it_not(space: Airspace) -> None:
    here = at(200, 400, 100)
    assert refuses(demand("goto", 600, 400, 100), here, space, None, REACH_M) is None
    words = refuses(demand("goto", 600, 400, 60), here, space, None, REACH_M)
    assert words is not None
    assert "crosses no-fly zone 'tower'" in words


def test_only_what_moves_the_drone_is_looked_at(space: Airspace) -> None:
    nowhere = Telemetry(at=datetime.now(UTC))
    for body in (
        {"action": "hold"},
        {"action": "land"},
        {"action": "look_at", "lon": 0, "lat": 0},
        {"action": "kill"},
    ):
        assert refuses(DEMAND.validate_python(body), nowhere, space, SORTIE, 0.0) is None
    words = refuses(demand("goto", 0, 0, 60), nowhere, space, None, REACH_M)
    assert words is not None
    assert "is not known" in words


def test_farther_than_a_battery_is_refused_where_a_city_has_no_fence(space: Airspace) -> None:
    open_sky = Airspace(space.frame, space.ceiling_m)
    assert refuses(demand("goto", 5000, 0, 60), at(0, 0), open_sky, None, 5100.0) is None
    words = refuses(demand("goto", 5000, 0, 60), at(0, 0), open_sky, None, 4900.0)
    assert words == "that is 5.0 km away; it flies 4.9 km and back"


def test_too_near_to_the_ground_is_refused_but_over_a_dock() -> None:
    pads = [(117.65, 24.51)]
    for asked, words in (
        (demand("goto", 50, 0, 9.9), "altitude 9.9 m is too low; the lowest is 10 m above home"),
        (demand("goto", 50, 0, 10.0), None),
        (demand("goto", 3, 4, 2.0), None),
        (demand("orbit", 0, 0, 5.0, radius_m=10), "altitude 5 m is too low"),
        (DEMAND.validate_python({"action": "land"}), None),
    ):
        told = too_low(asked, FRAME, pads, Policy())
        assert (told is None) if words is None else (told or "").startswith(words)
