"""Standing policy over HTTP: seen, put, refused, flagged, asked for, and kept over a restart."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.flight.standing import Standing
from fleet.model.call import Call
from fleet.store import audit, calls
from missions.cells import city_cells

URL = "/api/v1/policy"
WHY = "the market is open again"
NIGHT = {"id": "night", "every_min": 7, "when": [{"start": "18:00", "end": "02:00"}]}
FLOOD = {"id": "flood", "every_min": 5, "where": {"sites": ["bridge"]}, "flag": "flood_warning"}


def body(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"policy": {"rules": rules, **more.pop("policy", {})}, "reason": WHY, **more}


async def put(api: Any, role: str = "pilot", **changes: Any) -> Any:
    async with api.as_(role) as caller:
        return await caller.put(URL, json={**body(NIGHT, FLOOD), **changes})


async def get(api: Any, path: str = "", **query: str) -> Any:
    async with api.as_("viewer") as viewer:
        return await viewer.get(URL + path, params=query)


async def test_at_first_it_is_the_city_files(api: Any) -> None:
    assert (await get(api)).json() == {
        "version": 0,
        "at": None,
        "by": "city file",
        "reason": "",
        "trouble": "",
        "policy": {},
        "flags": [],
    }


async def test_a_pilot_puts_one_and_it_counts_at_once(api: Any) -> None:
    answer = await put(api)
    assert answer.status_code == 200, answer.text
    found = (await get(api)).json()
    assert answer.json() == found
    assert (found["version"], found["by"], found["reason"]) == (1, "a pilot", WHY)
    assert found["policy"]["rules"][0]["every_min"] == 7
    assert [flag["name"] for flag in found["flags"]] == ["flood_warning"]
    evening = (await get(api, "/owed", at="2026-05-06T20:00:00Z")).json()
    assert {cell["owed_s"] for cell in evening["cells"]} == {420}
    assert {cell["rule"] for cell in evening["cells"]} == {"night"}
    noon = (await get(api, "/owed", at="2026-05-06T12:00:00Z")).json()
    assert {cell["rule"] for cell in noon["cells"]} == {None}
    assert [c["id"] for c in noon["cells"]] == [c.id for c in city_cells(api.context.city)]


async def test_what_is_put_is_kept_over_a_restart_with_its_versions(api: Any) -> None:
    await put(api)
    again = {"policy": {"rules": [FLOOD]}, "version": 1}
    assert (await put(api, **again)).json()["version"] == 2
    async with api.as_("pilot") as pilot:
        await pilot.put(f"{URL}/flags/flood_warning", json={"on": True, "reason": WHY})
    context = api.context
    fresh = Standing(context.city, context.store.standing, context.clock)
    await fresh.load()
    assert fresh.policy == api.flight.standing.policy
    assert fresh.record == api.flight.standing.record
    assert fresh.set_flags(datetime.now(UTC)) == {"flood_warning"}
    first = (await get(api, "/versions/1")).json()
    assert [rule["id"] for rule in first["body"]["rules"]] == ["night", "flood"]
    assert (await get(api, "/versions/0")).json()["body"] == {}
    missing = await get(api, "/versions/3")
    assert missing.status_code == 404
    assert missing.json()["detail"] == "no policy version 3; the newest is 2"


async def test_who_changed_an_older_version_is_told(api: Any) -> None:
    await put(api)
    late = await put(api, version=0)
    assert late.status_code == 409
    assert late.json()["detail"] == "version 1 by a pilot is the newest, not 0"
    assert (await get(api)).json()["version"] == 1


async def test_two_at_once_of_one_version_are_one(api: Any) -> None:
    answers = await asyncio.gather(*(put(api, version=0) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]


BAD = [
    ({"policy": {"rules": [{"id": "a"}]}}, "policy.rules.0.every_min: Field required"),
    (body({"id": "a", "every_min": 0}), "policy.rules.0.every_min: Input should be greater"),
    (body({"id": "a", "every_min": 1e9}), "policy.rules.0.every_min: Input should be less"),
    ({"policy": {"rules": [], "holidays": ["2026-13-01"]}}, "policy.holidays.0"),
    (body(policy={"holidays": [5]}), "policy.holidays.0: 5 is no day"),
    (body(policy={"history": {"strongest": 0.5}}), "policy.history.strongest"),
    (
        body({"id": "a", "every_min": 5, "when": [{"start": "18:00"}]}),
        "policy.rules.0.when.0: start and end go together",
    ),
    (
        body({"id": "a", "every_min": 5, "where": {"beats": ["b9"]}}),
        "policy.rules.0.where.beats.0: there is no beat 'b9'; there are",
    ),
    (
        body({"id": "a", "every_min": 5, "where": {"cells": ["b1/r99c99"]}}),
        "policy.rules.0.where.cells.0: there is no cell 'b1/r99c99'",
    ),
    (
        body({"id": "a", "every_min": 5, "where": {"line": [[0, 0]]}}),
        "policy.rules.0.where.line: Tuple should have at least 2 items",
    ),
    (
        body({"id": "a", "every_min": 5, "where": {"line": [[0, 91], [0, 0]]}}),
        "policy.rules.0.where.line.0.1: Input should be less than or equal to 90",
    ),
    (body(NIGHT, NIGHT), "policy.rules.1.id: id 'night' is already used in rules[0]"),
    (
        body(policy={"shifts": [{"id": "s", "airborne": 1, "reserve": 99}]}),
        "policy.shifts.0.reserve: 99 charged drones stay in docks; the city has",
    ),
    (
        body(policy={"shifts": [{"id": "s", "airborne": 99}]}),
        "policy.shifts.0.airborne: 99 is above the city's limit max_airborne",
    ),
    (body(*[NIGHT] * 101), "policy.rules: Tuple should have at most 100 items"),
    ({"policy": {"rulez": []}}, "policy.rulez: Extra inputs are not permitted"),
    ({"reason": "short"}, "reason: String should have at least 10 characters"),
    ({"policy": "none"}, "policy: Input should be"),
]


@pytest.mark.parametrize(("changes", "said"), BAD, ids=[said for _, said in BAD])
async def test_what_makes_no_sense_is_refused_and_nothing_is_stored(
    api: Any, changes: dict[str, Any], said: str
) -> None:
    answer = await put(api, **changes)
    assert answer.status_code == 422, answer.text
    assert said in answer.json()["detail"]
    assert await api.context.store.standing.latest() is None
    assert (await get(api)).json()["version"] == 0
    async with api.context.store.read() as session:
        assert await audit.latest(session, "policy") == []


async def test_a_flag_is_on_until_its_time(api: Any) -> None:
    await put(api)
    now = datetime.now(UTC)
    until = now + timedelta(hours=6)
    async with api.as_("pilot") as pilot:
        answer = await pilot.put(
            f"{URL}/flags/flood_warning",
            json={"on": True, "reason": "level at 3.6 m", "until": until.isoformat()},
        )
    assert answer.status_code == 200, answer.text
    flag = answer.json()
    assert (flag["on"], flag["by"], flag["reason"]) == (True, "a pilot", "level at 3.6 m")
    before = (await get(api, "/owed", at=(until - timedelta(minutes=1)).isoformat())).json()
    after = (await get(api, "/owed", at=until.isoformat())).json()
    assert (before["flags"], after["flags"]) == (["flood_warning"], [])
    assert 300.0 in {cell["owed_s"] for cell in before["cells"]}
    assert 300.0 not in {cell["owed_s"] for cell in after["cells"]}
    async with api.as_("pilot") as pilot:
        cleared = {"on": False, "reason": "level has fallen"}
        await pilot.put(f"{URL}/flags/flood_warning", json=cleared)
    assert (await get(api, "/owed")).json()["flags"] == []


@pytest.mark.parametrize(
    ("flag", "sent", "status", "said"),
    [
        (
            "drought",
            {"on": True},
            404,
            "no rule asks for a flag 'drought'; there are flood_warning",
        ),
        ("flood_warning", {"on": True, "until": "2020-01-01T00:00:00Z"}, 422, "until: 2020-01-01"),
        ("flood_warning", {"on": True, "until": "2030-01-01T00:00:00"}, 422, "until"),
        ("flood_warning", {"on": False, "until": "2090-01-01T00:00:00Z"}, 422, "until is only for"),
        ("flood_warning", {}, 422, "on: Field required"),
        ("flood_warning", {"on": True, "reason": ""}, 422, "reason"),
    ],
)
async def test_a_flag_that_makes_no_sense_is_refused(
    api: Any, flag: str, sent: dict[str, Any], status: int, said: str
) -> None:
    await put(api)
    async with api.as_("pilot") as pilot:
        answer = await pilot.put(f"{URL}/flags/{flag}", json={"reason": WHY, **sent})
    assert answer.status_code == status
    assert said in answer.json()["detail"]
    assert await api.context.store.standing.flags() == []


@pytest.mark.parametrize("at", ["yesterday", "2026-05-06T20:00:00", "0001-01-01T00:00:00Z"])
async def test_a_time_that_is_none_is_refused(api: Any, at: str) -> None:
    answer = await get(api, "/owed", at=at)
    assert answer.status_code == 422
    assert "at" in answer.json()["detail"]


async def test_only_pilots_change_it_and_only_viewers_see_it(api: Any) -> None:
    assert (await put(api, "officer")).status_code == 403
    async with api.as_("officer") as officer:
        sent = {"on": True, "reason": WHY}
        answer = await officer.put(f"{URL}/flags/flood_warning", json=sent)
        assert answer.status_code == 403
    async with api.as_(None) as nobody:
        assert (await nobody.get(URL)).status_code == 401
        assert (await nobody.get(f"{URL}/owed")).status_code == 401


async def test_it_is_in_the_audit(api: Any) -> None:
    await put(api)
    async with api.as_("pilot") as pilot:
        await pilot.put(f"{URL}/flags/flood_warning", json={"on": True, "reason": WHY})
    async with api.context.store.read() as session:
        acts = await audit.latest(session, limit=2)
    assert [(a.actor, a.action, a.subject, a.reason) for a in acts] == [
        ("a pilot", "policy.flag", "flag:flood_warning", WHY),
        ("a pilot", "policy.put", "policy", WHY),
    ]
    assert acts[1].details == {"version": 1}


async def test_a_stored_policy_that_no_longer_fits_the_city_is_said_and_not_used(api: Any) -> None:
    await put(api, **body({"id": "a", "every_min": 5, "where": {"beats": ["b1"]}}))
    context = api.context
    beats = tuple(beat.model_copy(update={"id": f"x-{beat.id}"}) for beat in context.city.beats)
    standing = Standing(
        context.city.model_copy(update={"beats": beats}), context.store.standing, context.clock
    )
    await standing.load()
    assert "policy.rules.0.where.beats.0: there is no beat 'b1'" in standing.trouble
    assert standing.policy == context.city.policy
    assert standing.record.version == 1
    api.flight.standing = standing
    assert "there is no beat 'b1'" in (await get(api)).json()["trouble"]
    assert (await put(api)).json()["version"] == 2
    assert (await get(api)).json()["trouble"] == ""


async def test_past_calls_are_learned_from_the_store(api: Any) -> None:
    context, standing = api.context, api.flight.standing
    now = context.clock.now()
    cell = 3
    before = standing.demand.weights(now)[cell]
    ring = city_cells(context.city)[cell].ring
    place = (sum(p[0] for p in ring) / len(ring), sum(p[1] for p in ring) / len(ring))

    def call(number: int, age: timedelta) -> Call:
        return Call(
            id=f"c{number}",
            lon=place[0],
            lat=place[1],
            kind="help",
            priority=5,
            want=1,
            on_scene_s=600,
            source="call",
            received_at=now - age,
            received_by="cad",
        )

    async with context.store.write() as tx:
        for number in range(20):
            await calls.save(tx.session, call(number, timedelta(days=100)))
    await standing.learn()
    assert standing.demand.weights(now)[cell] == pytest.approx(before)
    async with context.store.write() as tx:
        for number in range(20, 40):
            await calls.save(tx.session, call(number, timedelta(hours=number)))
    await standing.learn()
    assert standing.demand.weights(now)[cell] > 1.1 * before
