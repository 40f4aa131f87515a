"""A dock on a real broker, spoken to as the controller does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiomqtt

from missions.city import Dock as DockPlace
from sitl.broker import Broker
from sitl.dock import Dock
from sitl.dock_mqtt import DockLine
from sitl.log import JsonLog
from sitl.scenario import Weather

BASE = "skybeat/v1/docks/pad"


class Controller:
    """Reads everything a dock says."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self.client = client
        self.seen: list[tuple[str, Any, bool]] = []
        self.news = asyncio.Event()

    async def read(self) -> None:
        async for message in self.client.messages:
            name = message.topic.value.rpartition("/")[2]
            if name == "command":
                continue
            text = bytes(message.payload).decode()
            self.seen.append(
                (name, text if name == "availability" else json.loads(text), message.retain)
            )
            self.news.set()

    async def until(self, name: str, **wanted: Any) -> dict[str, Any]:
        """Wait for a message with these fields and return it."""

        def match() -> Any:
            for kind, body, _ in self.seen:
                if kind == name and all(body.get(k) == v for k, v in wanted.items()):
                    return body
            return None

        async with asyncio.timeout(10):
            while (found := match()) is None:
                self.news.clear()
                await self.news.wait()
        return found

    async def order(self, action: str, *, life: float = 20.0, name: str | None = None) -> str:
        name = name or str(uuid4())
        now = datetime.now(UTC)
        body = {
            "id": name, "action": action, "issued_at": now.isoformat(),
            "expires_at": (now + timedelta(seconds=life)).isoformat(),
        }  # fmt: skip
        await self.client.publish(f"{BASE}/command", json.dumps(body), qos=1)
        return name


@asynccontextmanager
async def world(log: Path | None = None) -> AsyncIterator[tuple[Controller, DockLine]]:
    broker = Broker("127.0.0.1", 0)
    await broker.start()
    place = DockPlace(id="pad", position=(117.66, 24.5), door_s=0.4)
    dock = Dock(place, 10.0, Weather(wind_m_s=4.5))
    line = DockLine(dock, {}, "127.0.0.1", broker.port, JsonLog(log))
    client = aiomqtt.Client(
        "127.0.0.1", broker.port, protocol=aiomqtt.ProtocolVersion.V311, timeout=5
    )
    try:
        async with client:
            controller = Controller(client)
            await client.subscribe(f"{BASE}/#", qos=1)
            tasks = [asyncio.create_task(controller.read()), asyncio.create_task(line.run())]
            try:
                yield controller, line
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        await broker.stop()


async def test_a_door_opens_and_closes(tmp_path: Path) -> None:
    log = tmp_path / "docks.jsonl"
    async with world(log) as (controller, _):
        state = await controller.until("state", door="closed")
        assert state["clear"] is True
        assert state["wind_m_s"] == 4.5
        assert datetime.fromisoformat(state["at"]).tzinfo is not None
        name = await controller.order("open")
        await controller.until("reply", command=name, result="accepted")
        await controller.until("state", door="opening")
        await controller.until("reply", command=name, result="done")
        await controller.until("state", door="open")
        name = await controller.order("close")
        await controller.until("reply", command=name, result="done")
        assert ("availability", "online", False) in controller.seen
    doors = [json.loads(line)["door"] for line in log.read_text().splitlines()]
    assert doors == ["closed", "opening", "open", "closing", "closed"]


async def test_a_jam_an_expired_command_and_a_repeated_id() -> None:
    async with world() as (controller, line):
        await asyncio.wait_for(line.connected.wait(), 10)
        late = await controller.order("open", life=-1.0)
        assert "expired" in (await controller.until("reply", command=late))["reason"]
        line.dock.jam(True)
        name = await controller.order("open")
        failed = await controller.until("reply", command=name, result="failed")
        assert failed["reason"] == "door jammed"
        await controller.until("state", door="jammed")
        line.dock.jam(False)
        await controller.until("state", door="open")
        close = await controller.order("close")
        await controller.until("reply", command=close, result="done")
        controller.seen.clear()
        await controller.order("open", name=name)
        again = await controller.until("reply", command=name)
        assert again["result"] == "failed"
        assert line.dock.door.value == "closed"


async def test_the_state_is_kept_for_those_who_come_later() -> None:
    async with world() as (controller, _):
        await controller.until("state", door="closed")
        host, port = controller.client._hostname, controller.client._port
        late = aiomqtt.Client(host, port, protocol=aiomqtt.ProtocolVersion.V311, timeout=5)
        async with late:
            await late.subscribe(f"{BASE}/state", qos=1)
            async for message in late.messages:
                assert message.retain
                # amqtt 0.12 hands a new subscriber what is kept for others' filters too
                if message.topic.value != f"{BASE}/state":
                    continue
                assert json.loads(bytes(message.payload))["door"] == "closed"
                break


async def test_a_dock_that_leaves_the_network_is_offline_and_comes_back() -> None:
    async with world() as (controller, line):
        await asyncio.wait_for(line.connected.wait(), 10)
        line.set_offline(True)

        async def says(text: str) -> None:
            async with asyncio.timeout(10):
                while not any(k == "availability" and b == text for k, b, _ in controller.seen):
                    controller.news.clear()
                    await controller.news.wait()

        await says("offline")
        controller.seen.clear()
        line.set_offline(False)
        await says("online")


async def test_rubbish_on_the_command_topic_changes_nothing() -> None:
    async with world() as (controller, line):
        await controller.until("state", door="closed")
        await controller.client.publish(f"{BASE}/command", b"\xff not json", qos=1)
        name = await controller.order("open")
        await controller.until("reply", command=name, result="done")
        assert line.dock.door.value == "open"
