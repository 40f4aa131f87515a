"""Surveys go around docks, and the beats are seen all the same."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import shapely
from shapely.geometry import LineString, Point, box

from missions.airspace import APART_M, Airspace
from missions.builder import Builder
from missions.city import Beat, City, Dock, Zone
from missions.draft import Draft
from missions.energy import CALM
from missions.footprint import swath_m
from missions.geo import LocalFrame
from missions.ground import Ground, ground_of
from missions.rim import around
from missions.ways import HAIR_M


def surveyed(ground: Ground, cell: int, altitude_m: float) -> tuple[LineString, Draft]:
    """Return what the drone of the nearest dock flies over a cell, and the whole sortie."""
    middle = ground.cells[cell].center
    near = min(ground.places, key=lambda dock: math.dist(ground.places[dock], middle))
    drone = next(d for d in ground.drones.values() if d.dock == near)
    builder = Builder(ground, drone, altitude_m, 100.0, CALM)
    draft = builder.survey(builder.start(), cell)
    return LineString([(p.east, p.north) for p in draft.legs[-1].points]), builder.home(draft)


def at_docks(ground: Ground) -> list[int]:
    return [
        index
        for index, cell in enumerate(ground.cells)
        if any(cell.shape.intersects(column) for column in ground.airspace.columns)
    ]


@pytest.mark.parametrize("layer", [0, 3])
def test_no_survey_leads_over_a_dock_and_little_stays_unseen(zhangzhou: City, layer: int) -> None:
    ground = ground_of(zhangzhou)
    altitude = ground.layers[layer]
    half = swath_m(zhangzhou.drones[0].camera, altitude) / 2.0
    cells = at_docks(ground)
    assert len(cells) >= 12
    columns = shapely.union_all(ground.airspace.columns)
    for index in cells:
        flown, _ = surveyed(ground, index, altitude)
        for place in ground.places.values():
            assert flown.distance(Point(place)) >= APART_M - 2 * HAIR_M
        shape = ground.cells[index].shape
        unseen = shape.difference(flown.buffer(half + 0.01))
        assert unseen.area <= 0.035 * shape.area
        assert unseen.difference(columns).area < 2.0


def test_going_around_docks_costs_little_time(zhangzhou: City) -> None:
    ground = ground_of(zhangzhou)
    over = replace(ground, airspace=replace(ground.airspace, columns=(), _levels={}), _tracks={})
    cells = at_docks(ground)
    around_s, over_s = (
        sum(surveyed(g, index, 40.0)[1].cost.duration_s for index in cells) for g in (ground, over)
    )
    assert over_s < around_s < 1.06 * over_s


def test_a_cell_that_lies_within_a_dock_s_column_is_seen_from_its_rim(small: City) -> None:
    frame = LocalFrame(*small.city.origin)
    ring = tuple(frame.to_lonlat(x, y) for x, y in ((-90, -90), (90, -90), (90, 90), (-90, 90)))
    beat = Beat(id="yard", name="Yard", district="north", area=ring, cell_m=60)
    dock = Dock(id="dock-1", position=frame.to_lonlat(0, 0), slots=2)
    ground = ground_of(small.model_copy(update={"beats": (beat,), "docks": (dock,), "zones": ()}))
    middle = next(i for i, c in enumerate(ground.cells) if c.shape.contains(Point(0, 0)))
    flown, _ = surveyed(ground, middle, 40.0)
    assert APART_M - 2 * HAIR_M <= flown.distance(Point(0, 0)) <= APART_M + 0.1
    assert LineString(flown.coords).convex_hull.contains(ground.cells[middle].shape)


def test_a_rim_keeps_out_of_closed_ground(small: City) -> None:
    frame = LocalFrame(*small.city.origin)
    east = [frame.to_lonlat(x, y) for x, y in ((0, -200), (200, -200), (200, 200), (0, 200))]
    dock = small.docks[0].model_copy(update={"position": frame.to_lonlat(-60, 0)})
    zone = Zone.model_validate({"id": "east", "kind": "no_fly", "area": east})
    air = Airspace.of(small.model_copy(update={"docks": (dock,), "zones": (zone,)}))
    closed = air.closed_at(40.0)
    within = box(-80, -20, -40, 20)
    rim = around([((-80.0, 0.0), (-40.0, 0.0))], within, air, 40.0, 60.0)
    assert sum(LineString(track).length for track in rim) > 150
    for track in rim:
        assert LineString(track).intersection(closed).length < 0.01
