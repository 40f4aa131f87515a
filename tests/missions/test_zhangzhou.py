"""The city that ships with the simulator is what its comments say."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from missions.cells import city_cells
from missions.city import City
from missions.demand import Demand
from missions.geo import area_m2, distance_m


def test_twelve_beats_over_45_km2_in_three_districts(zhangzhou: City) -> None:
    assert len(zhangzhou.districts) == 3
    assert len(zhangzhou.beats) == 12
    beats = sum(area_m2(beat.area) for beat in zhangzhou.beats) / 1e6
    districts = sum(area_m2(district.area) for district in zhangzhou.districts) / 1e6
    assert beats == pytest.approx(45, abs=1)
    assert districts == pytest.approx(beats, rel=1e-3)
    cells = sum(cell.area_m2 for cell in city_cells(zhangzhou)) / 1e6
    assert cells == pytest.approx(beats, rel=1e-4)


def test_twelve_docks_with_two_drones_each(zhangzhou: City) -> None:
    assert len(zhangzhou.docks) == 12
    for number, drone in enumerate(zhangzhou.drones):
        dock = zhangzhou.docks[number // 2]
        assert drone.id == f"{dock.id}-{'ab'[number % 2]}"
        assert drone.dock == dock.id
        assert drone.system_id == number + 1
        assert drone.mavlink == f"udpin://0.0.0.0:{14540 + number}"
        assert drone.video == f"rtsp://127.0.0.1:8554/{drone.id}"


def test_it_says_that_it_is_illustrative(zhangzhou: City) -> None:
    assert "illustrative" in zhangzhou.city.note.lower()
    assert "illustrative" in zhangzhou.city.name.lower()


def test_the_sites_are_near_the_docks_that_watch_them(zhangzhou: City) -> None:
    docks = {dock.id: dock.position for dock in zhangzhou.docks}
    sites = {site.id: site for site in zhangzhou.sites}
    for site, dock in (("zhangzhou-bridge", "xc-bridge"), ("night-market", "xc-market")):
        assert distance_m(sites[site].position, docks[dock]) == pytest.approx(140, abs=15)


def test_its_policy_asks_for_more_at_the_market_the_schools_and_a_river_in_flood(
    zhangzhou: City,
) -> None:
    demand = Demand.of(zhangzhou)
    wednesday = datetime(2026, 5, 6, tzinfo=ZoneInfo("Asia/Shanghai"))

    def rules(hour: int, *flags: str, days: int = 0) -> set[str]:
        at = wednesday + timedelta(days=days, hours=hour)
        return set(demand.owed_by(at, frozenset(flags))) - {""}

    assert rules(12) == set()
    assert rules(20) == {"night-market"}
    assert rules(17) == {"school-gates"}
    assert rules(17, days=3) == set()  # Saturday
    assert rules(12, "flood_warning") == {"river-in-flood"}
    holiday = datetime(2026, 10, 1, 17, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert set(demand.owed_by(holiday)) == {""}
    assert demand.ceiling(holiday) == zhangzhou.limits.max_airborne
