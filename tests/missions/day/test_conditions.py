"""Wind and faults of a day: from the seed alone."""

from __future__ import annotations

import numpy as np
import pytest

from missions.city import City
from missions.day.conditions import DAY_S, HOUR_S, Conditions, draw_conditions
from missions.energy import Wind


def draw(city: City, seed: int, days: float = 1.0, **more: float) -> Conditions:
    return draw_conditions(city, np.random.default_rng(seed), days, **more)


def test_the_same_seed_brings_the_same(small: City) -> None:
    assert draw(small, 3, 2.5) == draw(small, 3, 2.5)
    assert draw(small, 3).winds != draw(small, 4).winds


def test_wind_changes_its_side_each_hour(small: City) -> None:
    found = draw(small, 1, 2.0, wind_m_s=6.0)
    assert len(found.winds) == 48
    assert {wind.speed_m_s for wind in found.winds} == {6.0}
    sides = np.array([wind.from_deg for wind in found.winds])
    assert ((sides >= 0) & (sides < 360)).all()
    assert {int(side // 90) for side in sides} == {0, 1, 2, 3}
    assert found.wind(0.0) == found.winds[0]
    assert found.wind(HOUR_S - 1) == found.winds[0]
    assert found.wind(HOUR_S) == found.winds[1]
    assert found.wind(1e9) == found.winds[-1]


@pytest.mark.parametrize("days", [0.01, 1 / 24])
def test_a_short_run_has_wind_too(small: City, days: float) -> None:
    assert len(draw(small, 1, days).winds) == 1


def test_faults_come_in_order_to_drones_that_there_are(small: City) -> None:
    found = draw(small, 2, 100.0, faults_a_day=2.0).faults
    assert len(found) == pytest.approx(200, abs=60)
    times = [fault.at_s for fault in found]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] <= 100 * DAY_S
    assert {fault.drone for fault in found} == {"one", "two"}
    assert draw(small, 2, 100.0, faults_a_day=0.0).faults == ()


def test_wind_may_be_said() -> None:
    assert Conditions((Wind(1.0, 2.0),)).wind(5.0) == Wind(1.0, 2.0)
