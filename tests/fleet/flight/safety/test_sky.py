"""The picture of all drones: who is in it, who is near, what jumps."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.flight.safety import Sky
from fleet.flight.safety.sky import CELL_M, placed
from fleet.flight.safety.standing import DEAF, standing
from fleet.model.states import DroneState as S

PAD = (117.65, 24.51)
span = st.floats(-2000, 2000)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 7), span, span, st.sampled_from(("flies", "lands", "lost"))),
        max_size=40,
    )
)
def test_whoever_is_near_is_found(
    scene_class: Callable[[S], Any], words: list[tuple[int, float, float, str]]
) -> None:
    s, sky, known = scene_class(S.ON_WAY), Sky(), {}
    for number, east, north, what in words:
        told = s.heard(east, north, 50.0, in_air=what != "lands", connected=what != "lost")
        sky.put(f"d{number}", S.ON_WAY, told, PAD, 0.0, 55.0, s.time_s)
        known[number] = (east, north)
        if what == "lands":
            del known[number]
    assert {m.drone for m in sky} == {f"d{n}" for n in known}
    assert len(sky) == len(known)
    for number, (east, north) in known.items():
        own = sky.of(f"d{number}")
        assert own is not None
        near = {m.drone for m in sky.near(own)}
        assert own.drone not in near
        for other, (e, n) in known.items():
            if other != number and math.hypot(e - east, n - north) < CELL_M * 0.999:
                assert f"d{other}" in near


def test_what_cannot_be_a_place_is_in_no_sky(scene: Callable[[S], Any]) -> None:
    s, sky = scene(S.ON_WAY), Sky()
    for place in (
        {"lon": None},
        {"lon": math.nan},
        {"lat": 91.0},
        {"lon": 0.0, "lat": 0.0},
        {"lon": math.inf},
    ):
        told = s.heard(0, 0, 50).model_copy(update=place)
        sky.put("a1", S.ON_WAY, told, PAD, 0.0, 55.0, 0.0)
        assert len(sky) == 0
    assert placed(117.65, 24.51)
    assert placed(0.0, 51.5)


def test_rubbish_in_speed_and_height_is_not_believed(scene: Callable[[S], Any]) -> None:
    s, sky = scene(S.ON_WAY), Sky()
    told = s.heard(0, 0, math.nan, velocity_east_m_s=math.nan, velocity_down_m_s=math.inf)
    sky.put("a1", S.ON_WAY, told, PAD, 0.0, 55.0, 0.0)
    own = sky.of("a1")
    assert own is not None
    assert (own.height_m, own.velocity_east_m_s, own.velocity_up_m_s) == (None, 0.0, 0.0)


def test_heights_are_compared_above_the_sea(scene: Callable[[S], Any]) -> None:
    s, sky = scene(S.ON_WAY), Sky()
    sky.put("a1", S.ON_WAY, s.heard(0, 0, 50.0), PAD, 10.0, 55.0, 0.0)
    sky.put("b1", S.ON_WAY, s.heard(0, 0, 40.0), PAD, 20.0, 55.0, 0.0)
    assert [m.height_m for m in sky] == [60.0, 60.0]


def test_the_column_is_over_the_own_dock_below_the_transit_altitude(
    scene: Callable[[S], Any],
) -> None:
    s = scene(S.ON_WAY)
    for east, altitude, within in ((5, 30, True), (45, 30, False), (5, 54, False)):
        sky = Sky()
        sky.put("a1", S.ON_WAY, s.heard(east, 0, altitude), PAD, 0.0, 55.0, 0.0)
        own = sky.of("a1")
        assert own is not None
        assert own.in_column is within


def test_in_the_column_without_its_gate_is_not_in_order(scene: Callable[[S], Any]) -> None:
    s = scene(S.ON_WAY)
    for state in (S.HELD, S.AVOIDING, S.EMERGENCY, S.LOST, S.ON_TASK):
        sky = Sky()
        sky.put("a1", state, s.heard(5, 0, 30), PAD, 0.0, 55.0, 0.0)
        own = sky.of("a1")
        assert own is not None
        assert not own.in_column


def test_one_that_is_not_heard_stays_with_the_time_of_its_last_word(
    scene: Callable[[S], Any],
) -> None:
    s, sky = scene(S.ON_WAY), Sky()
    sky.put("a1", S.ON_WAY, s.heard(0, 0, 50), PAD, 0.0, 55.0, 10.0)
    for now_s in (15.0, 40.0):
        sky.put("a1", S.LOST, s.heard(0, 0, 50, connected=False), PAD, 0.0, 55.0, now_s)
    own = sky.of("a1")
    assert own is not None
    assert own.heard_s == 10.0


def test_one_that_does_not_tell_its_place_any_more_stays_until_it_is_down(
    scene: Callable[[S], Any],
) -> None:
    s, sky = scene(S.ON_WAY), Sky()
    told = s.heard(0, 0, 50)
    sky.put("a1", S.ON_WAY, told, PAD, 0.0, 55.0, 10.0)
    silent = told.model_copy(update={"lon": None, "lat": None, "altitude_m": None})
    sky.put("a1", S.ON_WAY, silent, PAD, 0.0, 55.0, 17.0)
    own = sky.of("a1")
    assert own is not None
    assert (own.heard_s, own.standing, own.height_m) == (10.0, DEAF, 50.0)
    assert list(sky.around(own.east_m, own.north_m)) == [own]
    sky.put("a1", S.ON_WAY, told, PAD, 0.0, 55.0, 18.0)
    again = sky.of("a1")
    assert again is not None
    assert (again.heard_s, again.standing) == (18.0, standing(S.ON_WAY, told.mode, connected=True))
    down = silent.model_copy(update={"in_air": False})
    sky.put("a1", S.CLOSING, down, PAD, 0.0, 55.0, 30.0)
    assert len(sky) == 0


def test_a_position_back_from_the_radio_shadow_is_no_jump(scene: Callable[[S], Any]) -> None:
    s, sky = scene(S.ON_WAY), Sky()
    sky.put("a1", S.ON_WAY, s.heard(0, 0, 50), PAD, 0.0, 55.0, 10.0)
    sky.put("a1", S.LOST, s.heard(0, 0, 50, connected=False), PAD, 0.0, 55.0, 16.0)
    sky.put("a1", S.ON_WAY, s.heard(300, 0, 50), PAD, 0.0, 55.0, 40.0)
    own = sky.of("a1")
    assert own is not None
    assert own.jumps == ()
