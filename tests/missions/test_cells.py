"""Cells keep the beat's area, and are the same each time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon, box

from missions.cells import SLIVER, beat_cells, city_cells
from missions.city import Beat, City
from missions.geo import LocalFrame

Stars = Callable[[float, float], st.SearchStrategy[Polygon]]

FRAME = LocalFrame(117.65, 24.50)


def a_beat(shape: Polygon, cell_m: float) -> Beat:
    return Beat(id="b", name="B", district="d", area=FRAME.ring(shape), cell_m=cell_m)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), cell_m=st.floats(80, 900))
def test_cells_tile_the_beat(stars: Stars, data: st.DataObject, cell_m: float) -> None:
    shape = data.draw(stars(150, 1500))
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
