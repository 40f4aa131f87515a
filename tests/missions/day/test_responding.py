"""Who answers a call in a simulated day: the responder with all that is known, or the nearest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from missions.day.responding import Nearest, Responder
from missions.day.view import View
from missions.energy import CALM
from missions.ground import Ground
from missions.picture import Doing
from missions.responder import Call, respond
from missions.trajectory import Trajectory

Make = Callable[..., Any]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def view(town: Make, docked: Make, flying: Make) -> View:
    """One on patrol some way off, and one in a dock that is nearer to the calls here."""
    ground: Ground = town(1)
    east, north = ground.places["k0"]
    fleet = (
        docked(ground, "v0"),
        flying(ground, "v1", (east + 700.0, north), left=(ground.cells[3].id,)),
    )
    count = len(ground.cells)
    return View(
        ground, NOON, 0.0, fleet, np.full(count, 5000.0), np.full(count, 3600.0), CALM, {}, ()
    )


def call(view: View, east_m: float) -> Call:
    east, north = view.ground.places["k0"]
    return Call("c", (east + east_m, north))


def test_the_responder_answers_as_the_controllers_does(view: View) -> None:
    """With where others fly, and with how overdue cells are."""
    wanted = call(view, 300.0)
    east, north = wanted.place
    crosses = Trajectory.of([(0.0, east, north - 600, 40.0), (200.0, east, north + 600, 40.0)])
    known = replace(view, trajectories={"v9": crosses})
    own = respond(
        view.ground,
        wanted,
        view.fleet,
        CALM,
        NOON,
        others=known.trajectories,
        overdue_s=known.overdue_s(),
    )
    answer = Responder().respond(wanted, known)
    assert answer == own
    (pick,) = answer.picks
    assert pick.drone == "v1", "in the air it is there first"
    assert pick.gives_up.overdue_s is not None
    assert pick.gives_up.overdue_s[view.ground.cells[3].id] > 1400.0
    alone = replace(known, fleet=view.fleet[:1])
    assert Responder().respond(wanted, alone).picks[0].altitude_m != 40.0


def test_the_nearest_goes_though_another_is_there_before(view: View) -> None:
    wanted = call(view, 300.0)
    assert Nearest().respond(wanted, view).picks[0].drone == "v0"
    assert Nearest().respond(call(view, 500.0), view).picks[0].drone == "v1"


def test_the_nearest_takes_nobody_from_a_call(view: View) -> None:
    busy = replace(view.fleet[0], doing=Doing.RESPONSE, altitude_m=55.0)
    known = replace(view, fleet=(busy, view.fleet[1]))
    assert Nearest().respond(call(view, 100.0), known).picks[0].drone == "v1"


def test_where_the_nearest_cannot_the_next_one_goes(view: View) -> None:
    empty = replace(view.fleet[0], battery_percent=25.0)
    known = replace(view, fleet=(empty, view.fleet[1]))
    assert Nearest().respond(call(view, 100.0), known).picks[0].drone == "v1"
    assert Nearest().respond(call(view, 100.0), replace(known, fleet=(empty,))).picks == ()
