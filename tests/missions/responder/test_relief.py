"""Reliefs: soon enough is soon enough, so those come whom calls to come need least."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from missions.energy import Wind
from missions.ground import Ground
from missions.picture import DroneNow
from missions.responder import Call, Pick, respond
from missions.tracks import Metres

NOW = datetime(2025, 5, 1, 12, tzinfo=UTC)
Make = Callable[..., Any]


def sent(
    ground: Ground, fleet: list[DroneNow], *, by_s: float, on_scene_s: float = 300.0
) -> Pick | None:
    """Return who is sent to a call 300 m from dock k0, towards k1."""
    call = Call("c", beside(ground), on_scene_s=on_scene_s, by_s=by_s)
    return next(iter(respond(ground, call, fleet, Wind(), NOW).picks), None)


def beside(ground: Ground) -> Metres:
    east, north = ground.places["k0"]
    return east + 300.0, north


@pytest.fixture
def fleet(town: Make, docked: Make) -> Callable[..., list[DroneNow]]:
    """Return drones in their docks, by name with what their batteries hold."""
    return lambda **percents: [docked(town(2), name, p) for name, p in percents.items()]


def test_a_relief_is_not_the_last_of_its_dock(town: Make, fleet: Make) -> None:
    """The one alone is nearer; of the other dock's two one stays."""
    some, ground = fleet(v0=100.0, v2=100.0, v3=100.0), town(2)
    first = sent(ground, some, by_s=0.0)
    relief = sent(ground, some, by_s=140.0)
    assert first is not None
    assert first.drone == "v0"
    assert relief is not None
    assert relief.drone in ("v2", "v3")
    assert first.eta_s + 5 < relief.eta_s <= 140.0


def test_who_stands_beside_with_too_little_for_a_call_is_no_mate(town: Make, fleet: Make) -> None:
    """Then each is the last of its dock, and the nearer comes."""
    relief = sent(town(2), fleet(v0=100.0, v2=100.0, v3=30.0), by_s=140.0)
    assert relief is not None
    assert relief.drone == "v0"


def test_a_relief_stays_to_the_end_where_one_can(town: Make, fleet: Make) -> None:
    some = fleet(v0=55.0, v1=50.0, v2=100.0, v3=30.0)
    for on_scene_s, drone in ((120.0, "v0"), (900.0, "v2")):
        relief = sent(town(2), some, by_s=140.0, on_scene_s=on_scene_s)
        assert relief is not None
        assert relief.drone == drone
        assert relief.stay_s >= on_scene_s


def test_nobody_comes_too_late_to_spare_another(town: Make, fleet: Make) -> None:
    """With the other about to leave it is as for a first answer."""
    some, ground = fleet(v0=100.0, v2=100.0, v3=100.0), town(2)
    for by_s in (20.0, 60.0):
        relief = sent(ground, some, by_s=by_s)
        assert relief is not None
        assert relief.drone == "v0"
