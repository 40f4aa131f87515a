"""A mission held against its own fence, on the ground."""

from __future__ import annotations

import math

import pytest

from fleet.link.inside import leaves
from fleet.link.items import programme
from missions.sortie import Leg, LegKind, Sortie, SortieEnergy, Waypoint

HOME = (117.65, 24.51)
U_SHAPE = (
    (-100, -100),
    (-100, 100),
    (100, 100),
    (100, 50),
    (0, 50),
    (0, -50),
    (100, -50),
    (100, -100),
)


def at(north: float, east: float) -> tuple[float, float]:
    """Return (lon, lat) by metres from home."""
    scale = 111_320 * math.cos(math.radians(HOME[1]))
    return HOME[0] + east / scale, HOME[1] + north / 110_770


def flown(*track, fence=U_SHAPE, zones=()):
    """Return the programme of a sortie from home along a track and back."""
    pad = Waypoint(*at(-50, 0), 15.0)
    survey = Leg(LegKind.SURVEY, tuple(Waypoint(*at(*p), 15.0) for p in track), 5.0, cell="c")
    legs = (Leg(LegKind.TAKEOFF, (pad,), 5.0), survey, Leg(LegKind.HOME, (pad,), 5.0))
    return programme(
        Sortie(
            "s", "o", "a1", "d1", *at(-50, 0), 15.0, legs, SortieEnergy(1, 1, 1, 1, 10),
            tuple(at(*p) for p in fence),
            exclusions=tuple(tuple(at(*p) for p in zone) for zone in zones),
        )
    )  # fmt: skip


def test_one_that_stays_inside_is_good():
    assert leaves(flown((-50, 75), (80, 75), (-50, 75), (-50, -75))) == ""


def test_a_waypoint_outside_is_named():
    assert (
        leaves(flown((-50, 75), (-50, 140)))
        == "the way to waypoint 2 of leg 1 (survey) leaves the fence"
    )


def test_a_way_across_the_gap_between_two_waypoints_inside_is_named():
    told = leaves(flown((-50, 75), (80, 75), (80, -75)))
    assert told == "the way to waypoint 3 of leg 1 (survey) leaves the fence"


def test_the_way_home_counts():
    told = leaves(flown((-50, 75), (80, 75)))
    assert told == "the way to waypoint 1 of leg 2 (home) leaves the fence"


@pytest.mark.parametrize("far", [20.0, 90.0])
def test_a_zone_in_the_fence_may_not_be_crossed(far):
    zone = ((-60, 10), (-60, 30), (-40, 30), (-40, 10))
    told = leaves(flown((-50, far), zones=(zone,)))
    assert told == "the way to waypoint 1 of leg 1 (survey) enters a no-fly zone of the fence"
    assert leaves(flown((-50, -far), zones=(zone,))) == ""


def test_one_without_a_fence_leaves_none():
    assert leaves(flown((-50, 5000.0), fence=())) == ""


def test_a_way_along_a_border_is_inside():
    assert leaves(flown((-100, 0), (-100, 75), (-50, 75))) == ""
    zone = ((-60, 10), (-60, 30), (-40, 30), (-40, 10))
    assert leaves(flown((-60, 10), (-60, 30), (-60, 10), zones=(zone,))) == ""
