"""Legs seen, and the way home around what must not be entered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.flight.policy import Policy
from fleet.flight.route import Follower, flown, on_task, way_home
from fleet.link.items import Programme, programme
from fleet.model.live import Telemetry
from missions.geo import LocalFrame
from missions.sortie import Leg, LegKind, Sortie, SortieEnergy, Waypoint

PAD = (117.65, 24.51)
FRAME = LocalFrame(*PAD)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def wp(north: float, east: float) -> Waypoint:
    return Waypoint(*FRAME.to_lonlat(east, north), 40.0)


def ring(*corners: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    return tuple(tuple(FRAME.to_lonlat(east, north)) for north, east in corners)  # type: ignore[misc]


@pytest.fixture
def plan() -> Programme:
    """Out to the east, around a zone that lies on the straight way home."""
    legs = (
        Leg(LegKind.TAKEOFF, (wp(0, 0),), 10.0),
        Leg(LegKind.SURVEY, (wp(0, 400), wp(20, 400)), 8.0, cell="c1"),
        Leg(LegKind.SURVEY, (wp(40, 420), wp(60, 420)), 8.0, cell="c2"),
        Leg(LegKind.TRANSIT, (wp(200, 200),), 10.0),
        Leg(LegKind.HOME, (wp(0, 0),), 10.0),
    )
    zone = ring((-60, 180), (60, 180), (60, 220), (-60, 220))
    sortie = Sortie(
        "s", "o", "a1", "d1", *PAD, 40.0, legs, SortieEnergy(1, 1, 1, 1, 9), (), (zone,)
    )
    return programme(sortie)


def seen(north: float, east: float, current: int, speed: float = 0.0) -> Telemetry:
    lon, lat = FRAME.to_lonlat(east, north)
    return Telemetry(
        at=NOW, lon=lon, lat=lat, altitude_m=40.0, mission_current=current, velocity_east_m_s=speed
    )


def test_the_way_home_goes_around_a_zone(plan: Programme) -> None:
    index = way_home(plan, seen(10, 400, 2))
    assert plan.leg(index).kind is LegKind.TRANSIT


def test_the_way_home_is_straight_where_it_is_free(plan: Programme) -> None:
    assert way_home(plan, seen(190, 190, 4)) == plan.last
    free = replace(plan, sortie=replace(plan.sortie, exclusions=()))
    assert way_home(free, seen(10, 400, 2)) == plan.last


def test_boxed_in_it_goes_on_with_its_mission(plan: Programme) -> None:
    box = ring((-30, 350), (100, 350), (100, 460), (-30, 460))
    around = replace(plan, sortie=replace(plan.sortie, exclusions=(box,)))
    assert way_home(around, seen(10, 400, 2)) == 2


@given(currents=st.lists(st.integers(0, 12), max_size=30).map(sorted))
def test_each_cell_is_seen_at_most_once_and_only_when_left(currents: list[int]) -> None:
    made = _plan()
    follower = Follower(made)
    cells: list[str] = []
    for current in currents:
        cells += follower.update(current)
    assert len(cells) == len(set(cells))
    if currents:
        assert all(made.sortie.legs[made.leg_index(currents[-1])].cell != cell for cell in cells)


def _plan() -> Programme:
    legs = (
        Leg(LegKind.TAKEOFF, (wp(0, 0),), 10.0),
        Leg(LegKind.SURVEY, (wp(0, 400), wp(20, 400)), 8.0, cell="c1"),
        Leg(LegKind.SURVEY, (wp(40, 420), wp(60, 420)), 8.0, cell="c2"),
        Leg(LegKind.HOME, (wp(0, 0),), 10.0),
    )
    return programme(Sortie("s", "o", "a1", "d1", *PAD, 40.0, legs, SortieEnergy(1, 1, 1, 1, 9)))


def test_on_task_is_where_something_is_observed(plan: Programme) -> None:
    kinds = [on_task(plan, index) for index in range(len(plan.items) + 2)]
    observed = [plan.leg(index).cell is not None for index in range(len(plan.items) + 2)]
    assert kinds == observed


@pytest.mark.parametrize(
    ("make", "is_flown"),
    [
        (lambda p: seen(0, 0, p.last + 1), True),
        (lambda p: seen(1, 1, p.last), True),
        (lambda p: seen(1, 1, p.last, speed=8.0), False),
        (lambda p: seen(50, 0, p.last), False),
        (lambda p: seen(0, 0, p.last - 1), False),
    ],
)
def test_flown_is_over_the_dock_and_still(
    plan: Programme, make: Callable[[Any], Telemetry], is_flown: bool
) -> None:
    assert flown(plan, make(plan), Policy()) is is_flown


@pytest.mark.parametrize(
    "kind", sorted(set(LegKind) - {LegKind.TAKEOFF, LegKind.TRANSIT, LegKind.HOME})
)
def test_a_task_s_leg_is_on_task_though_it_names_no_cell(plan: Programme, kind: LegKind) -> None:
    legs = (plan.sortie.legs[0], Leg(kind, (wp(0, 400),), 8.0), *plan.sortie.legs[-2:])
    made = programme(replace(plan.sortie, legs=legs))
    at = [index for index in range(len(made.items)) if made.leg_index(index) == 1]
    assert all(on_task(made, index) for index in at)
    assert not on_task(made, 0)
    assert not on_task(made, made.last)
