"""Flights are found by drone, dock and time; their hours add up; their events are forgotten in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from fleet.model.flightlog import EventKind, FlightEvent, FlightRecord
from fleet.store import flightlog
from fleet.store.flightlog import Hours, Span
from fleet.store.store import Store

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def flight(
    name: str, minute: int, long: int | None = 10, drone: str = "u1", dock: str = "d1"
) -> FlightRecord:
    start = NOW + minute * MINUTE
    return FlightRecord(
        id=name,
        drone=drone,
        dock=dock,
        sortie=name if name.startswith("s") else None,
        took_off_at=start,
        landed_at=None if long is None else start + long * MINUTE,
        landed_dock=None if long is None else dock,
        distance_m=1234.5,
        highest_m=60.0,
        battery_start_percent=99.0,
        battery_end_percent=None if long is None else 70.0,
        tlog="tlog/x.tlog",
    )


async def test_a_flight_comes_back_and_is_in_the_air_until_it_has_landed(store: Store) -> None:
    up = flight("s1", 0, None)
    async with store.write() as tx:
        await flightlog.save(tx.session, up)
        assert await flightlog.in_the_air(tx.session) == [up]
        assert await flightlog.under_way(tx.session, "u1") == "s1"
        assert await flightlog.under_way(tx.session, "u2") is None
        down = replace(up, landed_at=NOW + 7 * MINUTE, landed_dock="d2")
        await flightlog.save(tx.session, down)
    async with store.read() as session:
        assert await flightlog.get(session, "s1") == down
        assert await flightlog.get(session, "s9") is None
        assert await flightlog.in_the_air(session) == []
        assert await flightlog.under_way(session, "u1") is None


async def test_flights_are_found_by_drone_dock_and_time(store: Store) -> None:
    a, b, c = flight("s1", 0), flight("s2", 20, drone="u2"), flight("x3", 40, dock="d2")
    async with store.write() as tx:
        for one in (a, b, c):
            await flightlog.save(tx.session, one)
    async with store.read() as session:
        assert await flightlog.latest(session, Span(), 10) == [c, b, a]
        assert await flightlog.latest(session, Span(), 1) == [c]
        assert await flightlog.latest(session, Span(drone="u2"), 10) == [b]
        assert await flightlog.latest(session, Span(dock="d2"), 10) == [c]
        since, before = NOW + 20 * MINUTE, NOW + 40 * MINUTE
        assert await flightlog.latest(session, Span(since=since, before=before), 10) == [b]


async def test_hours_are_those_of_flights_that_ended(store: Store) -> None:
    flights = [
        flight("s1", 0, 10),
        flight("x2", 20, 5),
        flight("s3", 40, 15, drone="u2"),
        flight("s4", 60, 20, drone="u2", dock="d2"),
        flight("s5", 90, None),
    ]
    async with store.write() as tx:
        for one in flights:
            await flightlog.save(tx.session, one)
    async with store.read() as session:
        assert await flightlog.hours(session, "drone", Span()) == {
            "u1": Hours(2, 1, 900.0),
            "u2": Hours(2, 2, 2100.0),
        }
        by_dock = await flightlog.hours(session, "dock", Span(since=NOW + 30 * MINUTE))
        assert by_dock == {"d1": Hours(1, 1, 900.0), "d2": Hours(1, 1, 1200.0)}


async def test_events_come_in_order_and_the_old_ones_are_forgotten(store: Store) -> None:
    events = [
        FlightEvent(
            "u1",
            NOW + (9 - i) * MINUTE,
            EventKind.TEXT,
            f"Text {i} 河",
            {"severity": "INFO"},
            "s1" if i % 2 else None,
        )
        for i in range(10)
    ]
    async with store.write() as tx:
        await flightlog.add_events(tx.session, events)
        await flightlog.add_events(tx.session, [])
    async with store.write() as tx:
        of_flight = [e for e in reversed(events) if e.flight == "s1"]
        assert await flightlog.events_of(tx.session, "s1", 100) == of_flight
        assert await flightlog.events_of(tx.session, "s1", 2) == of_flight[:2]
        assert await flightlog.forget_events(tx.session, NOW + 5 * MINUTE, limit=3)
        assert not await flightlog.forget_events(tx.session, NOW + 5 * MINUTE, limit=3)
        left = [e for e in of_flight if e.at >= NOW + 5 * MINUTE]
        assert await flightlog.events_of(tx.session, "s1", 100) == left
