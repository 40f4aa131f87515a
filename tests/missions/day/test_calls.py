"""Rates are held to four standard deviations of a Poisson count; the seeds are fixed."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from shapely.geometry import Point
from shapely.strtree import STRtree

from missions.callmap import call_map
from missions.cells import city_cells, city_frame
from missions.city import City
from missions.day.calls import KINDS, DayCall, draw

START = datetime(2026, 3, 2, tzinfo=ZoneInfo("Asia/Shanghai"))  # a Monday


def drawn(city: City, seed: int = 1, days: float = 70, **changes: float) -> list[DayCall]:
    return draw(city, np.random.default_rng(seed), START, days, **changes)


@pytest.fixture(scope="module")
def ten_weeks(reference: City) -> list[DayCall]:
    return drawn(reference)


def near(count: int, expected: float) -> bool:
    return abs(count - expected) < 4.0 * math.sqrt(expected)


def test_there_are_143_a_day_at_the_hours_of_the_profile(
    reference: City, ten_weeks: list[DayCall]
) -> None:
    assert near(len(ten_weeks), 70 * 143.3)
    known = call_map(reference)
    for weekday in (0, 5):
        for hour in (4, 8, 20):
            at = START + timedelta(days=weekday, hours=hour)
            there = [c for c in ten_weeks if (c.at - at) % timedelta(days=7) < timedelta(hours=1)]
            assert near(len(there), 10 * known.per_hour(at).sum()), (weekday, hour)


def test_they_come_from_where_the_city_says(reference: City, ten_weeks: list[DayCall]) -> None:
    cells, frame = city_cells(reference), city_frame(reference)
    tree = STRtree([cell.shape for cell in cells])
    places = [Point(frame.to_enu(call.lon, call.lat)) for call in ten_weeks]
    found = tree.query(places, predicate="within")
    assert sorted(set(found[0].tolist())) == list(range(len(ten_weeks)))  # each in the city
    beats = Counter(cells[index].beat for index in found[1])
    by_cell = np.sum(list(call_map(reference).by_profile.values()), axis=0)
    for beat in reference.beats:
        of_beat = [
            share for cell, share in zip(cells, by_cell, strict=True) if cell.beat == beat.id
        ]
        assert near(beats[beat.id], 70 * sum(of_beat)), beat.id


def test_they_lie_evenly_within_a_cell(reference: City, ten_weeks: list[DayCall]) -> None:
    frame = city_frame(reference)
    points = frame.points_to_enu([(call.lon, call.lat) for call in ten_weeks])
    assert len(np.unique(points.round(1), axis=0)) > 0.99 * len(points)


def test_kinds_have_their_shares_and_their_priorities(ten_weeks: list[DayCall]) -> None:
    assert sum(kind.share for kind in KINDS) == pytest.approx(1.0)
    counts = Counter(call.kind for call in ten_weeks)
    for kind in KINDS:
        assert near(counts[kind.name], kind.share * len(ten_weeks)), kind
        assert {c.priority for c in ten_weeks if c.kind == kind.name} == {kind.priority}
    assert {call.on_scene_s for call in ten_weeks} == {600.0}


def test_they_come_in_order_within_the_time_and_as_irregularly_as_chance(
    ten_weeks: list[DayCall],
) -> None:
    times = [call.at for call in ten_weeks]
    assert times == sorted(times)
    assert times[0] >= START
    assert times[-1] < START + timedelta(days=70)
    assert all(at.tzinfo is UTC for at in times)
    days = Counter((at - START).days for at in times)
    working = [days[d] for d in range(70) if d % 7 < 5]
    assert abs(np.var(working) / np.mean(working) - 1.0) < 4.0 * math.sqrt(
        2 / len(working)
    )  # Poisson


def test_an_equal_seed_gives_equal_calls_and_another_gives_others(reference: City) -> None:
    assert drawn(reference, 3, 2) == drawn(reference, 3, 2)
    assert drawn(reference, 3, 2) != drawn(reference, 4, 2)


def test_part_of_a_day_and_another_number(reference: City) -> None:
    start = START + timedelta(hours=19, minutes=52, seconds=7)
    calls = draw(reference, np.random.default_rng(2), start, 0.01, per_day=100_000.0)
    assert all(start <= call.at < start + timedelta(days=0.01) for call in calls)
    known = call_map(reference)
    assert near(
        len(calls), 100_000 / known.per_day * 0.24 * known.per_hour(START.replace(hour=20)).sum()
    )
    assert drawn(reference, per_day=0.0) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"days": 0}, "0 days must be above 0"),
        ({"days": 4000}, "4000 days"),
        ({"per_day": -1.0}, "-1.0 calls a day"),
        ({"per_day": math.inf}, "inf calls a day"),
        ({"days": math.nan}, "nan days"),
    ],
)
def test_what_makes_no_sense_is_refused(
    reference: City, changes: dict[str, float], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        drawn(reference, 1, **{"days": 1, **changes})


def test_a_time_without_a_zone_is_refused(reference: City) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        draw(reference, np.random.default_rng(1), datetime(2026, 5, 1), 1)
