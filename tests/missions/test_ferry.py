"""A guest of another dock is flown home when nothing wants it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from shapely.geometry import LineString, MultiPoint, Polygon

from missions.airspace import Airspace
from missions.city import City
from missions.geo import distance_m
from missions.ground import ground_of
from missions.planner import CROWDED, DroneOffer, OrderWish, Plan, plan
from missions.sortie import FERRY, LegKind, Sortie

NOW = datetime(2025, 5, 1, 12, tzinfo=UTC)
GUEST = DroneOffer("xc-old-town-a", "xc-bridge", 95.0, home="xc-old-town")


def patrol(*beats: str) -> OrderWish:
    return OrderWish("patrol", "patrol", NOW, beats=beats)


def make(city: City, *offers: DroneOffer, orders: Sequence[OrderWish] = (), **more: Any) -> Plan:
    numbers = itertools.count(1)
    return plan(city, NOW, orders, offers, {}, new_id=lambda: f"s{next(numbers)}", **more)


def dock(city: City, name: str) -> tuple[float, float]:
    return next(d.position for d in city.docks if d.id == name)


def test_a_guest_is_flown_to_its_own_dock(zhangzhou: City) -> None:
    (sortie,) = make(zhangzhou, GUEST).sorties
    assert (sortie.order, sortie.drone) == (FERRY, "xc-old-town-a")
    assert (sortie.dock, sortie.ends_at) == ("xc-bridge", "xc-old-town")
    assert (sortie.home_lon, sortie.home_lat) == pytest.approx(dock(zhangzhou, "xc-bridge"))
    assert [leg.kind for leg in sortie.legs] == [LegKind.TAKEOFF, LegKind.TRANSIT, LegKind.HOME]
    end = (sortie.end.lon, sortie.end.lat)
    assert distance_m(end, dock(zhangzhou, "xc-old-town")) < 0.1
    assert sortie.energy.feasible
    assert Polygon(sortie.fence).contains(MultiPoint([end, dock(zhangzhou, "xc-bridge")]))


def test_any_task_goes_before_it(zhangzhou: City) -> None:
    (sortie,) = make(zhangzhou, GUEST, orders=[patrol("xc-bridge")]).sorties
    assert sortie.ends_at is None
    assert sortie.cells


def test_who_is_no_guest_or_not_ready_stays(zhangzhou: City) -> None:
    at_home = DroneOffer("xc-bridge-a", "xc-bridge", 95.0, home="xc-bridge")
    unready = DroneOffer("xc-old-town-a", "xc-bridge", 95.0, ready=False, home="xc-old-town")
    unwanted = DroneOffer("xc-market-a", "xc-bridge", 95.0)
    assert make(zhangzhou, at_home, unready, unwanted).sorties == ()


def test_without_the_battery_it_stays_and_says_why(zhangzhou: City) -> None:
    answer = make(zhangzhou, DroneOffer("xc-old-town-a", "xc-bridge", 28.0, home="xc-old-town"))
    assert answer.sorties == ()
    (refusal,) = answer.refusals
    assert (refusal.order, refusal.target) == (FERRY, "xc-old-town-a")
    assert "Wh" in refusal.reason


def test_a_mate_of_its_own_dock_in_the_air_does_not_keep_it_there(zhangzhou: City) -> None:
    mate = DroneOffer("xc-old-town-b", "xc-old-town", 95.0)
    (flying,) = make(zhangzhou, mate, orders=[patrol("xc-old-town")]).sorties
    (sortie,) = make(zhangzhou, GUEST, flying=[flying]).sorties
    assert sortie.altitude_m != flying.altitude_m


def test_no_two_sorties_meet_when_one_flies_between_docks(zhangzhou: City) -> None:
    (sortie,) = make(zhangzhou, GUEST).sorties
    others = [DroneOffer(d.id, d.dock, 95.0) for d in zhangzhou.drones if d.id != "xc-old-town-a"]
    answer = make(
        zhangzhou, *others, orders=[patrol("xc-bridge", "xc-old-town", "xc-north")], flying=[sortie]
    )
    assert answer.sorties
    column = ground_of(zhangzhou).places["xc-old-town"]
    space: Airspace = ground_of(zhangzhou).airspace
    for other in answer.sorties:
        assert _passes_m(space, other, column) > 30 or other.altitude_m > sortie.altitude_m + 14


def _passes_m(space: Airspace, sortie: Sortie, place: tuple[float, float]) -> float:
    points = [w for leg in sortie.legs for w in leg.waypoints]
    track = LineString([space.frame.to_enu(w.lon, w.lat) for w in points])
    return float(track.distance(LineString([place, (place[0] + 0.01, place[1])])))


def test_where_every_layer_is_taken_it_waits(zhangzhou: City) -> None:
    (one,) = make(zhangzhou, GUEST).sorties
    layers = ground_of(zhangzhou).layers
    wall = [
        Sortie(
            f"w{n}", "o", f"d{n}", "xc-north", one.home_lon, one.home_lat, altitude,
            _at(one, altitude), one.energy,
        )
        for n, altitude in enumerate(layers)
    ]  # fmt: skip
    city = zhangzhou.model_copy(
        update={"limits": zhangzhou.limits.model_copy(update={"max_airborne": 99})}
    )
    answer = make(city, GUEST, flying=wall)
    assert answer.sorties == ()
    assert [r.reason for r in answer.refusals] == [CROWDED]


def _at(sortie: Sortie, altitude_m: float) -> Any:
    return tuple(
        replace(leg, waypoints=tuple(replace(w, altitude_m=altitude_m) for w in leg.waypoints))
        for leg in sortie.legs
    )


def test_a_dock_that_there_is_not_is_named(zhangzhou: City) -> None:
    answer = make(zhangzhou, DroneOffer("xc-old-town-a", "xc-bridge", 95.0, home="nowhere"))
    assert "no dock 'nowhere'" in answer.refusals[0].reason
