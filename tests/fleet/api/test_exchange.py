"""Orders as files: what comes in, comes out again, and of what cannot be taken nothing is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fleet.errors import StoreError
from missions.drawing import MOST_BYTES

SQUARE = [[117.645, 24.505], [117.655, 24.505], [117.655, 24.515], [117.645, 24.515]]
BOW = [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]


def plan_file(**more: Any) -> str:
    corners = [[y, x] for x, y in SQUARE]
    survey = {
        "type": "ComplexItem",
        "complexItemType": "survey",
        "polygon": corners,
        "TransectStyleComplexItem": {"CameraCalc": {"DistanceToSurface": 60, "DistanceMode": 1}},
    } | more
    return json.dumps({"fileType": "Plan", "version": 1, "mission": {"items": [survey]}})


async def test_a_file_becomes_drafts_or_orders_and_comes_out_again(api: Any) -> None:
    at = "/api/v1/missions/import?format=plan"
    async with api.as_("pilot") as pilot:
        drafts = (await pilot.post(at, content=plan_file())).json()
        assert (drafts["taken"], drafts["rejected"]) == ([], [])
        assert (await pilot.get("/api/v1/missions")).json() == []
        (draft,) = drafts["drafts"]
        assert (draft["kind"], draft["altitude_m"]) == ("area", 60)
        made = await pilot.post(f"{at}&create=true&kind=search", content=plan_file())
        assert made.status_code == 200, made.text
        (order,) = made.json()["taken"]
        assert order["request"]["kind"] == "search"
        for form in ("plan", "kml"):
            out = await pilot.get(f"/api/v1/missions/{order['id']}/export?format={form}")
            assert out.status_code == 200
            back = await pilot.post(f"/api/v1/missions/import?format={form}", content=out.text)
            (again,) = back.json()["drafts"]
            assert again["geometry"] == draft["geometry"]
            assert again["altitude_m"] == 60
            said = [one["reason"] for one in back.json()["rejected"]]
            assert ["the same place" in reason for reason in said] == (
                [True] if form == "kml" else []
            )
    async with api.as_("admin") as admin:
        acts = (await admin.get(f"/api/v1/audit?subject=order:{order['id']}")).json()
    assert [act["action"] for act in acts] == ["order.import"]


async def test_what_names_places_comes_out_as_their_shapes(api: Any) -> None:
    async with api.as_("pilot") as pilot:
        for body, kinds in (
            ({"kind": "patrol", "cells": ["b1/r0c0", "b1/r0c1"]}, ["area", "area"]),
            ({"kind": "stare", "sites": ["market"]}, ["stare"]),
            ({"kind": "orbit", "place": "dock:d1"}, ["orbit"]),
            ({"kind": "area", "place": "district:x"}, ["area"]),
        ):
            order = (await pilot.post("/api/v1/missions", json=body)).json()
            out = await pilot.get(f"/api/v1/missions/{order['id']}/export?format=kml")
            back = await pilot.post("/api/v1/missions/import?format=kml", content=out.text)
            assert [draft["kind"] for draft in back.json()["drafts"]] == kinds, back.text


DOCTYPE = '<!DOCTYPE kml [<!ENTITY x SYSTEM "file:///etc/passwd">]><kml>&x;</kml>'
FILES = {
    "no JSON": ("plan", "{", "file: file: is no JSON"),
    "another JSON": ("plan", "{}", "fileType"),
    "crossing": ("plan", plan_file(polygon=[[y, x] for x, y in BOW[:4]]), "Self-intersection"),
    "an unknown item": ("plan", plan_file(complexItemType="StructureScan"), "mission.items[0]"),
    "no XML": ("kml", "<kml>", "is no XML"),
    "entities": ("kml", DOCTYPE, "declares a document type"),
    "no text": ("kml", b"\xff\xfe\x00", "file: is no text in UTF-8"),
    "another format": ("gpx", "<gpx/>", "format"),
}


async def test_a_file_that_cannot_be_taken_is_422_and_nothing_is_kept(api: Any) -> None:
    async with api.as_("pilot") as pilot:
        for name, (form, text, said) in FILES.items():
            at = f"/api/v1/missions/import?create=true&format={form}"
            answer = await pilot.post(at, content=text)
            assert answer.status_code == 422, (name, answer.text)
            assert said in answer.json()["detail"], (name, answer.text)
            assert (await pilot.get("/api/v1/missions")).json() == []
        at = "/api/v1/missions/import?format=kml"
        assert (await pilot.post(at, content=" " * (MOST_BYTES + 1))).status_code == 413
        far = plan_file(polygon=[[0.0, 0.0], [0.0, 0.01], [0.01, 0.0]])
        drafts = (await pilot.post("/api/v1/missions/import?format=plan", content=far)).json()
        assert "km from the nearest dock" in drafts["rejected"][0]["reason"]
        line = "/api/v1/missions/import?format=plan&kind=corridor"
        assert (await pilot.post(line, content=plan_file())).status_code == 422
    async with api.as_("viewer") as viewer:
        at = "/api/v1/missions/import?format=plan"
        assert (await viewer.post(at, content=plan_file())).status_code == 403


async def test_of_a_file_all_is_ordered_or_nothing(api: Any, flight: Any) -> None:
    mark = "<Placemark><Point><coordinates>{}</coordinates></Point></Placemark>"
    twice = f"<kml>{mark.format('117.65,24.51') * 2}</kml>"
    async with api.as_("pilot") as pilot:
        at = "/api/v1/missions/import?format=kml&create=true"
        answer = await pilot.post(at, content=twice)
        assert answer.status_code == 422
        assert "drafts[1].geometry" in answer.json()["detail"]
    assert [order.status for order in flight.orders()] == ["cancelled"]


async def test_of_a_file_nothing_is_ordered_where_the_store_fails(
    api: Any, flight: Any, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = "".join(
        f"<Placemark><Point><coordinates>{lon},24.51,0</coordinates></Point></Placemark>"
        for lon in (117.648, 117.652)
    )
    text = f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{marks}</Document></kml>'
    submit, done = flight.desk.submit, []

    async def first_alone(*asked: Any) -> Any:
        if done:
            raise StoreError("the disk is full")
        done.append(await submit(*asked))
        return done[0]

    monkeypatch.setattr(flight.desk, "submit", first_alone)
    async with api.as_("pilot") as pilot:
        at = "/api/v1/missions/import?format=kml&kind=orbit&create=true"
        answer = await pilot.post(at, content=text)
    assert (answer.status_code, len(done)) == (503, 1), answer.text
    assert await store.flights.open_orders() == []
