"""A drone is overhead before it stands: held against a flight in small steps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from missions.energy import ACCELERATION_M_S2
from missions.overhead import OVER_M, sooner_s

STEP_S = 0.002


def flown(leg_m: float, speed: float) -> list[tuple[float, float]]:
    """Return when a drone is how far from the end of a leg, from a stand to a stand."""
    at, away, now = 0.0, leg_m, 0.0
    found = [(at, away)]
    while away > 0.01 and at < 600:
        brakes = now**2 / (2 * ACCELERATION_M_S2) >= away
        now = min(speed, max(0.0, now + (-1 if brakes else 1) * ACCELERATION_M_S2 * STEP_S))
        if now == 0.0:
            break
        away -= now * STEP_S
        at += STEP_S
        found.append((at, away))
    return found


@given(leg=st.floats(0.5, 400), speed=st.floats(2, 20))
def test_it_is_overhead_so_much_sooner(leg: float, speed: float) -> None:
    way = flown(leg, speed)
    there = way[-1][0]
    over = next(at for at, away in way if away <= OVER_M)
    told = sooner_s(leg, speed)
    assert told <= there - over + 0.25, "never promised sooner than it is"
    if leg > 60:
        assert told == pytest.approx(there - over, abs=0.25)


def test_who_hovers_there_is_there() -> None:
    assert sooner_s(0.0, 15.0) == 0.0
