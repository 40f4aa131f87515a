"""A simulated radio between a vehicle and its controller, which can do all that radios do wrong.

It stands where the controller would: the vehicle sends to it, it sends on to the controller, and
back. Each direction is a channel of its own, with faults that may be changed at any time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sitl.errors import VehicleError

MOST_WAITING = 4096
"""Packets that may be on their way at once in a direction; what is more is lost, as on air."""

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Faults:
    """What a channel does to packets. Shares are 0 to 1, each of all packets; times in seconds.

    ``delay_s`` holds every packet back, ``jitter_s`` by up to so much more at random (which alone
    may change their order). A reordered packet waits until the next one has gone. A truncated one
    loses some of its end.
    """

    silent: bool = False
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    truncate: float = 0.0
    delay_s: float = 0.0
    jitter_s: float = 0.0

    def __post_init__(self) -> None:
        for name in ("loss", "duplicate", "reorder", "truncate"):
            share = getattr(self, name)
            if not 0.0 <= share <= 1.0:
                raise VehicleError(f"{name} {share!r}: a share is 0 to 1")
        for name in ("delay_s", "jitter_s"):
            if not 0.0 <= getattr(self, name) <= 60.0:
                raise VehicleError(f"{name} {getattr(self, name)!r}: 0 to 60 seconds")


CLEAR = Faults()
SILENT = Faults(silent=True)


class Channel:
    """One direction: decides what becomes of each packet. No I/O and no clock.

    Parameters
    ----------
    seed
        Makes chance the same on every run.
    """

    def __init__(self, seed: int = 0) -> None:
        self.faults = CLEAR
        self.passed = 0
        self.lost = 0
        self._random = random.Random(seed)
        self._held: bytes | None = None

    def take(self, packet: bytes) -> Iterator[tuple[float, bytes]]:
        """Give what goes on because of a packet: seconds to wait, and the bytes."""
        faults = self.faults
        if faults.silent or self._happens(faults.loss):
            self.lost += 1
            return
        if self._happens(faults.truncate) and len(packet) > 1:
            packet = packet[: self._random.randrange(1, len(packet))]
        if self._held is None and self._happens(faults.reorder):
            self._held = packet
            return
        copies = 2 if self._happens(faults.duplicate) else 1
        for _ in range(copies):
            self.passed += 1
            yield self._delay(), packet
        if self._held is not None:
            late, self._held = self._held, None
            self.passed += 1
            yield self._delay(), late

    def _happens(self, share: float) -> bool:
        return share > 0.0 and self._random.random() < share

    def _delay(self) -> float:
        jitter = self.faults.jitter_s
        return self.faults.delay_s + (self._random.uniform(0.0, jitter) if jitter else 0.0)


class Radio:
    """The radio of one vehicle; an async context manager.

    Parameters
    ----------
    listen
        Where the vehicle sends to: for PX4 instance i ``("127.0.0.1", 14540 + i)``.
    controller
        Where the controller listens (its ``udpin`` address).
    seed
        Makes chance the same on every run.
    """

    def __init__(self, listen: Address, controller: Address, seed: int = 0) -> None:
        self.to_controller = Channel(2 * seed)
        self.to_vehicle = Channel(2 * seed + 1)
        self._listen = listen
        self._controller = controller
        self._vehicle: Address | None = None
        self._vehicle_side: asyncio.DatagramTransport | None = None
        self._controller_side: asyncio.DatagramTransport | None = None
        self._waiting: set[asyncio.TimerHandle] = set()

    def be(self, faults: Faults) -> None:
        """Have the same faults in both directions from now on."""
        self.to_controller.faults = self.to_vehicle.faults = faults

    async def __aenter__(self) -> Radio:
        """Open both sides.

        Raises
        ------
        VehicleError
            If the port that the vehicle sends to is taken.
        """
        loop = asyncio.get_running_loop()
        try:
            near, _ = await loop.create_datagram_endpoint(
                lambda: _Side(self._from_vehicle), local_addr=self._listen
            )
        except OSError as error:
            raise VehicleError(
                f"UDP port {self._listen[1]} cannot be bound: {error.strerror or error}",
                hint="a controller or another radio listens there",
            ) from error
        self._vehicle_side = near
        far, _ = await loop.create_datagram_endpoint(
            lambda: _Side(self._from_controller), local_addr=("0.0.0.0", 0)
        )
        self._controller_side = far
        return self

    async def __aexit__(self, *exc: object) -> None:
        for handle in self._waiting:
            handle.cancel()
        self._waiting.clear()
        for side in (self._vehicle_side, self._controller_side):
            if side is not None:
                side.close()

    def _from_vehicle(self, data: bytes, sender: Address) -> None:
        self._vehicle = sender
        for delay, packet in self.to_controller.take(data):
            self._later(delay, self._controller_side, packet, self._controller)

    def _from_controller(self, data: bytes, _sender: Address) -> None:
        if self._vehicle is None:
            return
        for delay, packet in self.to_vehicle.take(data):
            self._later(delay, self._vehicle_side, packet, self._vehicle)

    def _later(
        self,
        delay: float,
        side: asyncio.DatagramTransport | None,
        packet: bytes,
        to: Address,
    ) -> None:
        if side is None or side.is_closing():
            return
        if delay <= 0.0:
            side.sendto(packet, to)
        elif len(self._waiting) < MOST_WAITING:

            def go() -> None:
                self._waiting.discard(handle)
                if not side.is_closing():
                    side.sendto(packet, to)

            handle = asyncio.get_running_loop().call_later(delay, go)
            self._waiting.add(handle)


class _Side(asyncio.DatagramProtocol):
    """One socket of the radio."""

    def __init__(self, receive: Callable[[bytes, Address], None]) -> None:
        self._receive = receive

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Hand a packet on."""
        self._receive(data, addr)

    def error_received(self, exc: Exception) -> None:
        """Do nothing: the other side may not be there yet."""
