"""An override is for one drone, one take-off and ten minutes."""

from __future__ import annotations

from fleet.flight.overrides import VALID_S, Overrides


def test_it_ends_with_the_take_off_or_the_time() -> None:
    overrides = Overrides()
    assert overrides.of("u1", 0.0) == frozenset()
    overrides.grant("u1", frozenset({"temperature-fit"}), 100.0)
    assert overrides.of("u1", 100.0 + VALID_S - 0.1) == {"temperature-fit"}
    assert overrides.of("u2", 100.0) == frozenset()
    assert overrides.of("u1", 100.0 + VALID_S) == frozenset()
    overrides.spend("u1")
    overrides.spend("u1")
    assert overrides.of("u1", 100.0) == frozenset()


def test_a_later_one_takes_the_place_of_an_earlier() -> None:
    overrides = Overrides()
    overrides.grant("u1", frozenset({"temperature-fit"}), 0.0)
    overrides.grant("u1", frozenset({"operator-present"}), 10.0)
    assert overrides.of("u1", VALID_S + 5.0) == {"operator-present"}
