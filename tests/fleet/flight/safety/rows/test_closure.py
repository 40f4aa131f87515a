"""Rows on airspace that was closed while a drone flew, or before it left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from fleet.flight.safety import manoeuvre
from fleet.flight.word import Word
from fleet.model.states import DroneState as S

Make = Callable[[S], Any]


class Closed(NamedTuple):
    """What is closed to a drone."""

    inside: str | None = None
    way: str | None = None
    out: tuple[float, float] | None = (117.66, 24.52)

    def here(self) -> str | None:
        return self.inside

    def ahead(self) -> str | None:
        return self.way

    def way_out(self) -> tuple[float, float] | None:
        return self.out


@pytest.mark.parametrize("state", [S.ON_WAY, S.ON_TASK, S.HELD, S.RETURNING])
def test_in_a_closure(scene: Make, state: S) -> None:
    assert scene(state).see(closed=Closed()).judge().row != "in a closure"
    s = scene(state).see(closed=Closed(inside="in what is closed: fire"))
    v = s.judge()
    assert (v.row, v.step.state) == ("in a closure", S.AVOIDING)
    assert "fire" in v.step.reason
    found = manoeuvre(s.view())
    assert found.place == (117.66, 24.52)
    assert manoeuvre(s.view(), found) is found  # it does not change its mind on the way
    s.see(closed=Closed(inside="in what is closed: fire", out=None))
    assert manoeuvre(s.view()) == (None, "in what is closed: fire", None)  # it holds


def test_in_a_closure_a_landing_goes_on_and_says_so(scene: Make) -> None:
    v = scene(S.LANDING).see(closed=Closed(inside="in what is closed: fire")).judge()
    assert v.row != "in a closure"
    assert "in what is closed: fire" in v.warnings


def test_in_a_closure_goes_before_a_pilots_word(scene: Make) -> None:
    s = scene(S.ON_TASK).see(closed=Closed(inside="x"), word=Word("hold", "hold by wang"))
    assert s.judge().row == "in a closure"


@pytest.mark.parametrize("state", [S.ON_WAY, S.ON_TASK])
def test_way_closed(scene: Make, state: S) -> None:
    v = scene(state).see(closed=Closed(way="its way is closed: fire")).judge()
    assert (v.row, v.step.state) == ("way closed", S.RETURNING)
    assert v.step.reason == "its way is closed: fire"


def test_way_closed_is_only_told_to_who_is_held(scene: Make) -> None:
    v = scene(S.HELD).see(closed=Closed(way="its way is closed: fire")).judge()
    assert v.step is None
    assert "its way is closed: fire" in v.warnings


@pytest.mark.parametrize(("state", "to"), [(S.CHECKING, S.DOCKED), (S.OPENING, S.CLOSING)])
def test_way_closed_before_take_off(scene: Make, state: S, to: S) -> None:
    v = scene(state).see(closed=Closed(way="its way is closed: fire")).judge()
    assert (v.row, v.step.state) == ("way closed before take-off", to)
