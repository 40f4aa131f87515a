"""Calls that a controller with fakes answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from fleet.model.call import Call
from missions.geo import LocalFrame

FRAME = LocalFrame(117.65, 24.51)


@pytest.fixture(scope="session")
def call_at() -> Callable[..., Call]:
    """Return a call at a place of the town, metres."""

    def make(
        town: Any, east: float, north: float, name: str = "c1", priority: int = 5, **more: Any
    ) -> Call:
        lon, lat = FRAME.to_lonlat(east, north)
        return Call(
            id=name, lon=lon, lat=lat, kind="fight", priority=priority, source="call",
            received_at=town.clock.now(), received_by="li",
            **{"want": 1, "on_scene_s": 120.0, **more},
        )  # fmt: skip

    return make


@pytest.fixture(scope="session")
def is_() -> Callable[..., Call]:
    """Return what has become of a call."""

    def look(town: Any, call: Call) -> Call:
        found = {c.id: c for c in town.controller.calls.all()}[call.id]
        assert isinstance(found, Call)
        return found

    return look


@pytest.fixture(scope="session")
def away() -> Callable[..., float]:
    """Return how far a drone is from a call, metres."""

    def far(town: Any, drone: str, call: Call) -> float:
        truth = town.vehicles[drone].truth
        east, north = FRAME.to_enu(call.lon, call.lat)
        here = FRAME.to_enu(truth.lon or 0.0, truth.lat or 0.0)
        return math.dist((east, north), here)

    return far
