"""The table of checks as a whole, and what a pilot may overlook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fleet.flight.checks import CHECKS, SOFT, refusals

Make = Callable[[], Any]


def spoilt(ready: Make) -> Any:
    s = ready().docked(temperature_c=50, wind_m_s=99.0)
    return replace(s, operator_absent_s=9999.0, trouble=("rubbish",), differences=None)


def test_a_sound_situation_passes(ready: Make) -> None:
    assert refusals(ready().situation) == []
    assert refusals(ready().but(gate_holder="a1")) == []


def test_every_reason_is_told_with_its_check(ready: Make) -> None:
    found = refusals(spoilt(ready))
    assert [(r.name, r.hard) for r in found] == [
        ("link-healthy", False),
        ("parameter-profile", True),
        ("weather-fit", True),
        ("temperature-fit", False),
        ("operator-present", False),
    ]
    assert "; ".join(found).startswith("link: rubbish; autopilot's parameters")


def test_names_are_one_of_a_kind_and_soft_ones_are_few() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert SOFT == ("link-healthy", "temperature-fit", "operator-present")


def test_a_pilot_may_overlook_soft_checks_and_no_others(ready: Make) -> None:
    everything = frozenset(check.name for check in CHECKS)
    left = refusals(replace(spoilt(ready), overridden=everything))
    assert [r.name for r in left] == ["parameter-profile", "weather-fit"]
    one = refusals(replace(spoilt(ready), overridden=frozenset({"temperature-fit"})))
    assert "temperature-fit" not in {r.name for r in one}
    assert len(one) == 4


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_each_check_passes_a_sound_situation_and_says_what_it_is(ready: Make, check: Any) -> None:
    assert check.refuses(ready().situation) is None
    assert type(check).__doc__
