"""How soon another drone may be over a dock, were nobody to tell it anything any more."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.flight.column import RADIUS_M
from fleet.flight.flier import LOW_PERCENT, Flier, climb_s, comes_s
from fleet.model.live import Telemetry
from fleet.model.states import DroneState
from missions.geo import LocalFrame
from missions.sortie import Waypoint

S = DroneState
PAD = (117.65, 24.51)
FRAME = LocalFrame(*PAD)
TOP_M = 55.0


def point(east: float, north: float, altitude: float = 40.0, hold_s: float = 0.0) -> Waypoint:
    return Waypoint(*FRAME.to_lonlat(east, north), altitude, hold_s)


def flier(east: float = 300.0, altitude: float = 40.0, **fields: Any) -> Flier:
    given = {"state": S.ON_WAY, "pads": frozenset({PAD}), "way": ()} | fields
    lon, lat = FRAME.to_lonlat(east, 0.0)
    told = {
        "lon": lon, "lat": lat, "altitude_m": altitude, "in_air": True, "connected": True,
        "battery_percent": given.pop("battery", 80.0), "mode": given.pop("mode", "MISSION"),
    }  # fmt: skip
    t = Telemetry.model_validate({"at": datetime(2026, 1, 1, tzinfo=UTC)} | told)
    return Flier(drone="a2", telemetry=t, speed_m_s=10.0, **given)


def unplaced(*way: Waypoint, **fields: Any) -> Flier:
    one = flier(way=way, **fields)
    told = {"lon": None, "lat": None, "altitude_m": None}
    return replace(one, telemetry=one.telemetry.model_copy(update=told))


STRAIGHT_S = (300.0 - RADIUS_M) / 10.0


@pytest.mark.parametrize(
    ("seen", "comes"),
    [
        (flier(way=(point(0, 0),)), STRAIGHT_S),
        (flier(way=(point(300, 100), point(0, 100), point(0, 0))), 10.0 + 30.0 + 6.0),
        (flier(way=(point(600, 0, hold_s=60.0), point(0, 0))), 30.0 + 60.0 + 56.0),
        (flier(way=(point(600, 0),)), math.inf),
        (flier(way=(point(300, RADIUS_M - 0.01), point(0, RADIUS_M - 0.01))), math.inf),
        (flier(way=(point(-300, 0),)), STRAIGHT_S),
        (flier(way=(point(0, 0, 60.0),), altitude=60.0), math.inf),
        (flier(way=(point(0, 0, 60.0),), altitude=50.0), STRAIGHT_S),
        (flier(way=(point(0, 0),), mode="HOLD"), math.inf),
        (unplaced(point(300, 100), point(0, 0)), 0.0),
        (unplaced(point(300, 100), point(0, 0), mode="HOLD"), math.inf),
        (unplaced(point(300, 100, 60.0), point(0, 0, 60.0)), math.inf),
        (unplaced(point(300, 100), point(300, 0)), math.inf),
        (flier(mode="HOLD", state=S.HELD), math.inf),
        (flier(mode="HOLD", state=S.RETURNING), STRAIGHT_S),
        (flier(mode="HOLD", state=S.RETURNING, altitude=60.0), math.inf),
        (flier(mode="HOLD", battery=LOW_PERCENT - 1), STRAIGHT_S),
        (flier(mode="RETURN_TO_LAUNCH", altitude=80.0), STRAIGHT_S),
        (flier(mode="RETURN_TO_LAUNCH", pads=frozenset()), math.inf),
        (flier(mode="POSCTL", state=S.EMERGENCY, altitude=80.0), STRAIGHT_S),
        (flier(state=S.LOST, unheard_s=20.0, altitude=80.0), STRAIGHT_S - 20.0),
        (flier(state=S.LOST, unheard_s=200.0), 0.0),
        (flier(state=S.LOST, unheard_s=0.0, pads=frozenset(), way=(point(0, 0),)), STRAIGHT_S),
        (flier(east=RADIUS_M - 1, mode="HOLD"), 0.0),
        (flier(east=RADIUS_M - 1, mode="HOLD", altitude=TOP_M), math.inf),
    ],
)
def test_what_each_does_alone(seen: Flier, comes: float) -> None:
    assert comes_s(seen, PAD, TOP_M) == pytest.approx(comes, abs=0.1)


def test_one_that_was_never_heard_may_be_there_now() -> None:
    nowhere = Telemetry(at=datetime(2026, 1, 1, tzinfo=UTC))
    known = {"telemetry": nowhere, "speed_m_s": 10.0, "unheard_s": math.inf}
    assert comes_s(Flier("a2", S.UNKNOWN, pads=frozenset({PAD}), **known), PAD, TOP_M) == 0.0
    assert math.isinf(comes_s(Flier("a2", S.UNKNOWN, **known), PAD, TOP_M))


places = st.tuples(st.floats(-800, 800), st.floats(-800, 800))


@given(st.lists(places, min_size=1, max_size=5), places)
def test_it_is_never_there_sooner_than_told(way: list[Any], start: Any) -> None:
    lon, lat = FRAME.to_lonlat(*start)
    seen = flier(way=tuple(point(*at) for at in way))
    t = seen.telemetry.model_copy(update={"lon": lon, "lat": lat})
    told = comes_s(Flier("a2", S.ON_WAY, t, 10.0, way=seen.way), PAD, TOP_M)
    flown_s, here = 0.0, start
    for there in way:
        length = math.dist(here, there)
        for step in range(101):
            at = [a + (b - a) * step / 100 for a, b in zip(here, there, strict=True)]
            if math.hypot(*at) < RADIUS_M - 1.0:
                assert told <= flown_s + length * step / 1000 + 0.1
        flown_s, here = flown_s + length / 10.0, there


def test_a_climb_is_reckoned_slow_at_first() -> None:
    """PX4 needs 14 to 16 s to 14 m, and climbs at 3 m/s from there."""
    assert climb_s(14.0, 3.0) > 16.0
    assert climb_s(44.0, 3.0) - climb_s(14.0, 3.0) == pytest.approx(10.0)
    assert climb_s(44.0, 1.5) - climb_s(14.0, 1.5) == pytest.approx(20.0)
