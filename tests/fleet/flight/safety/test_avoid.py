"""How a drone gets out of the way, decision by decision, and flown against one that comes on."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.flight.safety import manoeuvre
from fleet.flight.safety.avoid import STEP_M
from fleet.flight.safety.separation import KEPT
from fleet.model.states import DroneState as S

Make = Callable[[S], Any]


def test_from_an_aircraft_it_goes_down_to_the_refuge(scene: Make) -> None:
    way = manoeuvre(scene(S.AVOIDING).traffic(300.0, 800.0, 200.0).view())
    assert way is not None
    assert way.altitude_m == 30.0
    assert "aircraft B7000" in way.why


@pytest.mark.parametrize("altitude", [31.0, 20.0])
def test_from_an_aircraft_it_holds_where_it_is_low_already(scene: Make, altitude: float) -> None:
    s = scene(S.AVOIDING).at(300.0, 0.0, altitude).traffic(300.0, 800.0, 200.0)
    way = manoeuvre(s.view())
    assert way is not None
    assert way.altitude_m is None


def test_at_the_refuge_it_does_not_meet_another_drone(scene: Make) -> None:
    s = scene(S.AVOIDING).traffic(300.0, 800.0, 200.0).other(310.0, 0.0, 30.0, S.HELD)
    way = manoeuvre(s.view())
    assert way is not None
    assert way.altitude_m == pytest.approx(30.0 + STEP_M)


def test_it_holds_where_that_is_enough(scene: Make) -> None:
    s = scene(S.AVOIDING).fly(velocity_east_m_s=12.0).other(380.0, 0.0, 55.0, S.HELD)
    way = manoeuvre(s.view())
    assert way is not None
    assert way.altitude_m is None


def test_it_climbs_past_one_that_comes_on(scene: Make) -> None:
    s = scene(S.AVOIDING).other(360.0, 0.0, 55.0, S.RETURNING, velocity_east_m_s=-12.0)
    way = manoeuvre(s.view())
    assert way is not None
    assert way.altitude_m == pytest.approx(55.0 + STEP_M)


def test_it_goes_rather_away_from_a_height_than_through_it(scene: Make) -> None:
    s = scene(S.AVOIDING).other(310.0, 0.0, 66.0, S.RETURNING)
    way = manoeuvre(s.view())
    assert way is not None
    assert way.altitude_m == pytest.approx(66.0 - STEP_M)  # 7 m down, against 29 m up


def test_it_sinks_under_the_ceiling(scene: Make) -> None:
    s = scene(S.AVOIDING).at(300.0, 0.0, 115.0).other(310.0, 0.0, 115.0, S.RETURNING)
    way = manoeuvre(s.view())
    assert way is not None
    assert way.altitude_m == pytest.approx(115.0 - STEP_M)


def test_it_does_not_climb_into_a_third(scene: Make) -> None:
    s = scene(S.AVOIDING).other(310.0, 0.0, 55.0, S.RETURNING)
    s.other(300.0, 10.0, 75.0, S.ON_WAY, name="c1")
    way = manoeuvre(s.view())
    assert way is not None
    assert way.altitude_m == pytest.approx(55.0 - STEP_M)


def test_with_no_way_free_it_holds(scene: Make) -> None:
    s = scene(S.AVOIDING).other(310.0, 0.0, 55.0, S.RETURNING)
    for name, altitude in (("c1", 73.0), ("c2", 37.0)):
        s.other(300.0, 10.0, altitude, S.HELD, name=name)
    way = manoeuvre(s.view())
    assert way is not None
    assert way.altitude_m is None


def test_nothing_in_the_way_is_nothing_to_do(scene: Make) -> None:
    assert manoeuvre(scene(S.AVOIDING).view()) is None
    assert manoeuvre(scene(S.AVOIDING).fly(lon=None).other(310.0, 0.0, 55.0).view()) is None


STEP_S = 0.2


class Flown:
    """A drone that does what it is told: PX4's default rates and accelerations."""

    def __init__(self, east: float, north: float, up: float, v_east: float, v_north: float) -> None:
        self.place = [east, north, up]
        self.velocity = [v_east, v_north, 0.0]
        self.goal: float | None = None
        self.held = False

    def tell(self, altitude: float | None) -> None:
        self.held = True
        self.goal = altitude if altitude is not None else self.goal

    def step(self) -> None:
        east, north, up = self.velocity
        if self.held:
            speed = math.hypot(east, north)
            slower = max(0.0, speed - 3.0 * STEP_S) / speed if speed > 0 else 0.0
            east, north = east * slower, north * slower
        wanted = 0.0
        if self.goal is not None:
            wanted = max(-1.5, min(3.0, (self.goal - self.place[2]) * 1.0))
        up += max(-2.0 * STEP_S, min(2.0 * STEP_S, wanted - up))
        self.velocity = [east, north, up]
        self.place = [p + v * STEP_S for p, v in zip(self.place, self.velocity, strict=True)]


@settings(max_examples=25, deadline=None)
@given(
    bearing=st.floats(0, 2 * math.pi),
    course=st.floats(0, 2 * math.pi),
    own_speed=st.floats(0, 12),
    other_speed=st.floats(0, 12),
    miss=st.floats(-25, 25),
    above=st.floats(-11, 11),
)
def test_flown_out_they_keep_apart(
    scene_class: Callable[[S], Any],
    bearing: float,
    course: float,
    own_speed: float,
    other_speed: float,
    miss: float,
    above: float,
) -> None:
    """Two drones on courses that meet: the one that gives way keeps them apart, whatever comes."""
    own = Flown(0, 0, 60, own_speed * math.cos(bearing), own_speed * math.sin(bearing))
    meet_s = 30.0
    east, north = own.velocity[0] * meet_s, own.velocity[1] * meet_s
    v_east, v_north = other_speed * math.cos(course), other_speed * math.sin(course)
    other = Flown(
        east - v_east * meet_s - miss * math.sin(course),
        north - v_north * meet_s + miss * math.cos(course),
        60 + above,
        v_east,
        v_north,
    )
    if math.hypot(other.place[0], other.place[1]) < 200:
        return  # begins too near to be met
    worst, told = _fly(scene_class(S.ON_WAY), own, other)
    assert worst > 0.8, f"as near as {worst:.2f} of what is kept"
    assert len(told) <= 3, f"told again and again: {told}"


@settings(max_examples=60, deadline=None)
@given(climb=st.floats(-1.5, 3.0), above=st.floats(-11, 11), away=st.floats(5, 25))
def test_one_that_climbs_by_is_no_reason_to_command_again_and_again(
    scene_class: Callable[[S], Any], climb: float, above: float, away: float
) -> None:
    s, going, told = scene_class(S.AVOIDING), None, []
    for step in range(50):
        height = 55.0 + above + climb * 0.1 * step
        s.other(300.0 + away, 0.0, height, S.RETURNING, velocity_down_m_s=-climb)
        view = s.view()
        way = manoeuvre(view, going)
        if way is not None:
            again = manoeuvre(view, way)
            assert again is not None
            assert again.altitude_m == way.altitude_m, "another with nothing changed"
            if going is None or way.altitude_m != going.altitude_m:
                told.append(way.altitude_m)
            going = way
        s.time_s += 0.1
    assert len(told) <= 4, told


def _fly(scene: Any, own: Flown, other: Flown) -> tuple[float, list[float | None]]:
    """Fly both for a minute; return how near they come, in parts of the room that is kept.

    And the heights that the one that gives way is told, in order.
    """
    worst, told, going = math.inf, list[float | None](), None
    for _ in range(round(60.0 / STEP_S)):
        for drone in (own, other):
            drone.step()
        apart = math.hypot(own.place[0] - other.place[0], own.place[1] - other.place[1])
        above = abs(own.place[2] - other.place[2])
        worst = min(worst, max(apart / KEPT.radius_m, above / KEPT.half_height_m))
        if scene.time_s > 1030.0 and apart > 150.0:
            break  # they have met, or will not
        scene.time_s += STEP_S
        scene.at(*own.place).fly(**_told(own))
        scene.other(*other.place, S.RETURNING, **_told(other))
        if scene.judge().row == "conflict":
            scene.state = S.AVOIDING
            way = manoeuvre(scene.view(), going)
            if way is not None and (going is None or way.altitude_m != going.altitude_m):
                told.append(way.altitude_m)
                own.tell(way.altitude_m)
            going = way or going
    return worst, told


def _told(drone: Flown) -> dict[str, Any]:
    return {
        "velocity_east_m_s": drone.velocity[0],
        "velocity_north_m_s": drone.velocity[1],
        "velocity_down_m_s": -drone.velocity[2],
    }
