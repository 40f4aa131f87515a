"""What holds of every verdict, whatever is seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.flight import lifecycle
from fleet.flight.safety import Action, Fence, Sky, View, judge, manoeuvre
from fleet.flight.safety.matrix import MATRIX
from fleet.flight.safety.row import COMMANDS
from fleet.flight.safety.standing import BY_HAND
from fleet.flight.word import Word
from fleet.model.live import DockLive, Telemetry
from fleet.model.states import DoorState, DroneState
from fleet.model.traffic import Aircraft

S = DroneState
Make = Callable[[S], Any]
MODES = ("MISSION", "HOLD", "RETURN_TO_LAUNCH", "LAND", "POSCTL", "UNKNOWN", "ORBIT", "rubbish")
ACTIONS: tuple[Any, ...] = ("return", "hold", "resume", "land", "goto", "orbit")

anything = st.floats(allow_nan=True, allow_infinity=True)
degrees = st.one_of(st.none(), st.floats(-0.05, 0.05))
number = st.one_of(st.none(), st.floats(-50, 400), anything)
speed = st.one_of(st.floats(-20, 20), anything)


@st.composite
def telemetries(draw: st.DrawFn, epoch: Any) -> Telemetry:
    east, north = draw(degrees), draw(degrees)
    return Telemetry(
        at=epoch,
        connected=draw(st.booleans()),
        lon=None if east is None else 117.65 + east,
        lat=None if north is None else 24.51 + north,
        altitude_m=draw(number),
        altitude_amsl_m=draw(number),
        velocity_north_m_s=draw(speed),
        velocity_east_m_s=draw(speed),
        velocity_down_m_s=draw(speed),
        battery_percent=draw(st.one_of(st.none(), st.floats(0, 100), anything)),
        mode=draw(st.sampled_from(MODES)),
        armed=draw(st.booleans()),
        in_air=draw(st.booleans()),
        gps_fix=draw(st.integers(0, 6)),
        satellites=draw(st.integers(0, 30)),
        roll_deg=draw(number),
        pitch_deg=draw(number),
        wind_m_s=draw(number),
        wind_from_deg=draw(st.one_of(st.none(), st.floats(0, 360))),
        failsafe=draw(st.booleans()),
    )


@st.composite
def aircraft(draw: st.DrawFn, epoch: Any) -> Aircraft:
    return Aircraft(
        icao=draw(st.integers(0, 2**24 - 1)),
        callsign=draw(st.text(max_size=9)),
        at=epoch + timedelta(seconds=draw(st.floats(-60, 60))),
        lon=draw(st.one_of(st.floats(117.6, 117.7), st.just(0.0), anything)),
        lat=draw(st.one_of(st.floats(24.46, 24.56), st.just(0.0), anything)),
        altitude_amsl_m=draw(st.one_of(st.floats(-100, 2000), anything)),
        heading_deg=draw(st.one_of(st.none(), st.floats(0, 360), anything)),
        speed_m_s=draw(st.one_of(st.floats(0, 300), anything)),
        climb_m_s=draw(st.one_of(st.floats(-20, 20), anything)),
    )


@st.composite
def views(draw: st.DrawFn, scene: Any) -> View:
    """Anything that may be seen, and much that may not."""
    s = scene(draw(st.sampled_from(S)))
    epoch = s.now
    s.telemetry = draw(telemetries(epoch))
    for name in draw(st.lists(st.sampled_from(("b1", "b2", "a0")), unique=True)):
        s.others[name] = (draw(st.sampled_from(S)), draw(telemetries(epoch)))
    s.aircraft = draw(st.lists(aircraft(epoch), max_size=3))
    s.dock = DockLive(
        id="d1",
        online=draw(st.booleans()),
        door=draw(st.sampled_from(DoorState)),
        wind_m_s=draw(number),
        rain_mm_h=draw(number),
    )
    word = draw(st.one_of(st.none(), st.sampled_from(ACTIONS)))
    lasts = draw(st.sampled_from((0.0, 2.5, 100.0)))
    steady = draw(st.booleans())
    s.see(
        word=None if word is None else Word(word, "by wang"),
        commanding=draw(st.booleans()),
        at_end=draw(st.booleans()),
        lasting=lambda _name, seen: lasts if seen else 0.0,
        mean=lambda _name, value, _over_s: value if steady else None,
        fence=draw(st.sampled_from((None, Fence(()), s.fields["fence"]))),
        video_lost_s=draw(st.one_of(st.none(), st.floats(0, 100))),
        operator_absent_s=draw(st.floats(0, 4000)),
        trouble=draw(st.sampled_from(((), ("rubbish",)))),
        differences=draw(st.sampled_from((None, (), ("GF_ACTION is 0",)))),
        now_s=s.time_s + draw(st.floats(0, 90)),
    )
    return s.view()  # type: ignore[no-any-return]


def test_a_row_that_fails_is_told_and_the_others_go_on(scene: Make) -> None:
    class Torn(Fence):
        def deeper_than(self, lon: float, lat: float, depth_m: float) -> bool:
            raise ZeroDivisionError("a ring of no length")

    s = scene(S.ON_TASK).fly(battery_percent=20.0).see(fence=Torn(()))
    v = s.judge()
    assert v.row == "battery at reserve"
    assert v.warnings == tuple(
        f"fault in the safety monitor: {row!r} is not watched: "
        "ZeroDivisionError('a ring of no length')"
        for row in ("fence breached", "fence near")
    )


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_whatever_is_seen(scene_class: Any, data: st.DataObject) -> None:
    """Nothing is raised, twice is the same, the highest rank wins, no forbidden edge is wanted."""
    v = data.draw(views(scene_class))
    verdict = judge(v)
    v.worked_out.clear()
    assert judge(v) == verdict
    if verdict.step is not None:
        lifecycle.check(v.state, verdict.step.state)
        assert verdict.step.state is not v.state
        assert verdict.step.reason
    by_hand = v.telemetry.mode in BY_HAND and not v.commanding
    speaks = [
        row
        for row in MATRIX
        if row.event is not None
        and v.state in row.phases | row.stays_in
        and not (by_hand and row.action in COMMANDS and not row.word)
        and (words := row.event(v)) is not None
        and words
        and (not row.for_s or v.lasting(row.name, True) > row.bound_s(v.policy))
    ]
    highest = max(speaks, key=lambda row: row.rank, default=None)
    assert verdict.row == ("" if highest is None else highest.name)
    assert verdict.rank == (0 if highest is None else highest.rank)
    manoeuvre(v)


@pytest.mark.parametrize("state", list(S))
def test_a_quiet_drone_is_left_alone(scene: Make, state: S) -> None:
    s = scene(state)
    if state is S.LANDING:
        s.fly(mode="RETURN_TO_LAUNCH")
    v = s.after(60.0)
    assert v.step is None
    assert v.warnings == ()


def test_the_reason_of_the_step_is_not_a_warning_as_well(scene: Make) -> None:
    v = scene(S.ON_WAY).fly(battery_percent=20.0).traffic(300.0, 500.0, 100.0).judge()
    assert v.step is not None
    assert "aircraft" in v.step.reason
    assert v.warnings == ("battery 20 %: coming home takes 3 %, the reserve is 25 %",)


def test_no_two_rows_send_a_drone_to_and_fro(scene: Make) -> None:
    """Everything at once, kept up: whatever the state it ends in, it stays there."""
    for battery in (10.0, 20.0, 80.0):
        s = scene(S.ON_TASK).at(1020.0, 0.0, 55.0).fly(battery_percent=battery, satellites=5)
        s.other(1030.0, 0.0, 57.0, S.EMERGENCY).traffic(1020.0, 600.0, 100.0)
        s.docked(wind_m_s=14.0, rain_mm_h=9.0, online=False).see(operator_absent_s=9999.0)
        passed = [s.state]
        for _ in range(300):
            s.time_s += 0.1
            s.aircraft.clear()
            step = s.traffic(1020.0, 600.0, 100.0).judge().step
            if step is not None:
                s.state = step.state
                passed.append(step.state)
        assert len(passed) <= 3, passed
        assert len(set(passed)) == len(passed), passed


def crowd(scene: Any, spread_m: float) -> View:
    """A hundred others in a square, in six layers, and five aircraft far off."""
    s = scene(S.ON_WAY).fly(velocity_east_m_s=8.0)
    for number in range(100):
        east = 330.0 + spread_m * ((number * 37 % 100) / 100 - 0.5)
        north = 40.0 + spread_m * ((number * 61 % 100) / 100 - 0.5)
        s.other(
            east, north, 40.0 + 15.0 * (number % 6), S.ON_TASK, name=f"b{number}",
            velocity_east_m_s=8.0,
        )  # fmt: skip
    for number in range(5):
        s.traffic(20_000.0 + number, 9000.0, 2000.0, speed_m_s=60.0, icao=number + 1)
    return s.view()  # type: ignore[no-any-return]


def test_others_far_away_cost_next_to_nothing(scene_class: Any) -> None:
    """A hundred drones over a city cost less than twice what an empty sky does."""
    many, none = crowd(scene_class, 12_000.0), crowd(scene_class, 12_000.0)
    object.__setattr__(none, "sky", Sky())
    assert _least_s(many) < 2.0 * _least_s(none)


def _least_s(view: View) -> float:
    """Return the least time of many: what the judging takes when nothing else is in its way."""
    least = 1.0
    for _ in range(300):
        view.worked_out.clear()
        begin = time.perf_counter()
        judge(view)
        least = min(least, time.perf_counter() - begin)
    return least


def test_what_a_word_wants_is_not_a_warning(scene: Make) -> None:
    v = scene(S.ON_WAY).say("hold").fly(battery_percent=20.0).judge()
    assert v.action is Action.RETURN
    assert v.warnings == ()
