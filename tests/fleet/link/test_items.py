"""Sorties as items, and items compared."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.link import items
from fleet.link.items import Item, difference, programme
from missions.sortie import Aim, Leg, LegKind, LookAt, Sortie, SortieEnergy, Waypoint

lons = st.floats(-180, 180)
lats = st.floats(-85, 85)
waypoints = st.builds(Waypoint, lons, lats, st.floats(1, 120), st.sampled_from([0.0, 5.0, 60.0]))
looks = st.none() | st.builds(LookAt, lons, lats, st.floats(0, 50))
middles = st.builds(
    Leg,
    st.sampled_from(sorted(set(LegKind) - {LegKind.TAKEOFF, LegKind.HOME})),
    st.lists(waypoints, min_size=1, max_size=4).map(tuple),
    st.floats(1, 20),
    looks,
)


@st.composite
def sorties(draw: st.DrawFn) -> Sortie:
    home = draw(waypoints)
    takeoff = Leg(LegKind.TAKEOFF, (home,), draw(st.floats(1, 20)))
    way = tuple(draw(st.lists(middles, max_size=6)))
    back = Leg(LegKind.HOME, (replace(home, hold_s=0.0),), 10.0)
    energy = SortieEnergy(1, 1, 1, 1, 10)
    return Sortie("s", "o", "d", "k", home.lon, home.lat, 40.0, (takeoff, *way, back), energy)


def as_held(item: Item) -> Item:
    """What a vehicle hands back: floats of 32 bits, the plain frame, 0 for NaN."""
    params = tuple(0.0 if math.isnan(p) else p for p in item.params)
    return replace(item, params=params, frame={6: 3}.get(item.frame, item.frame))  # type: ignore[arg-type]


@given(sorties())
def test_a_programme_takes_off_first_and_ends_over_the_dock(sortie: Sortie) -> None:
    made = programme(sortie)
    assert made.items[0].command == items.NAV_TAKEOFF
    assert [i.command for i in made.items].count(items.NAV_TAKEOFF) == 1
    last = made.items[made.last]
    assert last.command == items.NAV_WAYPOINT
    assert last.lon == pytest.approx(sortie.home_lon, abs=1e-7)
    assert last.lat == pytest.approx(sortie.home_lat, abs=1e-7)
    assert list(made.legs) == sorted(made.legs)
    assert set(made.legs) == set(range(len(sortie.legs)))


@given(sorties())
def test_every_waypoint_is_flown_once_at_its_speed_and_look(sortie: Sortie) -> None:
    made = programme(sortie)
    speed, look = math.nan, "ahead"
    points = iter([(leg, w) for leg in sortie.legs for w in leg.waypoints])
    for item in made.items:
        if item.command == items.DO_CHANGE_SPEED:
            speed = item.params[1]
        elif item.command == items.DO_SET_ROI_LOCATION:
            look = (item.x, item.y)
        elif item.command == items.DO_SET_ROI_NONE:
            look = "ahead"
        elif item.command == items.DO_GIMBAL_MANAGER_CONFIGURE:
            commands = item.params
        elif item.command == items.DO_GIMBAL_MANAGER_PITCHYAW:
            assert commands == (-2, -2, -1, -1), "the autopilot takes the gimbal first"
            assert -90 <= item.params[0] <= 90
            assert (item.params[1], item.x, item.z) == (0.0, 0, 0.0)
            look = "down" if item.params[0] == -90 and look == "ahead" else "turned"
        else:
            leg, point = next(points)
            assert (item.x, item.y) == (items.degrees_e7(point.lat), items.degrees_e7(point.lon))
            assert item.z == point.altitude_m
            if item.command != items.NAV_TAKEOFF:
                assert item.params[0] == point.hold_s
                assert speed == leg.speed_m_s
                if leg.look_at is not None:
                    there = leg.look_at
                    assert look == (items.degrees_e7(there.lat), items.degrees_e7(there.lon))
                elif leg.kind in (LegKind.SURVEY, LegKind.CORRIDOR):
                    assert look == "down"
                else:
                    assert look in ("ahead", "down")
    assert next(points, None) is None


def test_the_camera_goes_down_once_and_again_after_a_point() -> None:
    at = (Waypoint(1, 2, 30),)
    site = LookAt(1.5, 2.5)
    kinds = [
        (LegKind.TAKEOFF, None),
        (LegKind.TRANSIT, None),
        (LegKind.SURVEY, None),
        (LegKind.TRANSIT, None),
        (LegKind.CORRIDOR, None),
        (LegKind.STARE, site),
        (LegKind.TRANSIT, None),
        (LegKind.SURVEY, None),
        (LegKind.STARE, site),
        (LegKind.SURVEY, None),
        (LegKind.HOME, None),
    ]
    legs = tuple(Leg(kind, at, 5.0, look) for kind, look in kinds)
    made = programme(Sortie("s", "o", "d", "k", 1, 2, 3, legs, SortieEnergy(1, 1, 1, 1, 1)))
    flown = (items.NAV_TAKEOFF, items.NAV_WAYPOINT, items.DO_CHANGE_SPEED)
    numbered = zip(made.legs, made.items, strict=True)
    assert [(leg, item.command) for leg, item in numbered if item.command not in flown] == [
        *((2, 1001), (2, 1000)),
        *((5, 1001), (5, 1000), (5, items.DO_SET_ROI_LOCATION)),
        (6, items.DO_SET_ROI_NONE),
        *((7, 1001), (7, 1000)),
        *((8, 1001), (8, 1000), (8, items.DO_SET_ROI_LOCATION)),
        *((9, items.DO_SET_ROI_NONE), (9, 1001), (9, 1000)),
    ]


def test_a_leg_turns_the_camera_and_the_way_between_leaves_it_so() -> None:
    at = (Waypoint(1, 2, 30),)
    to_the_left = Aim(-40.0, -90.0)
    legs = (
        Leg(LegKind.TAKEOFF, at, 5.0),
        Leg(LegKind.CORRIDOR, at, 5.0, aim=to_the_left),
        Leg(LegKind.TRANSIT, at, 5.0),
        Leg(LegKind.CORRIDOR, at, 5.0, aim=to_the_left),
        Leg(LegKind.ORBIT, at, 5.0, LookAt(1.001, 2)),
        Leg(LegKind.ROUTE, at, 5.0, aim=Aim(-30.0)),
        Leg(LegKind.SEARCH, at, 5.0, aim=Aim(0.0)),
        Leg(LegKind.HOME, at, 5.0),
    )
    made = programme(Sortie("s", "o", "d", "k", 1, 2, 3, legs, SortieEnergy(1, 1, 1, 1, 1)))
    numbered = zip(made.legs, made.items, strict=True)
    turned = [(leg, item.params[:2]) for leg, item in numbered if item.command == 1000]
    orbit = turned.pop(1)
    assert turned == [(1, (-40.0, -90.0)), (5, (-30.0, 0.0)), (6, (0.0, 0.0))]
    assert (orbit[0], orbit[1][1]) == (4, 0.0)
    assert orbit[1][0] == pytest.approx(-15, abs=1)


def test_a_points_pitch_is_given_for_each_place_that_it_is_looked_at_from() -> None:
    north = 40 / 110_770
    site = LookAt(1.0, 2.0 + north, 0.0)
    legs = (
        Leg(LegKind.TAKEOFF, (Waypoint(1, 2, 30),), 5.0),
        Leg(LegKind.STARE, (Waypoint(1, 2, 40),), 5.0, site),
        Leg(LegKind.STARE, (Waypoint(1, 2 + 2 * north, 40),), 5.0, site),
        Leg(LegKind.STARE, (Waypoint(1, 2, 23.1),), 5.0, site),
        Leg(LegKind.HOME, (Waypoint(1, 2, 30),), 5.0),
    )
    made = programme(Sortie("s", "o", "d", "k", 1, 2, 3, legs, SortieEnergy(1, 1, 1, 1, 1)))
    camera = [i for i in made.items if i.command in (1000, items.DO_SET_ROI_LOCATION)]
    assert [i.command for i in camera] == [1000, items.DO_SET_ROI_LOCATION] * 2
    assert [i.params[0] for i in camera[::2]] == pytest.approx([-45, -30], abs=0.3)


@given(sorties(), st.integers(-5, 500))
def test_any_item_number_is_on_some_leg(sortie: Sortie, current: int) -> None:
    made = programme(sortie)
    assert 0 <= made.leg_index(current) < len(sortie.legs)
    if current > made.last:
        assert made.leg(current).kind is LegKind.HOME


@given(sorties())
def test_what_a_vehicle_hands_back_is_equal(sortie: Sortie) -> None:
    made = programme(sortie)
    assert difference(made.items, [as_held(item) for item in made.items]) is None


@given(sorties(), st.data())
def test_any_change_is_found(sortie: Sortie, data: st.DataObject) -> None:
    made = programme(sortie)
    index = data.draw(st.integers(0, made.last))
    item = made.items[index]
    changes = [replace(item, command=2000)]
    if item.command in items.POSITIONED:
        changes += [
            replace(item, x=item.x + 10),
            replace(item, y=item.y - 10),
            replace(item, z=item.z + 0.1),
        ]
        changes += [replace(item, frame=items.FRAME_GLOBAL)]
    if item.command == items.DO_CHANGE_SPEED:
        changes += [replace(item, params=(1.0, item.params[1] + 0.5, -1.0, 0.0))]
    changed = data.draw(st.sampled_from(changes))
    held = [*made.items[:index], changed, *made.items[index + 1 :]]
    assert difference(made.items, held) is not None
    assert str(index) in str(difference(made.items, held))


@given(sorties())
def test_a_missing_item_is_found(sortie: Sortie) -> None:
    made = programme(sortie)
    assert difference(made.items, made.items[:-1]) == (
        f"{len(made.items) - 1} items are held, {len(made.items)} were sent"
    )


def test_a_fence_counts_each_polygons_vertices_and_drops_a_closing_point() -> None:
    ring = ((1.0, 2.0), (3.0, 2.0), (3.0, 4.0), (1.0, 2.0))
    hole = ((2.0, 2.5), (2.5, 2.5), (2.5, 3.0), (2.0, 3.0))
    made = list(items.fence_items(ring, [hole]))
    assert [i.command for i in made] == [items.FENCE_INCLUSION] * 3 + [items.FENCE_EXCLUSION] * 4
    assert [i.params[0] for i in made] == [3.0] * 3 + [4.0] * 4
    assert (made[0].lon, made[0].lat) == (1.0, 2.0)


def test_a_sortie_without_its_ends_is_refused() -> None:
    leg = Leg(LegKind.TRANSIT, (Waypoint(1, 2, 3),), 5.0)
    sortie = Sortie("s", "o", "d", "k", 1, 2, 3, (leg,), SortieEnergy(1, 1, 1, 1, 1))
    with pytest.raises(ValueError, match="the first must be takeoff"):
        programme(sortie)


@given(st.lists(waypoints, max_size=4), sorties())
def test_alternates_are_rally_points_that_px4_can_return_to(places, sortie: Sortie) -> None:
    rally = programme(replace(sortie, alternates=tuple(places))).rally
    assert [i.command for i in rally] == [items.RALLY_POINT] * len(places)
    # of the frames that PX4 stores for a rally point it returns to 0 and 3 alone
    assert {i.frame for i in rally} <= {items.FRAME_GLOBAL_RELATIVE_ALT}
    for item, place in zip(rally, places, strict=True):
        assert item.lon == pytest.approx(place.lon, abs=1e-7)
        assert item.lat == pytest.approx(place.lat, abs=1e-7)
        assert item.z == 0.0  # the ground, not the altitude that is flown over it
    assert difference(rally, [as_held(i) for i in rally]) is None
    for index, item in enumerate(rally):
        moved = [*rally]
        moved[index] = replace(item, z=item.z + 1.0)
        assert "altitude" in (difference(rally, moved) or "")
