"""Docks on the broker: state and availability out, commands in, as ARCHITECTURE.md has it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import aiomqtt

from sitl.dock import Command, Dock, Reply, Vehicle, parse_command
from sitl.log import JsonLog, now_iso
from sitl.mqtt import Client

TICK_S = 0.1
STATE_S = 5.0
BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
MAX_WAITING = 200
"""Commands and replies that may wait; beyond, the oldest replies are lost and commands refused."""

_log = logging.getLogger(__name__)


class DockLine:
    """One dock and its connection to the broker.

    Parameters
    ----------
    dock
        The dock.
    vehicles
        All vehicles by drone, wherever they are.
    host, port
        The broker.
    log
        ``docks.jsonl``.
    """

    def __init__(
        self, dock: Dock, vehicles: Mapping[str, Vehicle], host: str, port: int, log: JsonLog
    ) -> None:
        self.dock = dock
        self._vehicles = vehicles
        self._address = (host, port)
        self._log = log
        self._base = f"skybeat/v1/docks/{dock.place.id}"
        self._replies: asyncio.Queue[Reply] = asyncio.Queue(MAX_WAITING)
        self._changed = asyncio.Event()
        self._offline = asyncio.Event()
        self._online = asyncio.Event()
        self._online.set()
        self.connected = asyncio.Event()

    def set_offline(self, offline: bool) -> None:
        """Take the dock off the network, or put it back."""
        if offline:
            self._online.clear()
            self._offline.set()
        else:
            self._offline.clear()
            self._online.set()

    async def run(self) -> None:
        """Live until cancelled: the world goes on whether or not the broker is there."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._live(), name=f"dock {self.dock.place.id}")
            group.create_task(self._stay_connected(), name=f"dock line {self.dock.place.id}")

    # --- the world -----------------------------------------------------------------------------

    async def _live(self) -> None:
        """Sense, move the door and log what changes."""
        dock, name = self.dock, self.dock.place.id
        lid, told, inside, last = None, None, frozenset[str](), None
        while True:
            dock.sense(self._vehicles)
            self._answer(dock.advance(time.monotonic()))
            if (dock.lid, dock.door) != (lid, told):
                lid, told = dock.lid, dock.door
                self._log.write("door", dock=name, door=lid.value, told=told.value)
            for drone in dock.struck():
                self._log.write("struck_lid", dock=name, drone=drone)
            for drone in sorted(dock.occupants ^ inside):
                self._log.write("occupant", dock=name, drone=drone, present=drone in dock.occupants)
            inside = dock.occupants
            seen = {k: v for k, v in dock.state().items() if k != "charging"}
            if seen != last:
                last = seen
                self._changed.set()
            await asyncio.sleep(TICK_S)

    def _answer(self, replies: list[Reply]) -> None:
        for reply in replies:
            if self._replies.full():
                self._replies.get_nowait()
            self._replies.put_nowait(reply)

    # --- the line ------------------------------------------------------------------------------

    async def _stay_connected(self) -> None:
        """Connect, and again for ever, with a growing pause up to 5 s."""
        failures = 0
        while True:
            await self._online.wait()
            try:
                async with self._client() as client:
                    failures = 0
                    await self._talk(client)
            except aiomqtt.MqttError as error:
                pause = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
                failures += 1
                _log.info("dock %s: %s; again in %g s", self.dock.place.id, error, pause)
                await asyncio.sleep(pause)
            finally:
                self.connected.clear()

    def _client(self) -> Client:
        """Return a client with a last will. MQTT 3.1.1: the embedded broker knows no 5."""
        host, port = self._address
        return Client(
            host,
            port,
            identifier=f"dock-{self.dock.place.id}",
            protocol=aiomqtt.ProtocolVersion.V311,
            will=aiomqtt.Will(f"{self._base}/availability", b"offline", qos=1, retain=True),
            keepalive=10,
            timeout=5,
            max_queued_incoming_messages=MAX_WAITING,
            max_queued_outgoing_messages=MAX_WAITING,
        )

    async def _talk(self, client: Client) -> None:
        """Serve one connection until it breaks or the dock is taken off the network."""
        await client.subscribe(f"{self._base}/command", qos=1)
        await client.publish(f"{self._base}/availability", b"online", qos=1, retain=True)
        self._changed.set()
        self.connected.set()
        tasks = [
            asyncio.create_task(part, name=f"dock {self.dock.place.id} {name}")
            for name, part in (
                ("listen", self._listen(client)),
                ("state", self._tell_state(client)),
                ("replies", self._tell_replies(client)),
                ("offline", self._offline.wait()),
            )
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with contextlib.suppress(aiomqtt.MqttError):  # the connection is gone: the will says it
                await client.publish(f"{self._base}/availability", b"offline", qos=1, retain=True)

    async def _listen(self, client: Client) -> None:
        async for message in client.messages:
            try:
                command = parse_command(bytes(message.payload))
            except ValueError as error:
                _log.warning("dock %s: a command that is none: %s", self.dock.place.id, error)
                continue
            self._obey(command)

    def _obey(self, command: Command) -> None:
        self._answer(self.dock.obey(command, datetime.now(UTC)))
        self._changed.set()

    async def _tell_state(self, client: Client) -> None:
        """Publish the state on every change, and each ``STATE_S`` without one."""
        while True:
            self._changed.clear()
            state = {"at": now_iso(), **self.dock.state()}
            await client.publish(f"{self._base}/state", json.dumps(state), qos=1, retain=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STATE_S):
                    await self._changed.wait()

    async def _tell_replies(self, client: Client) -> None:
        while True:
            reply = await self._replies.get()
            body = {"command": reply.command, "result": reply.result.value, "reason": reply.reason}
            await client.publish(f"{self._base}/reply", json.dumps(body), qos=1)
