"""Moments of a town: who stands where, what is overdue, where calls come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from missions.energy import CALM
from missions.geo import Floats
from missions.ground import Ground
from missions.patrol.cover import Cover
from missions.patrol.situation import Situation
from missions.patrol.watch import Watch
from missions.picture import Doing, DroneNow


@pytest.fixture(scope="session")
def moment(docked: Callable[..., DroneNow]) -> Callable[..., Situation]:
    """Return a moment; every drone stands full in its dock, every cell is as old as it may be."""

    def make(
        ground: Ground,
        now_s: float = 0.0,
        *,
        percents: dict[str, float] | None = None,
        fleet: Sequence[DroneNow] | None = None,
        **changes: Any,
    ) -> Situation:
        count = len(ground.cells)
        known: dict[str, Any] = {
            "age_s": np.full(count, 3600.0),
            "owed_s": np.full(count, 3600.0),
            "weight": np.ones(count),
            "wind": CALM,
            "ceiling": 100,
        }
        if fleet is None:
            held = {} if percents is None else percents
            fleet = [docked(ground, drone, held.get(drone, 100.0)) for drone in ground.drones]
        return Situation(now_s=now_s, fleet=fleet, **{**known, **changes})

    return make


@pytest.fixture(scope="session")
def alone(docked: Callable[..., DroneNow]) -> Callable[..., list[DroneNow]]:
    """Return a fleet of which only the drones named can fly."""

    def make(ground: Ground, *names: str, percent: float = 100.0) -> list[DroneNow]:
        return [
            docked(ground, drone, percent)
            if drone in names
            else DroneNow(
                drone, ground.drones[drone].dock, Doing.OUT, 0.0, (0.0, 0.0), reason="broken"
            )
            for drone in ground.drones
        ]

    return make


@pytest.fixture(scope="session")
def watch_of() -> Callable[..., Watch]:
    """Return a watch over a city where nobody else covers anything."""

    def make(ground: Ground, worth: Floats, calls: Floats, service_s: float = 90.0) -> Watch:
        cover = Cover.of(ground, calls, CALM)
        service = np.full(len(ground.cells), service_s)
        return Watch.of(cover, service, worth, cover.missing([]))

    return make
