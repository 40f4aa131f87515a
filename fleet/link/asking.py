"""Asking one vehicle through mavsdk, without a thread that waits.

mavsdk's blocking calls would hold a thread each, so its callback calls are used. What it cannot do
is mended here: it gives up no command before its time (2 s), sends one that was overtaken again
after the younger one (a reposition three times after a return, seen), and queues a command behind an
older one of the same number. So a command that is not waited for any more is ended by telling
mavsdk, in the vehicle's place, that it was cancelled.

An acknowledgement that comes late may settle a younger command. So nothing is believed for being
acknowledged: who asks then sees it done.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from mavsdk.plugins.mavlink_direct import MavlinkMessage
from mavsdk.system import System
from pymavlink.dialects.v20 import development as mav

from fleet.errors import LinkError, Refused
from fleet.link.asked import Asked
from fleet.link.dialect import Writer
from fleet.link.messages import Command, message
from fleet.link.plugins import Plugins
from fleet.link.seen import NotSeen, Seen
from fleet.link.tap import Tap
from fleet.link.wire import AUTOPILOT

ATTACH_S = 3.0
"""mavsdk knows a vehicle some milliseconds after its first heartbeat."""
COMMAND_S = 10.0
"""Bound on a command that tells of progress; mavsdk gives up a silent one after 2 s."""
WORDS_S = 1.5
"""A refusal's STATUSTEXT may come after its acknowledgement."""
CONTROLLER_COMPONENT = 190
"""MAV_COMP_ID_MISSIONPLANNER, as which mavsdk speaks."""

REQUEST_MESSAGE = 512
ACCEPTED, IN_PROGRESS, CANCELLED = 0, 5, 6
_RESULTS = (
    "ACCEPTED",
    "TEMPORARILY_REJECTED",
    "DENIED",
    "UNSUPPORTED",
    "FAILED",
    "IN_PROGRESS",
    "CANCELLED",
    "COMMAND_LONG_ONLY",
    "COMMAND_INT_ONLY",
    "UNSUPPORTED_MAV_FRAME",
    "NOT_IN_CONTROL",
)
"""MAV_RESULT."""
SUCCESS = "SUCCESS"


class NoAnswer(LinkError):
    """Nothing was heard within the bound."""


class Asking:
    """Requests to one vehicle.

    Parameters
    ----------
    tap
        Its wire.
    seen
        What is seen of it, for the reasons of a refusal.
    """

    def __init__(self, tap: Tap, seen: Seen, *, station: int) -> None:
        self.system_id = tap.drone.system_id
        self.tap = tap
        self._seen = seen
        self._station = station
        self._plugins: Plugins | None = None
        self._closed: Plugins | None = None
        self._tell: Callable[[bytes], None] = lambda _: None
        self._attached = asyncio.Event()
        self._open: list[Asked] = []
        self._writer = Writer(self.system_id)

    @property
    def attached(self) -> bool:
        """Whether mavsdk has met the vehicle."""
        return self._plugins is not None

    def attach(self, system: System, tell: Callable[[bytes], None]) -> None:
        """Take the system that mavsdk discovered, and what gives mavsdk a packet of it."""
        self._plugins = Plugins(system, self._seen.clock)
        self._tell = tell
        self._attached.set()

    async def plugins(self) -> Plugins:
        """Return mavsdk's plugins for it.

        Raises
        ------
        NoAnswer
            If mavsdk does not know the vehicle, ``ATTACH_S`` after the tap has heard it.
        """
        if self._plugins is None:
            if self.tap.last_heard is None:
                raise NoAnswer(f"{self._seen.drone} was never heard of")
            with suppress(TimeoutError):
                async with asyncio.timeout(ATTACH_S):
                    await self._attached.wait()
        if self._plugins is None:
            raise NoAnswer(f"{self._seen.drone} is heard, and not known to mavsdk")
        return self._plugins

    async def close(self) -> None:
        """End what is under way, in mavsdk too, so that it may be destroyed."""
        for asked in self._open:
            asked.end(LinkError(f"{self._seen.drone}: {asked.what}: the link is closed"))
            self._cancel(asked)
        if self._plugins is not None:
            plugins, self._plugins = self._plugins, None
            await plugins.ended()
            self._tell = lambda _: None
            self._closed = plugins  # its callbacks' code outlives mavsdk

    # --- without an answer --------------------------------------------------------------------

    def say(self, name: str, **values: Any) -> None:
        """Send one message that has no answer; left out where the vehicle is not known yet."""
        if self._plugins is not None:
            self._plugins.direct.send_message(message(name, self.system_id, **values))

    def show_heartbeat(self) -> None:
        """Ask for a heartbeat: PX4 sends one a second."""
        self.send(Command(REQUEST_MESSAGE))

    def send(self, command: Command) -> None:
        """Send a command once, whose answer nobody waits for."""
        if self._plugins is not None:
            self._plugins.direct.send_message(command.message(self.system_id))

    # --- with an answer -----------------------------------------------------------------------

    @asynccontextmanager
    async def open(
        self,
        what: str,
        call: Callable[[Plugins], Callable[..., None]],
        *args: Any,
        command: int | None,
    ) -> AsyncIterator[Asked]:
        """Make one call, and end it in mavsdk too where it is left before it was answered.

        Parameters
        ----------
        what
            Names it in errors.
        call
            Returns one of mavsdk's ``*_async`` methods.
        args
            For it, before its callback.
        command
            The MAV_CMD that it sends; None where it sends none.
        """
        plugins, loop = await self.plugins(), asyncio.get_running_loop()
        asked = Asked(what, command, plugins)

        def answered(*answer: Any) -> None:
            # in mavsdk's thread; a loop that is closing no longer wants the answer
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(asked.settle, answer[:-1], plugins.end)

        plugins.begin()
        stop = self.tap.on_frames(asked.hear)
        self._open.append(asked)
        try:
            call(plugins)(*args, answered)
            yield asked
        finally:
            self._open.remove(asked)
            stop()
            if asked.in_hand:
                self._cancel(asked)

    def _cancel(self, asked: Asked) -> None:
        """Have mavsdk believe that the vehicle has cancelled a command."""
        if asked.command is not None and not asked.cancelled:
            asked.cancelled = True
            ack = mav.MAVLink_command_ack_message(
                asked.command,
                CANCELLED,
                target_system=self._station,
                target_component=CONTROLLER_COMPONENT,
            )
            self._tell(self._writer.frame(ack, AUTOPILOT))

    def overtake(self, commands: frozenset[int], by: str) -> None:
        """End what is under way of some commands: a younger one counts."""
        for asked in self._open:
            if asked.command in commands:
                asked.end(LinkError(f"{self._seen.drone}: {asked.what}: overtaken by {by}"))
                self._cancel(asked)

    async def ask(
        self, what: str, call: Callable[[Plugins], Callable[..., None]], *args: Any, command: int
    ) -> None:
        """Send a command through a plugin; return when it is acknowledged as accepted.

        Raises
        ------
        NoAnswer
            If nothing comes.
        Refused
            If it is acknowledged as anything but accepted; carries the vehicle's words.
        """
        since = self._seen.clock.now()
        async with self.open(what, call, *args, command=command) as asked:
            result = await self.result(asked)
        if result != SUCCESS:
            raise self.refusal(what, result, await self.words(since))

    async def command(self, what: str, command: Command) -> None:
        """Send a command that no plugin has; as ``ask``."""
        since = self._seen.clock.now()
        async with self.direct(what, command) as asked:
            result = await self.result(asked)
        if result != SUCCESS:
            raise self.refusal(what, result, await self.words(since))

    def direct(self, what: str, command: Command) -> Any:
        """Open a command that no plugin has."""
        sent = command.message(self.system_id)
        return self.open(what, lambda p: p.direct.send_command_async, sent, command=command.number)

    async def result(self, asked: Asked, bound_s: float | None = None) -> str:
        """Return how a command was answered: SUCCESS, or MAV_RESULT's name where it is known.

        Raises
        ------
        NoAnswer
            If mavsdk gives up waiting, or there is no answer within ``bound_s``.
        """
        number, bound_s = asked.command, bound_s or COMMAND_S
        try:
            async with asyncio.timeout(bound_s):
                result, *data = await asyncio.shield(asked.answer)
        except TimeoutError:
            still = "still in progress" if IN_PROGRESS in asked.acks else "not done"
            raise NoAnswer(
                f"{self._seen.drone}: {asked.what}: {still} after {bound_s:g} s"
            ) from None
        if asked.silent:
            raise NoAnswer(f"{self._seen.drone}: {asked.what}: no answer ({result.name})")
        if data and isinstance(data[0], MavlinkMessage) and data[0].fields_json:
            acked = int(json.loads(data[0].fields_json)["result"])
            return SUCCESS if acked == ACCEPTED else result_name(acked)
        refused = [ack for ack in asked.acks if ack not in (ACCEPTED, IN_PROGRESS)]
        if result.name != SUCCESS and number is not None and refused:
            return result_name(refused[-1])
        return str(result.name)

    def refusal(self, what: str, result: str, words: str) -> Refused:
        """Return the error that says what was refused, how, and in which words."""
        said = f": {words}" if words else ""
        return Refused(f"{self._seen.drone}: {what}: {result}{said}")

    async def words(self, since: Any) -> str:
        """Return what the vehicle said since; give it a moment to."""
        with suppress(NotSeen):
            await self._seen.until(lambda _: bool(self._seen.words(since)), "words", WORDS_S)
        return self._seen.words(since)


def result_name(result: int) -> str:
    """Return MAV_RESULT's name for a number."""
    return _RESULTS[result] if 0 <= result < len(_RESULTS) else f"RESULT_{result}"
