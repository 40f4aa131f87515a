"""How a vehicle is reached: the sockets and the serial line under a link, none of which ever waits.

``udpin://address:port`` listens, ``udpout://host:port`` and ``tcpout://host:port`` call,
``serial:///dev/ttyUSB0:57600`` is a radio or a cable.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import sys
import threading
import zlib
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import urlsplit

from fleet.errors import LinkError
from fleet.link.frames import Frame, Stream, Tally, split_datagram

LARGEST_DATAGRAM = 4096
"""Bytes; PX4 fills at most 1,500. A larger one is rubbish and is not looked into."""
RECEIVE_BUFFER = 1 << 20
"""Asked of the kernel: 2 s of one vehicle, for the time this process is kept from running."""
MOST_WAITING = 1 << 16
"""Bytes that wait for a slow line."""
DATAGRAMS_A_TURN = 64
STRANGERS_A_TURN = 8
"""Datagrams of others than the vehicle that are looked into; enough to say who they are."""
UNREAD_A_TURN = 256
"""Most that are taken from the kernel and thrown away, so that those of the vehicle have room."""
GUARD_S = 10.0
"""Where more than that come, the kernel is told for so long to take the vehicle's own alone."""
PIECE = 4096
CONNECT_S = 5.0
BAUD = 57600

PORT_HINT = "is the port taken by another controller or ground station?"

Read = list[tuple[object, list[Frame]]]
"""Who sent it, and what."""


class Broken(Exception):
    """The connection ended, or the device is gone; says why."""


class Transport(Protocol):
    """One open way to a vehicle. ``send`` is called from any thread, the rest in the event loop."""

    @property
    def tally(self) -> Tally:
        """What came besides frames."""

    def fileno(self) -> int:
        """Return what a selector waits on."""

    def read(self, peer: object) -> Read:
        """Return what has come, up to a turn's worth. ``peer`` is who is listened to.

        Raises
        ------
        Broken
            If there will be no more.
        """

    def send(self, data: bytes, peer: object) -> bool:
        """Send one packet; say whether it went, or waits to go."""

    def flush(self) -> None:
        """Send what waits, as far as the line takes it."""

    def close(self) -> None:
        """Close it."""


class Datagrams:
    """A UDP socket, bound (``udpin``) or connected (``udpout``)."""

    def __init__(self, sock: socket.socket, *, connected: bool) -> None:
        self._socket = sock
        self._connected = connected
        self._guard: asyncio.TimerHandle | None = None
        self.tally = Tally()

    def fileno(self) -> int:
        """Return what a selector waits on."""
        return self._socket.fileno()

    def read(self, peer: object) -> Read:
        """Return what has come, up to a turn's worth."""
        found: Read = []
        receive, tally, read, strange = self._socket.recvfrom, self.tally, 0, 0
        while read < DATAGRAMS_A_TURN and strange < UNREAD_A_TURN:
            try:
                data, sender = receive(LARGEST_DATAGRAM + 1)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                read += 1
                continue  # an ICMP answer to what was sent: nobody is there, yet
            if sender == peer or peer is None:
                read += 1
            else:
                strange += 1
                if strange > STRANGERS_A_TURN:
                    tally.unread += 1
                    continue
            _gather(found, data, sender, tally)
        if strange > STRANGERS_A_TURN and isinstance(peer, tuple):
            self._keep_out(peer)
        return found

    def _keep_out(self, peer: tuple[object, ...]) -> None:
        """Have the kernel drop what others send, for a while: it does so at no cost to us."""
        if self._connected or self._guard is not None:
            return
        with suppress(OSError):
            self._socket.connect(peer)
            self._guard = asyncio.get_running_loop().call_later(GUARD_S, self._let_in)

    def _let_in(self) -> None:
        """Listen to all again, so that a vehicle that comes back elsewhere, or a second, is seen."""
        self._guard = None
        unspecified = ctypes.create_string_buffer(socket.AF_UNSPEC.to_bytes(2, sys.byteorder), 16)
        ctypes.CDLL(None).connect(self._socket.fileno(), unspecified, 16)

    def send(self, data: bytes, peer: object) -> bool:
        """Send one packet; say whether it went."""
        try:
            if self._connected:
                self._socket.send(data)
            elif isinstance(peer, tuple):
                self._socket.sendto(data, peer)
            else:
                return False
        except OSError:
            return False
        return True

    def flush(self) -> None:
        """Do nothing: no datagram waits."""

    def close(self) -> None:
        """Close the socket."""
        if self._guard is not None:
            self._guard.cancel()
        self._socket.close()


def _gather(found: Read, data: bytes, sender: object, tally: Tally) -> None:
    if len(data) > LARGEST_DATAGRAM:
        tally.rubbish += len(data)
        return
    frames = split_datagram(data, tally)
    if frames and found and found[-1][0] == sender:
        found[-1][1].extend(frames)
    elif frames:
        found.append((sender, frames))


class Bytes:
    """A line that carries a stream: TCP, or serial. Both are one file descriptor."""

    def __init__(self, descriptor: Any, name: str) -> None:
        self._descriptor = descriptor
        self._name = name
        self._stream = Stream()
        self._waiting = bytearray()
        self._lock = threading.Lock()

    @property
    def tally(self) -> Tally:
        """What came besides frames."""
        return self._stream.tally

    def fileno(self) -> int:
        """Return what a selector waits on."""
        return int(self._descriptor.fileno())

    def read(self, peer: object) -> Read:
        """Return what has come, up to a turn's worth."""
        try:
            data = os.read(self.fileno(), PIECE)
        except (BlockingIOError, InterruptedError):
            return []
        except OSError as error:
            raise Broken(error.strerror or str(error)) from error
        if not data:
            raise Broken("closed by the other side")
        frames = self._stream.feed(data)
        return [(self._name, frames)] if frames else []

    def send(self, data: bytes, peer: object) -> bool:
        """Send one packet, or keep it until the line takes it; say whether there was room."""
        with self._lock:
            if len(self._waiting) + len(data) > MOST_WAITING:
                return False
            self._waiting += data
            self._write()
        return True

    def flush(self) -> None:
        """Send what waits, as far as the line takes it."""
        with self._lock:
            self._write()

    def _write(self) -> None:
        while self._waiting:
            try:
                gone = os.write(self.fileno(), self._waiting)
            except (BlockingIOError, InterruptedError):
                return
            except (OSError, ValueError):
                self._waiting.clear()  # reading finds out and says why
                return
            del self._waiting[:gone]

    def close(self) -> None:
        """Close the line."""
        with self._lock:
            self._waiting.clear()
            self._descriptor.close()


async def open_transport(url: str, system: int) -> Transport:
    """Open what a drone's ``mavlink`` url names.

    Raises
    ------
    LinkError
        If a port of this machine cannot be had, or the url names none.
    OSError
        If the other side, or the device, is not there now.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "serial":
        return await _serial(rest)
    parts = urlsplit(url)
    if parts.hostname is None or parts.port is None:
        raise LinkError(f"{url} names no address and port", hint="udpin://0.0.0.0:14540")
    if scheme == "udpin":
        return _udp_in(parts.hostname, parts.port, url)
    if scheme == "udpout":
        return await _udp_out(parts.hostname, parts.port, url, system)
    if scheme == "tcpout":
        return await _tcp(parts.hostname, parts.port)
    raise LinkError(f"{url}: {scheme} is none of udpin, udpout, tcpout, serial")


def _datagram_socket(family: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    return sock


def _udp_in(host: str, port: int, url: str) -> Transport:
    # without SO_REUSEADDR: two controllers on one port would each command the drone, unseen
    sock = _datagram_socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise LinkError(f"cannot open {url}: {error.strerror or error}", hint=PORT_HINT) from error
    return Datagrams(sock, connected=False)


async def _udp_out(host: str, port: int, url: str, system: int) -> Transport:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    family, *_, address = found[0]
    sock = _datagram_socket(family)
    try:
        for local in local_ports(port, system):
            try:
                sock.bind(("", local))
            except OSError as error:
                taken = error
            else:
                sock.connect(address)
                return Datagrams(sock, connected=True)
    except BaseException:
        sock.close()
        raise
    sock.close()
    raise LinkError(
        f"cannot open {url} from port {' or '.join(map(str, local_ports(port, system)))}: "
        f"{taken.strerror or taken}",
        hint=PORT_HINT,
    ) from taken


def local_ports(remote: int, system: int) -> tuple[int, ...]:
    """Return the ports from which to call a vehicle, the better first; always the same ones.

    PX4 answers the first address that it hears and no other until it is started again: a controller
    that was started again must call from the same port. PX4's own convention is 40 below the port
    that it listens on (14540 for 14580).
    """
    other = 20000 + zlib.crc32(f"{remote}/{system}".encode()) % 12000
    return (remote - 40, other) if remote > 1064 else (other,)


async def _tcp(host: str, port: int) -> Transport:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(CONNECT_S):
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, *_, address = found[0]
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(sock, address)
        except BaseException:
            sock.close()
            raise
    return Bytes(sock, f"{host}:{port}")


async def _serial(rest: str) -> Transport:
    import serial  # only where a city has one

    path, _, baud = rest.rpartition(":")
    if not baud.isdigit():
        path, baud = rest, str(BAUD)
    try:
        line = await asyncio.to_thread(
            serial.Serial, path, int(baud), timeout=0, write_timeout=0, exclusive=True
        )
    except ValueError as error:
        raise LinkError(f"serial://{rest}: {error}") from error
    return Bytes(line, path)
