"""Every vehicle of a city under one mavsdk instance, each over a tap of its own.

mavsdk has one ``raw://`` connection, that is: none. The taps own the sockets, and give mavsdk what
it needs of each vehicle; what mavsdk sends is routed by its target, so that nothing meant for one
vehicle can reach another, whoever says to be whom on which port.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any, Self

import structlog
from mavsdk.component_type import ComponentType
from mavsdk.logging import LogLevel, log_subscribe
from mavsdk.mavsdk import Configuration, Mavsdk

from fleet.link.clock import Clock, SystemClock
from fleet.link.mavsdk_link import MavsdkLink
from fleet.link.news import NOTABLE
from fleet.link.profile import Expected
from fleet.link.pump import Pump
from fleet.link.rates import rates
from fleet.link.refresher import Refresher
from fleet.link.tap import Tap
from fleet.link.tlog import TlogWriter
from fleet.link.wire import PING, STATION, message_id, target
from missions.city import Drone

RAW = "raw://"
TICK_S = 0.1
NO_MATTER = (
    "Sending message failed",  # a heartbeat, before there is somebody to send it
    "Received ack for not-existing command",  # PX4 acknowledges a mode twice
    "Received unknown ack",  # UNSUPPORTED_MAV_FRAME, which the request is told as well
)
"""Beginnings of what mavsdk warns of and nobody need know."""

log = structlog.get_logger(__name__)


class MavsdkPool:
    """The links of many vehicles. An async context manager.

    A vehicle that never answers costs a socket and nothing else: its link stays unconnected until
    its first heartbeat, at whatever time that comes. A vehicle that was started again is found
    again by mavsdk under the same system id.

    Parameters
    ----------
    drones
        Who is expected, with system ids and connection urls.
    clock
        Stamps what is heard.
    expected
        What every vehicle's parameters must be, as ``profile`` says.
    """

    def __init__(
        self,
        drones: Sequence[Drone],
        clock: Clock | None = None,
        *,
        expected: Sequence[Expected] = (),
    ) -> None:
        self._clock = clock or SystemClock()
        self._pump = Pump(self._pass_on)
        self._tlog = TlogWriter()
        who = {d.system_id: d.id for d in drones}
        self._station = next(n for n in range(STATION, 256) if n not in who)
        self._taps = {
            d.system_id: Tap(
                d, self._clock, pump=self._pump, tlog=self._tlog, who=who, station=self._station
            )
            for d in drones
        }
        wanted = rates(len(drones))
        self._links = {
            tap.drone.id: MavsdkLink(
                tap.drone.id,
                self._clock,
                tap,
                expected=expected,
                wanted=wanted,
                station=self._station,
            )
            for tap in self._taps.values()
        }
        self._refresher = Refresher(self._links)
        self._for_mavsdk: list[bytes] = []
        for tap in self._taps.values():
            tap.onward = self._for_mavsdk.extend
            tap.changed = partial(self._refresher.mark, tap.drone.id)
        self._mavsdk: Mavsdk | None = None
        self._found = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def links(self) -> Mapping[str, MavsdkLink]:
        """The links by drone id; there from the start, connected or not."""
        return self._links

    @property
    def mavsdk(self) -> Mavsdk | None:
        """The one instance, while it is open."""
        return self._mavsdk

    async def __aenter__(self) -> Self:
        """Open every connection and begin to look for the vehicles.

        Raises
        ------
        LinkError
            If a connection cannot be opened (a port is taken, an address is wrong).
        """
        configuration = Configuration.create_with_component_type(ComponentType.GROUND_STATION)
        configuration.system_id = self._station
        _take_log()
        mavsdk: Mavsdk = await asyncio.to_thread(Mavsdk, configuration)
        self._mavsdk = mavsdk
        loop = asyncio.get_running_loop()
        mavsdk.subscribe_on_new_system(lambda _: _post(loop, self._found))
        try:
            for tap in self._taps.values():
                await tap.open()
            await asyncio.to_thread(mavsdk.add_any_connection_with_handle, RAW)
            mavsdk.subscribe_raw_bytes_to_be_sent(self._route)
        except BaseException:
            await self._destroy()
            raise
        self._tasks = [
            asyncio.create_task(self._discover(), name="discover"),
            asyncio.create_task(self._tick(), name="tick"),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening. The vehicles are told nothing and go on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._refresher.close()
        await asyncio.gather(*(link.close() for link in self._links.values()))
        await self._destroy()

    async def _destroy(self) -> None:
        for tap in self._taps.values():
            await tap.close()
        self._pump.close()
        mavsdk, self._mavsdk = self._mavsdk, None
        if mavsdk is not None:
            await asyncio.to_thread(mavsdk.destroy)
        await asyncio.to_thread(self._tlog.close)

    # --- packets ------------------------------------------------------------------------------

    def _pass_on(self) -> None:
        """After a look of the pump: give mavsdk what the taps have picked, refresh what is due."""
        if self._for_mavsdk and self._mavsdk is not None:
            self._mavsdk.pass_received_raw_bytes(b"".join(self._for_mavsdk))
        self._for_mavsdk.clear()
        self._refresher.work()

    def _route(self, frame: bytes) -> None:
        """Send one packet of mavsdk's to whom it is for. In mavsdk's thread."""
        system = target(frame)
        if system:
            tap = self._taps.get(system)
            if tap is not None:
                tap.send(frame)
        elif message_id(frame) != PING:  # mavsdk pings all vehicles for each one it knows
            for tap in self._taps.values():
                tap.send(frame)

    # --- tasks --------------------------------------------------------------------------------

    async def _discover(self) -> None:
        while True:
            self._attach_new()
            await self._found.wait()
            self._found.clear()

    def _attach_new(self) -> None:
        if self._mavsdk is None:
            return
        for system in self._mavsdk.get_systems():
            number = system.get_system_id()
            tap = self._taps.get(number)
            if tap is not None and not self._links[tap.drone.id].attached:
                self._links[tap.drone.id].attach(system, self._mavsdk.pass_received_raw_bytes)
                log.info("vehicle heard", drone=tap.drone.id, system_id=number)

    async def _tick(self) -> None:
        """Notice silence, and what else time alone brings."""
        known = dict.fromkeys(self._taps, False)
        while True:
            for system, tap in self._taps.items():
                tap.tick()
                if tap.connected != known[system]:
                    known[system] = tap.connected
                    self._refresher.mark(tap.drone.id, NOTABLE)
            self._refresher.work()
            await asyncio.sleep(TICK_S)


@cache
def _take_log() -> None:
    """Take mavsdk's log, once in a process: it frees the last listener before it has the next."""
    log_subscribe(_to_log)


def _to_log(level: LogLevel, message: str, _file: str | None, _line: int) -> bool:
    """Take mavsdk's own log lines off the terminal, and into ours."""
    grave = level >= LogLevel.WARN and not message.startswith(NO_MATTER)
    say = log.warning if grave else log.debug
    say("mavsdk", message=message.rstrip())
    return True


def _post(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> Any:
    if not loop.is_closed():
        loop.call_soon_threadsafe(event.set)
