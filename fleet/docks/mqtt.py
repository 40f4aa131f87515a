"""Every dock of a city over one MQTT connection, which comes back by itself."""

from __future__ import annotations

import asyncio
import math
import os
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Self
from urllib.parse import urlsplit

import aiomqtt
import structlog
from pydantic import ValidationError

from fleet.docks.client import Client
from fleet.docks.mqtt_dock import MqttDock
from fleet.docks.wire import (
    MOST_BYTES,
    CommandMessage,
    ReplyMessage,
    StateMessage,
    address,
    topic,
)
from fleet.errors import DockError
from fleet.link.clock import Clock, SystemClock
from fleet.live import LiveHub
from fleet.model.live import DockLive
from missions.city import Broker

FIRST_BACKOFF_S = 0.5
LAST_BACKOFF_S = 15.0
"""Reconnects go on for ever, at most this far apart."""
CONNECT_S = 5.0
START_S = 12.0
"""A broker that is not reached within this of the start is an error of the set-up."""
INCOMING = 10_000
"""Messages queued at most; a dock sends one each 5 s."""
SAY_EACH_S = 10.0
PORTS = {"mqtt": 1883, "mqtts": 8883}

log = structlog.get_logger(__name__)


class MqttDocks:
    """The docks of a city. An async context manager.

    MQTT 5 is tried first, and 3.1.1 where the broker refuses it; what worked is kept.

    Parameters
    ----------
    broker
        Where the docks are reached, and the environment variables with user and password.
    docks
        Identifiers of the docks; others on the broker are not listened to.
    hub
        Takes every change as a DockLive.
    clock
        Stamps what is heard and when commands expire.
    doors_s
        For how long each dock's door is on its way, seconds: a slow one is waited for.
    """

    def __init__(
        self,
        broker: Broker,
        docks: Sequence[str],
        hub: LiveHub,
        clock: Clock | None = None,
        *,
        doors_s: Mapping[str, float] | None = None,
    ) -> None:
        self._broker = broker
        self._hub = hub
        self._clock = clock or SystemClock()
        times = doors_s or {}
        self._docks = {
            d: MqttDock(d, self._clock, self._publish, self._show, times.get(d, 0.0)) for d in docks
        }
        for dock in self._docks.values():
            self._show(dock.state)
        self._client: Client | None = None
        self._protocol = aiomqtt.ProtocolVersion.V5
        self._connected = asyncio.Event()
        self._error = "no answer"
        self._said: dict[str, tuple[float, int]] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def docks(self) -> Mapping[str, MqttDock]:
        """The docks by id; there from the start, online or not."""
        return self._docks

    async def __aenter__(self) -> Self:
        """Connect, and stay connected until the context ends.

        Raises
        ------
        DockError
            If the broker is not reached within ``START_S``, or a variable is not set.
        """
        self._credentials()
        self._task = asyncio.create_task(self._run())
        try:
            async with asyncio.timeout(START_S):
                await self._connected.wait()
        except TimeoutError:
            await self.__aexit__()
            raise DockError(
                f"no MQTT broker at {self._broker.url}: {self._error}",
                hint="is the broker (or `skybeat sim`) running, and is `broker.url` of the city file right?",
            ) from None
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _credentials(self) -> tuple[str | None, str | None]:
        found: list[str | None] = []
        for name in (self._broker.username_env, self._broker.password_env):
            if name is not None and name not in os.environ:
                raise DockError(
                    f"environment variable {name} is not set",
                    hint="the city file's broker names it",
                )
            found.append(None if name is None else os.environ[name])
        return found[0], found[1]

    async def _run(self) -> None:
        backoff = FIRST_BACKOFF_S
        while True:
            was_up = self._connected.is_set()
            try:
                await self._session()
            except aiomqtt.MqttError as error:
                self._error = str(error)
            except Exception as error:  # whatever it was, the docks are needed again
                log.exception("fault in the docks' connection", url=self._broker.url)
                self._error = f"{type(error).__name__}: {error}"
            up = self._connected.is_set() and self._client is not None
            self._client = None
            for dock in self._docks.values():
                dock.on_disconnected(f"broker is not reached: {self._error}")
            if up or not was_up:
                log.warning("broker is not reached", url=self._broker.url, error=self._error)
            backoff = FIRST_BACKOFF_S if up else min(2 * backoff, LAST_BACKOFF_S)
            await asyncio.sleep(backoff)

    async def _session(self) -> None:
        try:
            await self._serve(self._protocol)
        except aiomqtt.MqttError:
            if self._client is not None or self._protocol is not aiomqtt.ProtocolVersion.V5:
                raise
            # a broker without MQTT 5 refuses, or just hangs up; where 3.1.1 fails too it is not that
            await self._serve(aiomqtt.ProtocolVersion.V311)

    async def _serve(self, protocol: aiomqtt.ProtocolVersion) -> None:
        async with self._make(protocol) as client:
            if protocol is not self._protocol:
                self._protocol = protocol
                log.info("broker has no MQTT 5; 3.1.1 is used", url=self._broker.url)
            for part in ("availability", "state", "reply"):
                await client.subscribe(topic("+", part), qos=1)
            self._client = client
            self._connected.set()
            async for message in client.messages:
                self._take(message)

    def _make(self, protocol: aiomqtt.ProtocolVersion) -> Client:
        url = urlsplit(self._broker.url)
        user, password = self._credentials()
        return Client(
            url.hostname or "localhost",
            url.port or PORTS[url.scheme],
            username=user,
            password=password,
            protocol=protocol,
            timeout=CONNECT_S,
            keepalive=15,
            max_queued_incoming_messages=INCOMING,
            tls_context=ssl.create_default_context() if url.scheme == "mqtts" else None,
        )

    def _take(self, message: aiomqtt.Message) -> None:
        found = address(message.topic.value)
        dock = self._docks.get(found.dock) if found else None
        if found is None or dock is None:
            return
        payload: Any = message.payload or b""
        if len(payload) > MOST_BYTES:
            self._nonsense(dock, found.part, f"{len(payload)} bytes; {MOST_BYTES} are allowed")
            return
        try:
            match found.part:
                case "availability":
                    self._available(dock, bytes(payload))
                case "state":
                    state = StateMessage.model_validate_json(payload)
                    if self._is_of(dock, state.dock, found.part):
                        dock.on_state(state, retained=message.retain)
                case "reply":
                    reply = ReplyMessage.model_validate_json(payload)
                    if self._is_of(dock, reply.dock, found.part):
                        dock.on_reply(reply)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"]) or "message"
            self._nonsense(dock, found.part, f"{key}: {first['msg']}")

    def _available(self, dock: MqttDock, payload: bytes) -> None:
        if payload not in {b"online", b"offline"}:
            words = repr(payload[:20])
            self._nonsense(dock, "availability", f"{words} is neither online nor offline")
            return
        dock.on_availability(payload == b"online")

    def _is_of(self, dock: MqttDock, name: str | None, part: str) -> bool:
        if name is None or name == dock.id:
            return True
        self._nonsense(dock, part, f"it is of dock {name!r}")
        return False

    def _nonsense(self, dock: MqttDock, part: str, words: str) -> None:
        """Show it, and log it now and then: a dock that is out of its mind may not fill the disk."""
        dock.on_nonsense(f"dock's {part} cannot be read: {words[:200]}")
        now = self._clock.monotonic()
        said, left_out = self._said.get(dock.id, (-math.inf, 0))
        if now - said < SAY_EACH_S:
            self._said[dock.id] = (said, left_out + 1)
            return
        self._said[dock.id] = (now, 0)
        log.warning("dock sent nonsense", dock=dock.id, part=part, why=words, left_out=left_out)

    async def _publish(self, dock: str, command: CommandMessage) -> None:
        if self._client is None:
            raise DockError(f"dock {dock}: {command.action}: broker is not reached: {self._error}")
        try:
            await self._client.publish(topic(dock, "command"), command.model_dump_json(), qos=1)
        except aiomqtt.MqttError as error:
            raise DockError(
                f"dock {dock}: {command.action}: broker did not take it: {error}"
            ) from error

    def _show(self, state: DockLive) -> None:
        self._hub.publish("dock", state.id, state)
