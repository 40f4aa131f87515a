"""Timers and means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.flight.safety import Memory


class Hand:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.at = 50.0

    def __call__(self) -> float:
        return self.at


def test_lasting_counts_from_the_first_and_begins_anew_after_a_break() -> None:
    clock = Hand()
    memory = Memory(clock)
    assert memory.lasting("gps", True) == 0.0
    clock.at += 3.0
    assert memory.lasting("gps", True) == 3.0
    assert memory.lasting("other", True) == 0.0
    assert memory.lasting("gps", False) == 0.0
    clock.at += 1.0
    assert memory.lasting("gps", True) == 0.0


def test_a_mean_is_known_once_it_was_told_for_so_long() -> None:
    clock = Hand()
    memory = Memory(clock)
    assert memory.mean("wind", 5.0, 10.0) is None
    clock.at += 9.9
    assert memory.mean("wind", 5.0, 10.0) is None
    clock.at += 0.1
    assert memory.mean("wind", 5.0, 10.0) == pytest.approx(5.0)


def test_a_value_counts_for_as_long_as_it_held() -> None:
    clock = Hand()
    memory = Memory(clock)
    for _ in range(4):
        memory.mean("wind", 4.0, 10.0)
        clock.at += 5.0
    memory.mean("wind", 14.0, 10.0)
    clock.at += 2.5
    assert memory.mean("wind", 14.0, 10.0) == pytest.approx(4.0 * 0.75 + 14.0 * 0.25)
    clock.at += 7.5
    assert memory.mean("wind", 14.0, 10.0) == pytest.approx(14.0)


def test_what_was_so_on_the_last_flight_is_forgotten() -> None:
    clock = Hand()
    memory = Memory(clock)
    for _ in range(12):
        memory.mean("wind", 14.0, 10.0)
        memory.lasting("calm", True)
        clock.at += 1.0
    assert memory.mean("wind", 14.0, 10.0) == pytest.approx(14.0)
    clock.at += 3600.0
    assert memory.mean("wind", 3.0, 10.0) is None
    assert memory.lasting("calm", True) == 0.0


@given(st.lists(st.tuples(st.floats(0.01, 3.0), st.floats(0, 30)), min_size=30, max_size=400))
def test_a_mean_lies_between_and_memory_is_bounded(steps: list[tuple[float, float]]) -> None:
    clock = Hand()
    memory = Memory(clock)
    for passed, value in steps:
        clock.at += passed
        mean = memory.mean("wind", value, 10.0)
        if mean is not None:
            values = [v for _, v in steps]
            assert min(values) - 1e-6 <= mean <= max(values) + 1e-6
    assert len(memory._means["wind"]._changes) <= 64 + 2
