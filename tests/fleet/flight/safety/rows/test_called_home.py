"""Rows that call a drone home whatever it was doing, and those the controller has of itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from fleet.flight.adoption import Step
from fleet.flight.safety import Action
from fleet.model.states import DoorState
from fleet.model.states import DroneState as S
from missions.geo import LocalFrame

Make = Callable[[S], Any]


@pytest.fixture
def far() -> tuple[float, float]:
    """A dock 10 km away."""
    return LocalFrame(117.65, 24.51).to_lonlat(10_000.0, 0.0)


@pytest.mark.parametrize("state", [S.ON_WAY, S.ON_TASK, S.HELD, S.AVOIDING])
def test_battery_at_reserve(scene: Make, state: S) -> None:
    assert scene(state).fly(battery_percent=25.1).judge().step is None
    v = scene(state).fly(battery_percent=25.0).judge()
    assert v.row == "battery at reserve"
    assert v.step == Step(S.RETURNING, "battery 25 %: coming home takes 3 %, the reserve is 25 %")


def test_battery_at_reserve_goes_before_a_pilots_word(scene: Make) -> None:
    for action in ("hold", "goto", "resume"):
        assert scene(S.HELD).fly(battery_percent=24.0).say(action).judge().row == (
            "battery at reserve"
        )


def test_battery_at_reserve_believes_no_single_message(scene: Make) -> None:
    s = scene(S.ON_TASK)
    s.after(12.0)
    assert s.fly(battery_percent=3.0).after(0.5).step is None
    assert s.fly(battery_percent=80.0).after(1.0).step is None
    assert s.fly(battery_percent=3.0).after(1.2).row == "energy to come home"


def test_battery_at_reserve_needs_no_waiting_where_it_sank(scene: Make) -> None:
    s = scene(S.ON_TASK)
    for percent in range(80, 25, -1):
        assert s.fly(battery_percent=float(percent)).after(5.0).step is None
    assert s.fly(battery_percent=25.0).judge().row == "battery at reserve"


def test_battery_at_reserve_is_shown_to_a_pilot_at_the_sticks(scene: Make) -> None:
    v = scene(S.HELD).fly(battery_percent=20.0, mode="ALTCTL").judge()
    assert v.step is None
    assert v.warnings == ("battery 20 %: coming home takes 3 %, the reserve is 25 %",)


def test_battery_at_reserve_counts_the_way_to_the_dock_that_takes_it_instead(
    scene: Make, far: tuple[float, float]
) -> None:
    def comes_home_at(**fields: Any) -> float:
        s = scene(S.ON_TASK).see(**fields)
        return next(p for p in range(80, 0, -1) if s.fly(battery_percent=p).judge().step)

    assert comes_home_at() == 25.0
    assert comes_home_at(alternate=far) > 30.0, "its own dock fails, and the other is far away"
    near = scene(S.ON_TASK).telemetry
    at_reserve = comes_home_at(alternate=(near.lon, near.lat))
    assert at_reserve == 25.0, "one that is near lets it stay no longer than the reserve"


def test_battery_at_reserve_counts_on_less_in_the_cold(scene: Make) -> None:
    def comes_home_at(warm: float | None) -> float:
        s = scene(S.ON_TASK).at(9000.0, 0.0, 60.0).docked(temperature_c=warm)
        return next(p for p in range(80, 0, -1) if s.fly(battery_percent=p).judge().step)

    assert comes_home_at(None) == comes_home_at(25.0) > 25
    assert comes_home_at(0.0) >= comes_home_at(25.0) + 5


@pytest.mark.parametrize("state", [S.ON_WAY, S.ON_TASK, S.HELD, S.AVOIDING])
def test_battery_untold(scene: Make, state: S) -> None:
    s = scene(state).fly(battery_percent=None)
    assert s.after(59.0).step is None
    v = s.after(2.0)
    assert v.row == "battery untold"
    assert v.step == Step(S.RETURNING, "battery level is not known")


@pytest.mark.parametrize("state", [S.ON_WAY, S.ON_TASK, S.AVOIDING])
def test_gps_degraded(scene: Make, state: S) -> None:
    s = scene(state).fly(satellites=5)
    assert s.after(4.9).step is None
    v = s.after(0.3)
    assert v.row == "gps degraded"
    assert v.step == Step(S.RETURNING, "GPS is degraded: 5 satellites; 6 are needed")


def test_gps_degraded_is_a_position_that_is_not_told_any_more(scene: Make) -> None:
    v = scene(S.ON_TASK).fly(lon=None, lat=None, altitude_m=None).after(5.3)
    assert v.step == Step(S.RETURNING, "position is not known, though GPS has a fix")


def test_gps_degraded_is_not_a_receiver_that_does_not_count(scene: Make) -> None:
    assert scene(S.ON_WAY).fly(satellites=0).after(20.0).step is None
    assert scene(S.ON_WAY).fly(satellites=6).after(20.0).step is None


def test_gps_degraded_leaves_a_pilots_word_alone(scene: Make) -> None:
    v = scene(S.HELD).fly(satellites=4).after(6.0)
    assert (v.step, len(v.warnings)) == (None, 1)


def test_position_jumps(scene: Make) -> None:
    s = scene(S.ON_TASK)
    for east in (300.0, 330.0, 300.0):
        assert s.at(east, 0.0, 55.0).after(1.0).step is None
    v = s.at(330.0, 0.0, 55.0).judge()
    assert v.row == "position jumps"
    assert v.step == Step(S.RETURNING, "position has jumped 3 times in half a minute")
    assert s.after(31.0).step is None


def test_wind(scene: Make) -> None:
    s = scene(S.ON_WAY).docked(wind_m_s=12.5)
    assert s.after(9.9).step is None  # not known for long enough
    v = s.after(0.2)
    assert v.row == "wind"
    assert v.step == Step(
        S.RETURNING,
        "wind 12.5 m/s at the dock (mean of 10 s): over the limit of 12 m/s",
    )


def test_wind_gusts_call_nobody_home(scene: Make) -> None:
    s = scene(S.ON_TASK).docked(wind_m_s=9.0)
    s.after(12.0)
    for _ in range(10):
        assert s.docked(wind_m_s=15.0).after(2.5).step is None
        assert s.docked(wind_m_s=8.0).after(5.0).step is None


def test_wind_with_lulls_is_still_a_storm(scene: Make) -> None:
    s = scene(S.ON_TASK).docked(wind_m_s=9.0)
    s.after(12.0)
    rows = set()
    for _ in range(4):
        rows.add(s.docked(wind_m_s=19.0).after(4.0).row)
        rows.add(s.docked(wind_m_s=10.0).after(1.0).row)
    assert "wind" in rows


def test_wind_is_the_vehicles_where_the_dock_tells_none(scene: Make) -> None:
    s = scene(S.ON_WAY).docked(wind_m_s=None).fly(wind_m_s=13.0)
    v = s.after(10.2)
    assert v.row == "wind"
    assert "aloft" in str(v.step)
    assert scene(S.ON_WAY).docked(wind_m_s=3.0).fly(wind_m_s=13.0).after(15.0).step is None


@pytest.mark.parametrize("dock", ["offline", "silent"])
def test_wind_is_the_vehicles_where_the_dock_is_not_heard_any_more(scene: Make, dock: str) -> None:
    s = scene(S.ON_WAY).docked(wind_m_s=3.0, online=dock != "offline").fly(wind_m_s=13.0)
    s.dock_silent = timedelta(seconds=60.0 if dock == "silent" else 0.0)
    v = s.after(10.2)
    assert v.row == "wind"
    assert "aloft" in v.step.reason
    s = scene(S.ON_WAY).docked(wind_m_s=13.0, online=False)
    assert s.after(10.2).row == "wind"  # nobody knows better


def test_wind_is_told_of_one_that_is_held(scene: Make) -> None:
    v = scene(S.HELD).docked(wind_m_s=13.0).after(12.0)
    assert (v.step, len(v.warnings)) == (None, 1)


def test_rain(scene: Make) -> None:
    s = scene(S.ON_TASK).docked(rain_mm_h=4.5)
    assert s.after(9.9).step is None
    v = s.after(0.2)
    assert v.row == "rain"
    assert v.step == Step(S.RETURNING, "rain 4.5 mm/h at the dock: over the limit of 4 mm/h")


def test_wind_before_take_off(scene: Make) -> None:
    v = scene(S.OPENING).docked(wind_m_s=13.0).after(10.2)
    assert v.row == "wind before take-off"
    assert v.step is not None
    assert v.step.state is S.CLOSING


def test_rain_before_take_off(scene: Make) -> None:
    v = scene(S.OPENING).docked(rain_mm_h=5.0).after(3.2)
    assert v.row == "rain before take-off"
    assert v.step is not None
    assert v.step.state is S.CLOSING


def test_operator_absent(scene: Make) -> None:
    assert scene(S.ON_WAY).see(operator_absent_s=1800.0).judge().step is None
    v = scene(S.ON_WAY).see(operator_absent_s=1860.0).judge()
    assert v.row == "operator absent"
    assert v.step == Step(S.RETURNING, "no officer heard for 31 min; 30 min are allowed")
    assert scene(S.HELD).see(operator_absent_s=1860.0).judge().warnings


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"online": False, "reason": "no word for 20 s"}, "dock: no word for 20 s"),
        ({"online": False}, "dock: offline"),
        ({"door": DoorState.JAMMED}, "dock's door is jammed"),
    ],
)
def test_dock_fault(scene: Make, fault: dict[str, Any], words: str) -> None:
    coming = scene(S.RETURNING).docked(**fault).judge()
    assert (coming.row, coming.action, coming.step) == ("dock fault", Action.ALTERNATE, None)
    assert coming.warnings == (words,)
    away = scene(S.ON_TASK).docked(**fault).judge()
    assert (away.row, away.step, away.warnings) == ("", None, (words,))


def test_dock_fault_says_where_another_dock_can_take_it(scene: Make) -> None:
    v = scene(S.RETURNING).docked(online=False).see(alternate=(117.66, 24.51)).judge()
    assert v.warnings == ("dock: offline; another dock can take it",)
