"""Calls over HTTP: from officers, and from a CAD that signs what it tells."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from fleet.store import audit, calls

KEY = bytes(range(32))
CALLS = "/api/v1/calls"
HERE = {"lon": 117.652, "lat": 24.511}
AT = datetime(2026, 5, 1, 8, tzinfo=UTC)


@pytest.fixture
async def desk(flight: Any, api: Any) -> AsyncIterator[Any]:
    """Answer calls, with no drone to send."""
    task = asyncio.create_task(flight.calls.run())
    yield flight.calls
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_officer_sends_a_drone_asks_for_more_and_ends_it(
    api: Any, desk: Any, store: Any
) -> None:
    async with api.as_("officer") as officer, api.as_("viewer") as viewer:
        asked = {"id": "sos-1", "kind": "sos", "source": "sos", "priority": 9, **HERE}
        made = await officer.post(CALLS, json={**asked, "note": "two men fight"})
        assert made.status_code == 201, made.text
        call = made.json()
        assert (call["id"], call["status"]) == ("sos-1", "nobody")
        assert call["reason"] == "nobody can: there is no drone"
        assert call["received_by"] == "an officer" or call["received_by"] == "a officer"
        again = await officer.post(CALLS, json=asked)
        assert (again.status_code, again.json()["received_at"]) == (200, call["received_at"])
        elsewhere = await officer.post(CALLS, json={**asked, "lat": 24.512})
        assert elsewhere.status_code == 409
        assert (await viewer.get(CALLS)).json()[0]["id"] == "sos-1"
        assert (await viewer.get(f"{CALLS}/sos-1")).json()["note"] == "two men fight"
        assert (await viewer.get(f"{CALLS}/none")).status_code == 404
        assert (await viewer.get("/api/v1/state")).json()["calls"][0]["id"] == "sos-1"
        more = await officer.post(f"{CALLS}/sos-1/more", json={"drones": 2})
        assert more.json()["want"] == 3
        assert (await officer.post(f"{CALLS}/sos-1/more", json={})).status_code == 409
        ended = await officer.post(f"{CALLS}/sos-1/close", json={"reason": "they left"})
        assert (ended.json()["status"], ended.json()["reason"]) == ("done", "they left")
        assert (await officer.post(f"{CALLS}/sos-1/more", json={})).status_code == 409
    async with store.read() as session:
        told = await audit.latest(session, "call:sos-1", None, None, 10)
        kept = await calls.get(session, "sos-1")
    assert [entry.action for entry in told] == ["call.close", "call.more", "call.take"]
    assert kept.status == "done"


async def test_only_officers_send_drones(api: Any, desk: Any) -> None:
    for role, status in (("viewer", 403), ("worker", 403), (None, 401)):
        async with api.as_(role) as somebody:
            assert (await somebody.post(CALLS, json=HERE)).status_code == status


async def test_a_call_where_the_air_is_closed_for_a_time_is_kept_until_it_opens(
    api: Any, desk: Any
) -> None:
    at, off = (HERE["lon"], HERE["lat"]), 0.02
    ring = [(at[0] + x, at[1] + y) for x, y in ((-off, -off), (off, -off), (off, off), (-off, off))]
    shut = {
        "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
        "until": (datetime.now(UTC) + timedelta(minutes=10)).isoformat(),
        "reason": "a helicopter lands",
    }
    async with api.as_("pilot") as pilot:
        made = await pilot.post("/api/v1/zones/closures", json=shut)
        assert made.status_code == 201, made.text
        assert api.flight.calls.out_of_bounds(*at) is None
        taken = await pilot.post(CALLS, json=HERE)
        assert (taken.status_code, taken.json()["status"]) == (201, "nobody"), taken.text
        far = await pilot.post(CALLS, json={"lon": 10.0, "lat": 50.0})
        assert far.status_code == 422


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "lon, lat, place: say where"),
        ({"lon": 117.65}, "lon, lat: one without the other"),
        ({**HERE, "place": "bridge"}, "say where"),
        ({"place": "nowhere"}, "no 'nowhere'; places are"),
        ({**HERE, "priority": 10}, "priority"),
        ({**HERE, "want": 4}, "want"),
        ({**HERE, "note": "a\x00b"}, "note: String should match pattern"),
        ({**HERE, "on_scene_s": 0}, "on_scene_s"),
        ({**HERE, "id": "a b"}, "id"),
        ({**HERE, "source": "cad"}, "source"),
        ({**HERE, "drone": "u1"}, "drone"),
        ({"lon": 118.65, "lat": 24.511}, "lon, lat: "),
    ],
)
async def test_what_is_no_call_is_refused_and_not_kept(
    api: Any, desk: Any, body: dict[str, Any], words: str
) -> None:
    async with api.as_("officer") as officer:
        answer = await officer.post(CALLS, json=body)
        assert answer.status_code == 422
        assert words in answer.json()["detail"]
        assert (await officer.get(CALLS)).json() == []


async def test_a_place_has_a_name(api: Any, desk: Any) -> None:
    async with api.as_("officer") as officer:
        made = await officer.post(CALLS, json={"place": "bridge", "source": "click"})
    site = next(site for site in api.context.city.sites if site.id == "bridge")
    assert (made.json()["lon"], made.json()["lat"]) == site.position


# a CAD


def word(kind: str, at_s: float = 0.0, **data: Any) -> bytes:
    body = {
        "type": f"call.{kind}",
        "timestamp": (AT + timedelta(seconds=at_s)).isoformat(),
        "data": {"id": "77", **HERE, "kind": "traffic", **data},
    }
    return json.dumps(body).encode()


async def tell(
    api: Any, body: bytes, name: str = "m1", cad: str = "cad-1", **headers: str | None
) -> Any:
    now = datetime.now(UTC)
    signed = {
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(KEY).sign(name, now, body.decode()),
    }
    signed |= {key.replace("_", "-"): value for key, value in headers.items()}
    async with api.as_(None) as nobody:
        return await nobody.post(
            f"/api/v1/cad/{cad}/calls",
            content=body,
            headers={key: value for key, value in signed.items() if value is not None},
        )


async def test_a_cad_tells_of_a_call_once(api: Any, desk: Any, store: Any) -> None:
    first = await tell(api, word("created", priority=7))
    assert first.status_code == 200, first.text
    assert first.json()["id"] == "m1"
    call = first.json()["call"]
    assert (call["id"], call["source"], call["priority"]) == ("cad-1:77", "cad", 7)
    again = await tell(api, word("created", priority=7))
    assert again.json()["call"]["received_at"] == call["received_at"]
    changed = await tell(api, word("updated", 5, priority=8, want=2), "m2")
    assert (changed.json()["call"]["priority"], changed.json()["call"]["want"]) == (8, 2)
    late = await tell(api, word("updated", 2, priority=1), "m3")
    assert late.json()["call"]["priority"] == 8
    ended = await tell(api, word("closed", 9, note="all gone"), "m4")
    assert (ended.json()["call"]["status"], ended.json()["call"]["reason"]) == ("done", "all gone")
    async with store.read() as session:
        told = await audit.latest(session, "call:cad-1:77", None, None, 10)
    assert [entry.action for entry in told][-1] == "call.created"
    assert {entry.actor for entry in told} == {"cad:cad-1"}
    assert len(told) == 4


async def test_no_call_is_refused_for_its_note(api: Any, desk: Any) -> None:
    answer = await tell(api, word("created", note="fire\x00" + "e" * 1000))
    assert answer.status_code == 200, answer.text
    note = answer.json()["call"]["note"]
    assert (len(note), note[:6], note[-1]) == (500, "fire e", "…")


async def test_a_call_that_was_closed_before_it_was_told_of_stays_closed(
    api: Any, desk: Any
) -> None:
    closed = await tell(api, word("closed", 9), "m2")
    assert closed.json()["call"]["status"] == "cancelled"
    created = await tell(api, word("created", 0), "m1")
    assert created.json()["call"]["status"] == "cancelled"
    assert not [call for call in desk.all() if call.open]


async def test_an_update_that_overtook_the_call_is_the_call(api: Any, desk: Any) -> None:
    await tell(api, word("updated", 5, priority=9), "m2")
    created = await tell(api, word("created", 0, priority=3), "m1")
    assert created.json()["call"]["priority"] == 9


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"webhook_signature": None}, 401),
        ({"webhook_signature": "v1"}, 401),
        ({"webhook_signature": "v1,AAAA"}, 401),
        ({"webhook_signature": "v1,not base64"}, 401),
        ({"webhook_id": "m9"}, 401),
        ({"webhook_id": None}, 401),
        ({"webhook_timestamp": "0"}, 401),
        ({"webhook_timestamp": "soon"}, 401),
        ({"cad": "cad-2"}, 404),
    ],
)
async def test_what_the_cad_did_not_sign_is_refused(
    api: Any, desk: Any, headers: dict[str, Any], status: int
) -> None:
    answer = await tell(api, word("created"), **headers)
    assert answer.status_code == status
    assert desk.all() == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"no json", "no JSON"),
        (b"[" * 60000, "no JSON"),
        (b"[]", "valid"),
        (b'{"type": "incident.opened"}', "type"),
        (word("created", lat=91), "data.lat"),
        (word("created", lon=100.0), "lon, lat: "),
        (word("created", id="a b"), "data.id"),
    ],
)
async def test_what_is_no_word_is_refused(api: Any, desk: Any, body: bytes, words: str) -> None:
    answer = await tell(api, body)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert desk.all() == []


async def test_a_call_does_not_move(api: Any, desk: Any) -> None:
    await tell(api, word("created"))
    moved = await tell(api, word("updated", 5, lat=24.512), "m2")
    assert moved.status_code == 422
    assert "does not move" in moved.json()["detail"]


async def test_what_is_too_long_is_not_read(api: Any, desk: Any) -> None:
    assert (await tell(api, b'"' + b"x" * 70_000 + b'"')).status_code == 413
