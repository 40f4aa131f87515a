"""Cells keep the beat's area; tracks see every point; corridors and stares."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiLineString, Point, Polygon, box

from missions.city import Beat, CameraSpec, City
from missions.coverage import (
    SLIVER,
    beat_cells,
    city_cells,
    corridor,
    enter_from,
    lawnmower,
    stare_leg,
    swath_m,
)
from missions.errors import GeometryError, PlanError
from missions.geo import LocalFrame
from missions.sortie import LegKind

FRAME = LocalFrame(117.65, 24.50)


@st.composite
def stars(draw: st.DrawFn, low: float = 150, high: float = 1500) -> Polygon:
    """Polygons, often concave, that do not cross themselves: radii around a point."""
    radii = draw(st.lists(st.floats(low, high), min_size=3, max_size=12))
    turn = draw(st.floats(0, 6.28))
    step = 2 * math.pi / len(radii)
    shape = Polygon(
        [
            (r * math.cos(i * step + turn), r * math.sin(i * step + turn))
            for i, r in enumerate(radii)
        ]
    )
    assume(shape.is_valid and shape.area > 1000)
    return shape


def a_beat(shape: Polygon, cell_m: float) -> Beat:
    return Beat(id="b", name="B", district="d", area=FRAME.ring(shape), cell_m=cell_m)


@settings(max_examples=40, deadline=None)
@given(shape=stars(), cell_m=st.floats(80, 900))
def test_cells_tile_the_beat(shape: Polygon, cell_m: float) -> None:
    cells = beat_cells(a_beat(shape, cell_m), FRAME)
    assert sum(cell.area_m2 for cell in cells) == pytest.approx(shape.area, rel=1e-6)
    joined = shapely.union_all([cell.shape for cell in cells])
    assert joined.symmetric_difference(shape).area < 1e-4 * shape.area
    assert len({cell.id for cell in cells}) == len(cells)
    for cell in cells:
        assert cell.id.startswith("b/r")
        assert cell.shape.covers(Point(cell.center))
        others = [c.shape for c in cells if c is not cell]
        alone = not any(cell.shape.intersection(o).length > 1 for o in others)
        assert alone or cell.area_m2 >= SLIVER * cell_m**2 * 0.999


def test_cells_are_named_by_row_from_the_south_and_column_from_the_west() -> None:
    cells = {c.id: c for c in beat_cells(a_beat(box(0, 0, 600, 400), 200), FRAME)}
    assert sorted(cells) == ["b/r0c0", "b/r0c1", "b/r0c2", "b/r1c0", "b/r1c1", "b/r1c2"]
    assert cells["b/r1c2"].center == pytest.approx((500, 300), abs=1)
    assert cells["b/r1c2"].area_m2 == pytest.approx(200 * 200, rel=1e-4)


def test_a_sliver_is_joined_to_the_neighbour_with_the_longest_border() -> None:
    cells = beat_cells(a_beat(box(0, 0, 420, 200), 200), FRAME)
    assert [cell.id for cell in cells] == ["b/r0c0", "b/r0c1"]
    assert cells[1].area_m2 == pytest.approx(220 * 200, rel=1e-4)


def test_a_square_cut_in_two_gives_two_cells() -> None:
    # a U whose arms share the squares of one row
    shape = Polygon(
        [(0, 0), (200, 0), (200, 390), (120, 390), (120, 150), (80, 150), (80, 390), (0, 390)]
    )
    names = {cell.id for cell in beat_cells(a_beat(shape, 195), FRAME)}
    assert {"b/r1c0", "b/r1c0b"} <= names


def test_cells_are_the_same_each_time(zhangzhou: City) -> None:
    first = city_cells(zhangzhou)
    city_cells.cache_clear()
    assert city_cells(zhangzhou) == first


def test_swath_is_the_pinhole() -> None:
    assert swath_m(CameraSpec(hfov_deg=90), 50) == pytest.approx(100)
    with pytest.raises(GeometryError, match="altitude 0 m"):
        swath_m(CameraSpec(), 0)


@settings(max_examples=60, deadline=None)
@given(
    shape=stars(60, 400),
    swath=st.floats(15, 300),
    overlap=st.floats(0, 0.8),
    points=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=20, max_size=20),
)
def test_every_point_of_a_shape_is_within_half_a_swath_of_a_track(
    shape: Polygon, swath: float, overlap: float, points: list[tuple[float, float]]
) -> None:
    tracks = MultiLineString([t for t in lawnmower(shape, swath, overlap) if t[0] != t[1]])
    west, south, east, north = shape.bounds
    tried = [Point(west + u * (east - west), south + v * (north - south)) for u, v in points]
    tried += [Point(corner) for corner in shape.exterior.coords]
    for point in tried:
        if shape.covers(point):
            assert tracks.distance(point) <= swath / 2 + 1e-6


def test_tracks_lie_along_the_longer_side_and_go_to_and_fro() -> None:
    tracks = lawnmower(box(0, 0, 100, 400), 50, 0.2)
    assert len(tracks) == 3
    for (x0, y0), (x1, y1) in tracks:
        assert abs(x1 - x0) < 1e-6
        assert abs(y1 - y0) == pytest.approx(400)
    for before, after in pairwise(tracks):
        assert math.dist(before[1], after[0]) == pytest.approx(100 / 3)


def test_a_hole_parts_a_track() -> None:
    shape = box(0, 0, 400, 100).difference(box(150, -1, 250, 101))
    assert len(lawnmower(shape, 60, 0)) == 4


def test_tracks_are_entered_at_the_nearest_of_their_four_ends() -> None:
    tracks = lawnmower(box(0, 0, 400, 100), 40, 0)
    for corner in ((0, 0), (400, 0), (0, 100), (400, 100)):
        ways = enter_from(tracks, corner)
        assert math.dist(ways[0][0], corner) < 20
        assert {frozenset(t) for t in ways} == {frozenset(t) for t in tracks}


@pytest.mark.parametrize("bad", [(0, 0.2), (-5, 0.2), (50, 1), (50, -0.1)])
def test_a_swath_or_overlap_out_of_range_is_refused(bad: tuple[float, float]) -> None:
    with pytest.raises(GeometryError, match="swath"):
        lawnmower(box(0, 0, 100, 100), *bad)
    with pytest.raises(GeometryError, match="no area"):
        lawnmower(Polygon(), 50)


@settings(max_examples=50, deadline=None)
@given(
    turns=st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=5),
    width=st.floats(20, 300),
    swath=st.floats(20, 150),
)
def test_a_corridor_sees_its_strip(turns: list[float], width: float, swath: float) -> None:
    line, heading = [(0.0, 0.0)], 0.0
    for turn in turns:
        heading += turn
        x, y = line[-1]
        line.append((x + 500 * math.cos(heading), y + 500 * math.sin(heading)))
    passes = corridor(line, width, swath)
    strip = LineString(line).buffer(width / 2, cap_style="flat")
    tracks = MultiLineString([list(p) for p in passes])
    west, south, east, north = strip.bounds
    for i in range(12):
        for j in range(12):
            point = Point(west + (east - west) * i / 11, south + (north - south) * j / 11)
            if strip.covers(point):
                assert tracks.distance(point) <= swath / 2 + 0.5


def test_a_corridor_is_flown_to_and_fro() -> None:
    passes = corridor([(0, 0), (1000, 0)], 100, 60, 0.1)
    assert len(passes) == 2
    assert passes[0][0][0] == pytest.approx(0)
    assert passes[1][0][0] == pytest.approx(1000)
    for bad in ([], [(0, 0)], [(0, 0), (0, 0)]):
        with pytest.raises(GeometryError, match="corridor"):
            corridor(bad, 100, 60)
    with pytest.raises(GeometryError):
        corridor([(0, 0), (100, 0)], 0, 60)


def test_a_stare_looks_at_what_the_site_says(zhangzhou: City) -> None:
    site = next(s for s in zhangzhou.sites if s.id == "zhangzhou-bridge")
    leg = stare_leg(site, 90, 12)
    assert (leg.kind, leg.site) == (LegKind.STARE, "zhangzhou-bridge")
    (point,) = leg.waypoints
    assert site.stare is not None
    assert ((point.lon, point.lat), point.altitude_m, point.hold_s) == (
        site.stare.position, site.stare.altitude_m, 90,
    )  # fmt: skip
    assert leg.look_at is not None
    assert (leg.look_at.lon, leg.look_at.lat) == site.stare.look_at
    assert leg.look_at.altitude_m == site.stare.look_at_altitude_m
    with pytest.raises(PlanError, match="no stare"):
        stare_leg(site.model_copy(update={"stare": None}), 90, 12)
