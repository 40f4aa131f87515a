"""One vehicle's UDP socket, in PX4's address scheme."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from sitl.errors import AddressError, VehicleError

PORT_OFFSET = 40
"""PX4's onboard link binds 14580 + i and sends to 14540 + i."""
_SILENT_S = 3.0
_BUFFER = 256 * 1024
_URL = re.compile(r"^(udpin|udpout)://([^:/\s]+):(\d{1,5})$")

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a vehicle listens, and where it sends without having been spoken to.

    The address is the controller's, as in mavsdk: ``udpin://0.0.0.0:PORT`` means that the
    controller listens on PORT, so the vehicle binds PORT + 40 and sends to 127.0.0.1:PORT;
    ``udpout://127.0.0.1:PORT`` means that the vehicle listens on PORT and answers.
    """

    bind: Address
    peer: Address | None

    @classmethod
    def parse(cls, url: str) -> Endpoint:
        """Read a controller's address.

        Raises
        ------
        AddressError
            If it is not one that an embedded vehicle can have.
        """
        match = _URL.match(url)
        if match is None:
            raise AddressError(
                f"{url!r}: an embedded vehicle takes udpin://0.0.0.0:PORT or udpout://127.0.0.1:PORT"
            )
        way, host, port = match[1], match[2], int(match[3])
        if not 0 < port <= 65535 - (PORT_OFFSET if way == "udpin" else 0):
            raise AddressError(f"{url!r}: port {port} is out of range")
        if way == "udpin":
            return cls(("0.0.0.0", port + PORT_OFFSET), ("127.0.0.1", port))
        return cls(("0.0.0.0" if host not in ("127.0.0.1", "localhost") else host, port), None)


class UdpLink(asyncio.DatagramProtocol):
    """The socket: sends to its peer, and hears nobody else.

    Like PX4 it answers the first peer that it sees. Unlike PX4 it takes another one where the
    first has been silent for 3 s, so that a controller that was started again, on whatever port,
    is heard. Where the operating system's buffer is full, what does not
    fit is dropped, as a radio would.

    Parameters
    ----------
    endpoint
        Its addresses.
    receive
        Told of every datagram from the peer.
    now
        Wall seconds, monotonic.
    """

    def __init__(
        self, endpoint: Endpoint, receive: Callable[[bytes], None], now: Callable[[], float]
    ) -> None:
        self._endpoint = endpoint
        self._receive = receive
        self._now = now
        self._peer = endpoint.peer
        self._heard_at: float | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._full = False
        self.dropped = 0

    @property
    def peer(self) -> Address | None:
        """Whom it sends to now."""
        return self._peer

    async def open(self) -> None:
        """Bind the socket.

        Raises
        ------
        VehicleError
            If the port is taken.
        """
        loop = asyncio.get_running_loop()
        try:
            await loop.create_datagram_endpoint(lambda: self, local_addr=self._endpoint.bind)
        except OSError as error:
            host, port = self._endpoint.bind
            raise VehicleError(
                f"UDP port {port} on {host} cannot be bound: {error.strerror or error}",
                hint="another simulator or PX4 may be running; see who holds the port",
            ) from error

    def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def send(self, data: bytes) -> None:
        """Send one datagram to the peer, where there is one."""
        if self._transport is None or self._peer is None:
            return
        if self._full:
            self.dropped += 1
            return
        self._transport.sendto(data, self._peer)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # asyncio's own datagram transports are not subclasses of DatagramTransport
        self._transport = cast(asyncio.DatagramTransport, transport)
        cast(asyncio.WriteTransport, transport).set_write_buffer_limits(high=_BUFFER)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Hear the peer; choose one where there is none."""
        now = self._now()
        if addr != self._peer:
            known = self._peer is not None and self._heard_at is not None
            if known and self._heard_at is not None and now - self._heard_at < _SILENT_S:
                return
            self._peer = (addr[0], addr[1])
        self._heard_at = now
        self._receive(data)

    def error_received(self, exc: Exception) -> None:
        """Do nothing: that nobody listens at a port is no reason to stop sending there."""

    def pause_writing(self) -> None:
        """Drop what comes from now on."""
        self._full = True

    def resume_writing(self) -> None:
        """Send again."""
        self._full = False
