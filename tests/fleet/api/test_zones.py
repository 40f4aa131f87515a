"""Closures and zones over HTTP: who may, what is kept, and what is refused with field and reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from missions.geojson import MOST_VERTICES

NOW = datetime.now(UTC)
RING = [[117.64, 24.49], [117.66, 24.49], [117.66, 24.51], [117.64, 24.51], [117.64, 24.49]]
BOW_TIE = [[117.64, 24.49], [117.66, 24.51], [117.66, 24.49], [117.64, 24.51], [117.64, 24.49]]
POLE = [[lon, 79.0] for lon in (-180, -90, 0, 90, 180)] + [[-180, 79.0]]
MANY = [[117.64 + n * 1e-7, 24.49] for n in range(100_000)] + [[117.65, 24.51], [117.64, 24.49]]


def in_(**span: float) -> str:
    return (NOW + timedelta(**span)).isoformat()


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def closure(**changes: Any) -> dict[str, Any]:
    whole = {"geometry": polygon(RING), "until": in_(hours=1), "reason": "fire", **changes}
    return {name: value for name, value in whole.items() if value is not ...}


def ed318(**properties: Any) -> dict[str, Any]:
    said = {"identifier": "A1", "country": "CHN", "type": "PROHIBITED", "variant": "COMMON"}
    feature = {"type": "Feature", "geometry": polygon(RING), "properties": {**said, **properties}}
    return {"type": "FeatureCollection", "features": [feature]}


HIGH = {"floor_m": 200, "floor_reference": "amsl", "ceiling_m": 100, "ceiling_reference": "agl"}


async def test_a_floor_above_the_sea_is_held_below_a_ceiling_above_ground(api: Any) -> None:
    """The ground is at 0 m; at 150 m the same would be open from 50 m on."""
    feature = {"type": "Feature", "geometry": polygon(RING), "properties": {"id": "z", **HIGH}}
    file = {"type": "FeatureCollection", "features": [feature]}
    body = {"format": "geojson", "collection": file, "authorised": [], "reason": "new"}
    async with api.as_("admin") as admin:
        for path, sent in (("closures", closure(**HIGH)), ("import", body)):
            answer = await admin.post(f"/api/v1/zones/{path}", json=sent)
            assert answer.status_code == 422, (path, answer.text)
            assert "200 m above ground is not below the ceiling, 100 m" in answer.text
        assert (await admin.get("/api/v1/zones/closures")).json() == []


async def test_a_closure_is_taken_shown_audited_and_ended(api: Any) -> None:
    async with api.as_("pilot") as pilot, api.as_("viewer") as viewer, api.as_("admin") as admin:
        taken = await pilot.post("/api/v1/zones/closures", json=closure(ceiling_m=90, name="Fire"))
        assert taken.status_code == 201, taken.text
        one = taken.json()
        assert one["zone"]["ceiling_m"] == 90
        assert api.flight.asked == [("air",)]  # whoever flies is told at once
        listed = (await viewer.get("/api/v1/zones/closures")).json()
        assert [c["id"] for c in listed] == [one["id"]]
        (shown,) = [
            f
            for f in (await viewer.get("/api/v1/zones")).json()["features"]
            if f["properties"]["source"] == "closure"
        ]
        assert shown["properties"]["in_force"] is True
        assert shown["properties"]["reason"] == "fire"
        assert shown["geometry"]["type"] == "Polygon"

        async def on_map() -> list[str]:
            found = (await viewer.get("/api/v1/map")).json()["features"]
            zones = [f["properties"] for f in found if f["properties"]["layer"] == "zone"]
            return [z["name"] for z in zones]

        before = await on_map()
        assert "Fire" in before
        ended = await pilot.delete(f"/api/v1/zones/closures/{one['id']}")
        assert ended.json()["ended_by"] == "a pilot"
        assert "Fire" not in await on_map()
        assert (await pilot.delete(f"/api/v1/zones/closures/{one['id']}")).status_code == 404
        acts = (await admin.get(f"/api/v1/audit?subject=closure:{one['id']}")).json()
        assert [(a["action"], a["reason"]) for a in acts] == [
            ("closure.end", ""),
            ("closure.add", "fire"),
        ]
        assert (await viewer.get("/api/v1/zones/closures")).json()[0]["ended_at"] is not None


async def test_a_circle_is_closed_from_a_later_time(api: Any) -> None:
    body = closure(
        geometry={"type": "Point", "coordinates": [117.65, 24.5]},
        radius_m=300,
        **{"from": in_(minutes=10)},
    )
    async with api.as_("pilot") as pilot:
        one = (await pilot.post("/api/v1/zones/closures", json=body)).json()
        assert len(one["zone"]["area"]) == 16
        (shown,) = [
            f
            for f in (await pilot.get("/api/v1/zones")).json()["features"]
            if f["properties"]["closure"] == one["id"]
        ]
        assert shown["properties"]["in_force"] is False


@pytest.mark.parametrize(
    ("role", "path", "body", "status"),
    [
        ("officer", "closures", closure(), 403),
        ("viewer", "closures", closure(), 403),
        (None, "closures", closure(), 401),
        ("pilot", "import", {"format": "ed318", "collection": ed318(), "reason": "x"}, 403),
    ],
)
async def test_who_may_not_is_refused(
    api: Any, role: str | None, path: str, body: Any, status: int
) -> None:
    async with api.as_(role) as client:
        assert (await client.post(f"/api/v1/zones/{path}", json=body)).status_code == status
    assert api.flight.closures.all() == []


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        (closure(until=in_(hours=-1)), "until", "has passed"),
        (closure(until=...), "until", "required"),
        (closure(until="2026-01-01T00:00:00"), "until", "timezone"),
        (closure(until=in_(days=40)), "until", "within 31 days"),
        (closure(**{"from": in_(hours=2)}), "from", "is not before until"),
        (closure(reason=""), "reason", "at least 1"),
        (closure(reason=...), "reason", "required"),
        (closure(reason="a\x00b"), "reason", "pattern"),
        (closure(name="a\x00b"), "name", "pattern"),
        (closure(geometry=polygon(BOW_TIE)), "geometry", "Self-intersection"),
        (closure(geometry=polygon(RING[:-1])), "geometry", "not closed"),
        (closure(geometry=polygon(POLE)), "geometry", "pole"),
        (closure(geometry=polygon(MANY)), "geometry", f"vertices; at most {MOST_VERTICES}"),
        (closure(geometry=polygon(RING, BOW_TIE)), "geometry", "cannot be used"),
        (closure(geometry=polygon([[0, 0], [1, 0], [1, 1], [0, 0]])), "geometry", "from the city"),
        (closure(geometry={"type": "LineString", "coordinates": RING}), "geometry", "Point"),
        (closure(radius_m=100), "radius_m", "a polygon has none"),
        (closure(geometry={"type": "Point", "coordinates": [117.65, 24.5]}), "radius_m", "a point"),
        (
            closure(geometry={"type": "Point", "coordinates": [117.65, 24.5]}, radius_m=1e9),
            "radius_m",
            "less than or equal",
        ),
        (closure(floor_m=100, ceiling_m=90), "floor_m", "is not below the ceiling"),
        (closure(ceiling_m=1e9), "ceiling_m", "less than or equal"),
        (closure(ceiling_reference="FL"), "ceiling_reference", "agl"),
        (closure(colour="red"), "colour", "not permitted"),
    ],
)
async def test_a_closure_that_is_not_sound_is_refused_and_not_kept(
    api: Any, body: dict[str, Any], field: str, reason: str
) -> None:
    async with api.as_("pilot") as pilot:
        answer = await pilot.post("/api/v1/zones/closures", json=body)
        assert answer.status_code == 422, answer.text
        assert field in answer.json()["detail"]
        assert reason in answer.json()["detail"]
        assert len(answer.text) < 2000
        assert (await pilot.get("/api/v1/zones/closures")).json() == []
    assert api.flight.asked == []


async def test_a_file_of_zones_is_read_in_and_read_in_anew(api: Any) -> None:
    body = {"format": "ed318", "collection": ed318(), "reason": "the authority's file of May"}
    async with api.as_("admin") as admin:
        first = await admin.post("/api/v1/zones/import", json=body)
        assert first.status_code == 201, first.text
        assert [c["zone"]["id"] for c in first.json()["closures"]] == ["chn-a1"]
        again = (await admin.post("/api/v1/zones/import", json=body)).json()
        assert again["replaced"] == [first.json()["closures"][0]["id"]]
        assert len(api.flight.closures.all()) == 1
        asked = body | {"collection": ed318(type="CONDITIONAL"), "authorised": ["A1"]}
        free = (await admin.post("/api/v1/zones/import", json=asked)).json()
        assert (free["closures"], free["left_out"]) == ([], ["A1: CONDITIONAL, and authorised"])
        zones = (await admin.get("/api/v1/zones")).json()
        imported = [f for f in zones["features"] if f["properties"]["source"] == "import"]
        plain = [
            {**f, "properties": {k: v for k, v in f["properties"].items() if k in {"id", "kind"}}}
            for f in imported
        ]
        geojson = {
            "format": "geojson",
            "collection": {"type": "FeatureCollection", "features": plain},
            "reason": "back again",
        }
        back = await admin.post("/api/v1/zones/import", json=geojson)
        assert back.status_code == 201, back.text
        acts = (await admin.get("/api/v1/audit?subject=zones")).json()
        assert [act["action"] for act in acts] == ["zones.import"] * 4


async def test_what_is_far_away_is_left_out_and_told(api: Any) -> None:
    far = ed318()
    far["features"][0]["geometry"] = polygon([[2.5, 49], [2.6, 49], [2.6, 49.1], [2.5, 49]])
    body = {"format": "ed318", "collection": far, "reason": "all of it"}
    async with api.as_("admin") as admin:
        taken = (await admin.post("/api/v1/zones/import", json=body)).json()
    assert taken["closures"] == []
    assert "from the city" in taken["left_out"][0]


def shaped(geometry: Any) -> dict[str, Any]:
    whole = ed318()
    whole["features"][0]["geometry"] = geometry
    return whole


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        (ed318(type="REQ_AUTHORISATION"), "features[0].properties.type", "is no zone type"),
        (shaped(polygon(BOW_TIE)), "features[0].geometry", "Self-intersection"),
        (shaped(polygon(RING[:-1])), "features[0].geometry", "not closed"),
        (shaped(polygon(POLE)), "features[0].geometry", "pole"),
        (shaped(polygon(MANY)), "features[0].geometry", "vertices; at most"),
        ({"type": "Feature"}, "type", "FeatureCollection"),
    ],
)
async def test_a_file_of_zones_that_is_not_sound_is_refused_whole(
    api: Any, changes: dict[str, Any], field: str, reason: str
) -> None:
    body = {"format": "ed318", "collection": changes, "reason": "x"}
    async with api.as_("admin") as admin:
        answer = await admin.post("/api/v1/zones/import", json=body)
        assert answer.status_code == 422, answer.text
        assert field in answer.json()["detail"]
        assert reason in answer.json()["detail"]
        assert (await admin.get("/api/v1/zones/closures")).json() == []
    assert api.flight.asked == []


async def test_the_fence_and_the_citys_own_zones_stand_in_its_file_alone(api: Any) -> None:
    feature = {
        "type": "Feature",
        "geometry": polygon(RING),
        "properties": {"id": "f", "kind": "fence"},
    }
    body = {"format": "geojson", "collection": {"type": "FeatureCollection", "features": [feature]}}
    async with api.as_("admin") as admin:
        answer = await admin.post("/api/v1/zones/import", json=body | {"reason": "x"})
        assert (answer.status_code, "city file" in answer.json()["detail"]) == (422, True)
        odd = await admin.post("/api/v1/zones/import", json=body | {"format": "kml", "reason": "x"})
        assert odd.status_code == 422
        assert "ed318" in odd.json()["detail"]


async def test_a_closure_outlives_a_restart_of_its_book(api: Any) -> None:
    async with api.as_("pilot") as pilot:
        one = (await pilot.post("/api/v1/zones/closures", json=closure())).json()
    book = api.flight.closures
    before = book.all()
    await book.load()
    assert book.all() == before
    assert [str(c.id) for c in before] == [one["id"]]
    assert json.loads(before[0].model_dump_json(by_alias=True)) == one
