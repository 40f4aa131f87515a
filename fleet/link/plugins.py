"""mavsdk's plugins for one vehicle: made when first used, and made anew from time to time.

A plugin keeps the callback of every asynchronous call until it is destroyed: 1.5 kB each, 15 MB in
10,000 calls. Made anew every ``RENEW_AFTER`` calls, in at most 3 ms, they keep nothing. One that is
destroyed while a call is open crashes the process when its answer comes (seen), so that is never
done: neither here nor at the end (``ended``).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from mavsdk.plugins.action import Action
from mavsdk.plugins.geofence import Geofence
from mavsdk.plugins.gimbal import Gimbal
from mavsdk.plugins.mavlink_direct import MavlinkDirect
from mavsdk.plugins.mission_raw import MissionRaw
from mavsdk.system import System

from fleet.link.clock import Clock

RENEW_AFTER = 100
"""Calls after which plugins are made anew."""
QUIET_S = 10.0
"""For so long before nothing must have been asked: mavsdk gives up a command within 7 s."""
END_S = 4.0
"""Bound on open calls coming to their end, once they were cancelled."""


class Plugins:
    """The plugins of one system. Used in the event loop only."""

    def __init__(self, system: System, clock: Clock) -> None:
        self._system = system
        self._clock = clock
        self._made: dict[type, Any] = {}
        self._kept: list[Any] = []
        self._calls = 0
        self._open = 0
        self._last = clock.monotonic()
        self._none_open = asyncio.Event()

    @property
    def action(self) -> Action:
        """Arming, modes, speed."""
        return self._get(Action)

    @property
    def mission(self) -> MissionRaw:
        """Missions, fences and rally points, item by item."""
        return self._get(MissionRaw)

    @property
    def geofence(self) -> Geofence:
        """The removal of a fence."""
        return self._get(Geofence)

    @property
    def gimbal(self) -> Gimbal:
        """The gimbal's angles."""
        return self._get(Gimbal)

    @property
    def direct(self) -> MavlinkDirect:
        """Any message, and any command with its acknowledgement."""
        return self._get(MavlinkDirect)

    def begin(self) -> None:
        """Count a call whose answer is still to come."""
        now = self._clock.monotonic()
        if self._calls >= RENEW_AFTER and self._open == 0 and now - self._last > QUIET_S:
            self._renew()
        self._calls += 1
        self._open += 1
        self._last = now
        self._none_open.clear()

    def end(self) -> None:
        """Take note that mavsdk has answered a call, and will not again."""
        self._open -= 1
        self._last = self._clock.monotonic()
        if self._open == 0:
            self._none_open.set()

    async def ended(self) -> None:
        """Wait until no call is open, so that mavsdk may be destroyed."""
        if self._open:
            with suppress(TimeoutError):
                async with asyncio.timeout(END_S):
                    await self._none_open.wait()
        self._keep()

    def _get(self, kind: type) -> Any:
        made = self._made.get(kind)
        if made is None:
            made = self._made[kind] = kind(self._system)
        return made

    def _renew(self) -> None:
        self._keep()
        for plugin in self._made.values():
            plugin.destroy()
        self._made = {}
        self._calls = 0

    def _keep(self) -> None:
        # a callback that has just told its answer may not have returned yet, in mavsdk's thread:
        # its code is let go of at the next time
        self._kept = [tuple(getattr(p, "_callbacks", ())) for p in self._made.values()]
