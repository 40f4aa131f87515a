"""Rows on what people say and do: a pilot's word, a pilot's hand. One test a row, or more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fleet.flight.adoption import Step
from fleet.flight.safety import Action
from fleet.model.states import DroneState as S

Make = Callable[[S], Any]
UP = [S.ON_WAY, S.ON_TASK, S.RETURNING, S.LANDING]


@pytest.mark.parametrize("state", [*UP, S.HELD, S.AVOIDING])
def test_pilot_land(scene: Make, state: S) -> None:
    v = scene(state).say("land").judge()
    assert (v.row, v.action) == ("pilot: land", Action.LAND)
    assert v.step == Step(S.EMERGENCY, "lands where it is: by wang")
    assert scene(state).say("land").fly(in_air=False).judge().step is None


def test_pilot_land_goes_before_an_autopilot_that_returns(scene: Make) -> None:
    assert scene(S.ON_WAY).fly(mode="RETURN_TO_LAUNCH").say("land").judge().row == "pilot: land"
    assert scene(S.EMERGENCY).fly(mode="RETURN_TO_LAUNCH").say("land").judge().step is None


@pytest.mark.parametrize(("state", "ends"), [(S.CHECKING, S.DOCKED), (S.OPENING, S.CLOSING)])
def test_called_off(scene: Make, state: S, ends: S) -> None:
    v = scene(state).say("return", "its order has ended").judge()
    assert v.row == "called off"
    assert v.step == Step(ends, "its order has ended")


@pytest.mark.parametrize("state", [S.ON_WAY, S.ON_TASK, S.HELD, S.AVOIDING, S.EMERGENCY])
def test_recalled(scene: Make, state: S) -> None:
    v = scene(state).say("return").judge()
    assert v.row == "recalled"
    assert v.step == Step(S.RETURNING, "by wang")
    assert scene(state).say("return").fly(in_air=False).judge().step is None


def test_recalled_waits_until_the_air_is_clear(scene: Make) -> None:
    s = scene(S.AVOIDING).say("return").other(320.0, 0.0, 58.0)
    assert (s.judge().row, s.judge().step) == ("conflict", None)
    s.other(320.0, 0.0, 90.0)
    assert s.judge().row == "recalled"


@pytest.mark.parametrize("state", [*UP, S.EMERGENCY, S.AVOIDING])
def test_pilot_hold(scene: Make, state: S) -> None:
    v = scene(state).say("hold").judge()
    assert v.row == "pilot: hold"
    assert v.step == Step(S.HELD, "by wang")
    assert scene(state).say("hold").fly(in_air=False).judge().step is None


@pytest.mark.parametrize("action", ["goto", "orbit"])
@pytest.mark.parametrize("state", [*UP, S.EMERGENCY, S.AVOIDING])
def test_pilot_fly(scene: Make, state: S, action: str) -> None:
    v = scene(state).say(action).judge()
    assert (v.row, v.action) == ("pilot: fly", Action.OBEY)
    assert v.step == Step(S.HELD, "by wang")


def test_pilot_resume(scene: Make) -> None:
    v = scene(S.HELD).say("resume").judge()
    assert (v.row, v.action) == ("pilot: resume", Action.RESUME)
    assert v.step == Step(S.ON_WAY, "by wang")
    assert scene(S.RETURNING).say("resume").judge().step is None


@pytest.mark.parametrize("state", [S.ON_WAY, S.ON_TASK])
@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("HOLD", "vehicle holds by its own decision"),
        ("POSCTL", "flown by hand (POSCTL)"),
        ("OFFBOARD", "flown by hand (OFFBOARD)"),
    ],
)
def test_holds_alone(scene: Make, state: S, mode: str, words: str) -> None:
    s = scene(state).fly(mode=mode)
    assert s.after(2.9).step is None
    v = s.after(0.2)
    assert v.row == "holds alone"
    assert v.step == Step(S.HELD, words)


def test_holds_alone_is_not_the_end_of_a_mission_or_our_own_word(scene: Make) -> None:
    assert scene(S.ON_WAY).fly(mode="HOLD").see(at_end=True).after(5.0).step is None
    assert scene(S.ON_WAY).fly(mode="HOLD").see(commanding=True).after(5.0).step is None
    assert scene(S.HELD).fly(mode="HOLD").after(5.0).step is None


def test_holds_alone_begins_anew_after_a_pilots_hold(scene: Make) -> None:
    s = scene(S.ON_WAY).fly(mode="HOLD")
    s.after(2.0)
    s.state = S.HELD
    s.after(20.0)
    s.state = S.ON_WAY
    assert s.after(2.0).step is None


@pytest.mark.parametrize("state", [S.RETURNING, S.LANDING, S.AVOIDING])
def test_by_hand_on_the_way_home(scene: Make, state: S) -> None:
    v = scene(state).fly(mode="STABILIZED").judge()
    assert v.row == "by hand on the way home"
    assert v.step == Step(S.HELD, "flown by hand (STABILIZED)")
    assert scene(state).fly(mode="STABILIZED").see(commanding=True).judge().step is None


def test_at_the_sticks_nothing_is_commanded_and_all_is_shown(scene: Make) -> None:
    s = scene(S.HELD).fly(mode="POSCTL", battery_percent=10.0, satellites=4)
    s.at(1100.0, 0.0, 55.0).other(1110.0, 0.0, 58.0).traffic(1100.0, 500.0, 100.0)
    s.docked(online=False, wind_m_s=20.0).see(operator_absent_s=7200.0, trouble=("rubbish",))
    v = s.after(12.0)
    assert v.step is None
    shown = " | ".join(v.warnings)
    for words in (
        "battery 10 %",
        "aircraft B7000",
        "b1 is 10 m away",
        "outside its fence by 100 m",
        "4 satellites",
        "wind 20.0 m/s",
        "no officer",
        "dock: offline",
        "link: rubbish",
    ):
        assert words in shown


def test_at_the_sticks_a_word_from_the_map_still_counts(scene: Make) -> None:
    assert scene(S.HELD).fly(mode="POSCTL").say("return").judge().row == "recalled"
