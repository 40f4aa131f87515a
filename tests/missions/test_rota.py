"""Drones that take turns over a point, reckoned ahead."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missions.city import City
from missions.diary import Booking
from missions.energy import CALM
from missions.errors import PlanError
from missions.planner import plan
from missions.planning import Planning
from missions.posts import point_name
from missions.relief import Station, off_height
from missions.rota import READY_PERCENT, Rota, rota
from missions.sortie import LegKind
from missions.stares import post_of
from missions.task import Task
from missions.trial import Trial, trial
from missions.wishes import DroneOffer, OrderWish

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
SPOT = (117.6536, 24.5130)
TASK = Task("stare", (SPOT,), radius_m=60)


def watch(hours: float, **more: Any) -> OrderWish:
    until = NOW + timedelta(hours=hours)
    return OrderWish("o", "stare", NOW, task=TASK, window=(NOW, until), **more)


def full(city: City, percent: float = 100.0) -> list[DroneOffer]:
    return [DroneOffer(d.id, d.dock, percent) for d in city.drones]


def reckoned(city: City, order: OrderWish, offers: list[DroneOffer] | None = None) -> Rota:
    planning = Planning(city, NOW, full(city) if offers is None else offers, {}, CALM, (), (), str)
    assert order.window is not None
    lasts_s = (order.window[1] - NOW).total_seconds()
    return rota(planning, order, post_of(planning, order, point_name(TASK)), lasts_s)


def near(city: City, number: int) -> tuple[str, ...]:
    """Return the nearest drones to the point."""
    found = reckoned(city, watch(12))
    names = list(dict.fromkeys(turn.drone for turn in found.turns))
    return tuple(names[:number])


def tried(city: City, order: OrderWish, **more: Any) -> Trial:
    drones = more.pop("drones", full(city))
    return trial(city, NOW, order, drones, {}, **more)


def test_one_is_there_all_the_while_and_the_next_before_it_must_leave(zhangzhou: City) -> None:
    found = reckoned(zhangzhou, watch(6))
    assert found.gap is None
    assert len(found.turns) > found.drones >= 3
    for turn, after in pairwise(found.turns):
        assert turn.drone != after.drone
        assert after.there_s == pytest.approx(turn.gone_s)
        assert turn.leaves_s < turn.there_s < turn.gone_s < turn.home_s
    assert found.turns[-1].gone_s == 6 * 3600


@settings(max_examples=15, deadline=None)
@given(number=st.integers(1, 5), hours=st.floats(0.2, 30), percent=st.floats(30, 100))
def test_no_drone_is_at_two_places_nor_leaves_uncharged(
    zhangzhou: City, number: int, hours: float, percent: float
) -> None:
    names = near(zhangzhou, number)
    found = reckoned(zhangzhou, watch(hours, drones=names), full(zhangzhou, percent))
    by_drone: dict[str, list[Any]] = {}
    for turn in found.turns:
        by_drone.setdefault(turn.drone, []).append(turn)
    for turns in by_drone.values():
        for turn, after in pairwise(turns):
            assert after.leaves_s >= turn.home_s
            assert after.leaves_s - turn.home_s > 60  # charging
    away = [(b.there_s - a.gone_s) for a, b in pairwise(found.turns)]
    assert (found.gap is None) == all(gap < 1e-6 for gap in away)


def test_as_many_as_the_rule_says_keep_it_and_one_fewer_do_not(zhangzhou: City) -> None:
    city = of_one_dock(zhangzhou, 6)
    needed = reckoned(city, watch(24)).drones
    names = [drone.id for drone in city.drones]
    charged = full(city, READY_PERCENT)
    kept = reckoned(city, watch(24, drones=tuple(names[:needed])), charged)
    assert kept.gap is None
    short = reckoned(city, watch(24, drones=tuple(names[: needed - 1])), charged)
    assert short.gap is not None
    assert short.drones == needed


def of_one_dock(city: City, number: int) -> City:
    """Return the city with drones all alike in the dock nearest to the point."""
    first = next(d for d in city.drones if d.id == near(city, 1)[0])
    drones = tuple(
        first.model_copy(update={"id": f"x{n}", "system_id": n + 1}) for n in range(number)
    )
    return city.model_copy(update={"drones": drones})


def test_the_trial_says_how_many_which_and_when(zhangzhou: City) -> None:
    answer = tried(zhangzhou, watch(2))
    assert answer.drones >= 3
    assert answer.waits == answer.never == ()
    assert answer.scheduled[0].start == NOW
    assert {s.kind for s in answer.scheduled} == {"stare"}
    for one, after in pairwise(answer.scheduled):
        assert after.start < one.end
    later = replace(watch(3), window=(NOW + timedelta(hours=1), NOW + timedelta(hours=3)))
    ahead = tried(zhangzhou, later)
    assert ahead.scheduled[0].start == NOW + timedelta(hours=1)
    assert tried(zhangzhou, watch(0.2)).drones == 1


def test_what_the_fleet_cannot_keep_is_told_with_when_nobody_is_there(zhangzhou: City) -> None:
    answer = tried(zhangzhou, watch(6, drones=near(zhangzhou, 2)))
    assert answer.hopeless
    (refusal,) = answer.never
    assert refusal.constraint == "fleet"
    assert refusal.reason.startswith(
        "to be watched without a gap it takes 3 drones that take turns; of 2 that may fly it nobody "
        "is there from 04:"
    )


def _of(city: City, *docks: str) -> City:
    """Return the city with the drones of some docks alone."""
    drones = tuple(d for d in city.drones if d.dock in docks)
    return city.model_copy(update={"drones": drones})


def _elsewhere(number: int, **more: Any) -> OrderWish:
    """A watch of another point, 300 m on from the one before it, for the same two hours."""
    task = replace(TASK, shape=((SPOT[0] + 0.003 * number, SPOT[1]),))
    window = (NOW, NOW + timedelta(hours=2))
    return OrderWish(f"o{number}", "stare", NOW, task=task, window=window, **more)


def before(*answers: Trial) -> tuple[Booking, ...]:
    """Return whom orders that come first count on."""
    return tuple(replace(b, first=True) for answer in answers for b in answer.bookings)


def test_no_drone_is_promised_to_two_watches_at_one_time(zhangzhou: City) -> None:
    six = _of(zhangzhou, "xc-market", "xc-bridge", "xc-old-town")
    one = tried(six, _elsewhere(0), drones=full(six))
    second = tried(six, _elsewhere(1, booked=before(one)), drones=full(six))
    takes = [{turn.drone for turn in answer.scheduled} for answer in (one, second)]
    assert (len(takes[0]), len(takes[1]), takes[0] & takes[1]) == (3, 3, set())
    assert [{b.drone for b in answer.bookings} for answer in (one, second)] == takes
    third = tried(six, _elsewhere(2, booked=before(one, second)), drones=full(six))
    assert third.hopeless
    (told,) = third.never
    assert told.constraint == "drones"
    assert "for order o0" in told.reason
    assert "for order o1" in told.reason
    assert tried(six, _elsewhere(2), drones=full(six)).scheduled  # with nobody before it


def test_an_important_watch_takes_drones_that_a_lesser_one_counted_on(zhangzhou: City) -> None:
    six = _of(zhangzhou, "xc-market", "xc-bridge", "xc-old-town")
    one = tried(six, _elsewhere(0), drones=full(six))
    second = tried(six, _elsewhere(1, booked=before(one)), drones=full(six))
    lesser = tuple(replace(b, first=False) for b in second.bookings)
    third = tried(six, _elsewhere(2, booked=(*before(one), *lesser)), drones=full(six))
    assert (third.hopeless, third.displaced) == (False, ("o1",))
    assert not {b.drone for b in third.bookings} & {b.drone for b in one.bookings}
    alone = tried(six, _elsewhere(2, booked=lesser), drones=full(six))
    assert alone.displaced == (), "where there are others nobody loses any"


def test_a_watch_that_ends_sooner_holds_its_drones_no_longer(zhangzhou: City) -> None:
    four = _of(zhangzhou, "xc-market", "xc-bridge")
    short = replace(_elsewhere(1), window=(NOW, NOW + timedelta(minutes=10)))
    taken = before(tried(four, short, drones=full(four)))
    assert len(taken) == 1
    later = replace(
        _elsewhere(0, booked=taken),
        window=(NOW + timedelta(minutes=10), NOW + timedelta(hours=2)),
    )
    answer = tried(four, later, drones=full(four))
    assert len({turn.drone for turn in answer.scheduled}) == 3


def test_each_window_of_a_watch_that_recurs_counts(zhangzhou: City) -> None:
    three = _of(zhangzhou, "xc-market", "xc-bridge")
    day = timedelta(days=1)
    window = (NOW + day, NOW + day + timedelta(hours=2))
    one = tried(three, replace(_elsewhere(0), window=window), drones=full(three))
    assert len(one.bookings) >= 3
    assert window[0] in {b.start for b in one.bookings}
    again = replace(_elsewhere(1, booked=before(one)), later=(window,))
    answer = tried(three, again, drones=full(three))
    assert not answer.hopeless
    (told,) = answer.waits
    assert (told.constraint, "order o0" in told.reason) == ("drones", True)
    assert told.reason.startswith(f"{window[0]:%Y-%m-%d %H:%M} to ")
    assert {b.start for b in answer.bookings} >= {NOW}


def test_what_waits_for_charging_is_told_and_not_refused(zhangzhou: City) -> None:
    low = [DroneOffer(d.id, d.dock, 40.0, ready=False, reason="charging") for d in zhangzhou.drones]
    answer = tried(zhangzhou, watch(2), drones=low)
    assert not answer.hopeless
    assert answer.waits[0].constraint == "fleet"
    assert answer.scheduled[0].start > NOW + timedelta(minutes=10)


def flown(city: City, order: OrderWish, now: datetime, **more: Any) -> Any:
    numbers = count(1)
    more.setdefault("drones", full(city))
    return plan(city, now, [order], visits={}, new_id=lambda: f"s{next(numbers)}", **more)


def test_a_point_is_taken_over_as_a_site_is(zhangzhou: City) -> None:
    order = watch(6)
    (first,) = flown(zhangzhou, order, NOW).sorties
    assert first.sites == (point_name(TASK),)
    stare = next(leg for leg in first.legs if leg.kind is LegKind.STARE)
    soon = [Station(first.id, NOW + timedelta(seconds=60))]
    (relief,) = flown(zhangzhou, order, NOW, flying=[first], stations=soon).sorties
    aside, place = [leg for leg in relief.legs if leg.kind is LegKind.STARE]
    assert place.waypoints[0].altitude_m == stare.waypoints[0].altitude_m
    assert (place.waypoints[0].lon, place.waypoints[0].lat) == pytest.approx(
        (stare.waypoints[0].lon, stare.waypoints[0].lat)
    )
    assert aside.waypoints[0].hold_s == 60.0
    late = [Station(first.id, NOW + timedelta(seconds=1200))]
    assert flown(zhangzhou, order, NOW, flying=[first], stations=late).sorties == ()


def test_two_drones_of_one_dock_relieve_each_other_again_and_again(zhangzhou: City) -> None:
    """Each waits where the one before it did: that has long been left."""
    city, order = of_one_dock(zhangzhou, 2), watch(6)
    (there,) = flown(city, order, NOW).sorties
    for number in range(1, 6):
        now = NOW + timedelta(minutes=10 * number)
        leaves = [Station(there.id, now + timedelta(seconds=60))]
        answer = flown(city, order, now, flying=[there], stations=leaves)
        (relief,) = answer.sorties
        assert relief.drone != there.drone
        there = replace(relief, id=f"n{number}")


def test_nobody_relieves_for_the_last_minute(zhangzhou: City) -> None:
    order = watch(6)
    (first,) = flown(zhangzhou, order, NOW).sorties
    assert order.window is not None
    ends = order.window[1]
    now = ends - timedelta(seconds=100)
    stays = [Station(first.id, ends - timedelta(seconds=30))]
    assert flown(zhangzhou, order, now, flying=[first], stations=stays).sorties == ()
    leaves = [Station(first.id, ends - timedelta(seconds=900))]
    now = ends - timedelta(seconds=960)
    (relief,) = flown(zhangzhou, order, now, flying=[first], stations=leaves).sorties
    held = sum(w.hold_s for leg in relief.legs for w in leg.waypoints)
    assert held < 960 + 60  # and it is not sent for longer than is left


@pytest.mark.parametrize(
    ("stare_m", "transit_m", "waits_m"), [(30, 45, 45), (40, 45, 25), (60, 100, 75), (35, 40, 20)]
)
def test_a_relief_waits_off_the_height_of_the_one_on_station(
    stare_m: float, transit_m: float, waits_m: float
) -> None:
    assert off_height(stare_m, transit_m, 20.0) == waits_m


def test_where_a_relief_has_no_height_to_wait_at_another_layer_is_taken() -> None:
    with pytest.raises(PlanError, match="no height to wait at") as refused:
        off_height(30, 40, 20.0)
    assert refused.value.constraint == "altitude"


def test_a_relief_for_a_low_stare_comes_where_it_can_wait(zhangzhou: City) -> None:
    """Its dock's first layer is 40 m: there is no height 15 m off a stare at 30."""
    order = OrderWish("o", "stare", NOW, sites=("zhangzhou-bridge",))
    (site,) = (s for s in zhangzhou.sites if s.id == "zhangzhou-bridge")
    assert site.stare is not None
    low = site.model_copy(update={"stare": site.stare.model_copy(update={"altitude_m": 30.0})})
    city = zhangzhou.model_copy(update={"sites": (low,)})
    (there,) = flown(city, order, NOW).sorties
    for drone in city.drones:
        if drone.id == there.drone:
            continue
        offers = [DroneOffer(drone.id, drone.dock, 100.0)]
        leaves = [Station(there.id, NOW)]
        answer = flown(city, order, NOW, drones=offers, flying=[there], stations=leaves)
        (relief,) = answer.sorties
        aside, place = [leg.waypoints[0] for leg in relief.legs if leg.kind is LegKind.STARE]
        assert abs(aside.altitude_m - place.altitude_m) == 15.0
