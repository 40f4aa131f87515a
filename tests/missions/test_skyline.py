"""Buildings hide what is behind them, and are flown around."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, Polygon, box

from missions.airspace import Airspace
from missions.city import City
from missions.cityfile import parse
from missions.errors import CityFileError, PlanError
from missions.geo import LocalFrame
from missions.places import Building
from missions.skyline import ROOF_M, WALL_M, Prism, Skyline

FRAME = LocalFrame(117.65, 24.50)
L_SHAPE = Polygon([(0, 0), (60, 0), (60, 20), (20, 20), (20, 60), (0, 60)])
SKYLINE = Skyline(
    (
        Prism("tower", box(-40, -20, -20, 0), 80.0, box(-50, -30, -10, 10)),
        Prism("hall", L_SHAPE, 25.0, L_SHAPE.convex_hull.buffer(10)),
    )
)
places = st.tuples(st.floats(-80, 80), st.floats(-80, 80), st.floats(0, 120))


@settings(max_examples=80, deadline=None)
@given(places, places)
def test_what_is_hidden_is_what_a_ray_walked_step_by_step_meets(
    eye: tuple[float, float, float], target: tuple[float, float, float]
) -> None:
    hidden = SKYLINE.hides(eye, target)
    steps = 400
    for prism in SKYLINE.prisms:
        inner = prism.ground.buffer(-0.3)
        for k in range(steps + 1):
            x, y, z = (a + (b - a) * k / steps for a, b in zip(eye, target, strict=True))
            if z < prism.height_m - 0.3 and inner.contains(Point(x, y)):
                assert hidden is not None
                return
    if hidden is not None:  # then it is met by less than a step or a hair
        prism = next(p for p in SKYLINE.prisms if p.id == hidden)
        grown = prism.ground.buffer(0.8)
        line = [
            tuple(a + (b - a) * k / steps for a, b in zip(eye, target, strict=True))
            for k in range(steps + 1)
        ]
        assert any(grown.contains(Point(p[:2])) and p[2] < prism.height_m + 0.8 for p in line)


def test_over_a_roof_along_a_wall_and_into_the_corner_of_an_l() -> None:
    assert SKYLINE.hides((-100, -10, 90), (100, -10, 90)) is None
    assert SKYLINE.hides((-100, -10, 79), (100, -10, 79)) == "tower"
    assert SKYLINE.hides((-40, -60, 5), (-40, 60, 5)) is None, "along the tower's wall"
    assert SKYLINE.hides((40, 40, 5), (21, 21, 1)) is None, "within the angle of the L"
    assert SKYLINE.hides((10, 10, 30), (10, 10, 5)) == "hall", "straight down into the roof"
    assert Skyline().hides((0, 0, 0), (1, 1, 1)) is None


def test_ways_lead_around_what_is_not_lower_by_enough(small: City) -> None:
    frame = LocalFrame(*small.city.origin)
    ring = tuple(frame.to_lonlat(x, y) for x, y in ((180, -30), (220, -30), (220, 30), (180, 30)))
    tower = Building(id="tower", ring=ring, height_m=50)
    air = Airspace.of(small.model_copy(update={"buildings": (tower,)}))
    low = air.route((100.0, 0.0), (400.0, 0.0), 50 + ROOF_M - 1)
    assert LineString(low).distance(Point(200, 0)) > 30 + WALL_M - 1
    assert len(air.route((100.0, 0.0), (400.0, 0.0), 50 + ROOF_M)) == 2
    with pytest.raises(PlanError, match="building 'tower'") as refused:
        air.check([(100.0, 0.0, 40.0), (400.0, 0.0, 40.0)])
    assert refused.value.constraint == "airspace"
    air.check([(100.0, 0.0, 60.0), (400.0, 0.0, 60.0)])
    assert math.isclose(air.skyline.prisms[0].ground.area, 40 * 60, rel_tol=1e-6)


def test_a_dock_or_a_stare_in_a_building_is_refused(small_text: str) -> None:
    text = small_text + (
        "buildings:\n"
        "  - {id: hall, height_m: 30, ring: "
        "[[117.6499, 24.4999], [117.6512, 24.4999], [117.6512, 24.5012], [117.6499, 24.5012]]}\n"
    )
    with pytest.raises(CityFileError) as refused:
        parse(text, "small.yaml")
    said = str(refused.value)
    assert "dock 'dock-1' lies in the building 'hall'" in said
    assert "stare of site 'bridge' is in the building 'hall'" in said
    crossed = text.replace(
        "[117.6512, 24.4999], [117.6512, 24.5012]", "[117.6512, 24.5012], [117.6512, 24.4999]"
    )
    with pytest.raises(CityFileError, match="building 'hall' crosses"):
        parse(crossed, "small.yaml")
