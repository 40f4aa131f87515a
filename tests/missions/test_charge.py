"""A battery in its dock: the calibration, the slower end, and that the two functions are inverse."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from missions.charge import percent_after, seconds_to
from missions.city import Battery

BATTERY = Battery(charge_min=35)
LEVELS = st.floats(0, 100)
TIMES = st.floats(0, 20_000)
BATTERIES = st.builds(lambda minutes: Battery(charge_min=minutes), st.floats(1, 300))


@given(BATTERIES)
def test_from_20_to_90_percent_it_takes_what_the_file_says(battery: Battery) -> None:
    assert seconds_to(battery, 20, 90) == pytest.approx(60 * battery.charge_min)
    assert percent_after(battery, 20, 60 * battery.charge_min) == pytest.approx(90)


def test_a_charge_by_hand() -> None:
    assert percent_after(BATTERY, 20, 600) == pytest.approx(40)  # 2 % a minute
    assert seconds_to(BATTERY, 0, 30) == pytest.approx(900)
    # above 90 %: 1 / 0.09 % * ln 10 at 2 % a minute
    assert seconds_to(BATTERY, 90, 100) == pytest.approx(60 * math.log(10) / 0.09 / 2)
    assert percent_after(BATTERY, 95, 1e6) == 100


@given(BATTERIES, LEVELS, LEVELS)
def test_the_two_are_inverse(battery: Battery, percent: float, wanted: float) -> None:
    seconds = seconds_to(battery, percent, wanted)
    assert percent_after(battery, percent, seconds) == pytest.approx(max(percent, wanted), abs=1e-6)


@given(BATTERIES, LEVELS, TIMES)
def test_the_time_back_is_the_time_there(battery: Battery, percent: float, seconds: float) -> None:
    reached = percent_after(battery, percent, seconds)
    if reached < 99.99:
        assert seconds_to(battery, percent, reached) == pytest.approx(seconds, rel=1e-4, abs=1e-3)
    else:
        assert seconds_to(battery, percent, reached) <= seconds + 1e-3


@given(BATTERIES, LEVELS, TIMES, TIMES)
def test_two_charges_are_one(battery: Battery, percent: float, a: float, b: float) -> None:
    in_two = percent_after(battery, percent_after(battery, percent, a), b)
    assert in_two == pytest.approx(percent_after(battery, percent, a + b), abs=1e-6)


@given(BATTERIES, LEVELS, LEVELS, TIMES, TIMES)
def test_more_time_and_more_charge_never_bring_less(
    battery: Battery, percent: float, more: float, seconds: float, longer: float
) -> None:
    now = percent_after(battery, percent, seconds)
    assert percent <= now + 1e-9
    assert now <= 100
    assert now <= percent_after(battery, percent, seconds + longer) + 1e-9
    low, high = sorted((percent, more))
    assert percent_after(battery, low, seconds) <= percent_after(battery, high, seconds) + 1e-9
    assert seconds_to(battery, low, 100) >= seconds_to(battery, high, 100) - 1e-6


def test_above_90_percent_it_is_slower() -> None:
    steps = [seconds_to(BATTERY, p, p + 1) for p in range(100)]
    assert steps[:90] == pytest.approx([30.0] * 90)
    assert all(a < b for a, b in pairwise(steps[89:]))


def test_what_a_gauge_tells_beyond_its_ends_is_taken_for_them() -> None:
    assert percent_after(BATTERY, 101, 10) == seconds_to(BATTERY, 101, 100) + 100
    assert percent_after(BATTERY, -1, 60) == pytest.approx(2)


@pytest.mark.parametrize("seconds", [-1.0, math.inf, math.nan])
def test_a_time_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="s of charging"):
        percent_after(BATTERY, 20, seconds)


def test_levels_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="101 % is wanted"):
        seconds_to(BATTERY, 20, 101)
    with pytest.raises(ValueError, match="no number"):
        percent_after(BATTERY, math.nan, 10)
