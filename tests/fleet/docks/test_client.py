"""A cancellation is never lost, whenever it comes. Over a real broker; the simulator's client too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiomqtt
import pytest

from fleet.docks.client import Client
from sitl.broker import Broker
from sitl.mqtt import Client as SimClient


@pytest.fixture
async def port() -> AsyncIterator[int]:
    broker = Broker("127.0.0.1", 0)
    await broker.start()
    yield broker.port
    await broker.stop()


@pytest.mark.parametrize("make", [Client, SimClient])
async def test_who_is_cancelled_as_the_broker_answers_ends(
    port: int, make: type[aiomqtt.Client]
) -> None:
    """At each of the first turns of the loop after the answer."""
    for turns in range(5):
        async with make("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V311) as client:
            went_on = asyncio.Event()

            async def says(client: aiomqtt.Client = client, on: asyncio.Event = went_on) -> None:
                await client.publish("a", "x", qos=1)
                await asyncio.sleep(0)
                on.set()
                await asyncio.Event().wait()

            saying = asyncio.create_task(says())
            answered = client._client.on_publish

            def hears(
                *words: Any, task: Any = saying, left: int = turns, then: Any = answered
            ) -> None:
                then(*words)
                _in_turns(left, task.cancel)

            client._client.on_publish = hears
            await asyncio.wait([saying], timeout=5)
            ended = saying.done()
            saying.cancel()
            assert ended, f"cancelled {turns} turns after the answer, and goes on"


@pytest.mark.parametrize("make", [Client, SimClient])
async def test_a_broker_that_does_not_answer_is_an_error(
    make: type[aiomqtt.Client],
) -> None:
    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1)
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        client = make("127.0.0.1", server.sockets[0].getsockname()[1], timeout=0.2)
        with pytest.raises(aiomqtt.MqttError, match="timed out"):
            async with client:
                pytest.fail("it is connected to nothing")


def _in_turns(left: int, then: Any) -> None:
    if left == 0:
        then()
    else:
        asyncio.get_running_loop().call_soon(_in_turns, left - 1, then)
