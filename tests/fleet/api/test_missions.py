"""Orders over HTTP: what is taken, what is answered, and what no drone or another's order lets be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from missions.diary import Booking
from missions.trial import Trial
from missions.wishes import Refusal, Scheduled

SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
HOUR = timedelta(hours=1)
WAITS = Trial(waits=(Refusal("", "", "no drone is ready", "fleet"),))
SQUARE = [[117.645, 24.505], [117.655, 24.505], [117.655, 24.515], [117.645, 24.515]]
AREA: dict[str, Any] = {"type": "Polygon", "coordinates": [[*SQUARE, SQUARE[0]]]}
LINE: dict[str, Any] = {"type": "LineString", "coordinates": SQUARE[:3]}
SPOT: dict[str, Any] = {"type": "Point", "coordinates": [117.65, 24.51]}
WINDOW = {"from": SOON.isoformat(), "until": (SOON + HOUR).isoformat()}


def ring(*places: list[float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [list(places)]}


def area(**more: Any) -> dict[str, Any]:
    return {"kind": "area", "geometry": AREA, **more}


KINDS: list[dict[str, Any]] = [
    {"kind": "patrol", "cells": ["b1/r0c0"]},
    {"kind": "patrol", "place": "district:x"},
    {"kind": "stare", "sites": ["market"], "detectors": ["crowd"]},
    {"kind": "stare", "geometry": SPOT, "hold_s": 120},
    {"kind": "corridor", "geometry": LINE, "width_m": 120, "camera": {"pitch_deg": -60}},
    area(altitude_m=60, window=WINDOW, drones=["u1"]),
    {"kind": "area", "place": "beat:b1"},
    {"kind": "area", "place": "cell:b1/r0c0"},
    {"kind": "orbit", "place": "site:bridge", "radius_m": 50, "turns": 2},
    {"kind": "orbit", "place": "dock:d1"},
    {"kind": "route", "geometry": LINE, "speed_m_s": 8},
    {"kind": "search", "geometry": AREA},
    {"kind": "search", "geometry": SPOT, "radius_m": 300},
    area(window=WINDOW, recurrence={"rrule": "FREQ=DAILY;COUNT=7"}),
]


async def test_each_kind_of_order_is_taken_and_told_again(api: Any) -> None:
    async with api.as_("pilot") as pilot:
        for body in KINDS:
            made = await pilot.post("/api/v1/missions", json=body)
            assert made.status_code == 201, made.text
            taken = made.json()
            again = (await pilot.get(f"/api/v1/missions/{taken['id']}")).json()
            assert again["request"] == taken["request"]
            assert again["request"]["kind"] == body["kind"]
            assert taken["waits"][0]["reason"] == "no drone is ready"
            await pilot.delete(f"/api/v1/missions/{taken['id']}")


async def test_the_answer_says_who_flies_it_and_when(api: Any, flight: Any) -> None:
    flies = Scheduled("u1", "d1", "x", "task", SOON, SOON + HOUR)
    flight.trial = Trial((flies,))
    async with api.as_("pilot") as pilot:
        taken = (await pilot.post("/api/v1/missions", json=area())).json()
    at = {key: taken["flights"][0][key] for key in ("start", "end")}
    assert at == {
        "start": SOON.isoformat().replace("+00:00", "Z"),
        "end": taken["flights"][0]["end"],
    }
    assert (taken["flights"][0]["drone"], taken["flights"][0]["dock"]) == ("u1", "d1")


async def test_what_no_drone_can_fly_is_422_by_constraint(api: Any, flight: Any) -> None:
    words = "takes 900 Wh; the battery of 'u1' holds 274 Wh"
    flight.trial = Trial(never=(Refusal("x", "part 1", words, "energy"),))
    async with api.as_("pilot") as pilot:
        answer = await pilot.post("/api/v1/missions", json=area())
        assert answer.status_code == 422
        assert answer.json()["detail"] == f"geometry: no drone can fly it (energy): part 1: {words}"
        assert (await pilot.get("/api/v1/missions")).json() == []


UNFLOWN: list[tuple[dict[str, Any], Refusal, str]] = [
    (
        {"kind": "stare", "geometry": SPOT, "hold_s": 7200},
        Refusal("x", "", "u1: takes 900 Wh", "energy"),
        "hold_s: no drone can fly it (energy): u1: takes 900 Wh",
    ),
    (area(altitude_m=60), Refusal("x", "", "closed at 60 m", "altitude"), "altitude_m: no drone"),
    (area(window=WINDOW), Refusal("x", "", "takes 90 min", "window"), "window.until: no drone"),
    (area(until=WINDOW["until"]), Refusal("x", "", "takes 90 min", "window"), "until: no drone"),
    (
        {"kind": "stare", "geometry": SPOT, "window": WINDOW},
        Refusal("x", "", "by 3 drones that take turns", "fleet"),
        "window.until: no drone can fly it (fleet): by 3 drones",
    ),
    ({"kind": "orbit", "place": "site:market"}, Refusal("x", "", "no way", "reach"), "place: no"),
]


async def test_what_can_never_be_flown_names_the_field_that_asks_too_much(
    api: Any, flight: Any
) -> None:
    async with api.as_("pilot") as pilot:
        for body, refusal, said in UNFLOWN:
            flight.trial = Trial(never=(refusal,))
            answer = await pilot.post("/api/v1/missions", json=body)
            assert answer.status_code == 422
            assert answer.json()["detail"].startswith(said), answer.text
        assert (await pilot.get("/api/v1/missions")).json() == []


async def test_a_point_that_is_kept_watched_says_how_many_take_turns(api: Any, flight: Any) -> None:
    turns = [
        Scheduled(drone, "d1", "x", "stare", SOON + n * HOUR / 4, SOON + (n + 1.5) * HOUR / 4)
        for n, drone in enumerate(("u1", "u2", "u1"))
    ]
    flight.trial = Trial(tuple(turns), drones=2)
    async with api.as_("pilot") as pilot:
        body = {"kind": "stare", "geometry": SPOT, "window": WINDOW, "drones": ["u1", "u2"]}
        taken = (await pilot.post("/api/v1/missions", json=body)).json()
        assert taken["drones_needed"] == 2
        assert [f["drone"] for f in taken["flights"]] == ["u1", "u2", "u1"]
    wish = flight.asked[-1][1]
    assert (wish.kind, wish.task.shape) == ("stare", (tuple(SPOT["coordinates"]),))
    assert flight.book.watched() == set()  # not before its window


async def test_an_order_is_tried_beside_what_others_count_on(api: Any, flight: Any) -> None:
    def body(north: float, priority: int, **more: Any) -> dict[str, Any]:
        spot = {"type": "Point", "coordinates": [117.65, 24.51 + north]}
        return {"kind": "orbit", "geometry": spot, "priority": priority, "window": WINDOW, **more}

    later = {"from": WINDOW["until"], "until": (SOON + 2 * HOUR).isoformat()}
    made: list[str] = []

    async def order(body: dict[str, Any], *booked: tuple[datetime, datetime]) -> Any:
        flight.trial = Trial(
            (Scheduled("u1", "d1", "x", "task", SOON, SOON + HOUR),),
            bookings=tuple(Booking("", f"u{n}", a, b, b) for n, (a, b) in enumerate(booked)),
            displaced=("lesser",),
        )
        answer = await pilot.post("/api/v1/missions", json=body)
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["id"])
        return answer.json()

    def found() -> list[tuple[str, str, bool]]:
        wish = next(asked[1] for asked in reversed(flight.asked) if asked[0] == "try")
        return [(booking.order, booking.drone, booking.first) for booking in wish.booked]

    async with api.as_("pilot") as pilot:
        await order(body(0.001, 3), (SOON, SOON + HOUR), (SOON, SOON + HOUR))
        await order(body(0.004, 1), (SOON, SOON + HOUR))
        await order(body(0.007, 3, window=later), (SOON + HOUR, SOON + 2 * HOUR))
        await order(body(0.010, 3), (SOON, SOON + HOUR))
        await pilot.delete(f"/api/v1/missions/{made[3]}")
        taken = await order(body(-0.002, 2))
        assert taken["displaces"] == ["lesser"]
        known = {(made[0], "u0", True), (made[0], "u1", True), (made[1], "u0", False)}
        assert set(found()) == known
        await order(body(-0.005, 9, recurrence={"rrule": "FREQ=HOURLY;COUNT=2"}))
        assert set(found()) == {(o, d, False) for o, d, _ in known} | {(made[2], "u0", False)}
        await pilot.patch(f"/api/v1/missions/{made[1]}", json={"priority": 3})
        assert set(found()) == {(made[0], "u0", True), (made[0], "u1", True)}, "it is younger"
        flight.trial = Trial(never=(Refusal("x", "", "taken by order o0", "drones"),))
        refused = await pilot.post("/api/v1/missions", json=body(-0.009, 0))
        assert (refused.status_code, refused.json()["detail"]) == (
            422,
            "window: no drone can fly it (drones): taken by order o0",
        )


async def test_an_order_that_loses_its_drones_says_so_until_it_has_them_again(
    api: Any, flight: Any, hub: Any
) -> None:
    def body(north: float, priority: int) -> dict[str, Any]:
        spot = {"type": "Point", "coordinates": [117.65, 24.51 + north]}
        return {"kind": "orbit", "geometry": spot, "priority": priority, "window": WINDOW}

    async def order(north: float, priority: int, drone: str, after: timedelta) -> Any:
        start, home = SOON + after, SOON + after + HOUR / 4
        flight.trial = Trial(
            (Scheduled(drone, "d1", "x", "task", start, home),),
            bookings=(Booking("", drone, start, home, home + HOUR / 4),),
        )
        return (await pilot.post("/api/v1/missions", json=body(north, priority))).json()

    async def said(one: Any) -> tuple[list[str], str]:
        told = (await pilot.get(f"/api/v1/missions/{one['id']}")).json()
        (listed,) = (
            o for o in (await pilot.get("/api/v1/missions")).json() if o["id"] == told["id"]
        )
        live = hub.get("order", told["id"]).model_dump(mode="json")
        for key in ("reason", "displaced_by"):
            assert told[key] == listed[key] == live[key]
        return told["displaced_by"], told["reason"]

    async with api.as_("pilot") as pilot, api.as_("admin") as admin:
        lesser = await order(0.001, 1, "u1", timedelta())
        other = await order(0.003, 1, "u2", timedelta())
        after = await order(0.005, 1, "u1", HOUR / 2)
        urgent = await order(0.007, 5, "u1", HOUR / 5)
        by, words = await said(lesser)
        assert by == [urgent["id"]]
        assert f"u1 at {SOON:%Y-%m-%d %H:%M} UTC for order {urgent['id']}" in words
        assert (await said(after))[0] == [urgent["id"]]
        assert await said(other) == await said(urgent) == ([], "")
        noted = (await admin.get(f"/api/v1/audit?subject=order:{lesser['id']}")).json()
        assert [n["action"] for n in noted] == ["order.displaced", "order.submit"]
        assert (noted[0]["actor"], noted[0]["details"]) == ("a pilot", {"by": urgent["id"]})
        assert noted[0]["reason"] == words
        await pilot.post(f"/api/v1/missions/{urgent['id']}/pause")
        assert await said(lesser) == ([], "")
        await pilot.post(f"/api/v1/missions/{urgent['id']}/resume")
        assert (await said(lesser))[0] == [urgent["id"]]
        await flight.book.load()  # as a controller does that is started again
        assert await said(lesser) == ([urgent["id"]], words)
        await pilot.delete(f"/api/v1/missions/{urgent['id']}")
        assert await said(lesser) == await said(after) == ([], "")


async def test_a_task_is_planned_beside_what_who_comes_first_counts_on(
    api: Any, flight: Any
) -> None:
    soon = datetime.now(UTC) + HOUR / 12
    flight.trial = Trial(bookings=(Booking("", "u1", soon, soon + HOUR, soon + HOUR),))
    spot = {"kind": "orbit", "geometry": SPOT, "priority": 5, "window": WINDOW}
    async with api.as_("pilot") as pilot:
        urgent = (await pilot.post("/api/v1/missions", json=spot)).json()
        flight.trial = WAITS
        await pilot.post("/api/v1/missions", json=area(priority=1))
        (wish,) = await flight.book.wishes()
        assert [(b.drone, b.first) for b in wish.booked] == [("u1", True)]
        await pilot.patch(f"/api/v1/missions/{wish.id}", json={"priority": 6})
        (wish,) = await flight.book.wishes()
        assert wish.booked == (), "it comes first itself"
        await pilot.patch(f"/api/v1/missions/{wish.id}", json={"priority": 2})
        await pilot.delete(f"/api/v1/missions/{urgent['id']}")
        (wish,) = await flight.book.wishes()
        assert wish.booked == ()


TWICE: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"kind": "stare", "sites": ["market"]}, {"kind": "stare", "sites": ["market"]}, "sites"),
    (area(), {"kind": "area", "place": "beat:b1"}, "place"),
    ({"kind": "patrol", "beats": ["b1"]}, {"kind": "patrol", "beats": ["b1"]}, "beats"),
    (
        {"kind": "patrol", "beats": ["b1"], "priority": 3},
        {"kind": "patrol", "cells": ["b1/r0c0"], "priority": 2},
        "cells",
    ),
    (
        {"kind": "stare", "sites": ["market"]},
        {"kind": "stare", "place": "site:market", "hold_s": 60},
        "place",
    ),
    (area(window=WINDOW), area(), "geometry"),
    ({"kind": "orbit", "geometry": SPOT}, {"kind": "orbit", "geometry": SPOT}, "geometry"),
    ({"kind": "route", "geometry": LINE}, {"kind": "route", "geometry": LINE}, "geometry"),
]


async def test_two_for_one_place_at_one_time_is_422(api: Any) -> None:
    async with api.as_("pilot") as pilot:
        for one, other, field in TWICE:
            first = (await pilot.post("/api/v1/missions", json=one)).json()
            answer = await pilot.post("/api/v1/missions", json=other)
            assert answer.status_code == 422, answer.text
            assert f"{field}: order {first['id']} is for" in answer.json()["detail"]
            await pilot.delete(f"/api/v1/missions/{first['id']}")
            second = await pilot.post("/api/v1/missions", json=other)
            assert second.status_code == 201, second.text
            await pilot.delete(f"/api/v1/missions/{second.json()['id']}")


async def test_one_place_at_two_times_or_for_two_things_is_taken(api: Any) -> None:
    later = {"from": WINDOW["until"], "until": (SOON + 2 * HOUR).isoformat()}
    away = [[x + 0.02, y] for x, y in AREA["coordinates"][0]]
    async with api.as_("pilot") as pilot:
        for body in (
            area(window=WINDOW),
            area(window=later),
            {"kind": "search", "geometry": AREA, "window": WINDOW},
            area(window=WINDOW, geometry=ring(*away)),
            {"kind": "patrol", "cells": ["b1/r0c0"]},
            {"kind": "patrol", "beats": ["b1"]},  # what both are for is flown once
            {"kind": "patrol", "cells": ["b1/r0c0"], "priority": 5},  # more important than it was
        ):
            answer = await pilot.post("/api/v1/missions", json=body)
            assert answer.status_code == 201, answer.text


async def test_a_planner_that_is_silent_stops_no_patrol_but_a_task_that_would_stop_it(
    api: Any, flight: Any
) -> None:
    flight.trial = TimeoutError()
    async with api.as_("pilot") as pilot:
        taken = await pilot.post("/api/v1/missions", json={"kind": "patrol", "beats": ["b1"]})
        assert taken.status_code == 201
        assert "the planner has not answered" in taken.json()["waits"][0]["reason"]
        refused = await pilot.post("/api/v1/missions", json=area())
    assert refused.status_code == 422
    assert "geometry: is not worked out in 10 s" in refused.json()["detail"]
