from __future__ import annotations

import socket

import aiomqtt
import pytest

from sitl.broker import Broker, BrokerError, address


def client(port: int) -> aiomqtt.Client:
    return aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V311, timeout=5)


async def test_it_carries_retained_messages() -> None:
    broker = Broker("127.0.0.1", 0)
    await broker.start()
    try:
        async with client(broker.port) as one:
            await one.publish("a/b", b"kept", qos=1, retain=True)
        async with client(broker.port) as other:
            await other.subscribe("a/#", qos=1)
            async for message in other.messages:
                assert message.payload == b"kept"
                assert message.retain
                break
    finally:
        await broker.stop()


async def test_a_taken_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BrokerError, match=f"127.0.0.1:{port}: Address already in use") as error:
            await Broker("127.0.0.1", port).start()
    assert "broker: url:" in error.value.hint


async def test_it_can_be_started_again_on_its_port() -> None:
    broker = Broker("127.0.0.1", 0)
    await broker.start()
    port = broker.port
    await broker.stop()
    again = Broker("127.0.0.1", port)
    await again.start()
    await again.stop()


def test_only_this_machine_is_listened_on() -> None:
    with pytest.raises(BrokerError, match=r"127\.0\.0\.1 only"):
        Broker("0.0.0.0", 0)
    with pytest.raises(BrokerError, match="cannot be simulated"):
        address("mqtts://broker.example:8883")
    assert address("mqtt://127.0.0.1") == ("127.0.0.1", 1883)
