"""Addresses, and whom a vehicle answers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from sitl.autopilot.link import Endpoint, UdpLink
from sitl.errors import AddressError, VehicleError


def test_addresses_follow_px4s_scheme():
    assert Endpoint.parse("udpin://0.0.0.0:14540") == Endpoint(
        ("0.0.0.0", 14580), ("127.0.0.1", 14540)
    )
    assert Endpoint.parse("udpout://127.0.0.1:15000") == Endpoint(("127.0.0.1", 15000), None)


@pytest.mark.parametrize(
    "url", ["tcpout://127.0.0.1:5760", "udpin://0.0.0.0", "udpin://0.0.0.0:65530", "udpout://h:0"]
)
def test_addresses_it_cannot_have(url):
    with pytest.raises(AddressError, match=r"udpin|port"):
        Endpoint.parse(url)


class Peer:
    """A controller's socket."""

    def __init__(self, port=0):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]

    def say(self, data, port):
        self.socket.sendto(data, ("127.0.0.1", port))

    async def hear(self):
        return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.socket, 2000), 5.0)

    def silent(self):
        try:
            return not self.socket.recv(2000)
        except BlockingIOError:
            return True


@pytest.fixture
async def listening(request):
    """A link that listens (udpout), its port, what it heard, and a clock to turn."""
    clock = [0.0]
    heard: list[bytes] = []
    link = UdpLink(Endpoint(("127.0.0.1", 0), None), heard.append, lambda: clock[0])
    await link.open()
    port = link._transport.get_extra_info("sockname")[1]
    yield link, port, heard, clock
    link.close()


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5.0):
        while not condition():
            await asyncio.sleep(0.005)


async def test_only_the_first_peer_is_heard_until_it_is_silent(listening):
    link, port, heard, clock = listening
    first, second = Peer(), Peer()
    first.say(b"a", port)
    await _until(lambda: heard == [b"a"])
    second.say(b"b", port)
    first.say(b"c", port)
    await _until(lambda: heard[-1] == b"c")
    assert heard == [b"a", b"c"]
    link.send(b"x")
    assert await first.hear() == b"x"
    assert second.silent()
    clock[0] = 3.5
    second.say(b"d", port)
    await _until(lambda: heard[-1] == b"d")
    link.send(b"y")
    assert await second.hear() == b"y"


async def test_it_speaks_first_where_the_controller_listens_and_again_after_a_restart():
    controller = Peer()
    heard: list[bytes] = []
    link = UdpLink(
        Endpoint(("127.0.0.1", 0), ("127.0.0.1", controller.port)), heard.append, lambda: 0.0
    )
    await link.open()
    try:
        link.send(b"hello")
        assert await controller.hear() == b"hello"
        controller.socket.close()
        for _ in range(5):
            link.send(b"lost")
            await asyncio.sleep(0)
        again = Peer(controller.port)
        link.send(b"back")
        assert (await again.hear()) in (b"back", b"lost")
        assert link.peer == ("127.0.0.1", controller.port)
    finally:
        link.close()


async def test_a_taken_port_is_named():
    taken = Peer()
    link = UdpLink(Endpoint(("127.0.0.1", taken.port), None), lambda _: None, lambda: 0.0)
    with pytest.raises(VehicleError, match=str(taken.port)):
        await link.open()
