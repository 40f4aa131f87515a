"""What drones are ranked by, and left out by, is never more than what the exact way takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from missions.energy import Wind
from missions.picture import Doing, DroneNow
from missions.responder import Call
from missions.responder.candidates import candidates, free_docks
from missions.responder.way import Flight, Others, Scene

NOW = datetime(2025, 5, 1, 12, tzinfo=UTC)
MIDDLE = (2100.0, 2100.0)
ZONE = (1900.0, 1900.0, 2300.0, 2300.0)
"""Around the call: then it is watched from beside it, from another place at each height."""
Make = Callable[..., Any]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    away=st.floats(0, 60) | st.floats(0, 3000),
    bearing=st.floats(0, 360),
    altitude=st.floats(5, 115),
    wind=st.builds(Wind, st.floats(0, 14), st.none() | st.floats(0, 360)),
    percent=st.floats(20, 100) | st.floats(25, 40),
    drone=st.sampled_from(["v0", "v8"]),  # whose docks are far, and near
    docked=st.booleans(),
    closed=st.booleans(),
)
def test_nobody_is_there_before_the_bound_nor_left_out_who_can_come(
    town: Make,
    away: float,
    bearing: float,
    altitude: float,
    wind: Wind,
    percent: float,
    drone: str,
    docked: bool,
    closed: bool,
) -> None:
    ground = town(3, no_fly=(ZONE,) if closed else ())
    turn = math.radians(bearing)
    place = MIDDLE[0] + away * math.sin(turn), MIDDLE[1] + away * math.cos(turn)
    dock = ground.drones[drone].dock
    now = DroneNow(drone, dock, Doing.PATROL, percent, place, altitude)
    if docked:
        now = DroneNow(drone, dock, Doing.DOCKED, percent, ground.places[dock])
    docks = free_docks(ground, [now])
    scene = Scene(ground, ground.airspace, Call("c", MIDDLE), wind, NOW, Others({}), docks)
    flight = scene.flight(now)
    if isinstance(flight, Flight):
        (found,), refused = candidates(scene, [now])
        assert not refused
        assert found.least_s <= flight.eta_s + 1e-6
