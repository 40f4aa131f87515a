"""Takes the pictures of many links: soon after a change, and never all at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Protocol

import structlog

from fleet.link.news import Change

SOON_S = 0.02
"""Changes that may be decided upon are told within this, however many come one after another."""
MOTION_S = 0.05
"""A vehicle that only moves on is told of so often, ..."""
PICTURES_HZ = 1000.0
"""... or as often as this many pictures a second in all allow."""
SLICE_S = 0.005
"""Then the event loop has its turn."""
TICK_S = 0.1

log = structlog.get_logger(__name__)


class Link(Protocol):
    """A link whose picture is taken."""

    @property
    def drone(self) -> str:
        """The drone's id."""

    def refresh(self) -> None:
        """Take a picture and tell those who listen."""


class Refresher:
    """Refreshes links when they have changed.

    Parameters
    ----------
    links
        By drone id.
    """

    def __init__(self, links: Mapping[str, Link]) -> None:
        self._links = links
        self._due: dict[str, float] = {}
        self._last: dict[str, float] = {}
        self._wake = asyncio.Event()
        self._next = 0.0

    def mark(self, drone: str, change: Change) -> None:
        """Have a link refreshed: soon where the change is notable, in its turn where it is not."""
        last = self._last.get(drone, 0.0)
        notable = bool(change & Change.NOTABLE)
        due = last + (SOON_S if notable else max(MOTION_S, len(self._links) / PICTURES_HZ))
        if due < self._due.get(drone, due + 1.0):
            self._due[drone] = due
            if due < self._next:
                self._wake.set()

    async def run(self) -> None:
        """Refresh for ever."""
        while True:
            now = time.monotonic()
            ready = [drone for drone, due in self._due.items() if due <= now]
            await self._refresh(ready)
            # what became due meanwhile is the next round's
            self._next = min(self._due.values(), default=now + TICK_S)
            self._wake.clear()
            pause = self._next - time.monotonic()
            if pause <= 0:
                await asyncio.sleep(0)
                continue
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _refresh(self, drones: list[str]) -> None:
        until = time.monotonic() + SLICE_S
        for drone in drones:
            now = time.monotonic()
            if now > until:
                await asyncio.sleep(0)
                until = time.monotonic() + SLICE_S
            self._due.pop(drone, None)
            self._last[drone] = now
            try:
                self._links[drone].refresh()
            except Exception:  # one vehicle's nonsense must not freeze what is known of the others
                log.exception("telemetry not taken", drone=drone)
