"""What an order asks to be looked for is what runs, over the changes of an order and a worker's death."""

import asyncio
import json
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest

from fleet.store import tokens
from fleet.store.store import Store

MARKET = "night-market"


def token(folder, role):
    """Make a token in the controller's database, as `skybeat token` does."""

    async def make():
        store = Store(folder)
        async with store.write() as tx:
            _, secret = await tokens.create(tx.session, f"test {uuid4()}", role, datetime.now(UTC))
        await store.close()
        return secret

    return asyncio.run(make())


def watched(demo):
    """Return the sites that drones' video is looked at for now, by the worker's own words."""
    open_, log = set(), demo.keep / "watch.log"
    for line in log.read_text().splitlines() if log.exists() else ():
        entry = json.loads(line) if line.startswith("{") else {}
        if entry.get("event") == "worker":
            open_ = set()
        elif entry.get("event") == "watch begins" and entry["key"].startswith(f"{MARKET}/"):
            open_.add(entry["key"])
        elif entry.get("event") == "watch ends":
            open_.discard(entry["key"])
    return open_


@pytest.mark.long
@pytest.mark.timeout(400)
def test_exactly_the_detectors_of_an_order_look_at_its_drones_video(start_demo):
    demo = start_demo("--headless")
    demo.until(lambda: watched(demo), 200, "the market is watched by default")
    data = demo.keep / "data"
    with httpx.Client(
        base_url=demo.address, headers={"authorization": f"Bearer {token(data, 'pilot')}"}
    ) as pilot:

        def drones():
            state = pilot.get("/api/v1/state").json()
            return {
                d["id"]: [one["kind"] for one in d["detectors"]]
                for d in state["drones"]
                if d["site"] == MARKET and d["state"] in ("on_way", "on_task")
            }

        (order,) = (
            o for o in pilot.get("/api/v1/missions").json() if o["request"]["sites"] == [MARKET]
        )
        at = f"/api/v1/missions/{order['id']}"

        def ask(detectors):
            answer = pilot.patch(at, json={"detectors": detectors}, timeout=20)
            assert answer.status_code == 200, answer.text

        (there,) = drones()
        assert drones() == {there: ["crowd"]}
        ask([])
        demo.until(lambda: not watched(demo), 20, "nothing looks any more")
        demo.until(lambda: drones() == {there: []}, 10, "and that is told")
        demo.find("watch").kill()
        demo.until(lambda: any("starting it again" in line for line in demo.err), 30, "a restart")
        lines = (demo.keep / "watch.log").read_text().count('"watch begins"')
        demo.until(
            lambda: (demo.keep / "watch.log").read_text().count('"watch begins"') > lines,
            30,
            "the new worker watches the other site",
        )
        assert not watched(demo), "nor does a worker that is started again"
        ask(["crowd"])
        demo.until(lambda: watched(demo) == {f"{MARKET}/{there}"}, 20, "it is looked at again")
        assert drones() == {there: ["crowd"]}, "the same drone is there all the while"
        refused = pilot.patch(at, json={"detectors": ["water"]}, timeout=20)
        assert refused.status_code == 422
        assert "names no site that has it" in refused.text
