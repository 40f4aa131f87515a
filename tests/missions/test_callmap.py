from __future__ import annotations

import math
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from missions.callmap import call_map
from missions.cells import city_cells, city_frame
from missions.city import City

SHANGHAI = ZoneInfo("Asia/Shanghai")


def test_beats_and_hot_spots_add_up(reference: City) -> None:
    known = call_map(reference)
    assert known.per_day == pytest.approx(143.3)
    market = next(s for s in reference.hot_spots if s.id == "xiangcheng-market")
    markets = sum(s.calls_per_day for s in reference.hot_spots if s.profile == "market")
    assert known.by_profile["market"].sum() == pytest.approx(markets)
    middle = city_frame(reference).to_enu(*market.position)
    near = [math.dist(cell.center, middle) < 3 * market.radius_m for cell in city_cells(reference)]
    share = known.by_profile["market"][near].sum() / market.calls_per_day
    assert share == pytest.approx(1.0, abs=0.02)


def test_hours_are_those_of_the_city(reference: City) -> None:
    known = call_map(reference)
    evening = datetime(2026, 5, 4, 20, 30, tzinfo=SHANGHAI)
    assert np.array_equal(known.per_hour(evening), known.per_hour(evening.astimezone(UTC)))
    assert known.per_hour(evening).sum() > 3 * known.per_hour(evening.replace(hour=4)).sum()
    week = sum(
        known.per_hour(datetime(2026, 5, 4 + day, hour, tzinfo=SHANGHAI)).sum()
        for day in range(7)
        for hour in range(24)
    )
    assert week == pytest.approx(7 * 143.3)


def test_a_city_that_says_nothing_has_calls_everywhere_alike(small: City) -> None:
    known = call_map(small)
    areas = np.array([cell.area_m2 for cell in city_cells(small)])
    assert known.by_profile["streets"] == pytest.approx(areas / 1e6)


def test_a_hot_spot_smaller_than_a_cell_lies_in_one(reference: City) -> None:
    spot = reference.hot_spots[0].model_copy(update={"radius_m": 1.0, "calls_per_day": 5.0})
    known = call_map(reference.model_copy(update={"hot_spots": (spot,)}))
    beats = sum(beat.calls_per_day for beat in reference.beats)
    assert known.per_day == pytest.approx(beats + 5.0)
