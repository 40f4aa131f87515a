"""What is no order is 422 over HTTP with the field and the reason, and nothing is kept of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from fleet.model.order import OrderRequest
from fleet.model.orderfields import KEPT
from missions.recurrence import MOST

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


async def test_the_height_of_what_is_drawn_is_the_altitude(api: Any) -> None:
    def high(*metres: float) -> dict[str, Any]:
        line = [[*place, z] for place, z in zip(SQUARE[:3], metres, strict=True)]
        return {"kind": "route", "geometry": {"type": "LineString", "coordinates": line}}

    async with api.as_("pilot") as pilot:
        for body, altitude in (
            (high(70, 70, 70), 70),
            ({**high(70, 70, 70), "altitude_m": 70}, 70),
            (high(0, 0, 0), None),
            ({**high(0, 0, 0), "altitude_m": 50}, 50),
        ):
            made = await pilot.post("/api/v1/missions", json=body)
            assert made.json()["request"]["altitude_m"] == altitude, made.text
            at = f"/api/v1/missions/{made.json()['id']}"
            drawn = await pilot.patch(at, json={"geometry": high(60, 60, 60)["geometry"]})
            assert drawn.json()["request"]["altitude_m"] == 60, drawn.text
            kept = await pilot.patch(at, json={"geometry": high(0, 0, 0)["geometry"]})
            assert kept.json()["request"]["altitude_m"] == 60, kept.text
            await pilot.delete(f"/api/v1/missions/{made.json()['id']}")


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
    "heights that differ": (
        area(geometry=ring(*[[*p, 60 + n] for n, p in enumerate(SQUARE)], [*SQUARE[0], 60])),
        "geometry: its positions have heights from 60 to 63 m; an order is flown at one",
    ),
    "another altitude than it is drawn at": (
        area(geometry=ring(*[[*p, 60] for p in (*SQUARE, SQUARE[0])]), altitude_m=80),
        "altitude_m: 80 m, but the positions of the geometry have 60 m",
    ),
    "drawn above the ceiling": (
        area(geometry=ring(*[[*p, 500] for p in (*SQUARE, SQUARE[0])])),
        "altitude_m: 500 m is above the ceiling",
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


def test_an_order_of_an_older_version_is_still_read() -> None:
    """What is refused now may lie in the store."""
    old = {"kind": "patrol", "beats": ["b1", "b1"], "hold_s": 60, "until": "9998-01-01T00:00:00Z"}
    with pytest.raises(ValidationError):
        OrderRequest.model_validate(old)
    assert OrderRequest.model_validate(old, context=KEPT).beats == ("b1", "b1")
