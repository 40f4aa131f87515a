"""Tasks planned: who flies which part, what waits and why, and whether it can be flown at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from missions.city import City
from missions.energy import Wind
from missions.ground import ground_of
from missions.planner import plan
from missions.task import Task
from missions.trial import Trial, trial
from missions.wishes import DroneOffer, OrderWish, Plan, part_name, part_of

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)


def square(city: City, side: float) -> tuple[tuple[float, float], ...]:
    lon, lat = (v + 0.001 for v in city.docks[0].position)
    return ((lon, lat), (lon + side, lat), (lon + side, lat + side), (lon, lat + side))


def wish(task: Task, **more: Any) -> OrderWish:
    return OrderWish("o", "task", NOW, task=task, **more)


def full(city: City) -> list[DroneOffer]:
    return [DroneOffer(d.id, d.dock, 100.0) for d in city.drones]


def make(city: City, order: OrderWish, **more: Any) -> Plan:
    numbers = count(1)
    more.setdefault("drones", full(city))
    drones = more.pop("drones")
    return plan(city, NOW, [order], drones, {}, new_id=lambda: f"s{next(numbers)}", **more)


def tried(city: City, order: OrderWish, **more: Any) -> Trial:
    drones = more.pop("drones", full(city))
    return trial(city, NOW, order, drones, {}, **more)


def test_the_nearest_drone_flies_a_task_once(zhangzhou: City) -> None:
    order = wish(Task("orbit", square(zhangzhou, 0.003)[:1]))
    first = make(zhangzhou, order)
    (sortie,) = first.sorties
    assert (sortie.dock, sortie.order) == (zhangzhou.docks[0].id, "o#0-1")
    assert part_of(sortie.order) == ("o", 0, 1)
    assert make(zhangzhou, order, flying=[sortie]).sorties == ()
    assert make(zhangzhou, replace(order, done=("o#0-1",))) == Plan()


def test_an_area_of_many_batteries_is_flown_part_by_part_until_all_are(zhangzhou: City) -> None:
    order = wish(Task("area", square(zhangzhou, 0.018)))
    flown: set[str] = set()
    rounds = 0
    while answer := make(zhangzhou, replace(order, done=tuple(flown))).sorties:
        names = {sortie.order for sortie in answer}
        assert len(names) == len(answer)
        assert not names & flown
        flown |= names
        rounds += 1
    parts = part_of(next(iter(flown)))
    assert parts is not None
    assert flown == {part_name("o", n, parts[2]) for n in range(parts[2])}
    assert parts[2] > zhangzhou.limits.max_airborne
    assert rounds > 1


def test_what_is_being_flown_already_is_not_hopeless(zhangzhou: City) -> None:
    order = wish(Task("orbit", square(zhangzhou, 0.003)[:1]))
    flying = make(zhangzhou, order).sorties
    answer = tried(zhangzhou, order, flying=flying)
    assert (answer.scheduled, answer.waits, answer.hopeless) == ((), (), False)
    site = OrderWish("w", "stare", NOW, sites=(zhangzhou.sites[0].id,))
    there = make(zhangzhou, site).sorties
    assert not tried(zhangzhou, site, flying=there).hopeless


def test_what_waits_is_said_once_for_all_parts(zhangzhou: City) -> None:
    answer = make(zhangzhou, wish(Task("area", square(zhangzhou, 0.018))))
    assert len(answer.sorties) == zhangzhou.limits.max_airborne
    (refusal,) = answer.refusals
    assert refusal.constraint == "fleet"
    assert "parts" in refusal.target


def test_only_the_drones_that_are_asked_for_fly(zhangzhou: City) -> None:
    far = zhangzhou.drones[-1].id
    task = Task("orbit", square(zhangzhou, 0.003)[:1])
    (sortie,) = make(zhangzhou, wish(task, drones=(far,))).sorties
    assert sortie.drone == far


def test_a_window_that_is_too_short_is_the_reason(zhangzhou: City) -> None:
    ends = (NOW - timedelta(hours=1), NOW + timedelta(minutes=3))
    answer = make(zhangzhou, wish(Task("area", square(zhangzhou, 0.005)), window=ends))
    assert answer.sorties == ()
    assert {r.constraint for r in answer.refusals} == {"window"}
    assert "the window ends at 04:03:00" in answer.refusals[0].reason


@pytest.mark.parametrize(
    ("task", "constraint"),
    [
        (Task("area", ((117.6, 24.4), (117.9, 24.4), (117.9, 24.6), (117.6, 24.6))), "energy"),
        (Task("route", ((117.85, 24.51), (117.86, 24.51))), "airspace"),
        (Task("orbit", ((117.6536, 24.513),), altitude_m=5.0), "altitude"),
    ],
)
def test_what_no_drone_can_fly_is_said_by_constraint(
    zhangzhou: City, task: Task, constraint: str
) -> None:
    answer = tried(zhangzhou, wish(task))
    assert answer.hopeless
    assert answer.scheduled == ()
    assert {r.constraint for r in answer.never} <= {constraint, "airspace"}


def test_what_cannot_be_flown_now_says_what_it_waits_for(zhangzhou: City) -> None:
    order = wish(Task("orbit", square(zhangzhou, 0.003)[:1]))
    empty = [replace(o, battery_percent=30.0) for o in full(zhangzhou)]
    low = tried(zhangzhou, order, drones=empty)
    assert (low.scheduled, low.hopeless) == ((), False)
    assert {r.constraint for r in low.waits} == {"energy"}
    busy = [replace(o, ready=False, reason="charging") for o in full(zhangzhou)]
    assert "charging" in tried(zhangzhou, order, drones=busy).waits[0].reason
    windy = tried(zhangzhou, order, wind=Wind(50.0))
    assert [r.constraint for r in windy.waits] == ["wind"]


def test_what_is_to_come_is_scheduled_from_its_window_on(zhangzhou: City) -> None:
    later = NOW + timedelta(days=1)
    window = (later, later + timedelta(hours=1))
    order = wish(Task("orbit", square(zhangzhou, 0.003)[:1]), window=window)
    answer = tried(zhangzhou, order, drones=[])
    (flight,) = answer.scheduled
    assert later < flight.start < flight.end < later + timedelta(hours=1)
    assert flight.order == "o"


def test_a_patrol_and_a_site_are_tried_too(zhangzhou: City) -> None:
    beat = OrderWish("o", "patrol", NOW, beats=(zhangzhou.beats[0].id,))
    assert tried(zhangzhou, beat).scheduled
    blind = next(site for site in zhangzhou.sites if site.stare is not None)
    stared = OrderWish("o", "stare", NOW, sites=(blind.id,))
    assert [f.kind for f in tried(zhangzhou, stared).scheduled] == ["stare"]
    city = zhangzhou.model_copy(
        update={"sites": tuple(s.model_copy(update={"stare": None}) for s in zhangzhou.sites)}
    )
    assert tried(city, stared).hopeless


def test_what_is_known_of_the_others_lets_more_be_flown_now(zhangzhou: City) -> None:
    """A drone that is past where a task leads is in nobody's way, though its way was there."""
    spot = Task("orbit", square(zhangzhou, 0.003)[:1])
    (sortie,) = make(zhangzhou, wish(spot)).sorties
    walls = [
        replace(
            sortie,
            id=f"w{number}",
            drone=drone.id,
            order="w",
            legs=tuple(
                replace(leg, waypoints=tuple(replace(w, altitude_m=layer) for w in leg.waypoints))
                for leg in sortie.legs
            ),
        )
        for number, (layer, drone) in enumerate(
            zip(ground_of(zhangzhou).layers, zhangzhou.drones[2:], strict=False)
        )
    ]
    city = zhangzhou.model_copy(
        update={"limits": zhangzhou.limits.model_copy(update={"max_airborne": 20})}
    )
    offers = full(city)[:1]
    blind = tried(city, wish(spot), drones=offers, flying=walls)
    assert [w.constraint for w in blind.waits] == ["airspace"]
    knows = tried(city, wish(spot), drones=offers, flying=walls, trajectories={})
    assert [s.drone for s in knows.scheduled] == [offers[0].id]
