"""When zones are active, and which planned way passes one while it is."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from shapely.geometry import Point, Polygon

from missions.city import City, Zone
from missions.geo import LocalFrame
from missions.hours import Hours, active_between, active_spans
from missions.planner import plan
from missions.trajectory import Trajectory
from missions.wishes import DroneOffer, OrderWish
from missions.zones import Closed, crossing, in_force

FRAME = LocalFrame(117.65, 24.5)
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
SHANGHAI = "Asia/Shanghai"


def hours(**said: Any) -> Hours:
    return Hours.model_validate(said)


def at(day: int, hour: float) -> datetime:
    """A time of the week that begins on Monday the 5th of January 2026, UTC."""
    return MONDAY + timedelta(days=day, hours=hour)


@pytest.mark.parametrize(
    ("window", "active", "not_active"),
    [
        ({"from": at(0, 1), "until": at(0, 2)}, [at(0, 1), at(0, 1.9)], [at(0, 0.9), at(0, 2)]),
        ({"until": at(0, 2)}, [at(-9, 0)], [at(0, 2)]),
        # 22 to 6 in Shanghai is 14 to 22 UTC
        ({"start": "22:00", "end": "06:00"}, [at(0, 14), at(3, 21.9)], [at(0, 13.9), at(0, 22)]),
        # Friday's night in Shanghai ends on Saturday
        (
            {"days": ["fri"], "start": "22:00", "end": "06:00"},
            [at(4, 14), at(4, 21.5)],
            [at(3, 15), at(5, 14)],
        ),
        ({"days": ["sun"]}, [at(5, 16), at(6, 15.9)], [at(5, 15.9), at(6, 16)]),
        (
            {"start": "16:00", "end": "17:00", "timezone": "UTC"},
            [at(0, 16), at(6, 16.9)],
            [at(0, 8), at(0, 17)],
        ),
        (
            {"from": at(1, 0), "until": at(2, 0), "start": "08:00", "end": "09:00"},
            [at(1, 0.5)],
            [at(0, 0.5), at(2, 0.5)],
        ),
    ],
)
def test_windows_are_active_at_their_hours_alone(
    window: dict[str, Any], active: list[datetime], not_active: list[datetime]
) -> None:
    windows = (hours(**window),)
    assert all(active_between(windows, SHANGHAI, t, t) for t in active)
    assert not any(active_between(windows, SHANGHAI, t, t) for t in not_active)


def test_hours_keep_to_the_clock_on_the_wall_over_a_change_of_it() -> None:
    window = (hours(start="08:00", end="09:00"),)
    spans = active_spans(
        window,
        "Europe/Berlin",
        datetime(2026, 3, 28, tzinfo=UTC),
        datetime(2026, 3, 30, tzinfo=UTC),
    )
    assert [low.hour for low, _ in spans] == [7, 6]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "says nothing of when"),
        ({"start": "08:00"}, "start and end go together"),
        ({"start": 1320, "end": 1380}, "write it in quotes"),
        ({"start": "08:00+02:00", "end": "09:00"}, "name a timezone"),
        ({"days": ["funday"]}, "days"),
        ({"days": ["sun"], "timezone": "Mars/Olympus"}, "is no time zone"),
        ({"from": at(1, 0), "until": at(0, 0)}, "is not before until"),
        ({"from": datetime(2026, 1, 1)}, "timezone"),
    ],
)
def test_windows_that_say_nothing_sound_are_refused(said: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        hours(**said)


def zone(ring: list[tuple[float, float]], **more: Any) -> Zone:
    area = [tuple(FRAME.to_lonlat(*p)) for p in ring]
    return Zone.model_validate({"id": "z", "kind": "no_fly", "area": area, **more})


def square(side: float, east: float = 0.0, north: float = 0.0) -> list[tuple[float, float]]:
    return [(east + x * side, north + y * side) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]


def test_a_city_keeps_the_zones_that_are_active_in_a_span(small: City) -> None:
    night = zone(square(100), active=[{"start": "22:00", "end": "06:00"}])
    always = zone(square(50))
    city = small.model_copy(update={"zones": (always, night)})
    assert in_force(city, at(0, 8), at(0, 9)).zones == (always,)
    assert in_force(city, at(0, 21.5), at(0, 22.1)) is city
    assert in_force(city, at(0, 21.5), at(0, 22)).zones == (always,)


EAST = Trajectory.of([(0, -500, 0, 40), (100, 500, 0, 40)])


@pytest.mark.parametrize(
    ("more", "way", "seconds"),
    [
        ({}, EAST, 40.0),
        ({"floor_m": 60}, EAST, None),
        ({"ceiling_m": 40}, EAST, None),
        ({"active": [{"from": MONDAY + timedelta(seconds=70)}]}, EAST, None),
        ({"active": [{"from": MONDAY + timedelta(seconds=50)}]}, EAST, 50.0),
        ({"active": [{"until": MONDAY + timedelta(seconds=39)}]}, EAST, None),
        (
            {"active": [{"until": MONDAY + timedelta(seconds=39)}]},
            Trajectory(EAST.times, EAST.places, 5.0),
            40.0,
        ),
        (
            {"active": [{"from": MONDAY + timedelta(seconds=70)}]},
            Trajectory(EAST.times, EAST.places, 0.0, 0.2),
            pytest.approx(70 / 1.2),
        ),
        ({"floor_m": 20}, Trajectory.of([(0, 0, 0, 0), (40, 0, 0, 40)]), 20.0),
        ({}, Trajectory.of([(0, -500, 100, 40), (100, 500, 100, 40)]), None),  # along its border
        ({}, Trajectory.of([(0, -500, 99, 40), (100, 500, 99, 40)]), 40.0),
    ],
)
def test_a_way_crosses_a_zone_at_its_heights_and_hours_alone(
    more: dict[str, Any], way: Trajectory, seconds: float | None
) -> None:
    closed = Closed.of(zone(square(100), **more), FRAME, 0.0)
    found = crossing(way, closed, MONDAY, "UTC")
    assert (None if found is None else found[0]) == (
        None if seconds is None else pytest.approx(seconds, abs=0.01)
    )


_whole = st.integers(-300, 300).map(float)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 30), _whole, _whole, st.integers(0, 100)), min_size=2, max_size=5
    ),
    st.tuples(st.integers(0, 60), st.integers(61, 120)),
    st.tuples(st.integers(0, 50), st.integers(51, 100)),
    st.sampled_from([0.0, 4.0]),
)
def test_crossing_agrees_with_fine_sampling(
    steps: list[tuple[int, float, float, int]],
    active: tuple[int, int],
    heights: tuple[int, int],
    doubt: float,
) -> None:
    times = np.cumsum([step[0] for step in steps]).astype(float)
    way = Trajectory(times, np.array([step[1:] for step in steps], dtype=float), doubt)
    since, until = (MONDAY + timedelta(seconds=s) for s in active)
    hexagon = [(150 * math.cos(a), 150 * math.sin(a)) for a in np.arange(6) * math.pi / 3]
    spec = zone(
        hexagon, floor_m=heights[0], ceiling_m=heights[1], active=[{"from": since, "until": until}]
    )
    closed = Closed.of(spec, FRAME, 0.0)

    def sampled(room: float, later: float) -> bool:
        area = closed.area.buffer(room)
        for t in np.arange(times[0], times[-1] + 0.02, 0.02).clip(max=times[-1]):
            east, north, up = way.at(float(t)) or (0.0, 0.0, -1e9)
            when = active[0] - doubt - later <= t <= active[1] + doubt + later
            if (
                when
                and heights[0] - room < up < heights[1] + room
                and area.covers(Point(east, north))
            ):
                return True
        return False

    found = crossing(way, closed, MONDAY, "UTC") is not None
    surely, perhaps = sampled(-0.5, -0.05), sampled(0.5, 0.05)
    assume(surely == perhaps)
    assert found == surely


@pytest.mark.parametrize(
    ("since_h", "until_h", "batteries", "flown"),
    [
        (-1.0, 1.0, 1, False),
        (0.5, 3.0, 1, False),
        (2.0, 5.0, 1, True),
        (-5.0, -1.0, 1, True),
        (2.0, 5.0, 4, False),  # a fuel cell may still fly then
    ],
)
def test_a_plan_keeps_off_what_is_closed_while_it_is_flown(
    zhangzhou: City, since_h: float, until_h: float, batteries: float, flown: bool
) -> None:
    fleet = [
        d.model_copy(
            update={
                "battery": d.battery.model_copy(
                    update={"capacity_wh": batteries * d.battery.capacity_wh}
                )
            }
        )
        for d in zhangzhou.drones
    ]
    zhangzhou = zhangzhou.model_copy(update={"drones": tuple(fleet)})
    dock = zhangzhou.docks[0]
    beat = next(b for b in zhangzhou.beats if Polygon(b.area).covers(Point(dock.position)))
    hours = {
        "from": MONDAY + timedelta(hours=since_h),
        "until": MONDAY + timedelta(hours=until_h),
    }
    east, north = (max(abs(c) for c in column) for column in zip(*beat.area, strict=True))
    ring = [(east - 1, north - 1), (east + 1, north - 1), (east + 1, north + 1)]
    closed = Zone.model_validate(
        {"id": "storm", "kind": "no_fly", "area": [*ring, (east - 1, north + 1)], "active": [hours]}
    )
    city = zhangzhou.model_copy(update={"zones": (*zhangzhou.zones, closed)})
    drones = [DroneOffer(d.id, d.dock, 100) for d in city.drones if d.dock == dock.id]
    wish = OrderWish("o", "patrol", MONDAY, beats=(beat.id,))
    number = iter(range(99))
    made = plan(city, MONDAY, [wish], drones, {}, new_id=lambda: f"s{next(number)}")
    assert bool(made.sorties) is flown
