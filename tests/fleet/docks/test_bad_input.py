"""What a dock may say that is wrong, late, twice or not its own: over a real broker."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import aiomqtt
import pytest
from amqtt.broker import Broker as AmqttBroker
from hypothesis import given
from hypothesis import strategies as st

from fleet.docks import mqtt_dock, order
from fleet.docks.mqtt import MqttDocks
from fleet.docks.mqtt_dock import MqttDock
from fleet.docks.order import SET_BACK, SET_BACK_S, Order
from fleet.docks.wire import MOST_BYTES
from fleet.errors import DockError
from fleet.live import LiveHub
from fleet.model.states import DoorState
from missions.city import Broker

ROOT = "skybeat/v1/docks"

SLOW_S = 1.0
"""Of the door of d1."""


class Wire:
    """A controller's docks, and a client that says what it likes."""

    def __init__(self, docks: MqttDocks, client: aiomqtt.Client, port: int) -> None:
        self.docks, self.client, self.port = docks, client, port
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    @property
    def dock(self) -> MqttDock:
        return self.docks.docks["d1"]

    async def say(self, part: str, body: Any, dock: str = "d1", **more: Any) -> None:
        payload = body if isinstance(body, bytes) else json.dumps(body)
        await self.client.publish(f"{ROOT}/{dock}/{part}", payload, qos=1, **more)

    async def state(self, door: str = "closed", late_s: float = 0.0, **fields: Any) -> None:
        at = datetime.now(UTC) - timedelta(seconds=late_s)
        retain = fields.pop("retain", False)
        body = {"at": at.isoformat(), "door": door, "clear": True, **fields}
        await self.say("state", body, retain=retain)

    async def until(self, seen: Callable[[], bool], bound_s: float = 10.0) -> None:
        changed = asyncio.Event()
        stops = [dock.listen(changed.set) for dock in self.docks.docks.values()]
        try:
            async with asyncio.timeout(bound_s):
                while not seen():
                    changed.clear()
                    await changed.wait()
        finally:
            for stop in stops:
                stop()

    async def settled(self) -> None:
        """Wait until all that was said has been heard: the wire keeps its order."""
        mark = round(datetime.now(UTC).timestamp() % 1000, 3)
        body = {"at": datetime.now(UTC).isoformat(), "door": "closed", "clear": True}
        await self.say("state", {**body, "wind_m_s": mark % 100}, dock="d2")
        await self.until(lambda: self.docks.docks["d2"].state.wind_m_s == mark % 100)


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = int(s.getsockname()[1])
    plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    listeners = {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}}
    broker = AmqttBroker({"listeners": listeners, "plugins": plugins})
    await broker.start()
    city = Broker(url=f"mqtt://127.0.0.1:{port}")
    try:
        async with (
            MqttDocks(city, ["d1", "d2"], LiveHub(), doors_s={"d1": SLOW_S}) as docks,
            aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V311) as client,
        ):
            one = Wire(docks, client, port)
            await client.subscribe(f"{ROOT}/+/command", qos=1)

            async def listen() -> None:
                async for message in client.messages:
                    one.heard.put_nowait(json.loads(bytes(message.payload)))

            listening = asyncio.create_task(listen())
            await one.state(wind_m_s=3.0)
            await one.until(lambda: one.dock.state.online)
            yield one
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
    finally:
        await broker.shutdown()


GOOD = {"at": "2030-01-01T00:00:00Z", "door": "open", "clear": True}
SHAPES: dict[str, Any] = {
    "no JSON": b"\xff\xfe{",
    "a list": [GOOD],
    "a word": "open",
    "no door": {"at": "2030-01-01T00:00:00Z", "clear": True},
    "a door that is none": {**GOOD, "door": "ajar"},
    "a time without a zone": {**GOOD, "at": "2030-01-01T00:00:00"},
    "no time": {**GOOD, "at": "soon"},
    "a wind of a thousand": {**GOOD, "wind_m_s": 1000},
    "a wind that is no number": b'{"at":"2030-01-01T00:00:00Z","door":"open","clear":true,"wind_m_s":NaN}',
    "a hundred drones": {**GOOD, "occupants": [f"x{n}" for n in range(100)]},
    "a name of a kilobyte": {**GOOD, "occupants": ["x" * 1024]},
    "charged to 200": {**GOOD, "charging": {"a1": 200}},
    "deep": b"[" * 5000,
    "huge": b" " * (MOST_BYTES + 1) + json.dumps(GOOD).encode(),
    "another dock's": {**GOOD, "dock": "d2"},
}


@pytest.mark.parametrize("shape", list(SHAPES))
async def test_a_state_of_the_wrong_shape_changes_nothing_and_is_told(
    wire: Wire, shape: str
) -> None:
    before = wire.dock.state
    await wire.say("state", SHAPES[shape])
    await wire.until(lambda: "dock's state cannot be read" in wire.dock.state.reason)
    after = wire.dock.state.model_copy(update={"reason": before.reason})
    assert after == before
    await wire.state(wind_m_s=4.0)
    await wire.until(lambda: wire.dock.state.reason == "" and wire.dock.state.wind_m_s == 4.0)


async def test_a_message_of_megabytes_is_passed_over(wire: Wire) -> None:
    await wire.say("state", b"x" * 3_000_000)
    await wire.until(lambda: "3000000 bytes; 65536 are allowed" in wire.dock.state.reason)


async def test_availability_is_one_of_two_words(wire: Wire) -> None:
    await wire.say("availability", b"perhaps")
    await wire.until(lambda: "neither online nor offline" in wire.dock.state.reason)
    assert wire.dock.state.online
    await wire.say("availability", b"offline")
    await wire.until(lambda: not wire.dock.state.online)


async def test_topics_that_are_no_docks_are_passed_over(wire: Wire) -> None:
    before = wire.docks.docks.keys()
    for topic in (f"{ROOT}/d9/state", f"{ROOT}/D1/state", f"{ROOT}/d1/state/more"):
        await wire.client.publish(topic, json.dumps(GOOD), qos=1)
    await wire.settled()
    assert wire.docks.docks.keys() == before
    assert wire.dock.state.door is DoorState.CLOSED


async def test_a_state_that_comes_late_or_twice_changes_nothing(wire: Wire) -> None:
    await wire.state("open")
    await wire.until(lambda: wire.dock.state.door is DoorState.OPEN)
    await wire.state("closed", late_s=2.0)
    await wire.state("closed", late_s=2.0)
    await wire.settled()
    assert wire.dock.state.door is DoorState.OPEN


async def test_a_dock_whose_clock_was_set_back_is_heard_again(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order, "SET_BACK_S", 0.0)
    await wire.state("open")
    await wire.until(lambda: wire.dock.state.door is DoorState.OPEN)
    for n in range(SET_BACK):
        await wire.state("closed", late_s=3600.0 - n)
    await wire.until(lambda: wire.dock.state.door is DoorState.CLOSED)
    heard = wire.dock.state.at
    assert heard is not None
    assert datetime.now(UTC) - heard < timedelta(seconds=10), "it is heard now, whatever it says"


async def test_what_a_line_kept_and_sends_late_all_at_once_is_not_believed(wire: Wire) -> None:
    await wire.state("closed", wind_m_s=7.0)
    await wire.until(lambda: wire.dock.state.wind_m_s == 7.0)
    for n in range(12):
        await wire.state("open", late_s=60.0 - 5 * n)
    await wire.settled()
    assert wire.dock.state.door is DoorState.CLOSED


async def test_a_state_that_the_broker_kept_is_as_old_as_it_says(wire: Wire) -> None:
    await wire.state("open", late_s=300.0, retain=True)
    city = Broker(url=f"mqtt://127.0.0.1:{wire.port}")
    async with MqttDocks(city, ["d1"], LiveHub()) as later:
        dock, changed = later.docks["d1"], asyncio.Event()
        dock.listen(changed.set)
        async with asyncio.timeout(10):
            while dock.state.at is None:
                changed.clear()
                await changed.wait()
        assert dock.state.door is DoorState.OPEN
        assert datetime.now(UTC) - dock.state.at > timedelta(seconds=290)


async def test_replies_to_commands_never_sent_change_nothing(wire: Wire) -> None:
    for result in ("done", "failed", "accepted"):
        await wire.say("reply", {"command": str(uuid4()), "result": result})
    for nonsense in ({"command": "x", "result": "done"}, {"result": "done"}, b"done"):
        await wire.say("reply", nonsense)
    await wire.until(lambda: "dock's reply cannot be read" in wire.dock.state.reason)
    assert wire.dock.state.door is DoorState.CLOSED
    assert wire.dock.state.online


async def answers(wire: Wire, *replies: tuple[str, str], dock: str = "d1") -> None:
    """Answer the next command so, on a dock's topic."""
    command = await asyncio.wait_for(wire.heard.get(), 10)
    for result, reason in replies:
        body = {"command": command["id"], "result": result, "reason": reason}
        await wire.say("reply", body, dock=dock)


async def test_another_docks_reply_is_no_answer(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt_dock, "ANSWER_S", 0.3)
    opening = asyncio.create_task(wire.dock.open())
    await answers(wire, ("done", ""), dock="d2")
    with pytest.raises(DockError, match="no answer to 3 tries"):
        await opening


async def test_done_is_believed_only_with_a_state_that_says_so(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt_dock, "SHOWN_S", 0.3)
    opening = asyncio.create_task(wire.dock.open())
    await answers(wire, ("accepted", ""), ("done", ""))
    with pytest.raises(DockError, match=r"open is done, it says, but its state says .* closed"):
        await opening
    monkeypatch.setattr(mqtt_dock, "SHOWN_S", 10.0)
    opening = asyncio.create_task(wire.dock.open())
    await answers(wire, ("accepted", ""), ("done", ""))
    await wire.state("open")  # after the reply, which may be
    await asyncio.wait_for(opening, 10)


async def test_answers_that_come_twice_and_in_disorder_are_one_answer(wire: Wire) -> None:
    opening = asyncio.create_task(wire.dock.open())
    await wire.state("open")
    await answers(wire, ("done", ""), ("accepted", ""), ("done", ""), ("done", ""))
    await asyncio.wait_for(opening, 10)
    closing = asyncio.create_task(wire.dock.close())
    await answers(wire, ("refused", "drone in the way"))
    with pytest.raises(DockError, match="close refused: drone in the way"):
        await closing


@pytest.mark.parametrize(("bound_s", "given_up_s"), [(0.2, 1.5 * SLOW_S), (2.0, 2.0)])
async def test_a_door_that_is_said_to_be_moving_for_longer_than_a_slow_one_may_is_given_up(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, bound_s: float, given_up_s: float
) -> None:
    monkeypatch.setattr(mqtt_dock, "DOOR_S", bound_s)
    opening = asyncio.create_task(wire.dock.open())
    command = await asyncio.wait_for(wire.heard.get(), 10)

    async def accept() -> None:
        while True:
            await wire.say("reply", {"command": command["id"], "result": "accepted"})
            await asyncio.sleep(0.2)

    accepting = asyncio.create_task(accept())
    try:
        with pytest.raises(DockError, match=f"open: not done within {given_up_s:g} s"):
            await asyncio.wait_for(opening, 8)
    finally:
        accepting.cancel()
        await asyncio.gather(accepting, return_exceptions=True)


async def test_a_dock_that_dies_while_its_door_moves_is_not_waited_for(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The drone that waits over it has another dock to go to, and a battery."""
    monkeypatch.setattr(mqtt_dock, "SHOWN_S", 0.3)
    opening = asyncio.create_task(wire.dock.open())
    await answers(wire, ("accepted", ""))
    await wire.say("availability", b"offline")
    with pytest.raises(DockError, match="open: dock is offline"):
        await asyncio.wait_for(opening, 8)


async def test_a_storm_of_nonsense_does_not_keep_a_good_word_from_being_heard(wire: Wire) -> None:
    for n in range(300):
        await wire.client.publish(f"{ROOT}/d1/state", b"{" * (n + 1), qos=0)
    await wire.state("open")
    await wire.until(lambda: wire.dock.state.door is DoorState.OPEN)


# the order alone

T0 = datetime(2026, 1, 1, tzinfo=UTC)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 6)), min_size=1, max_size=40))
def test_taken_states_go_forward_but_for_a_clock_that_was_set_back(
    told: list[tuple[int, int]],
) -> None:
    one, taken, now_s = Order(), [], 0.0
    seconds, came = [second for second, _ in told], []
    for index, (second, passed) in enumerate(told):
        now_s += passed
        came.append(now_s)
        if one.takes(T0 + timedelta(seconds=second), now_s):
            taken.append((index, second))
    assert taken[0] == (0, seconds[0])
    for (before, a), (i, b) in itertools.pairwise(taken):
        if b < a:  # three late ones in a row, each newer than the one before
            late = seconds[i - SET_BACK + 1 : i + 1]
            assert came[i] - came[before + 1] >= SET_BACK_S
            assert len(late) == SET_BACK
            assert all(x < y for x, y in itertools.pairwise(late))
            assert all(x < a for x in late)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=30))
def test_states_in_order_are_all_taken(seconds: list[int]) -> None:
    one = Order()
    assert all(one.takes(T0 + timedelta(seconds=s), 0.0) for s in sorted(seconds))
