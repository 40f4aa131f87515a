"""A standpoint sees its target, out of the sun, the glare, and of what is closed."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from missions.airspace import Airspace
from missions.city import City, Zone
from missions.energy import Wind
from missions.errors import PlanError
from missions.places import Building
from missions.standpoint import SUN_DEG, Standpoint, Watch, standpoint
from missions.sun import Sun, sun_at

WATCH = Watch((300.0, 300.0), 0.0, 16.0, 40.0, (20.0, 30.0, 40.0), 55.0)


def with_buildings(small: City, boxes: list[tuple[float, float, float, float, float]]) -> Airspace:
    """Return the small city's airspace with some boxes: west, south, width, depth, height."""
    frame = Airspace.of(small).frame
    buildings = []
    for index, (west, south, width, depth, height) in enumerate(boxes):
        ring = frame.ring(box(west, south, west + width, south + depth))
        buildings.append(Building(id=f"b{index}", ring=ring, height_m=height))
    return Airspace.of(small.model_copy(update={"buildings": tuple(buildings)}))


def view(watch: Watch, stand: Standpoint) -> tuple[float, float, float]:
    away = [t - p for t, p in zip(watch.target, stand.place, strict=True)]
    raw = (*away, watch.target_m - stand.height_m)
    return tuple(v / math.hypot(*raw) for v in raw)  # type: ignore[return-value]


corner = st.floats(240, 340)
walls = st.lists(
    st.tuples(corner, corner, st.floats(5, 40), st.floats(5, 40), st.floats(5, 60)), max_size=6
)
suns = st.lists(st.builds(Sun, st.floats(0, 360), st.floats(-10, 90)), max_size=3).map(tuple)


@settings(max_examples=25, deadline=None)
@given(
    boxes=walls, sky=suns, water=st.booleans(), wind=st.floats(0, 10), from_deg=st.floats(0, 360)
)
def test_the_target_is_seen_by_a_ray_walked_step_by_step(
    small: City, boxes: list, sky: tuple[Sun, ...], water: bool, wind: float, from_deg: float
) -> None:
    air = with_buildings(small, boxes)
    watch = replace(WATCH, suns=sky, water=water, wind=Wind(wind, from_deg))
    try:
        stand = standpoint(air, watch)
    except PlanError:
        return  # it may be that there is none
    eye, target = (*stand.place, stand.height_m), (*watch.target, watch.target_m)
    for k in range(301):
        x, y, z = (a + (b - a) * k / 300 for a, b in zip(eye, target, strict=True))
        for prism in air.skyline.prisms:
            assert not (
                prism.ground.buffer(-0.2).contains(Point(x, y)) and z < prism.height_m - 0.2
            )
    for prism in air.skyline.prisms:
        assert stand.height_m > prism.height_m or prism.ground.distance(Point(stand.place)) > 9
    direction = view(watch, stand)
    for sun in sky:
        if sun.up:
            assert sun.off_axis_deg(direction) >= SUN_DEG
            assert not (water and sun.glares(direction, wind))
    away = math.dist(stand.place, watch.target)
    assert watch.nearest_m - 1e-6 <= away <= watch.farthest_m + 1e-6
    assert stand.height_m in watch.heights_m


def test_it_stands_in_the_lee_and_with_the_sun_behind(small: City) -> None:
    air = Airspace.of(small)
    for from_deg in (0.0, 90.0, 215.0):
        stand = standpoint(air, replace(WATCH, wind=Wind(6.0, from_deg)))
        east, north = stand.place[0] - 300.0, stand.place[1] - 300.0
        drift = math.radians(from_deg + 180)
        along = (east * math.sin(drift) + north * math.cos(drift)) / math.hypot(east, north)
        assert along > 0.9
    morning = sun_at(117.653, 24.503, datetime(2025, 6, 21, 0, 30, tzinfo=UTC))
    assert morning.azimuth_deg < 90
    stand = standpoint(air, replace(WATCH, suns=(morning,)))
    assert stand.place[0] > 300, "it looks west in the morning"


def test_over_water_it_keeps_out_of_the_mirrored_sun(small: City) -> None:
    air = Airspace.of(small)
    noon = Sun(180.0, 60.0)
    from_the_south = replace(WATCH, wind=Wind(8.0, 180.0), suns=(noon,))
    dry = standpoint(air, from_the_south)
    assert noon.glares(view(WATCH, dry), 8.0), "in the lee it looks at the mirrored sun"
    wet = standpoint(air, replace(from_the_south, water=True))
    assert not noon.glares(view(WATCH, wet), 8.0)


def test_where_there_is_no_place_it_says_why(small: City) -> None:
    air = with_buildings(small, [(290, 290, 20, 20, 60)])
    with pytest.raises(PlanError, match=r"of \d+ tried .*hidden by building 'b0'") as refused:
        standpoint(air, WATCH)
    assert refused.value.constraint == "reach"
    frame = air.frame
    ring = frame.ring(box(200, 200, 400, 400))
    zone = Zone(id="event", kind="no_fly", area=ring, floor_m=45, ceiling_m=200)
    closed = Airspace.of(small.model_copy(update={"zones": (zone,)}))
    with pytest.raises(PlanError, match="in no-fly zone 'event'"):
        standpoint(closed, WATCH)  # it could stand below the zone, but not come down through it
    all_day = tuple(Sun(azimuth, 2.0) for azimuth in range(0, 360, 30))
    flat = replace(WATCH, suns=all_day, nearest_m=35.0, heights_m=(20.0,))
    with pytest.raises(PlanError, match="within 45 degrees of the sun"):
        standpoint(Airspace.of(small), flat)
