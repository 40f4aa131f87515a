"""MqttDocks against a real broker, with a dock played by a real client."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiomqtt
import pytest
from amqtt.broker import Broker as AmqttBroker

from fleet.docks import mqtt, mqtt_dock
from fleet.docks.mqtt import MqttDocks
from fleet.errors import DockError
from fleet.live import LiveHub
from fleet.model.states import DoorState
from missions.city import Broker

ROOT = "skybeat/v1/docks/d1"


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@asynccontextmanager
async def broker_on(port: int) -> AsyncIterator[AmqttBroker]:
    broker = AmqttBroker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {
                "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
            },
        }
    )
    await broker.start()
    try:
        yield broker
    finally:
        if broker.transitions.state == "started":
            await broker.shutdown()


def state(door: str = "closed", **more: Any) -> str:
    return json.dumps({"at": datetime.now(UTC).isoformat(), "door": door, "clear": True, **more})


class PlayedDock:
    """A dock's side of the wire, answering as told."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self.client = client
        self.heard: list[dict[str, Any]] = []
        self.answers: list[tuple[str, str]] = [("accepted", ""), ("done", "")]
        self.deaf_for = 0

    async def serve(self) -> None:
        await self.client.subscribe(f"{ROOT}/command", qos=1)
        await self.client.publish(f"{ROOT}/availability", "online", qos=1, retain=True)
        await self.client.publish(f"{ROOT}/state", state(wind_m_s=3.5), qos=1, retain=True)
        async for message in self.client.messages:
            command = json.loads(bytes(message.payload))
            self.heard.append(command)
            if self.deaf_for:
                self.deaf_for -= 1
                continue
            for result, reason in self.answers:
                if result == "done":
                    door = "open" if command["action"] == "open" else "closed"
                    await self.client.publish(f"{ROOT}/state", state(door), qos=1, retain=True)
                reply = {"command": command["id"], "result": result, "reason": reason}
                await self.client.publish(f"{ROOT}/reply", json.dumps(reply), qos=1)


@asynccontextmanager
async def played(port: int) -> AsyncIterator[PlayedDock]:
    will = aiomqtt.Will(f"{ROOT}/availability", "offline", qos=1, retain=True)
    async with aiomqtt.Client(
        "127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V311, will=will
    ) as client:
        dock = PlayedDock(client)
        task = asyncio.create_task(dock.serve())
        try:
            yield dock
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until(docks: MqttDocks, seen: Callable[[], bool], bound_s: float = 15) -> None:
    changed = asyncio.Event()
    stop = docks.docks["d1"].listen(changed.set)
    try:
        async with asyncio.timeout(bound_s):
            while not seen():
                changed.clear()
                await changed.wait()
    finally:
        stop()


async def test_state_reaches_the_hub_and_commands_are_answered() -> None:
    port, hub = free_port(), LiveHub()
    async with (
        broker_on(port),
        MqttDocks(Broker(url=f"mqtt://127.0.0.1:{port}"), ["d1"], hub) as docks,
    ):
        dock = docks.docks["d1"]
        with pytest.raises(DockError, match="not heard of"):
            await dock.open()
        async with played(port) as play:
            await until(docks, lambda: dock.state.online and dock.state.door is DoorState.CLOSED)
            assert hub.get("dock", "d1") == dock.state
            assert dock.state.wind_m_s == 3.5
            await dock.open()
            command = play.heard[0]
            assert command["action"] == "open"
            assert datetime.fromisoformat(command["expires_at"]) > datetime.fromisoformat(
                command["issued_at"]
            )
            play.answers = [("refused", "drone in the way")]
            with pytest.raises(DockError, match="close refused: drone in the way"):
                await dock.close()


async def test_an_unanswered_command_is_sent_again_under_the_same_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mqtt_dock, "ANSWER_S", 0.3)
    port = free_port()
    async with (
        broker_on(port),
        MqttDocks(Broker(url=f"mqtt://127.0.0.1:{port}"), ["d1"], LiveHub()) as docks,
        played(port) as play,
    ):
        dock = docks.docks["d1"]
        await until(docks, lambda: dock.state.online)
        play.deaf_for = 1
        await dock.open()
        assert len(play.heard) == 2
        assert len({c["id"] for c in play.heard}) == 1
        play.deaf_for = 99
        with pytest.raises(DockError, match="no answer to 3 tries"):
            await dock.close()


async def test_last_will_shows_the_dock_offline_and_nonsense_is_passed_over() -> None:
    port = free_port()
    async with (
        broker_on(port),
        MqttDocks(Broker(url=f"mqtt://127.0.0.1:{port}"), ["d1"], LiveHub()) as docks,
    ):
        dock = docks.docks["d1"]
        async with played(port) as play:
            await until(docks, lambda: dock.state.online)
            for nonsense in (b"\xff", b"{}", b'{"door": "ajar"}', b"null"):
                await play.client.publish(f"{ROOT}/state", nonsense, qos=1)
            await play.client.publish(f"{ROOT}/state", state("jammed"), qos=1)
            await until(docks, lambda: dock.state.door is DoorState.JAMMED)
            assert dock.state.reason == "door is jammed"
            transport = play.client._client.socket()
            assert transport is not None
            transport.shutdown(socket.SHUT_RDWR)  # die without a word
            await until(docks, lambda: not dock.state.online)
            assert dock.state.reason == "dock is offline"


async def test_the_connection_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "FIRST_BACKOFF_S", 0.1)
    port = free_port()
    url = f"mqtt://127.0.0.1:{port}"
    async with broker_on(port) as first, MqttDocks(Broker(url=url), ["d1"], LiveHub()) as docks:
        dock = docks.docks["d1"]
        async with played(port):
            await until(docks, lambda: dock.state.online)
        await first.shutdown()
        await until(docks, lambda: "broker is not reached" in dock.state.reason)
        with pytest.raises(DockError, match="broker is not reached"):
            await dock.open()
        async with broker_on(port), played(port):
            await until(docks, lambda: dock.state.online)
            await dock.open()


async def test_no_broker_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "START_S", 0.5)
    url = f"mqtt://127.0.0.1:{free_port()}"
    with pytest.raises(DockError, match=f"no MQTT broker at {url}") as caught:
        async with MqttDocks(Broker(url=url), ["d1"], LiveHub()):
            pytest.fail("connected to nothing")
    assert "running" in caught.value.hint


async def test_missing_credentials_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SKYBEAT_TEST_USER", raising=False)
    broker = Broker(url="mqtt://127.0.0.1:1", username_env="SKYBEAT_TEST_USER")
    with pytest.raises(DockError, match="SKYBEAT_TEST_USER is not set"):
        async with MqttDocks(broker, ["d1"], LiveHub()):
            pytest.fail("connected without its user")
