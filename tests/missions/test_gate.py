"""Who lands in a dock goes before who leaves it, where that is soon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from missions.energy import CALM
from missions.gate import waits_s
from missions.picture import Doing
from missions.responder import Call, respond

NOW = datetime(2025, 5, 1, 12, tzinfo=UTC)
Make = Callable[..., Any]


@pytest.mark.parametrize(
    ("ends_in_s", "waits"),
    [(0.0, 17.0), (10.0, 17.0), (25.0, 25.0), (34.2, 34.2), (34.4, 17.0)],  # down from 40 m: 34.3 s
)
def test_who_lands_soon_goes_first(
    town: Make, docked: Make, flying: Make, ends_in_s: float, waits: float
) -> None:
    ground = town(2)
    lands = replace(flying(ground, "v1", (700.0, 700.0)), ends_in_s=ends_in_s)
    far = replace(flying(ground, "v3", (700.0, 700.0)), ends_in_s=30.0)
    fleet = [docked(ground, "v0"), lands, far]
    assert waits_s(ground, "k0", fleet) == waits
    assert waits_s(ground, "k1", fleet) == 30.0


def test_a_call_is_promised_nobody_who_must_wait_for_a_landing(
    town: Make, docked: Make, flying: Make
) -> None:
    ground = town(2)
    east, north = ground.places["k0"]
    call = Call("c", (east + 720.0, north))
    lands = flying(ground, "v1", ground.places["k0"], doing=Doing.RETURNING, percent=30.0)
    fleet = [docked(ground, "v0"), replace(lands, ends_in_s=34.0), docked(ground, "v2")]
    free = [docked(ground, "v0"), docked(ground, "v2")]
    assert respond(ground, call, free, CALM, NOW).picks[0].drone == "v0"
    assert respond(ground, call, fleet, CALM, NOW).picks[0].drone == "v2"
