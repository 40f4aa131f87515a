"""Properties of the table of states."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.flight import lifecycle
from fleet.model.states import DroneState

S = DroneState
states = st.sampled_from(list(S))


def reachable(start: DroneState, without: DroneState | None = None) -> set[DroneState]:
    seen, todo = {start}, deque([start])
    while todo:
        for state in lifecycle.successors(todo.popleft()) - seen - {without}:
            seen.add(state)
            todo.append(state)
    return seen


@given(st.lists(st.integers(0, 99), max_size=60))
def test_no_walk_from_docked_takes_off_unchecked(choices: list[int]) -> None:
    state, checked = S.DOCKED, False
    for choice in choices:
        options = sorted(lifecycle.successors(state))
        state = options[choice % len(options)]
        checked = (
            state is S.CHECKING
            or (checked and state is S.OPENING)
            or (checked and state is S.TAKING_OFF)
        )
        if state is S.TAKING_OFF:
            assert checked


def test_taking_off_cannot_be_reached_around_checking() -> None:
    for start in S:
        if start not in {S.CHECKING, S.OPENING, S.TAKING_OFF}:
            assert S.TAKING_OFF not in reachable(start, without=S.CHECKING)


@given(states)
def test_every_state_has_a_way_home(state: DroneState) -> None:
    assert S.DOCKED in reachable(state)


@given(states, states)
def test_check_permits_exactly_the_table(source: DroneState, target: DroneState) -> None:
    if source is target or any((e.source, e.target) == (source, target) for e in lifecycle.TABLE):
        lifecycle.check(source, target)
    else:
        with pytest.raises(lifecycle.IllegalTransition, match=f"{source} -> {target}"):
            lifecycle.check(source, target)


def test_every_state_that_can_be_airborne_can_be_lost_and_can_be_an_emergency(
    airborne: frozenset[DroneState],
) -> None:
    for state in airborne:
        assert {S.LOST, S.EMERGENCY} <= lifecycle.successors(state)
