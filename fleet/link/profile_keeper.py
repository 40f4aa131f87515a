"""Reading the profile's parameters whenever a vehicle is met, and keeping what differs."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from contextlib import suppress

import structlog

from fleet.link.asking import Asking, NoAnswer
from fleet.link.parameters import read_parameters, said
from fleet.link.profile import Expected, differences, names
from fleet.link.wire import payload

PAUSES_S = (2.0, 10.0, 30.0)
"""Before what was not answered for is asked again; after the last it is told as it is."""
RESTART_MS = 1000
"""A clock that goes back by more belongs to a vehicle that was started again."""
HASH = "_HASH_CHECK"
"""By this name PX4 answers with a checksum over all its parameters."""

log = structlog.get_logger(__name__)


class ProfileKeeper:
    """Differences of one vehicle's parameters from the profile.

    ``notice`` is called with each picture; a reading begins on every connection, and when the
    autopilot's own clock begins anew. Between readings PX4 tells each parameter that somebody sets
    (``hear``), which may be lost on the way; so before a take-off ``confirm`` asks whether they are
    as they were read.

    Attributes
    ----------
    differences
        In words; None until they were read since the last connection.
    """

    def __init__(self, drone: str, asking: Asking, expected: Sequence[Expected]) -> None:
        self._drone = drone
        self._asking = asking
        self._expected = tuple(expected)
        self._connected = False
        self._boot_ms = 0
        self._task: asyncio.Task[None] | None = None
        self._known: dict[str, float | None] = dict.fromkeys(names(self._expected))
        self._hash: float | None = None
        self.differences: tuple[str, ...] | None = None

    def notice(self, connected: bool, attitude: bytes | None) -> bool:
        """Take whether the vehicle is connected, and its last ATTITUDE.

        Return whether it is met anew: what it was told before it may have forgotten.
        """
        boot_ms = self._boot_ms
        if attitude is not None:
            boot_ms = struct.unpack_from("<I", payload(attitude).ljust(4, b"\0"))[0]
        again = boot_ms < self._boot_ms - RESTART_MS
        anew = connected and (again or not self._connected)
        if anew:
            self._begin()
        self._connected, self._boot_ms = connected, boot_ms
        return anew

    def hear(self, parameter: bytes) -> None:
        """Take a PARAM_VALUE: somebody may have set what was read."""
        name, value = said(parameter)
        if self.differences is None or self._known.get(name, value) == value:
            return  # not read yet, no parameter of the profile, or the same
        self._known[name] = value
        self._tell()

    async def confirm(self) -> tuple[str, ...]:
        """Return what differs now, before a take-off: read again where anything was changed.

        What it does not answer for differs.
        """
        if not self._expected:
            return ()
        known = self._hash
        if self.differences is None or known is None or await self._ask_hash() != known:
            await self._read(once=True)
        return self.differences or ()

    async def close(self) -> None:
        """End a reading that is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _begin(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self.differences = None
        self._task = asyncio.get_running_loop().create_task(self._read())
        self._task.add_done_callback(_failed)

    async def _read(self, *, once: bool = False) -> None:
        read = self._known = dict.fromkeys(names(self._expected))
        for pause in (None,) if once else (*PAUSES_S, None):
            missing = [name for name, value in read.items() if value is None]
            with suppress(NoAnswer):  # not known to mavsdk yet
                read |= await read_parameters(self._asking, missing)
            if pause is None or None not in read.values():
                break
            if any(value is not None for value in read.values()):
                # what is there is told at once; the rest may be lost packets, or not exist
                self.differences = differences(self._expected, read)
            await asyncio.sleep(pause)
        self._tell()
        self._hash = await self._ask_hash()

    async def _ask_hash(self) -> float | None:
        if not self._expected:
            return None
        with suppress(NoAnswer):
            return (await read_parameters(self._asking, (HASH,)))[HASH]
        return None

    def _tell(self) -> None:
        self.differences = differences(self._expected, self._known)
        if self.differences:
            log.warning("parameters differ", drone=self._drone, differences=self.differences)


def _failed(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("parameters not read", exc_info=task.exception())
