"""The wait doubles up to a cap, scatters, and never ends."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from fleet.cad.backoff import Backoff


@given(failures=st.integers(1, 10**9), seed=st.integers())
def test_every_wait_is_between_half_of_the_first_and_the_cap(failures: int, seed: int) -> None:
    delay = Backoff(first_s=0.5, cap_s=30, rng=Random(seed)).delay_s(failures)
    assert 0.25 <= delay <= 30


def test_the_nominal_wait_doubles() -> None:
    class High(Random):
        def uniform(self, a: float, b: float) -> float:
            return b

    backoff = Backoff(first_s=0.5, cap_s=30, rng=High())
    waits = [backoff.delay_s(n) for n in range(1, 7)]
    assert all(b == 2 * a for a, b in pairwise(waits))
    assert backoff.delay_s(8) == 30


def test_waits_scatter() -> None:
    backoff = Backoff(rng=Random(1))
    assert len({backoff.delay_s(5) for _ in range(20)}) == 20
