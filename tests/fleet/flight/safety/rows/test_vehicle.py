"""Rows on what the vehicle does whatever it is told: one test a row, named after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fleet.flight.adoption import Step
from fleet.flight.safety import Action
from fleet.model.states import DroneState as S

Make = Callable[[S], Any]


@pytest.mark.parametrize(
    "state",
    [S.DOCKED, S.OPENING, S.TAKING_OFF, S.ON_WAY, S.LANDING, S.HELD, S.AVOIDING, S.EMERGENCY],
)
def test_link_lost(scene: Make, state: S) -> None:
    v = scene(state).fly(connected=False).judge()
    assert v.row == "link lost"
    assert v.step is not None
    assert v.step.state is S.LOST
    assert v.step.reason == f"no heartbeat since 00:16:40 UTC, was {state}"


def test_link_lost_is_no_news_of_one_that_is_closing(scene: Make) -> None:
    assert scene(S.CLOSING).fly(connected=False).judge().step is None


@pytest.mark.parametrize("state", [S.DOCKED, S.CHECKING, S.OPENING, S.CHARGING, S.CLOSING])
def test_in_the_air_unasked(scene: Make, state: S) -> None:
    assert scene(state).judge().step is None
    v = scene(state).fly(in_air=True).see(words=lambda: "RC override").judge()
    assert v.row == "in the air unasked"
    assert v.step == Step(S.EMERGENCY, f"in the air without our word while {state}: RC override")


@pytest.mark.parametrize("state", [S.ON_WAY, S.ON_TASK, S.AVOIDING])
def test_on_the_ground_unasked(scene: Make, state: S) -> None:
    s = scene(state).fly(in_air=False, armed=False, mode="HOLD")
    assert s.after(0.9).step is None  # one message may be wrong
    v = s.see(words=lambda: "Disarmed by external command").after(0.2)
    assert v.row == "on the ground unasked"
    words = f"on the ground, motors stopped, while {state}: Disarmed by external command"
    assert v.step == Step(S.EMERGENCY, words)
    assert scene(state).fly(in_air=False).after(5.0).row != "on the ground unasked"


@pytest.mark.parametrize("state", [S.ON_WAY, S.ON_TASK, S.HELD, S.AVOIDING])
@pytest.mark.parametrize(("mode", "does"), [("RETURN_TO_LAUNCH", "returns"), ("LAND", "lands")])
def test_autopilot_acts(scene: Make, state: S, mode: str, does: str) -> None:
    v = scene(state).fly(mode=mode).see(words=lambda: "Low battery").judge()
    assert v.row == "autopilot acts"
    assert v.step == Step(S.EMERGENCY, f"autopilot {does} by its own decision: Low battery")
    assert scene(state).fly(mode=mode).see(commanding=True).judge().step is None


def test_autopilot_acts_on_the_way_home_only_where_it_lands(scene: Make) -> None:
    assert scene(S.RETURNING).fly(mode="RETURN_TO_LAUNCH").judge().step is None
    assert scene(S.RETURNING).fly(mode="LAND").judge().row == "autopilot acts"
    assert scene(S.LANDING).fly(mode="LAND").judge().step is None


@pytest.mark.parametrize("state", [S.ON_WAY, S.ON_TASK, S.AVOIDING])
def test_autopilot_failsafe(scene: Make, state: S) -> None:
    v = scene(state).fly(failsafe=True, mode="HOLD").see(words=lambda: "Wind too strong").judge()
    assert v.row == "autopilot failsafe"
    assert v.step == Step(S.EMERGENCY, "autopilot's failsafe is acting: Wind too strong")


@pytest.mark.parametrize("state", [S.HELD, S.RETURNING, S.LANDING, S.EMERGENCY])
def test_autopilot_failsafe_is_told_where_nothing_else_can_be_done(scene: Make, state: S) -> None:
    v = scene(state).fly(failsafe=True).judge()
    assert v.step is None
    assert v.warnings == ("autopilot's failsafe is acting",)


@pytest.mark.parametrize("tilt", [{"roll_deg": 53.0}, {"roll_deg": -80.0}, {"pitch_deg": -55.0}])
@pytest.mark.parametrize("state", [S.TAKING_OFF, S.ON_TASK, S.RETURNING, S.LANDING, S.HELD])
def test_attitude_abnormal(scene: Make, state: S, tilt: dict[str, float]) -> None:
    s = scene(state).fly(**tilt)
    assert s.after(0.9).step is None
    v = s.after(0.3)
    assert (v.row, v.action) == ("attitude abnormal", Action.STAND_BY)
    assert v.step is not None
    assert v.step.state is S.EMERGENCY


def test_attitude_abnormal_is_not_a_hard_turn(scene: Make) -> None:
    assert scene(S.ON_WAY).fly(roll_deg=46.0, pitch_deg=-48.0).after(5.0).step is None
    assert scene(S.ON_WAY).fly(roll_deg=None, pitch_deg=None).after(5.0).step is None


def test_falls(scene: Make) -> None:
    s = scene(S.ON_WAY).fly(velocity_down_m_s=8.5)
    assert s.judge().step is None  # one message may be wrong
    v = s.after(0.3)
    assert v.row == "falls"
    assert v.step == Step(S.EMERGENCY, "falls with 8 m/s")
    assert scene(S.ON_WAY).fly(velocity_down_m_s=7.9).after(5.0).step is None


@pytest.mark.parametrize("state", [S.ON_WAY, S.ON_TASK, S.HELD, S.AVOIDING])
def test_gps_lost(scene: Make, state: S) -> None:
    s = scene(state).fly(gps_fix=2, satellites=3)
    assert s.after(1.9).step is None
    v = s.after(0.2)
    assert v.row == "gps lost"
    assert v.step == Step(S.EMERGENCY, "GPS fix is 2")


def test_gps_lost_begins_anew_with_each_fix(scene: Make) -> None:
    s = scene(S.ON_WAY)
    for _ in range(4):
        assert s.fly(gps_fix=0).after(1.5).step is None
        assert s.fly(gps_fix=3).after(0.1).step is None


def test_gps_lost_is_told_on_the_way_down(scene: Make) -> None:
    v = scene(S.LANDING).fly(gps_fix=0).after(3.0)
    assert (v.step, v.warnings) == (None, ("GPS fix is 0",))
