"""Whatever is closed, all ground that a drone may fly over is seen, and no track leads where it may not."""

from __future__ import annotations

import math

import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from missions.airspace import Airspace
from missions.city import CameraSpec, City, Zone
from missions.corridor import LEFT_DEG, bank_passes, passes, strip
from missions.cover import GAP_M2, Shut, whole
from missions.footprint import footprint, swept
from missions.geo import LocalFrame
from missions.ground import ground_of
from missions.lawnmower import lawnmower
from missions.sortie import Aim
from missions.tracks import Track

SEEN = footprint(CameraSpec(), 40)


@st.composite
def stars(draw: st.DrawFn, low: float, high: float, reach: float = 0.0) -> Polygon:
    """Polygons around a point, often concave."""
    radii = draw(st.lists(st.floats(low, high), min_size=3, max_size=8))
    east, north = draw(st.floats(-reach, reach)), draw(st.floats(-reach, reach))
    step = 2 * math.pi / len(radii)
    shape = Polygon(
        [
            (east + r * math.cos(i * step), north + r * math.sin(i * step))
            for i, r in enumerate(radii)
        ]
    )
    assume(shape.is_valid and shape.area > 1000)
    return shape


def holds(
    tracks: tuple[Track, ...], shape: Polygon, shut: Shut, share: float, closed: float
) -> None:
    """Hold a cover against its words, by points and by area."""
    for track in tracks:
        assert LineString(track).intersection(shut.tracks.buffer(-0.01)).length < 1e-6
    seen = swept(tracks, SEEN)
    left = shape.difference(shut.ground)
    gaps = [g.area for g in shapely.get_parts(left.difference(seen)).tolist()]
    assert share == pytest.approx((left.area - sum(gaps)) / shape.area, abs=1e-6)
    assert closed == pytest.approx(1 - left.area / shape.area, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    shape=stars(80, 350),
    zones=st.lists(stars(30, 120, 300), max_size=3),
    direction=st.floats(0, 180),
    overlap=st.sampled_from([0.0, 0.2]),
)
def test_every_point_that_is_not_closed_is_seen(
    shape: Polygon, zones: list[Polygon], direction: float, overlap: float
) -> None:
    closed = shapely.union_all(zones) if zones else Polygon()
    shut = Shut(closed, closed)
    left = [p for p in shapely.get_parts(shape.difference(closed)).tolist() if p.area > 50]
    assume(left)
    tracks = lawnmower(MultiPolygon(left), SEEN.near_width_m, overlap, direction)
    cover, _ = whole(tracks, shape, shut, SEEN, overlap)
    holds(cover.tracks, shape, shut, cover.share, cover.closed)
    unseen = shape.difference(closed).difference(swept(cover.tracks, SEEN))
    gaps = [g.area for g in shapely.get_parts(unseen).tolist()]
    assert max(gaps, default=0.0) <= GAP_M2 + 1e-6, "no gap is larger than what is not worth it"
    for east in range(-300, 301, 60):
        for north in range(-300, 301, 60):
            point = Point(east, north)
            if shape.contains(point) and not closed.intersects(point):
                assert unseen.distance(point) > 0 or unseen.area < 50


def test_what_lies_deep_in_a_dock_s_column_is_said_not_to_be_seen() -> None:
    column = Point(0, 0).buffer(80)
    shape = box(-200, -200, 200, 200)
    shut = Shut(column, Polygon())
    cover, _ = whole(lawnmower(shape, SEEN.near_width_m), shape, shut, SEEN, 0.2)
    holds(cover.tracks, shape, shut, cover.share, cover.closed)
    deep = math.pi * (80 - SEEN.near_width_m / 2) ** 2 / shape.area
    assert cover.share == pytest.approx(1 - deep, abs=0.03)
    assert cover.closed == 0
    assert cover.words == f"{100 * cover.share:.1f} % of it is seen"


def test_a_cell_beside_what_is_closed_is_seen_up_to_it(zhangzhou: City) -> None:
    ground, camera = ground_of(zhangzhou), zhangzhou.drones[0].camera
    altitude = ground.layers[0]
    seen, kept_from = footprint(camera, altitude), ground.airspace.kept_from_at(altitude)
    cells = [i for i, cell in enumerate(ground.cells) if cell.shape.intersects(kept_from)]
    assert len(cells) > 30
    for index in cells:
        tracks = ground.tracks(index, altitude, camera)
        left = ground.cells[index].shape.difference(kept_from)
        gaps = [g.area for g in shapely.get_parts(left.difference(swept(tracks, seen))).tolist()]
        assert max(gaps, default=0.0) <= GAP_M2, ground.cells[index].id


def test_no_track_comes_near_the_citys_fence_and_all_within_is_to_be_seen(small: City) -> None:
    frame = LocalFrame(*small.city.origin)
    ring = [frame.to_lonlat(*p) for p in ((-200, -200), (200, -200), (200, 200), (-200, 200))]
    fence = Zone.model_validate({"id": "city", "kind": "fence", "area": ring})
    shut = Shut.at(Airspace.of(small.model_copy(update={"zones": (fence,)})), 40.0)
    (track,) = shut.cut([((-300.0, 100.0), (300.0, 100.0))])
    assert track == (pytest.approx((-190, 100), abs=0.01), pytest.approx((190, 100), abs=0.01))
    assert not shut.ground.intersects(box(-199, -199, 199, 199))
    assert shut.ground.covers(box(201, -300, 300, 300))


turns = st.lists(st.floats(-2.4, 2.4), min_size=1, max_size=5)


def river(bends: list[float], leg: float = 250.0) -> list[tuple[float, float]]:
    line, heading = [(0.0, 0.0)], 0.0
    for bend in bends:
        heading += bend
        x, y = line[-1]
        line.append((x + leg * math.cos(heading), y + leg * math.sin(heading)))
    return line


@settings(max_examples=25, deadline=None)
@given(bends=turns, width=st.floats(30, 200), pitch=st.sampled_from([-90.0, -60.0, -45.0]))
def test_both_banks_and_all_between_are_seen_around_any_bend(
    bends: list[float], width: float, pitch: float
) -> None:
    line = river(bends)
    shut = Shut(Polygon(), Polygon())
    ground = strip(line, width)
    if pitch == -90.0:
        seen, tracks = SEEN, passes(line, width, SEEN.near_width_m)
    else:
        seen = footprint(CameraSpec(), 40, Aim(pitch, LEFT_DEG))
        tracks = bank_passes(line, width, seen)
    cover, more = whole(tracks, ground, shut, seen, 0.2, patch=SEEN)
    along = cover.tracks[: len(cover.tracks) - len(more)]
    unseen = ground.difference(swept(along, seen)).difference(swept(more, SEEN))
    gaps = [g.area for g in shapely.get_parts(unseen).tolist()]
    assert max(gaps, default=0.0) <= GAP_M2 + 1e-6
    for side in (-1, 1):
        bank = LineString(line).offset_curve(side * width / 2 * 0.99)
        assert bank.intersection(unseen).length <= 0.02 * max(bank.length, 1)


def test_a_bank_is_flown_along_with_the_water_to_the_left() -> None:
    seen = footprint(CameraSpec(), 40, Aim(-45.0, LEFT_DEG))
    up, back = bank_passes([(0, 0), (500, 0)], 90, seen)
    assert (up[0][0], up[-1][0]) == (0, 500)
    assert (back[0][0], back[-1][0]) == (500, 0)
    assert up[0][1] == pytest.approx(-45 - seen.near_m), "outside the right bank, looking over it"
    assert back[0][1] == pytest.approx(45 + seen.near_m)
    view = swept([up], seen)
    assert view.covers(LineString([(0, -44.9), (500, -44.9)]))
    assert view.covers(LineString([(0, 0), (500, 0)]))


def test_each_half_of_a_wide_river_is_seen_from_as_many_passes_as_it_takes() -> None:
    seen = footprint(CameraSpec(), 40, Aim(-45.0, LEFT_DEG))
    half = 2.0 * seen.depth_m
    tracks = bank_passes([(0, 0), (800, 0)], 2 * half, seen, 0.2)
    assert len(tracks) == 6, "two pictures deep with a fifth shared, on either side"
    assert swept(tracks, seen).covers(box(200, 0.99 * -half, 600, 0.99 * half))


def test_a_straight_strip_is_flown_to_and_fro() -> None:
    first, second = passes([(0, 0), (1000, 0)], 100, 60, 0.1)
    assert first[0][0] == pytest.approx(0)
    assert second[0][0] == pytest.approx(1000)
