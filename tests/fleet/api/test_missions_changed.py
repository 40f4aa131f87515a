"""What is done to an order over HTTP after it was given, by whom, and that it is told of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from fleet.errors import StoreError
from fleet.store import audit

SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
HOUR = timedelta(hours=1)
SQUARE = [[117.645, 24.505], [117.655, 24.505], [117.655, 24.515], [117.645, 24.515]]
AREA: dict[str, Any] = {"type": "Polygon", "coordinates": [[*SQUARE, SQUARE[0]]]}
SPOT: dict[str, Any] = {"type": "Point", "coordinates": [117.65, 24.51]}
WINDOW = {"from": SOON.isoformat(), "until": (SOON + HOUR).isoformat()}
GONE = {"from": "2020-01-01T00:00:00Z", "until": "2020-01-01T01:00:00Z"}
BOW = [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]


def ring(*places: list[float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [list(places)]}


def area(**more: Any) -> dict[str, Any]:
    return {"kind": "area", "geometry": AREA, **more}


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


async def test_the_live_picture_has_what_becomes_of_an_order(api: Any, hub: Any) -> None:
    async with api.as_("pilot") as pilot:
        order = (await pilot.post("/api/v1/missions", json=area())).json()
        await pilot.patch(f"/api/v1/missions/{order['id']}", json={"priority": 3})
        assert hub.get("order", order["id"]).request.priority == 3
        await pilot.post(f"/api/v1/missions/{order['id']}/pause")
        assert hub.get("order", order["id"]).status == "paused"
