"""Rows on what cannot wait: energy, aircraft, other drones, the fence. One test a row, or more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fleet.flight.adoption import Step
from fleet.flight.place import come_home_percent
from fleet.flight.safety import Action
from fleet.model.states import DroneState as S
from missions.city import Drone
from missions.energy import Wind

Make = Callable[[S], Any]
DRONE = Drone(id="a1", dock="d1", system_id=1, mavlink="udpin://0.0.0.0:1", cruise_m_s=18.0)
PAD = (117.65, 24.51)


def takes(s: Any, wind: Wind) -> float:
    return come_home_percent(DRONE, s.telemetry, PAD, 55.0, wind)


@pytest.mark.parametrize("state", [S.ON_WAY, S.ON_TASK, S.HELD, S.AVOIDING])
def test_energy_to_come_home(scene: Make, state: S) -> None:
    s = scene(state).at(6000.0, 0.0, 55.0)
    last = takes(s, Wind(2.0)) * 1.1 + 4.0
    assert s.fly(battery_percent=last + 0.1).judge().row == "battery at reserve"
    v = s.fly(battery_percent=last - 0.1).judge()
    assert v.row == "energy to come home"
    assert v.step is not None
    assert v.step.state is S.RETURNING
    assert "just takes it home" in v.step.reason


def test_energy_to_come_home_waits_for_no_aircraft(scene: Make) -> None:
    s = scene(S.AVOIDING).at(6000.0, 0.0, 55.0).traffic(6000.0, 500.0, 100.0)
    assert s.judge().row == "traffic"
    assert s.fly(battery_percent=15.0).judge().row == "energy to come home"
    s.state = S.RETURNING
    home = s.fly(mode="MISSION").judge()
    assert (home.row, home.step) == ("energy to come home", None)  # and does not turn back
    assert any("aircraft" in words for words in home.warnings)


def test_energy_to_come_home_lets_a_landing_go_on(scene: Make) -> None:
    s = scene(S.LANDING).at(0.0, 0.0, 55.0).fly(mode="RETURN_TO_LAUNCH").traffic(0.0, 500.0, 100.0)
    assert s.judge().row == "traffic"
    v = s.fly(battery_percent=5.0).judge()
    assert (v.row, v.step) == ("energy to come home", None)


def test_energy_to_come_home_counts_the_wind_aloft(scene: Make) -> None:
    """6 km to the east of its dock: a west wind is against it."""
    s = scene(S.ON_TASK).at(6000.0, 0.0, 55.0).fly(battery_percent=36.0).see(fence=None)
    assert s.after(11.0).step is None
    assert s.fly(wind_m_s=11.0, wind_from_deg=90.0).after(11.0).step is None
    assert s.fly(wind_m_s=11.0, wind_from_deg=270.0).after(11.0).row == "energy to come home"


def test_energy_to_come_home_knows_a_wind_that_cannot_be_flown_against(scene: Make) -> None:
    slow = DRONE.model_copy(update={"cruise_m_s": 12.0})
    s = scene(S.HELD).docked(wind_m_s=11.5).see(drone=slow)
    assert s.after(9.0).step is None  # may be a gust
    v = s.after(1.2)
    assert v.step == Step(
        S.RETURNING, "coming home takes too long: it is hardly faster than the wind, 11.5 m/s"
    )
    assert not any("inf" in words for words in v.warnings)


@pytest.mark.parametrize("state", [S.ON_WAY, S.ON_TASK, S.RETURNING, S.HELD, S.LANDING])
def test_traffic(scene: Make, state: S) -> None:
    v = scene(state).traffic(300.0, 900.0, 300.0).judge()
    assert (v.row, v.action) == ("traffic", Action.AVOID)
    assert v.step == Step(S.AVOIDING, "aircraft B7000 is 900 m away, 225 m above")


def test_traffic_keeps_one_that_is_out_of_the_way_there(scene: Make) -> None:
    v = scene(S.AVOIDING).traffic(300.0, 900.0, 300.0).judge()
    assert (v.row, v.action, v.step) == ("traffic", Action.AVOID, None)
    assert v.warnings == ("aircraft B7000 is 900 m away, 225 m above",)


def test_traffic_does_not_stop_one_that_is_nearly_down(scene: Make) -> None:
    assert scene(S.LANDING).at(0, 0, 31.0).traffic(0.0, 900.0, 300.0).judge().row == "traffic"
    assert scene(S.LANDING).at(0, 0, 29.0).traffic(0.0, 900.0, 300.0).judge().step is None


def test_traffic_is_only_shown_to_a_pilot_at_the_sticks(scene: Make) -> None:
    v = scene(S.HELD).fly(mode="POSCTL").traffic(300.0, 900.0, 300.0).judge()
    assert v.step is None
    assert v.warnings == ("aircraft B7000 is 900 m away, 225 m above",)


def test_traffic_before_take_off(scene: Make) -> None:
    v = scene(S.OPENING).traffic(0.0, 900.0, 300.0).judge()
    assert v.row == "traffic before take-off"
    assert v.step is not None
    assert v.step.state is S.CLOSING


@pytest.mark.parametrize("state", [S.ON_WAY, S.RETURNING, S.HELD, S.ON_TASK])
def test_conflict(scene: Make, state: S) -> None:
    s = scene(state).other(320.0, 0.0, 58.0, S.EMERGENCY)
    v = s.judge()
    assert (v.row, v.action) == ("conflict", Action.AVOID)
    assert v.step == Step(S.AVOIDING, "b1 is 20 m away, 3 m above")


def test_conflict_is_the_affair_of_the_one_that_gives_way(scene: Make) -> None:
    assert scene(S.ON_WAY).other(320.0, 0.0, 58.0, S.ON_TASK).judge().row == "conflict"
    assert scene(S.ON_TASK).other(320.0, 0.0, 58.0, S.ON_WAY).judge().step is None
    same = scene(S.ON_TASK).other(320.0, 0.0, 58.0, S.ON_TASK)
    assert same.judge().step is None  # a1 goes before b1
    same.other(320.0, 0.0, 58.0, S.ON_TASK, name="a0")
    assert same.judge().row == "conflict"


def test_conflict_waits_while_an_aircraft_is_nearer_to_matter(scene: Make) -> None:
    s = scene(S.ON_WAY).other(320.0, 0.0, 58.0).traffic(300.0, 900.0, 300.0)
    v = s.judge()
    assert v.row == "traffic"
    assert v.warnings == ("b1 is 20 m away, 3 m above",)


@pytest.mark.parametrize("state", [S.ON_WAY, S.ON_TASK, S.HELD, S.AVOIDING])
def test_fence_breached(scene: Make, state: S) -> None:
    s = scene(state).at(1006.0, 0.0, 55.0)
    assert s.after(0.9).step is None  # GPS may jump there and back
    v = s.after(0.3)
    assert v.row == "fence breached"
    assert v.step == Step(S.RETURNING, "outside its fence by 6 m")


def test_fence_breached_is_not_gps_noise_at_the_border(scene: Make) -> None:
    assert scene(S.ON_WAY).at(1004.5, 0.0, 55.0).after(10.0).step is None


def test_fence_breached_says_nothing_of_a_place_that_is_not_known(scene: Make) -> None:
    assert scene(S.RETURNING).at(1500.0, 0, 55).fly(gps_fix=2).after(1.5).warnings == ()
    s = scene(S.ON_WAY).fly(gps_fix=3, lon=0.0, lat=0.0)
    assert s.after(3.0).step is None


def test_fence_breached_upwards(scene: Make) -> None:
    assert scene(S.ON_WAY).at(300.0, 0.0, 129.0).after(5.0).step is None
    v = scene(S.ON_WAY).at(300.0, 0.0, 131.0).after(1.2)
    assert v.step == Step(S.RETURNING, "altitude 131 m: the ceiling is 120 m")


def test_fence_breached_at_the_sticks_or_coming_home_is_told(scene: Make) -> None:
    for s in (scene(S.HELD).fly(mode="POSCTL"), scene(S.RETURNING)):
        v = s.at(1050.0, 0.0, 55.0).after(2.0)
        assert (v.step, v.warnings) == (None, ("outside its fence by 50 m",))
