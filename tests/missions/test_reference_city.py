"""The city that Skybeat is measured on is the one that the measurements are said to be of."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from shapely.geometry import Point

from missions.cells import city_cells, city_frame
from missions.charge import seconds_to
from missions.city import City
from missions.geo import area_m2
from missions.power import PowerModel


def test_45_km2_in_three_districts_and_twelve_beats(reference: City) -> None:
    assert (len(reference.districts), len(reference.beats)) == (3, 12)
    beats = sum(area_m2(beat.area) for beat in reference.beats)
    assert beats == pytest.approx(45e6, rel=0.01)
    assert sum(area_m2(d.area) for d in reference.districts) == pytest.approx(beats, rel=1e-4)
    frame = city_frame(reference)
    shapes = {beat.id: frame.polygon(beat.area) for beat in reference.beats}
    overlaps = [a.intersection(b).area for a, b in combinations(shapes.values(), 2)]
    assert max(overlaps) < 50.0  # positions are rounded to a metre
    for beat in reference.beats:
        district = next(d for d in reference.districts if d.id == beat.district)
        assert shapes[beat.id].difference(frame.polygon(district.area)).area < 50.0


def test_480_cells_that_cover_it(reference: City) -> None:
    cells = city_cells(reference)
    assert len(cells) == 480
    assert sum(cell.area_m2 for cell in cells) == pytest.approx(45e6, rel=0.01)


def test_beats_are_compact_and_the_busy_ones_smaller(reference: City) -> None:
    frame = city_frame(reference)
    area, calls = {}, {}
    for beat in reference.beats:
        shape = frame.polygon(beat.area)
        assert 4 * math.pi * shape.area / shape.length**2 > 0.7, beat.id  # a square has 0.79
        area[beat.id] = shape.area
        calls[beat.id] = beat.calls_per_day + sum(
            spot.calls_per_day
            for spot in reference.hot_spots
            if shape.contains(Point(frame.to_enu(*spot.position)))
        )
    busy = sorted(calls, key=lambda beat: -calls[beat])
    assert max(area[beat] for beat in busy[:3]) < min(area[beat] for beat in busy[-2:])
    assert sum(calls.values()) == pytest.approx(143.3)


def test_each_dock_stands_well_inside_its_beat_and_is_the_nearest_to_most_of_it(
    reference: City,
) -> None:
    frame = city_frame(reference)
    pads = {dock.id: frame.to_enu(*dock.position) for dock in reference.docks}
    assert list(pads) == [beat.id for beat in reference.beats]
    for beat in reference.beats:
        shape, pad = frame.polygon(beat.area), pads[beat.id]
        assert shape.contains(Point(pad))
        assert shape.exterior.distance(Point(pad)) > 750
    near = [
        min(pads, key=lambda dock: math.dist(pads[dock], cell.center)) == cell.beat
        for cell in city_cells(reference)
    ]
    assert sum(near) > 0.93 * len(near)


def test_docks_drones_and_their_numbers(reference: City) -> None:
    assert [(d.slots, d.door_s) for d in reference.docks] == [(3, 15)] * 12
    limits = reference.limits
    assert (limits.checks_s, limits.reserve_percent, limits.max_airborne) == (5, 20, 24)
    assert limits.first_layer_m == 60
    assert [d.dock for d in reference.drones] == [d.id for d in reference.docks for _ in "ab"]
    for drone in reference.drones:
        assert (drone.cruise_m_s, drone.climb_m_s, drone.camera.hfov_deg) == (15, 4, 73)
        model = PowerModel.of(drone)
        assert drone.battery.capacity_wh / model.power_w(15.0) == pytest.approx(0.5)  # hours
        assert seconds_to(drone.battery, 20, 90) == pytest.approx(35 * 60)


def test_its_clock_and_its_key_targets(reference: City) -> None:
    assert reference.city.timezone == "Asia/Shanghai"
    assert len(reference.targets) == 76
    assert {spot.profile for spot in reference.hot_spots} == {
        "streets", "market", "school", "commute", "leisure"
    }  # fmt: skip
