"""Every vehicle of a city in one mavsdk instance: a connection each, found by system id."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping, Sequence
from typing import Any, Self
from urllib.parse import urlsplit

import structlog
from mavsdk.component_type import ComponentType
from mavsdk.exceptions import MavsdkError
from mavsdk.logging import LogLevel, log_subscribe
from mavsdk.mavsdk import Configuration, Mavsdk

from fleet.errors import LinkError
from fleet.link.clock import Clock, SystemClock
from fleet.link.mavsdk_link import MavsdkLink
from missions.city import Drone

REFRESH_S = 0.2
"""Telemetry is told on at 5 Hz."""

PORT_HINT = "is the port taken by another controller or ground station?"

log = structlog.get_logger(__name__)


class MavsdkPool:
    """The links of many vehicles. An async context manager.

    A vehicle that never answers costs a connection and nothing else: its link stays unconnected
    until its first heartbeat, at whatever time that comes. A vehicle that was started again is
    found again by mavsdk under the same system id.

    Parameters
    ----------
    drones
        Who is expected, with system ids and connection urls.
    clock
        Stamps what is heard.
    """

    def __init__(self, drones: Sequence[Drone], clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._drones = tuple(drones)
        self._links = {d.id: MavsdkLink(d.id, self._clock) for d in drones}
        self._by_system = {d.system_id: d.id for d in drones}
        self._mavsdk: Mavsdk | None = None
        self._found = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._strangers: set[int] = set()

    @property
    def links(self) -> Mapping[str, MavsdkLink]:
        """The links by drone id; there from the start, connected or not."""
        return self._links

    async def __aenter__(self) -> Self:
        """Open every connection and begin to look for the vehicles.

        Raises
        ------
        LinkError
            If a connection cannot be opened (a port is taken, an address is wrong).
        """
        configuration = Configuration.create_with_component_type(ComponentType.GROUND_STATION)
        log_subscribe(_to_log)
        mavsdk: Mavsdk = await asyncio.to_thread(Mavsdk, configuration)
        self._mavsdk = mavsdk
        loop = asyncio.get_running_loop()
        mavsdk.subscribe_on_new_system(lambda _: _post(loop, self._found))
        try:
            for drone in self._drones:
                await self._connect(mavsdk, drone)
        except BaseException:
            await self._destroy()
            raise
        self._tasks = [asyncio.create_task(self._discover()), asyncio.create_task(self._refresh())]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening. The vehicles are told nothing and go on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._destroy()

    async def _destroy(self) -> None:
        mavsdk, self._mavsdk = self._mavsdk, None
        if mavsdk is not None:
            await asyncio.to_thread(mavsdk.destroy)

    async def _connect(self, mavsdk: Mavsdk, drone: Drone) -> None:
        _need_free(drone)
        try:
            await asyncio.to_thread(mavsdk.add_any_connection_with_handle, drone.mavlink)
        except MavsdkError as error:
            raise LinkError(
                f"drone {drone.id}: cannot open {drone.mavlink}: {error}",
                hint=PORT_HINT,
            ) from error

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
            drone = self._by_system.get(number)
            if drone is None:
                if number not in self._strangers:
                    self._strangers.add(number)
                    log.warning("a vehicle that no drone of the city is", system_id=number)
            elif not self._links[drone].attached:
                self._links[drone].attach(system)
                log.info("vehicle heard", drone=drone, system_id=number)

    async def _refresh(self) -> None:
        while True:
            for link in self._links.values():
                try:
                    link.refresh()
                except (
                    Exception
                ):  # one vehicle's nonsense must not freeze what is known of the others
                    log.exception("telemetry not taken", drone=link.drone)
            await asyncio.sleep(REFRESH_S)


def _need_free(drone: Drone) -> None:
    """Refuse to listen where another program does.

    mavsdk shares the port (SO_REUSEADDR), and the kernel then gives the vehicle to whoever came
    last: two controllers would command one drone, and neither would know.

    Raises
    ------
    LinkError
        If the address is taken, or is none of this machine.
    """
    url = urlsplit(drone.mavlink)
    if url.scheme != "udpin" or url.hostname is None or url.port is None:
        return
    family = socket.AF_INET6 if ":" in url.hostname else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((url.hostname, url.port))
        except OSError as error:
            raise LinkError(
                f"drone {drone.id}: cannot open {drone.mavlink}: {error.strerror or error}",
                hint=PORT_HINT,
            ) from error


def _to_log(level: LogLevel, message: str, _file: str | None, _line: int) -> bool:
    """Take mavsdk's own log lines off the terminal, and into ours."""
    say = log.warning if level >= LogLevel.WARN else log.debug
    say("mavsdk", message=message.rstrip())
    return True


def _post(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> Any:
    if not loop.is_closed():
        loop.call_soon_threadsafe(event.set)
