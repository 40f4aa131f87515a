"""A task that one battery cannot fly comes in parts that it can, and nothing is lost between."""

from __future__ import annotations

import pytest
import shapely
from shapely.geometry import LineString, Polygon

from missions.builder import Builder
from missions.city import City
from missions.energy import CALM
from missions.errors import PlanError
from missions.ground import ground_of
from missions.split import split
from missions.task import LonLats, Task

MIDDLE = (-1800.0, 600.0)


@pytest.fixture
def builder(zhangzhou: City) -> Builder:
    ground = ground_of(zhangzhou)
    drone = next(d for d in ground.drones.values() if d.dock == "xc-north")
    return Builder(ground, drone, 40.0, 100.0, CALM)


def near(builder: Builder, *places: tuple[float, float]) -> LonLats:
    x, y = builder.ground.places["xc-north"]
    frame = builder.ground.frame
    return tuple(tuple(frame.to_lonlat(x + e, y + n)) for e, n in places)  # type: ignore[misc]


def fit(builder: Builder, parts: tuple[Task, ...]) -> bool:
    return all(builder.fits(builder.home(builder.task(builder.start(), part))) for part in parts)


def test_what_fits_is_left_whole(builder: Builder) -> None:
    task = Task("area", near(builder, (100, -100), (300, -100), (300, -300)))
    assert split(builder, task) == (task,)


def test_a_large_area_comes_in_strips_that_add_up(builder: Builder) -> None:
    ring = ((-700, -1200), (700, -1250), (650, -200), (-600, -150))
    hole = ((-100, -700), (100, -700), (0, -500))
    task = Task("area", near(builder, *ring), holes=(near(builder, *hole),))
    parts = split(builder, task)
    assert len(parts) > 1
    assert fit(builder, parts)
    frame = builder.ground.frame

    def shape(part: Task) -> Polygon:
        return Polygon(
            frame.polygon(part.shape).exterior, [frame.polygon(h).exterior for h in part.holes]
        )

    whole, pieces = shape(task), [shape(part) for part in parts]
    assert sum(p.area for p in pieces) == pytest.approx(whole.area, rel=1e-4)
    assert shapely.union_all(pieces).symmetric_difference(whole).area < 1.0
    areas = [p.area for p in pieces]
    assert max(areas) < 1.5 * min(areas)


def test_a_long_river_comes_in_pieces_that_overlap(builder: Builder) -> None:
    line = ((-1500, 0), (-700, -900), (0, -400), (700, -1000), (1500, -500))
    task = Task("corridor", near(builder, *line), width_m=120, camera_pitch_deg=-45)
    parts = split(builder, task)
    assert len(parts) > 1
    assert fit(builder, parts)
    frame = builder.ground.frame
    whole = LineString(frame.points_to_enu(task.shape))
    pieces = [LineString(frame.points_to_enu(part.shape)) for part in parts]
    assert whole.difference(shapely.union_all(pieces).buffer(0.01)).length < 0.1
    assert sum(p.length for p in pieces) == pytest.approx(whole.length + 120 * (len(parts) - 1))


def test_many_turns_come_in_several_flights(builder: Builder) -> None:
    task = Task("orbit", near(builder, (300, -300)), radius_m=100, turns=40)
    parts = split(builder, task)
    assert len(parts) > 1
    assert fit(builder, parts)
    assert sum(part.turns for part in parts) == pytest.approx(40)


def test_what_cannot_be_cut_or_is_too_far_is_refused(builder: Builder) -> None:
    long = Task("stare", near(builder, (300, -300)), radius_m=50, hold_s=7200)
    with pytest.raises(PlanError, match="holds") as refused:
        split(builder, long)
    assert refused.value.constraint == "energy"
    weak = Builder(builder.ground, builder.drone, 40.0, 30.0, CALM)
    with pytest.raises(PlanError, match="more than the 64 flights"):
        split(weak, Task("orbit", near(builder, (300, -300)), radius_m=100, turns=10))
