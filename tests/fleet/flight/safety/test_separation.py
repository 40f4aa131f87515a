"""Prediction against trying it out, and who is looked at at all."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fleet.flight.safety.separation import (
    CLEAR,
    KEPT,
    LEVELS_OFF_S,
    LOOK_AHEAD_S,
    Relative,
    Room,
    conflict,
    may_meet,
    too_near,
)
from fleet.flight.safety.sky import Mover
from fleet.flight.safety.standing import standing
from fleet.model.states import DroneState as S

ROOM = Room(30.0, 15.0)
place = st.floats(-250, 250)
level = st.floats(-60, 60)
speed = st.floats(-30, 30)
rate = st.floats(-6, 6)
STEP_S = 0.01


def relatives() -> st.SearchStrategy[Relative]:
    return st.builds(Relative, place, place, level, speed, speed, rate)


def tried(r: Relative, room: Room, levels_off_s: float) -> float | None:
    """Return the first moment at which it is inside, by trying each hundredth of a second."""
    for step in range(round(LOOK_AHEAD_S / STEP_S) + 1):
        t = step * STEP_S
        climbs = min(t, levels_off_s)
        apart = math.hypot(r.east_m + t * r.velocity_east_m_s, r.north_m + t * r.velocity_north_m_s)
        up = (r.up_m or 0.0) + climbs * r.velocity_up_m_s
        if apart < room.radius_m and abs(up) < room.half_height_m:
            return t
    return None


@settings(max_examples=400)
@given(relatives(), st.sampled_from((LEVELS_OFF_S, math.inf)))
def test_it_says_what_trying_says(r: Relative, levels_off_s: float) -> None:
    said = too_near(r, ROOM, LOOK_AHEAD_S, levels_off_s)
    found = tried(r, ROOM, levels_off_s)
    if found is not None:
        assert said is not None
        assert found - STEP_S <= said + 1e-6
        assert said <= found + 1e-6
    elif said is not None:  # it may slip in and out between two moments
        wider = Room(ROOM.radius_m + 0.5, ROOM.half_height_m + 0.1)
        assert tried(r, wider, levels_off_s) is not None


@given(relatives())
def test_a_height_that_is_not_known_is_the_same_height(r: Relative) -> None:
    unknown = too_near(r._replace(up_m=None), ROOM, LOOK_AHEAD_S, LEVELS_OFF_S)
    level = too_near(r._replace(up_m=0.0, velocity_up_m_s=0.0), ROOM, LOOK_AHEAD_S, LEVELS_OFF_S)
    assert unknown == level


def test_the_border_is_outside() -> None:
    still = (0.0, 0.0, 0.0)
    assert too_near(Relative(30.0, 0.0, 0.0, *still), ROOM, 5.0) is None
    assert too_near(Relative(29.9, 0.0, 0.0, *still), ROOM, 5.0) == 0.0
    assert too_near(Relative(0.0, 0.0, 15.0, *still), ROOM, 5.0) is None
    assert too_near(Relative(0.0, 0.0, -14.9, *still), ROOM, 5.0) == 0.0


def mover(drone: str, east: float, north: float, height: float | None, **fields: Any) -> Mover:
    v_east, v_north = fields.pop("v_east", 0.0), fields.pop("v_north", 0.0)
    told: dict[str, Any] = {
        "state": S.ON_TASK,
        "standing": standing(S.ON_TASK, "MISSION", True),
        "velocity_up_m_s": fields.pop("v_up", 0.0),
        "heard_s": 0.0,
        "in_column": False,
    }
    return Mover(
        drone=drone,
        east_m=east,
        north_m=north,
        height_m=height,
        height_or_nan=math.nan if height is None else height,
        speed_m_s=math.hypot(v_east, v_north),
        velocity_east_m_s=v_east,
        velocity_north_m_s=v_north,
        **(told | fields),
    )


def movers(drone: str) -> st.SearchStrategy[Mover]:
    def build(
        east: float, north: float, height: float | None, v: tuple[float, float, float], heard: float
    ) -> Mover:
        return mover(
            drone, east, north, height, v_east=v[0], v_north=v[1], v_up=v[2], heard_s=heard
        )

    height = st.one_of(st.none(), st.floats(40, 130))
    velocity = st.tuples(st.floats(-15, 15), st.floats(-15, 15), st.floats(-4, 4))
    return st.builds(build, place, place, height, velocity, st.floats(-90, 0))


@settings(max_examples=300)
@given(movers("a"), movers("b"), st.sampled_from((KEPT, CLEAR)))
@example(mover("a", 0, 0, 60.0), mover("b", 330.0, 0, 60.0, v_east=-30.0, heard_s=-4.9), KEPT)
@example(mover("a", 0, 0, 60.0, v_north=30.0), mover("b", 0, 410.0, 60.0, v_north=-30.0), KEPT)
@example(mover("a", 0, 0, None), mover("b", 80.0, 0, 90.0, heard_s=-50.0), KEPT)
@example(mover("a", 0, 0, 60.0, v_up=3.0), mover("b", 0, 0, 82.0, v_up=-3.0), KEPT)
def test_the_sieve_lets_nobody_through_that_matters(own: Mover, other: Mover, room: Room) -> None:
    if conflict(own, other, 0.0, room) is not None:
        assert may_meet(own, [other], room) == [other]


def test_the_examples_of_the_sieve_are_conflicts() -> None:
    gone = mover("b", 330.0, 0, 60.0, v_east=-30.0, heard_s=-4.9)
    assert conflict(mover("a", 0, 0, 60.0), gone, 0.0) is not None
    fast = mover("b", 0, 410.0, 60.0, v_north=-30.0)
    assert conflict(mover("a", 0, 0, 60.0, v_north=30.0), fast, 0.0) is not None


def test_two_at_one_stare_fifteen_metres_apart_are_no_conflict() -> None:
    """With the metre that their barometers differ, and while the upper one comes down to its place."""
    on_station = mover("a", 0, 0, 60.0)
    for height, v_up in ((75.0, 0.0), (74.0, 0.0), (73.9, -0.3), (75.5, -1.5), (78.5, -3.0)):
        relief = mover("b", 5.0, 0, height, v_up=v_up)
        assert conflict(on_station, relief, 0.0) is None, (height, v_up)
    assert conflict(on_station, mover("b", 5.0, 0, 71.0), 0.0) == 0.0


def test_thirty_metres_apart_are_no_conflict() -> None:
    assert conflict(mover("a", 0, 0, 60.0), mover("b", 30.0, 0, 60.0), 0.0) is None
    assert conflict(mover("a", 0, 0, 60.0), mover("b", 28.0, 0, 60.0), 0.0) is None
    assert conflict(mover("a", 0, 0, 60.0), mover("b", 26.0, 0, 60.0), 0.0) == 0.0


def test_two_that_part_are_no_conflict() -> None:
    own = mover("a", 0, 0, 60.0, v_east=-5.0)
    assert conflict(own, mover("b", 20.0, 0, 60.0), 0.0) is None
    assert conflict(own, mover("b", -20.0, 0, 60.0), 0.0) == 0.0


def test_it_is_seen_six_and_a_half_seconds_ahead() -> None:
    own = mover("a", 0, 0, 60.0, v_east=12.0)
    assert conflict(own, mover("b", 12 * 6.5 + 28.0, 0, 60.0), 0.0) is None
    assert conflict(own, mover("b", 12 * 6.5 + 26.0, 0, 60.0), 0.0) == pytest.approx(6.42, abs=0.01)


def test_two_in_the_columns_of_neighbouring_docks_are_kept_apart_by_their_gates() -> None:
    a, b = (mover(name, e, 0, 30.0, in_column=True) for name, e in (("a", 0.0), ("b", 20.0)))
    assert conflict(a, b, 0.0) is None
    crossing = mover("c", 20.0, 0, 35.0)
    assert conflict(crossing, a, 0.0) is not None


def test_one_that_is_not_heard_counts_where_it_went_less_surely_each_second_for_a_minute() -> None:
    gone = mover("b", 100.0, 0, 60.0, v_east=-12.0)

    def meets(east: float, now_s: float) -> bool:
        return conflict(mover("a", east, 0, 60.0, heard_s=now_s), gone, now_s) is not None

    assert meets(70.0, 0.0)  # comes on
    assert not meets(135.0, 3.0)  # has passed
    assert meets(40.0, 10.0)  # was to be there after 5 s, and may be within 18 m of it
    assert not meets(40.0 - 27.0 - 20.0, 10.0)
    assert meets(40.0 - 27.0 - 20.0, 20.0)
    assert not meets(40.0 - 27.0 - 61.0, 50.0)  # no more than 60 m
    assert meets(40.0, 59.0)
    assert not meets(40.0, 61.0)


def test_a_conflict_names_the_lost_one_as_lost(scene: Callable[[S], Any]) -> None:
    s = scene(S.ON_TASK).other(340.0, 0.0, 55.0, S.ON_WAY)
    assert s.judge().step is None  # it gives way, and is far enough
    s.other(340.0, 0.0, 55.0, S.LOST, connected=False)
    v = s.after(12.0)
    assert v.row == "conflict"
    assert "b1 is 40 m away, 0 m above (not heard, within" in str(v.step)
    assert s.after(60.0).step is None
