"""What lies ahead: two orders that want the same drones at one hour are told apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from missions.city import City
from missions.diary import Booking, Diary, Flight
from missions.task import Task
from missions.trial import Trial, trial
from missions.wishes import DroneOffer, OrderWish

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MINUTE = timedelta(minutes=1)
NOON = (NOW + DAY, NOW + DAY + 14 * MINUTE)
"""Long enough for one such area, and not for two."""


def of(city: City, number: int) -> City:
    """Return the city with so many drones."""
    return city.model_copy(update={"drones": city.drones[:number]})


def area(city: City, name: str, side: float = 0.004, **more: Any) -> OrderWish:
    lon, lat = (v + 0.001 for v in city.docks[0].position)
    ring = ((lon, lat), (lon + side, lat), (lon + side, lat + side), (lon, lat + side))
    more.setdefault("window", NOON)
    return OrderWish(name, "task", NOW, task=Task("area", ring), **more)


def tried(city: City, wish: OrderWish) -> Trial:
    offers = [DroneOffer(d.id, d.dock, 100.0) for d in city.drones]
    return trial(city, NOW, wish, offers, {})


def before(*answers: Trial, first: bool = True) -> tuple[Booking, ...]:
    return tuple(replace(b, first=first) for answer in answers for b in answer.bookings)


def test_who_comes_first_has_the_drones_and_who_comes_later_is_told_whose_they_are(
    zhangzhou: City,
) -> None:
    city = of(zhangzhou, 1)
    one = tried(city, area(city, "one#20261123T040000Z"))
    assert [(s.drone, s.start >= NOON[0], s.end <= NOON[1]) for s in one.scheduled] == [
        (city.drones[0].id, True, True)
    ]
    two = tried(city, area(city, "two", booked=before(one)))
    assert two.hopeless
    (told,) = two.never
    assert told.constraint == "drones"
    assert f"{city.drones[0].id} for order one" in told.reason
    assert "one#" not in told.reason
    assert tried(city, area(city, "two")).scheduled, "alone it is flown"


def test_with_another_drone_or_another_hour_both_are_flown(zhangzhou: City) -> None:
    city = of(zhangzhou, 1)
    taken = before(tried(city, area(city, "one")))
    two = of(zhangzhou, 2)
    other = tried(two, area(two, "two", booked=taken))
    assert [s.drone for s in other.scheduled] == [zhangzhou.drones[1].id]
    later = (NOON[0] + 3 * HOUR, NOON[1] + 3 * HOUR)
    assert tried(city, area(city, "two", booked=taken, window=later)).scheduled
    long = (NOON[0], NOON[1] + 3 * HOUR)
    (after,) = tried(city, area(city, "two", booked=taken, window=long)).scheduled
    assert after.start >= taken[0].ready, "it is flown when the drone has charged"


def test_an_important_order_takes_the_drones_and_says_whose(zhangzhou: City) -> None:
    city = of(zhangzhou, 1)
    lesser = before(tried(city, area(city, "one")), first=False)
    answer = tried(city, area(city, "two", booked=lesser))
    assert (bool(answer.scheduled), answer.displaced) == (True, ("one",))
    two = of(zhangzhou, 2)
    assert tried(two, area(two, "two", booked=lesser)).displaced == ()


def test_a_watch_holds_those_who_take_its_turns_from_tasks_too(zhangzhou: City) -> None:
    city = of(zhangzhou, 4)
    window = (NOON[0] - HOUR, NOON[1] + HOUR)
    spot = Task("stare", (city.docks[0].position,), radius_m=60)
    watch = tried(city, OrderWish("w", "stare", NOW, task=spot, window=window))
    held = {b.drone for b in watch.bookings}
    assert len(held) >= 2
    wish = area(city, "two", booked=before(watch), drones=tuple(held))
    (told,) = tried(city, wish).never
    assert (told.constraint, "for order w" in told.reason) == ("drones", True)


def test_each_window_of_what_recurs_counts(zhangzhou: City) -> None:
    city = of(zhangzhou, 1)
    windows = [(NOON[0] + n * DAY, NOON[1] + n * DAY) for n in range(4)]
    third = before(tried(city, area(city, "one", window=windows[2])))
    wish = area(city, "two", window=windows[0], later=tuple(windows[1:]), booked=third)
    answer = tried(city, wish)
    assert not answer.hopeless
    assert [b.start.date() for b in answer.bookings] == [
        w[0].date() for w in windows if w != windows[2]
    ]
    assert len(answer.scheduled) == 3
    (told,) = answer.waits
    assert (told.constraint, "order one" in told.reason) == ("drones", True)
    assert told.reason.startswith(f"{windows[2][0]:%Y-%m-%d %H:%M} to ")
    one = area(city, "three", window=windows[3], booked=before(answer))
    assert "for order two" in tried(city, one).never[0].reason
    now = replace(wish, window=(NOW, NOW + HOUR))
    begun = tried(city, now)
    assert [w.constraint for w in begun.waits] == ["drones"], "though the first is flown now"


def test_no_more_are_booked_than_may_be_in_the_air(zhangzhou: City) -> None:
    limits = zhangzhou.limits.model_copy(update={"max_airborne": 1})
    city = of(zhangzhou, 3).model_copy(update={"limits": limits})
    window = (NOON[0], NOON[0] + 15 * MINUTE)
    one = tried(city, area(city, "one", window=window))
    two = tried(city, area(city, "two", window=window, booked=before(one)))
    assert len(one.bookings) == 1
    assert two.hopeless
    assert "for order one" in two.never[0].reason


MINUTES = st.integers(0, 300)


@given(
    held=st.lists(st.tuples(st.integers(0, 2), MINUTES, MINUTES, MINUTES), max_size=12),
    wanted=st.lists(st.tuples(st.integers(0, 2), MINUTES, MINUTES), min_size=1, max_size=8),
    most=st.integers(1, 3),
)
def test_what_is_booked_is_nobody_elses_and_never_too_many(
    held: list[tuple[int, int, int, int]], wanted: list[tuple[int, int, int]], most: int
) -> None:
    def at(minutes: float) -> datetime:
        return NOW + minutes * MINUTE

    others = [Booking("o", f"u{drone}", at(a), at(a + b), at(a + b + c)) for drone, a, b, c in held]
    diary, ours = Diary(others, most), list[Booking]()
    for drone, lasts, charges in wanted:
        flight = Flight(f"u{drone}", (lasts + 1) * MINUTE, charges * MINUTE)
        start = diary.earliest(flight, NOW, at(10_000))
        assert start is not None
        ours.append(diary.book("x", flight, start))
    for number, booking in enumerate(ours):
        for other in (*others, *ours[:number]):
            apart = other.drone != booking.drone or not other.meets(booking.start, booking.ready)
            assert apart
    for booking in ours:
        for moment in (booking.start, *(b.start for b in (*others, *ours))):
            if booking.start <= moment < booking.home:
                aloft = [b for b in (*others, *ours) if b.start <= moment < b.home]
                theirs = [b for b in others if b.start <= moment < b.home]
                assert len(aloft) <= max(most, len(theirs) + 1)
                assert len(theirs) < most


def test_a_task_of_now_leaves_a_drone_that_who_comes_first_needs_before_it_is_home(
    zhangzhou: City,
) -> None:
    city, window = of(zhangzhou, 1), (NOW, NOW + 4 * HOUR)
    drone, soon = city.drones[0].id, NOW + 5 * MINUTE
    for since, first, flown in ((soon, True, False), (soon, False, True), (NOW + HOUR, True, True)):
        booked = Booking("one", drone, since, since + HOUR, since + HOUR, first)
        answer = tried(city, area(city, "two", window=window, booked=(booked,)))
        assert bool(answer.scheduled) is flown
        if not flown:
            assert not answer.hopeless, "it waits"
            assert f"{drone} for order one" in answer.waits[0].reason
            assert answer.waits[0].constraint == "drones"


def test_a_watch_of_now_counts_on_who_takes_turns_to_its_end(zhangzhou: City) -> None:
    city, end = of(zhangzhou, 4), NOW + 6 * HOUR
    wish = OrderWish("one", "stare", NOW, sites=(city.sites[0].id,), window=(NOW, end))
    watch = tried(city, wish)
    assert watch.scheduled
    assert len(watch.bookings) > 1
    assert {b.ready for b in watch.bookings} == {end}
