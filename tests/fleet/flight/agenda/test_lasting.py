"""What is left of a sortie: all of it at first, less with every item, nothing at the pad."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from fleet.flight.agenda.lasting import Course, descent_s, home_s
from fleet.link.items import programme
from fleet.model.live import Telemetry
from missions.geo import LocalFrame
from missions.sortie import Leg, LegKind, Sortie, SortieEnergy, Waypoint

PAD = (117.65, 24.51)
FRAME = LocalFrame(*PAD)
NOW = datetime(2026, 5, 1, tzinfo=UTC)


def at(east: float, north: float, hold: float = 0.0) -> Waypoint:
    lon, lat = FRAME.to_lonlat(east, north)
    return Waypoint(lon, lat, 60.0, hold)


def sortie(duration_s: float = 400.0) -> Sortie:
    legs = (
        Leg(LegKind.TAKEOFF, (at(0, 0),), 12.0),
        Leg(LegKind.TRANSIT, (at(0, 600),), 12.0),
        Leg(LegKind.SURVEY, (at(0, 900), at(200, 900)), 6.0, cell="c"),
        Leg(LegKind.STARE, (at(300, 300, 60.0),), 12.0, site="s"),
        Leg(LegKind.HOME, (at(0, 0),), 12.0),
    )
    energy = SortieEnergy(duration_s, 2000, 30, 68, 274)
    return Sortie("s-1", "o", "d", "dock", *PAD, 60.0, legs, energy)


def left(course: Course, item: int, east: float, north: float) -> float:
    lon, lat = FRAME.to_lonlat(east, north)
    return course.left_s(Telemetry(at=NOW, lon=lon, lat=lat, mission_current=item))


def test_less_is_left_with_every_item_and_every_metre() -> None:
    plan = programme(sortie())
    course = Course(plan)
    places = [
        (index, FRAME.to_enu(item.lon, item.lat)) for index, item in enumerate(plan.items) if item.x
    ]
    spent = [left(course, index, *place) for index, place in places]
    assert all(before > after - 1e-6 for before, after in pairwise(spent))
    assert spent[-1] < spent[0] / 2
    assert spent[0] < 400
    way = [left(course, places[1][0], 0, north) for north in (0, 200, 400, 600)]
    assert way == sorted(way, reverse=True)


def test_the_whole_is_what_the_planner_reckons() -> None:
    short, long = Course(programme(sortie(300))), Course(programme(sortie(600)))
    assert left(long, 3, 0, 300) == pytest.approx(2 * left(short, 3, 0, 300))
    climb_s = 60 / 3
    assert left(short, 0, 0, 0) == pytest.approx(300 - climb_s * 300 / 300, rel=0.1)


def test_an_index_past_the_end_is_the_end() -> None:
    plan = programme(sortie())
    course = Course(plan)
    assert left(course, plan.last + 5, 0, 0) == left(course, plan.last, 0, 0)
    assert left(course, plan.last, 0, 0) > 0


def test_the_way_home() -> None:
    lon, lat = FRAME.to_lonlat(0, 600)
    far = Telemetry(at=NOW, lon=lon, lat=lat, altitude_m=60.0)
    assert home_s(far, PAD, 12.0) == pytest.approx(600 / 12 + descent_s(60.0), abs=1)
    assert home_s(Telemetry(at=NOW), PAD, 12.0) == 0
    assert descent_s(60.0) == pytest.approx(50 / 1.5 + 10 / 0.7)
