"""How long it takes to hold one way against those of a hundred drones: `make bench`."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from missions.conflict import Traffic
from missions.trajectory import Trajectory

pytestmark = pytest.mark.bench
BOUND_MS = 20.0


def _some(rng: np.random.Generator) -> Trajectory:
    """Return a sortie of 40 pieces somewhere in 45 km², in one of six layers."""
    layer = 40.0 + 15.0 * rng.integers(0, 6)
    times = rng.uniform(0, 300) + np.cumsum(rng.uniform(5, 30, 40))
    places = rng.uniform(0, 6700, 2) + np.cumsum(rng.normal(0, 150, (40, 2)), axis=0)
    up = np.full(40, layer)
    up[[0, -1]] = 0.0
    return Trajectory(times, np.column_stack([places, up]), 5.0, 0.05)


def test_a_hundred_against_one() -> None:
    rng = np.random.default_rng(7)
    traffic = Traffic.of([_some(rng) for _ in range(100)])
    took, met = [], 0
    for _ in range(200):
        way = _some(rng)
        begun = time.perf_counter()
        met += len(traffic.conflicts(way))
        took.append((time.perf_counter() - begun) * 1000)
    p50, p99 = np.percentile(took, [50, 99])
    line = {"bench": "conflict, 1 against 100", "p50_ms": round(p50, 2), "p99_ms": round(p99, 2)}
    print(
        "\n" + json.dumps({**line, "bound_ms": BOUND_MS, "met": bool(p99 < BOUND_MS), "found": met})
    )
    assert p50 < BOUND_MS
