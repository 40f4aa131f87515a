"""The plan and the cells' ages over HTTP, and how the stream tells of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from fleet.live import LiveHub
from fleet.model.plan import CellSeen, DronePlan, PlanItem

NOW = datetime.now(UTC)


def item(drone: str, **more: Any) -> PlanItem:
    values: dict[str, Any] = {
        "drone": drone,
        "dock": "d1",
        "order": "o",
        "kind": "patrol",
        "start": NOW,
        "end": NOW + timedelta(minutes=20),
        "state": "flying",
        "sortie": "s",
    }
    return PlanItem(**(values | more))


async def test_the_plan_is_every_drones(api: Any, hub: LiveHub) -> None:
    made = NOW - timedelta(seconds=9)
    charge = item("u2", kind="charge", order=None, sortie=None)
    hub.publish("plan", "u1", DronePlan(drone="u1", at=NOW, items=(item("u1", cells=("c1",)),)))
    hub.publish("plan", "u2", DronePlan(drone="u2", at=NOW, made_at=made, items=(charge,)))
    async with api.as_("viewer") as viewer:
        answer = await viewer.get("/api/v1/plan")
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"at", "made_at", "items"}
    assert datetime.fromisoformat(body["made_at"]) == made
    first, second = body["items"]
    assert set(first) == {
        "drone", "dock", "order", "kind", "start", "end", "cells", "state", "sortie",
    }  # fmt: skip
    assert (first["drone"], first["kind"], first["cells"]) == ("u1", "patrol", ["c1"])
    assert (second["kind"], second["order"], second["sortie"]) == ("charge", None, None)


async def test_cells_tell_their_ages(api: Any, hub: LiveHub) -> None:
    seen = CellSeen(id="b1/r0c0", seen_at=NOW - timedelta(seconds=90), owed_s=3600)
    hub.publish("cell", "b1/r0c0", seen)
    hub.publish("cell", "b1/r0c1", CellSeen(id="b1/r0c1"))
    async with api.as_("viewer") as viewer:
        body = (await viewer.get("/api/v1/cells")).json()
    first, never = body["cells"]
    age = (datetime.fromisoformat(body["at"]) - seen.seen_at).total_seconds()  # type: ignore[operator]
    assert (first["id"], first["owed_s"]) == ("b1/r0c0", 3600)
    assert first["age_s"] == age >= 90
    assert never == {"id": "b1/r0c1", "seen_at": None, "owed_s": None, "age_s": None}


async def test_who_may_not_look_is_told_nothing(api: Any) -> None:
    for path in ("/api/v1/plan", "/api/v1/cells"):
        async with api.as_(None) as nobody:
            assert (await nobody.get(path)).status_code == 401
        async with api.as_("worker") as worker:
            assert (await worker.get(path)).status_code == 403


async def test_the_stream_tells_the_cells_that_changed_at_once(
    api: Any, served: Any, hub: LiveHub
) -> None:
    headers = {"authorization": f"Bearer {api.secrets['viewer']}"}
    async with (
        served() as (url, _),
        httpx.AsyncClient(headers=headers, timeout=10, trust_env=False) as http,
        http.stream("GET", f"{url}/api/v1/stream") as answer,
    ):
        lines = answer.aiter_lines()

        async def event() -> tuple[str, Any]:
            name = ""
            async for line in lines:
                if line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    return name, json.loads(line[6:])
            raise AssertionError("the stream has ended")

        assert (await event())[0] == "state"
        for number in range(40):
            hub.publish("cell", f"c{number}", CellSeen(id=f"c{number}", seen_at=NOW, owed_s=60))
        hub.publish("plan", "u1", DronePlan(drone="u1", at=NOW, items=(item("u1"),)))
        came = {"cells": [], "plan": []}
        while len(came["plan"]) < 1 or sum(map(len, came["cells"])) < 40:
            name, body = await event()
            came[name].append(body["cells"] if name == "cells" else body)
        assert len(came["cells"]) <= 2  # not one event a cell
        assert came["plan"][0]["drone"] == "u1"
        assert came["plan"][0]["items"][0]["state"] == "flying"
