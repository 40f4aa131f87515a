"""Orders over HTTP: what is taken, what is refused and why, and that nothing is kept of that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from fleet.errors import StoreError
from fleet.model.order import OrderRequest
from fleet.model.orderfields import KEPT
from fleet.store import audit
from missions.diary import Booking
from missions.recurrence import MOST
from missions.trial import Trial
from missions.wishes import Refusal, Scheduled

SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
HOUR = timedelta(hours=1)
SQUARE = [[117.645, 24.505], [117.655, 24.505], [117.655, 24.515], [117.645, 24.515]]
AREA: dict[str, Any] = {"type": "Polygon", "coordinates": [[*SQUARE, SQUARE[0]]]}
LINE: dict[str, Any] = {"type": "LineString", "coordinates": SQUARE[:3]}
SPOT: dict[str, Any] = {"type": "Point", "coordinates": [117.65, 24.51]}
WINDOW = {"from": SOON.isoformat(), "until": (SOON + HOUR).isoformat()}
GONE = {"from": "2020-01-01T00:00:00Z", "until": "2020-01-01T01:00:00Z"}
POLE = [[0.0, 80.0], [90.0, 80.0], [180.0, 80.0], [-90.0, 80.0], [0.0, 80.0]]
BOW = [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]


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


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "window in the past": (area(window=GONE), "window.until: 2020-01-01"),
    "end in the past": (area(until="2020-01-01T00:00:00Z"), "until: 2020-01-01"),
    "window the wrong way": (
        area(window={"from": WINDOW["until"], "until": WINDOW["from"]}),
        "is not after from",
    ),
    "time without a zone": (
        area(window={"from": "2027-01-01T00:00:00"}),
        "window.from: 2027-01-01T00:00:00 has no timezone; a time is written 2026-11-23T08:00:00+08",
    ),
    "rule without end": (
        area(window=WINDOW, recurrence={"rrule": "FREQ=DAILY"}),
        "recurrence: the rule has no end",
    ),
    "a million occurrences": (
        area(window=WINDOW, recurrence={"rrule": "FREQ=MINUTELY;COUNT=1000000"}),
        f"recurrence: 1000000 occurrences; at most {MOST}",
    ),
    "a rule that is none": (
        area(window=WINDOW, recurrence={"rrule": "every day"}),
        "recurrence: 'EVERY DAY' is no part",
    ),
    "a rule with no window": (area(recurrence={"rrule": "FREQ=DAILY;COUNT=2"}), "recurrence"),
    "occurrences that overlap": (
        area(window=WINDOW, recurrence={"rrule": "FREQ=MINUTELY;COUNT=2"}),
        "recurrence: occurrences overlap",
    ),
    "self-crossing": (
        area(geometry=ring(*BOW)),
        "geometry.Polygon.coordinates: the polygon cannot be used: Self-intersection",
    ),
    "round the pole": (area(geometry=ring(*POLE)), "around a pole"),
    "over the pole": (
        area(geometry=ring(*[[x, 89.0] for x, _ in POLE])),
        "geometry.Polygon.coordinates.0.0: latitude 89 is out of -80 to 80: nothing is flown around "
        f"the poles (at {len(POLE) - 1} more places)",
    ),
    "100,000 vertices": (
        area(geometry=ring(*[[117.65, 24.51]] * 100_000)),
        "geometry.Polygon.coordinates: 100000 vertices; at most 5000",
    ),
    "over the ceiling": (area(altitude_m=121), "altitude_m: 121 m is above the ceiling of 120 m"),
    "under the terrain limit": (
        area(altitude_m=19),
        "altitude_m: 19 m is below the terrain limit of 20 m",
    ),
    "out of reach": (
        area(geometry=ring([118, 24], [118.01, 24], [118.01, 24.01], [118, 24])),
        "km from the nearest dock",
    ),
    "on the other side of the earth": (
        {"kind": "stare", "geometry": {"type": "Point", "coordinates": [-62.35, -24.51]}},
        "geometry: -62.35, -24.51 is 20",
    ),
    "unknown beat": ({"kind": "patrol", "beats": ["b9"]}, "beats: no beat b9; beats are b1"),
    "unknown cell": ({"kind": "patrol", "cells": ["b1/r99c0"]}, "cells: no cell b1/r99c0"),
    "unknown site": ({"kind": "stare", "sites": ["mars"]}, "sites: no site mars"),
    "unknown place": ({"kind": "area", "place": "beat:b9"}, "place: no beat b9"),
    "unknown kind of place": ({"kind": "area", "place": "moon:b9"}, "place: 'moon:b9'"),
    "unknown detector": (area(detectors=["ufo"]), "detectors: no detector ufo"),
    "a detector with nothing to look at": (
        {"kind": "patrol", "cells": ["b1/r0c0"], "detectors": ["crowd"]},
        "detectors: crowd: it names no site that has it, and flies by none within 100 m; those that "
        "have it are market",
    ),
    "unknown drone": (area(drones=["u9"]), "drones: no drone u9; drones are u1, u2"),
    "too fine a camera": (area(camera={"min_width_px": 7000}), "camera.min_width_px: no drone"),
    "unknown field": (area(speed=9), "speed"),
    "end of time": (
        area(window=WINDOW, recurrence={"rrule": "FREQ=DAILY;UNTIL=99991231T000000Z"}),
        f"recurrence: more than {MOST} occurrences",
    ),
    "window far ahead": (
        area(window={"from": "2190-01-01T00:00:00Z"}),
        "window.from: 2190-01-01T00:00:00+00:00 is more than 1827 days ahead",
    ),
    "end far ahead": (area(until="2190-01-01T00:00:00Z"), "until: 2190-01-01T00:00:00+00:00"),
    "window of another age": (
        area(window={"from": "9999-12-31T23:59:59Z"}),
        "window.from: 9999-12-31T23:59:59+00:00 is not within the years 1970 to 2200",
    ),
    "the year one": (
        area(window={"until": "0001-01-01T00:00:00+08:00"}),
        "window.until: 0001-01-01T00:00:00+08:00 is not within the years 1970 to 2200",
    ),
    "time as a number": (area(until=1900000000000), "until: 1.9e+12 is no time"),
    "time in words": (area(until="tomorrow"), "until: 'tomorrow' is no time; one is written 2026"),
    "priority of true": (area(priority=True), "priority: Input should be a valid integer"),
    "altitude below nothing": (
        area(altitude_m=-5),
        "altitude_m: -5 m is below the terrain limit of 20 m",
    ),
    "too fast": (
        area(speed_m_s=29),
        "speed_m_s: 29 m/s; the fastest drone that may fly it cruises at",
    ),
    "too wide an orbit": (
        {"kind": "orbit", "geometry": SPOT, "radius_m": 1500},
        "radius_m: 1500 m; an orbit has at most 1000",
    ),
    "a beat twice": ({"kind": "patrol", "beats": ["b1", "b1"]}, "beats: 'b1' is named twice"),
    "a site twice": (
        {"kind": "stare", "sites": ["market", "market"]},
        "sites: 'market' is named twice",
    ),
    "a drone twice": (area(drones=["u1", "u1"]), "drones: 'u1' is named twice"),
    "a beat without a name": ({"kind": "patrol", "beats": [""]}, "beats.0: String should have"),
    "how long at a site": (
        {"kind": "stare", "sites": ["market"], "hold_s": 60},
        "hold_s: is for a stare at a point, not for a stare",
    ),
    "how long on patrol": (
        {"kind": "patrol", "beats": ["b1"], "hold_s": 60},
        "hold_s: is for a stare at a point, not for a patrol",
    ),
    "how wide an area": (area(width_m=90), "width_m: is for a corridor, not for an area"),
    "how high on patrol": (
        {"kind": "patrol", "beats": ["b1"], "altitude_m": 60},
        "altitude_m: is for what is flown over a geometry or a place",
    ),
    "a place without a name": (
        {"kind": "area", "place": "beat:"},
        "place: 'beat:' is no place; one is written beat:ID",
    ),
    "a note that no database keeps": (area(note="a\x00b"), "note"),
    "an area of nothing": (
        area(geometry=ring([117.65, 24.51], [117.650001, 24.51], [117.65, 24.510001],
                           [117.65, 24.51])),
        "geometry: 0.0056 m² are less than the 1 that count",
    ),
    "a number in words": (
        {"kind": "stare", "geometry": {"type": "Point", "coordinates": ["117.65", "24.51"]}},
        "geometry.Point.coordinates: '117.65' is no number",
    ),
    "a truth for a number": (
        {"kind": "stare", "geometry": {"type": "Point", "coordinates": [True, 24.51]}},
        "geometry.Point.coordinates: True is no number",
    ),
    "a latitude of 91": (
        {"kind": "stare", "geometry": {"type": "Point", "coordinates": [117.65, 91]}},
        "geometry.Point.coordinates: latitude 91 is out of",
    ),
    "priority": (area(priority=10), "priority"),
    "no geometry": ({"kind": "area"}, "a geometry or a place"),
    "the wrong geometry": ({"kind": "area", "geometry": LINE}, "flown over a Polygon"),
    "not a number": (
        {"kind": "stare", "geometry": {"type": "Point", "coordinates": ["x", 24]}},
        "geometry.Point.coordinates",
    ),
    "one number": (
        {"kind": "stare", "geometry": {"type": "Point", "coordinates": [117]}},
        "a position has 2 or 3 numbers",
    ),
    "an open ring": (area(geometry=ring(*SQUARE)), "is not closed"),
    "an empty ring": (area(geometry=ring()), "is not closed"),
    "no rings": (area(geometry={"type": "Polygon", "coordinates": []}), "geometry"),
    "no GeoJSON": (area(geometry={"type": "Circle", "coordinates": [1, 2]}), "geometry"),
    "a hole outside": (
        area(geometry={"type": "Polygon", "coordinates": [
            [*SQUARE, SQUARE[0]], [[118, 25], [118.1, 25], [118.1, 25.1], [118, 25]]]}),
        "the polygon cannot be used: Hole lies outside",
    ),
}  # fmt: skip


async def test_what_cannot_be_is_422_with_field_and_reason_and_nothing_is_kept(
    api: Any, flight: Any
) -> None:
    async with api.as_("pilot") as pilot:
        for name, (body, said) in BAD.items():
            answer = await pilot.post("/api/v1/missions", json=body)
            assert answer.status_code == 422, (name, answer.text)
            assert said in answer.json()["detail"], name
            assert "Value error" not in answer.text, name
            assert (await pilot.get("/api/v1/missions")).json() == [], name
    assert flight.orders() == []


async def test_what_is_wrong_at_many_places_is_told_once_and_not_of_the_whole(api: Any) -> None:
    body = area(geometry=ring(*[[x, 89.0] for x, _ in POLE]))
    async with api.as_("pilot") as pilot:
        answer = await pilot.post("/api/v1/missions", json=body)
    assert answer.json()["detail"] == BAD["over the pole"][1]


async def test_a_body_that_is_no_order_is_422(api: Any) -> None:
    async with api.as_("pilot") as pilot:
        long = '{"kind": "patrol", "beats": ["b1"], "priority": ' + "9" * 5000 + "}"
        endless = '{"kind": "stare", "geometry": {"type": "Point", "coordinates": [1e999, 24]}}'
        for text in ('{"kind": "area", "geometry": {', '{"kind": NaN}', "[]", "", "[" * 100_000,
                     long, endless):  # fmt: skip
            answer = await pilot.post(
                "/api/v1/missions", content=text, headers={"content-type": "application/json"}
            )
            assert answer.status_code == 422, answer.text
        assert (await pilot.get("/api/v1/missions")).json() == []


async def test_a_body_that_is_too_large_is_not_read(api: Any) -> None:
    body = area(note="x" * 30_000_000)
    async with api.as_("pilot") as pilot:
        answer = await pilot.post("/api/v1/missions", json=body)
        assert answer.status_code in (413, 422)
        assert (await pilot.get("/api/v1/missions")).json() == []


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


async def test_nothing_is_done_to_an_order_that_the_audit_does_not_take(
    api: Any, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise StoreError("the disk is full")

    async with api.as_("pilot") as pilot:
        at = f"/api/v1/missions/{(await pilot.post('/api/v1/missions', json=area())).json()['id']}"
        with monkeypatch.context() as broken:
            broken.setattr(audit, "add", full)
            spot = {"kind": "orbit", "geometry": SPOT}
            assert (await pilot.post("/api/v1/missions", json=spot)).status_code == 503
            assert (await pilot.patch(at, json={"priority": 3})).status_code == 503
        (kept,) = await store.flights.open_orders()
        assert (kept.request.kind, kept.request.priority) == ("area", 0)
        for path, how in (("/pause", pilot.post), ("/resume", pilot.post), ("", pilot.delete)):
            assert (await how(at + path)).status_code == 200
    async with api.as_("admin") as admin:
        acts = (await admin.get("/api/v1/audit?subject=order:" + at.rpartition("/")[2])).json()
    told = ["order.cancel", "order.resume", "order.pause", "order.submit"]
    assert [act["action"] for act in acts] == told
    assert {act["actor"] for act in acts} == {"a pilot"}


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


async def test_an_order_is_changed_where_it_can_be_flown_so(api: Any, flight: Any) -> None:
    async with api.as_("pilot") as pilot:
        order = (await pilot.post("/api/v1/missions", json=area(note="one"))).json()
        at = f"/api/v1/missions/{order['id']}"
        changed = await pilot.patch(at, json={"priority": 7, "note": "two"})
        assert changed.status_code == 200, changed.text
        assert flight.asked[-1] == ("off", order["id"], False)
        body = changed.json()["request"]
        assert (body["priority"], body["note"], body["geometry"]["type"]) == (7, "two", "Polygon")
        moved = await pilot.patch(at, json={"place": "cell:b1/r0c0", "window": WINDOW})
        assert moved.status_code == 200, moved.text
        assert flight.asked[-1] == ("off", order["id"], True)
        again = (await pilot.get(at)).json()
        assert again["request"]["geometry"] is None
        assert again["next"] == [
            {"start": WINDOW["from"].replace("+00:00", "Z"),
             "end": WINDOW["until"].replace("+00:00", "Z")}
        ]  # fmt: skip


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"window": GONE}, "window.until: 2020"),
    ({"altitude_m": 500}, "altitude_m: 500 m is above"),
    ({"kind": "search"}, "kind: cannot be changed"),
    ({"speed": 3}, "speed: cannot be changed"),
    ({"geometry": ring(*BOW)}, "Self-intersection"),
    ({"recurrence": {"rrule": "FREQ=DAILY"}}, "recurrence"),
    ({"priority": "high"}, "priority"),
]


async def test_a_change_that_cannot_be_is_422_and_changes_nothing(api: Any, flight: Any) -> None:
    async with api.as_("pilot") as pilot:
        order = (await pilot.post("/api/v1/missions", json=area(note="one"))).json()
        at = f"/api/v1/missions/{order['id']}"
        before = (await pilot.get(at)).json()
        for changes, said in CHANGES:
            answer = await pilot.patch(at, json=changes)
            assert answer.status_code == 422, answer.text
            assert said in answer.json()["detail"]
            assert (await pilot.get(at)).json() == before
    assert flight.asked[-1][0] == "try"


async def test_an_order_is_paused_resumed_and_cancelled(api: Any, flight: Any) -> None:
    async with api.as_("pilot") as pilot:
        order = (await pilot.post("/api/v1/missions", json=area())).json()
        at = f"/api/v1/missions/{order['id']}"
        assert (await pilot.post(f"{at}/resume")).status_code == 409
        paused = await pilot.post(f"{at}/pause")
        assert paused.json()["status"] == "paused"
        assert flight.asked[-1] == ("end", order["id"], "order paused by a pilot")
        assert (await pilot.post(f"{at}/pause")).status_code == 409
        assert (await pilot.get(at)).json()["status"] == "paused"
        assert (await pilot.post(f"{at}/resume")).json()["status"] == "active"
        assert (await pilot.delete(at)).json()["status"] == "cancelled"
        for call in (pilot.post(f"{at}/pause"), pilot.patch(at, json={"priority": 1})):
            assert (await call).status_code == 409
        nobody = f"/api/v1/missions/{uuid4()}"
        for call in (
            pilot.get(nobody),
            pilot.patch(nobody, json={"priority": 1}),
            pilot.post(f"{nobody}/pause"),
            pilot.post(f"{nobody}/resume"),
        ):
            assert (await call).status_code == 404
    async with api.as_("admin") as admin:
        acts = (await admin.get(f"/api/v1/audit?subject=order:{order['id']}")).json()
    assert [act["action"] for act in acts][::-1] == [
        "order.submit",
        "order.pause",
        "order.resume",
        "order.cancel",
    ]


async def test_only_a_pilot_orders(api: Any) -> None:
    at = f"/api/v1/missions/{uuid4()}"
    for role in ("viewer", "officer", "worker"):
        async with api.as_(role) as someone:
            for call in (
                someone.post("/api/v1/missions", json=area()),
                someone.patch(at, json={}),
                someone.post(f"{at}/pause"),
                someone.post(f"{at}/resume"),
            ):
                assert (await call).status_code == 403


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


async def test_the_live_picture_has_what_becomes_of_an_order(api: Any, hub: Any) -> None:
    async with api.as_("pilot") as pilot:
        order = (await pilot.post("/api/v1/missions", json=area())).json()
        await pilot.patch(f"/api/v1/missions/{order['id']}", json={"priority": 3})
        assert hub.get("order", order["id"]).request.priority == 3
        await pilot.post(f"/api/v1/missions/{order['id']}/pause")
        assert hub.get("order", order["id"]).status == "paused"


def test_an_order_of_an_older_version_is_still_read() -> None:
    """What is refused now may lie in the store."""
    old = {"kind": "patrol", "beats": ["b1", "b1"], "hold_s": 60, "until": "9998-01-01T00:00:00Z"}
    with pytest.raises(ValidationError):
        OrderRequest.model_validate(old)
    assert OrderRequest.model_validate(old, context=KEPT).beats == ("b1", "b1")
