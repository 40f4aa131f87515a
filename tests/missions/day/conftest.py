"""A run over a town whose calls, faults and people are said by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from missions.day.calls import DayCall
from missions.day.conditions import Closing, Conditions, Fault
from missions.day.patrolling import Idle
from missions.day.responding import Responder
from missions.day.run import DayRun, Patrolling, Responding
from missions.demand import Demand
from missions.energy import CALM, Wind
from missions.ground import Ground
from missions.tracks import Metres

START = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture(scope="session")
def call() -> Callable[..., DayCall]:
    """Return a call by where and when it comes."""

    def make(
        ground: Ground, at_s: float, place: Metres, priority: int = 5, on_scene_s: float = 600.0
    ) -> DayCall:
        where = ground.frame.to_lonlat(*place)
        at = START + timedelta(seconds=at_s)
        return DayCall(at, where.lon, where.lat, "help", priority, on_scene_s)

    return make


@pytest.fixture(scope="session")
def day() -> Callable[..., DayRun]:
    """Return a run of some hours in which every battery is full at first."""

    def make(
        ground: Ground,
        calls: Sequence[DayCall] = (),
        *,
        faults: Sequence[Fault] = (),
        closures: Sequence[Closing] = (),
        hours: float = 1.0,
        wind: Wind = CALM,
        patrolling: Patrolling | None = None,
        responding: Responding | None = None,
    ) -> DayRun:
        made = DayRun(
            ground,
            START,
            hours / 24.0,
            calls,
            Conditions((wind,), tuple(faults), tuple(closures)),
            Demand.of(ground.city),
            patrolling or Idle(),
            responding or Responder(),
        )
        for drone in made.fleet.values():
            drone.percent = 100.0
        return made

    return make
