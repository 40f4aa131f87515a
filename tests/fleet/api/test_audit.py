"""Who did what, and why, as an administrator reads it."""

from __future__ import annotations

from typing import Any


async def test_orders_and_recalls_are_in_it(api: Any) -> None:
    body = {"kind": "patrol", "beats": ["b1"], "note": "before the match"}
    async with api.as_("pilot") as pilot:
        order = (await pilot.post("/api/v1/missions", json=body)).json()["id"]
        await pilot.delete(f"/api/v1/missions/{order}")
        await pilot.post("/api/v1/recall", json={"reason": "storm"})
    async with api.as_("admin") as admin:
        acts = (await admin.get("/api/v1/audit")).json()
    told = [(act["actor"], act["action"], act["subject"], act["reason"]) for act in acts[:3]]
    assert told == [
        ("a pilot", "recall", "fleet", "storm"),
        ("a pilot", "order.cancel", f"order:{order}", ""),
        ("a pilot", "order.submit", f"order:{order}", "before the match"),
    ]
    assert acts[2]["details"]["beats"] == ["b1"]


async def test_it_is_asked_for_by_subject_time_and_number(api: Any) -> None:
    async with api.as_("pilot") as pilot:
        for reason in ("one", "two", "three"):
            await pilot.post("/api/v1/recall", json={"reason": reason})
            await pilot.post("/api/v1/drones/u1/commands", json={"action": "take_control"})
    async with api.as_("admin") as admin:

        async def asked(**query: Any) -> list[dict[str, Any]]:
            answer = await admin.get("/api/v1/audit", params=query)
            assert answer.status_code == 200
            found: list[dict[str, Any]] = answer.json()
            return found

        recalls = await asked(subject="fleet")
        assert [act["reason"] for act in recalls] == ["three", "two", "one"]
        assert [act["reason"] for act in await asked(subject="fleet", limit=1)] == ["three"]
        since = {"subject": "fleet", "from": recalls[1]["at"]}
        assert [act["reason"] for act in await asked(**since)] == ["three", "two"]
        until = {"subject": "fleet", "to": recalls[1]["at"]}
        assert [act["reason"] for act in await asked(**until)] == ["one"]
        commands = await asked(subject="drone:u1")
        assert {act["action"] for act in commands} == {"drone.command", "drone.answer"}
        naive = await admin.get("/api/v1/audit", params={"from": "2026-05-01T08:00:00"})
        assert naive.status_code == 422
        first = {"from": "0001-01-01T00:00:00+14:00"}
        assert (await admin.get("/api/v1/audit", params=first)).status_code == 422


async def test_it_is_an_administrators(api: Any) -> None:
    async with api.as_("pilot") as pilot:
        assert (await pilot.get("/api/v1/audit")).status_code == 403
