"""Who gives way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.flight.safety.standing import DEAF, gives_way, standing
from fleet.model.states import DroneState as S

ids = st.text("abc01-", min_size=1, max_size=4)


@given(st.integers(3, 9), ids, st.integers(3, 9), ids)
def test_of_two_exactly_one_gives_way(a: int, name_a: str, b: int, name_b: str) -> None:
    if name_a != name_b:
        assert gives_way((a, name_a), (b, name_b)) != gives_way((b, name_b), (a, name_a))


def test_the_order() -> None:
    order = [S.AVOIDING, S.ON_WAY, S.ON_TASK, S.HELD, S.RETURNING, S.LANDING, S.EMERGENCY]
    ranks = [standing(state, "MISSION", True) for state in order]
    assert ranks == sorted(set(ranks))
    assert ranks[-1] == DEAF


@pytest.mark.parametrize("state", list(S))
def test_who_cannot_be_told_goes_first(state: S) -> None:
    assert standing(state, "POSCTL", True) == DEAF
    assert standing(state, "MISSION", False) == DEAF
