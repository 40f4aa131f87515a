"""What a visit is worth: never less as a cell grows older, nothing where nobody wants it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missions.ground import Ground
from missions.patrol.owing import EARLY, owed_by_beat, prizes

AGES = st.floats(0, 1e7)
OWED = st.floats(300, 1e5)
QUICK = settings(max_examples=30)


def worth(age: float, owed: float, weight: float = 1.0) -> int:
    return int(prizes(np.array([age]), np.array([owed]), np.array([weight]))[0])


@QUICK
@given(st.lists(AGES, min_size=2, max_size=8), OWED)
def test_it_grows_with_age(ages: list[float], owed: float) -> None:
    found = prizes(np.sort(ages), np.full(len(ages), owed))
    assert (np.diff(found) >= 0).all()


@QUICK
@given(OWED)
def test_overdue_cells_are_worth_more_the_longer(owed: float) -> None:
    assert 0 < worth(1.0 * owed, owed) < worth(2.0 * owed, owed) < worth(4.0 * owed, owed)


@QUICK
@given(AGES)
def test_nothing_is_owed_where_nobody_asks(age: float) -> None:
    assert worth(age, np.inf) == 0
    assert worth(age, 3600.0, 0.0) == 0


@QUICK
@given(OWED, st.floats(0, 0.99))
def test_a_cell_just_seen_is_worth_nothing(owed: float, part: float) -> None:
    assert worth(part * EARLY * owed, owed) == 0


@QUICK
@given(OWED)
def test_one_never_seen_is_worth_as_much_as_any(owed: float) -> None:
    assert worth(np.inf, owed) >= worth(1e9, owed) > 0


@QUICK
@given(st.floats(100, 1e6), OWED, st.floats(1, 9))
def test_an_orders_priority_counts_in_proportion(age: float, owed: float, factor: float) -> None:
    assert abs(worth(age, owed, factor) - factor * worth(age, owed)) <= factor


@QUICK
@given(st.floats(300, 20_000), st.floats(EARLY + 0.01, 1.0))
def test_a_cell_counts_by_the_root_of_its_interval_and_by_what_of_it_has_passed(
    owed: float, passed: float
) -> None:
    due = worth(owed, owed)
    assert worth(4 * owed, 4 * owed) == pytest.approx(2 * due, abs=2)
    assert worth(passed * owed, owed) == pytest.approx(passed * due, abs=1)


def test_each_cell_is_told_apart() -> None:
    ages, owed = np.array([0.0, 3600.0, 7200.0]), np.array([3600.0, 3600.0, np.inf])
    found = prizes(ages, owed)
    assert found.tolist() == [worth(*pair) for pair in zip(ages, owed, strict=True)]
    assert found[0] == found[2] == 0 < found[1]


def test_beats_say_how_often(town: Callable[..., Ground]) -> None:
    ground = town(2)
    owed = owed_by_beat(ground)
    assert owed.shape == (len(ground.cells),)
    assert set(owed) == {ground.city.beats[0].revisit_s}
