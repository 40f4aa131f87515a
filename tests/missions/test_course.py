"""Tasks as sorties: cut to what is open, at their height and speed, and what of them is seen is said."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, Polygon

from missions.builder import Builder
from missions.city import City
from missions.cover import Shut
from missions.draft import Draft
from missions.energy import CALM, Wind
from missions.errors import PlanError
from missions.footprint import DOWN, footprint, swept
from missions.ground import Ground, ground_of
from missions.places import Building
from missions.sortie import Aim, LegKind
from missions.task import LonLats, Task

WAYS = (LegKind.TAKEOFF, LegKind.TRANSIT, LegKind.HOME)


@pytest.fixture(scope="module")
def ground(zhangzhou: City) -> Ground:
    return ground_of(zhangzhou)


@pytest.fixture(scope="module")
def builder(ground: Ground) -> Builder:
    """A drone of the dock that lies nearest to the helipad's no-fly zone."""
    return builder_at(ground, "xc-north")


def builder_at(ground: Ground, dock: str, wind: Wind = CALM, altitude: float = 40.0) -> Builder:
    drone = next(d for d in ground.drones.values() if d.dock == dock)
    return Builder(ground, drone, altitude, 100.0, wind)


def helipad(ground: Ground) -> tuple[float, float]:
    zone = next(z for z in ground.airspace.no_fly if z.zone.id == "hospital-helipad")
    return zone.area.centroid.x, zone.area.centroid.y


def near(ground: Ground, *places: tuple[float, float]) -> LonLats:
    """Return places by metres from the helipad as (lon, lat)."""
    x, y = helipad(ground)
    return tuple(tuple(ground.frame.to_lonlat(x + e, y + n)) for e, n in places)  # type: ignore[misc]


AREA = ((-500, -300), (150, -350), (120, 200), (-450, 250))
RIVER = ((-600, -100), (-350, 100), (-150, -80), (-20, 90), (300, 40), (320, -250))


def sample(ground: Ground) -> list[Task]:
    """Return one task of each kind, all of them cut by the helipad's zone."""
    return [
        Task("area", near(ground, *AREA)),
        Task("corridor", near(ground, *RIVER), width_m=100),
        Task("corridor", near(ground, *RIVER), width_m=100, camera_pitch_deg=-45),
        Task("orbit", near(ground, (-180, 0)), radius_m=90, turns=2),
        Task("stare", near(ground, (-250, 0)), radius_m=50, hold_s=120),
        Task("route", near(ground, *RIVER), altitude_m=60),
        Task("search", near(ground, *AREA), probability=0.5),
        Task("search", near(ground, (-330, 0)), radius_m=120, pattern="expanding-square"),
        Task("search", near(ground, (-330, 0)), radius_m=200, pattern="sector"),
    ]


def observed(draft: Draft) -> list[list[tuple[float, float]]]:
    return [[(p.east, p.north) for p in leg.points] for leg in draft.legs if leg.kind not in WAYS]


@pytest.mark.parametrize("index", range(9))
def test_each_kind_flies_around_what_is_closed_and_comes_home(
    ground: Ground, builder: Builder, index: int
) -> None:
    task = sample(ground)[index]
    draft = builder.task(builder.start(), task)
    whole = builder.home(draft)
    sortie = builder.finish(whole, "s", "o")
    assert len(draft.said) == 1
    altitude = task.altitude_m or builder.altitude_m
    kinds = {leg.kind for leg in sortie.legs} - set(WAYS)
    expected = {"area": LegKind.SURVEY}.get(task.kind) or LegKind(task.kind)
    assert kinds == {expected}
    for leg in draft.legs:
        if leg.kind in WAYS:
            continue
        assert leg.aim is not None or leg.look_at is not None
        heights = {p.altitude_m for p in leg.points}
        assert heights == {altitude} or task.kind == "stare"
        assert 0 < (leg.speed_m_s or 0) <= builder.drone.cruise_m_s
        if task.kind == "stare":
            continue
        places = [(p.east, p.north) for p in leg.points]
        closed = Shut.at(ground.airspace, altitude).tracks.buffer(-0.1)
        assert LineString(places).intersection(closed).length < 1e-6
    assert draft.here.altitude_m == builder.altitude_m


def test_what_is_seen_of_an_area_is_what_is_said(ground: Ground, builder: Builder) -> None:
    task = Task(
        "area", near(ground, *AREA), holes=(near(ground, (-400, -50), (-300, -50), (-300, 50)),)
    )
    course = builder.course(task)
    (run,) = course.runs
    outer = ground.frame.polygon(task.shape)
    shape = Polygon(outer.exterior, [ground.frame.polygon(task.holes[0]).exterior])
    closed = ground.airspace.closed_at(40.0)
    seen = swept(run.tracks, footprint(builder.drone.camera, 40.0))
    left = shape.difference(closed)
    share = left.intersection(seen).area / shape.area
    assert course.share == pytest.approx(share, abs=0.001)
    assert course.share == pytest.approx(left.area / shape.area, abs=0.001), "all that is open"
    assert course.words == (
        f"{100 * course.share:.1f} % of it is seen; "
        f"{100 * (1 - left.area / shape.area):.1f} % is closed to flight and left out"
    )


@settings(max_examples=8, deadline=None)
@given(
    east=st.floats(-400, 200),
    north=st.floats(-400, 200),
    width=st.floats(80, 300),
    altitude=st.sampled_from([40.0, 70.0]),
)
def test_every_open_point_of_any_area_by_the_zone_is_seen(
    zhangzhou: City, east: float, north: float, width: float, altitude: float
) -> None:
    ground = ground_of(zhangzhou)
    builder = builder_at(ground, "xc-north", altitude=altitude)
    ring = ((east, north), (east + width, north), (east + width, north + 150), (east, north + 150))
    task = Task("area", near(ground, *ring))
    shape = ground.frame.polygon(task.shape)
    open_ground = shape.difference(ground.airspace.closed_at(altitude))
    try:
        course = builder.course(task)
    except PlanError as error:
        assert error.constraint == "airspace"  # noqa: PT017
        assert open_ground.area < 300
        return
    seen = swept(course.runs[0].tracks, footprint(builder.drone.camera, altitude))
    gaps = [g.area for g in shapely.get_parts(open_ground.difference(seen)).tolist()]
    assert max(gaps, default=0) <= 4.01


def test_an_orbit_keeps_its_radius_and_looks_at_its_middle(
    ground: Ground, builder: Builder
) -> None:
    task = Task("orbit", near(ground, (-400, 200)), radius_m=60, turns=2, clockwise=False)
    draft = builder.task(builder.start(), task)
    (flown,) = observed(draft)
    x, y = helipad(ground)
    for place in flown:
        assert math.dist(place, (x - 400, y + 200)) == pytest.approx(60, abs=0.01)
    leg = draft.legs[-1]
    assert (leg.look_at.lon, leg.look_at.lat) == pytest.approx(task.shape[0])  # type: ignore[union-attr]
    assert draft.said == ("all of the circle is flown",)


def test_from_its_banks_a_river_is_looked_at_to_the_left(ground: Ground, builder: Builder) -> None:
    line = near(ground, (-900, 300), (-600, 300))
    down = builder.course(Task("corridor", line, width_m=90))
    banks = builder.course(Task("corridor", line, width_m=90, camera_pitch_deg=-45))
    assert [run.aim for run in down.runs] == [DOWN]
    assert banks.runs[0].aim == Aim(-45.0, -90.0)
    assert down.share == banks.share == pytest.approx(1, abs=0.01)


def test_a_route_looks_ahead_unless_it_is_said(ground: Ground, builder: Builder) -> None:
    line = near(ground, (-900, 300), (-600, 300))
    assert builder.course(Task("route", line)).runs[0].aim == Aim(-30.0)
    down = Task("route", line, camera_pitch_deg=-90, speed_m_s=5)
    assert (builder.course(down).runs[0].aim, builder.course(down).runs[0].speed_m_s) == (DOWN, 5)


def test_pictures_that_must_overlap_slow_it_down(ground: Ground, builder: Builder) -> None:
    area = Task("area", near(ground, (-900, 100), (-700, 100), (-700, 300)))
    plenty = builder.course(replace(area, forward_overlap=0.9)).runs[0].speed_m_s
    assert plenty == pytest.approx(2 * 0.1 * footprint(builder.drone.camera, 40).depth_m)
    assert builder.course(replace(area, forward_overlap=0.0)).runs[0].speed_m_s == 12


def test_a_stare_without_an_end_lasts_as_long_as_the_battery(
    ground: Ground, builder: Builder
) -> None:
    task = Task("stare", near(ground, (-400, 200)), radius_m=50)
    whole = builder.home(builder.task(builder.start(), task))
    energy = builder.energy(whole)
    assert builder.fits(whole)
    longer = [p.hold_s for leg in whole.legs for p in leg.points if p.hold_s]
    assert len(longer) == 1
    left = energy.available_wh * 0.97 - energy.needed_wh - energy.reserve_wh
    assert 0 <= left < builder.model.hover_w / 3600 * 3


def test_a_stare_looks_for_another_place_when_the_sun_has_gone_round(
    ground: Ground, builder: Builder
) -> None:
    task = Task("stare", near(ground, (-400, 200)), radius_m=50, hold_s=300)
    places = {
        builder.course(task, now=datetime(2025, 10, 1, hour, tzinfo=UTC)).runs[0].tracks[0][0]
        for hour in (0, 4, 9)
    }
    assert len(places) > 1


def test_buildings_are_flown_around_and_looked_over(zhangzhou: City) -> None:
    ground = ground_of(zhangzhou)
    ring = near(ground, (-420, 180), (-380, 180), (-380, 195), (-420, 195))
    tower = Building(id="tower", ring=ring, height_m=70)
    ground = ground_of(zhangzhou.model_copy(update={"buildings": (tower,)}))
    builder = builder_at(ground, "xc-north")
    task = Task("stare", near(ground, (-400, 200)), radius_m=50, hold_s=120)
    place = builder.course(task).runs[0].tracks[0][0]
    assert place[1] > helipad(ground)[1] + 195, "from the side that the tower does not hide"
    orbit = builder.task(builder.start(), Task("orbit", near(ground, (-400, 200)), radius_m=20))
    (flown,) = observed(orbit)
    prism = ground.airspace.skyline.prisms[0]
    assert LineString(flown).distance(prism.ground) > 5
    assert "the rest is closed" in orbit.said[0]
    builder.finish(builder.home(orbit), "s", "o")


@pytest.mark.parametrize(
    ("change", "constraint", "said"),
    [
        ({"altitude_m": 5.0}, "altitude", "altitude 5 m; allowed are 20 to 120 m"),
        ({"altitude_m": 500.0}, "altitude", "allowed are 20 to 120 m"),
        ({"speed_m_s": 40.0}, "reach", "flies at up to 12 m/s"),
        ({"side_overlap": 1.5}, "reach", "side overlap 1.5"),
        ({"camera_pitch_deg": 30.0}, "reach", "sees no ground"),
        ({"kind": "orbit", "radius_m": 1.0}, "reach", "orbit around 4 points"),
        ({"kind": "search", "probability": 1.0}, "reach", "probability 1.0"),
    ],
)
def test_what_cannot_be_flown_names_its_constraint(
    ground: Ground, builder: Builder, change: dict, constraint: str, said: str
) -> None:
    with pytest.raises(PlanError, match=said) as refused:
        builder.course(replace(Task("area", near(ground, *AREA)), **change))
    assert refused.value.constraint == constraint


def test_what_is_wholly_closed_is_refused(ground: Ground, builder: Builder) -> None:
    within = near(ground, (-20, -20), (20, -20), (20, 20))
    for task in (
        Task("area", within),
        Task("route", within[:2]),
        Task("orbit", within[:1], radius_m=30),
        Task("search", within[:1], radius_m=40, pattern="sector"),
    ):
        with pytest.raises(PlanError, match="closed to flight") as refused:
            builder.course(task)
        assert refused.value.constraint == "airspace"
    assert Point(helipad(ground)).within(ground.airspace.closed_at(40.0))


def test_height_airspace_and_wind_are_named_as_what_stands_against_it(
    ground: Ground, builder: Builder
) -> None:
    x, y = helipad(ground)
    air = ground.airspace
    through = [(x - 400, y, 40.0), (x + 400, y, 40.0)]
    beyond = [(x, y + 5000, 40.0), (x, y + 5100, 40.0)]
    asked = [
        ("altitude", lambda: air.route((0.0, 0.0), (100.0, 0.0), 500.0)),
        ("altitude", lambda: air.check([(0.0, 0.0, 500.0)])),
        ("airspace", lambda: air.route((x, y), (x, y + 900), 40.0)),
        ("airspace", lambda: air.check(through)),
        ("airspace", lambda: air.check(beyond)),
        (
            "wind",
            lambda: builder_at(ground, "xc-north", Wind(14.0)).course(
                Task("area", near(ground, *AREA))
            ),
        ),
    ]
    for constraint, ask in asked:
        with pytest.raises(PlanError) as refused:
            ask()
        assert refused.value.constraint == constraint, str(refused.value)


@pytest.mark.parametrize("pitch", [-80.0, -60.0, -45.0])
def test_an_area_is_all_seen_by_a_camera_that_looks_ahead(
    ground: Ground, builder: Builder, pitch: float
) -> None:
    ring = near(ground, (-1000, 200), (-800, 210), (-820, 380), (-1010, 350))
    course = builder.course(Task("area", ring, camera_pitch_deg=pitch))
    (run,) = course.runs
    seen = swept(run.tracks, footprint(builder.drone.camera, 40.0, Aim(pitch)))
    unseen = ground.frame.polygon(ring).difference(seen)
    assert max((g.area for g in shapely.get_parts(unseen).tolist()), default=0) <= 4.01
    assert course.share > 0.999


def test_a_search_says_how_likely_it_finds(ground: Ground, builder: Builder) -> None:
    ring = near(ground, (-1000, 200), (-800, 210), (-820, 380), (-1010, 350))
    for wanted in (0.5, 0.8):
        course = builder.course(Task("search", ring, probability=wanted))
        said = float(course.words.split("detection ")[1].split(" %")[0])
        assert said >= 100 * wanted - 1
        assert course.share == pytest.approx(1, abs=0.001)
    outward = Task("search", near(ground, (-900, 300)), radius_m=100, pattern="expanding-square")
    assert builder.course(outward).share == pytest.approx(1, abs=0.001)
