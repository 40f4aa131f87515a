"""Has the drones looked at that an aircraft concerns, as soon as a receiver tells of it."""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import suppress

import structlog

from fleet.flight.safety.events.traffic import concerned
from fleet.flight.world import World
from fleet.model.traffic import Aircraft

NEWS_S = 0.5
"""Receivers tell of an aircraft once a second each. A word of one that was told of a moment ago is
looked at in the drones' own turns, which come ten times a second."""
FORGET_EACH_S = 1.0
SLICE_S = 0.005
"""Looking at many drones, the event loop has its turn after this."""

log = structlog.get_logger(__name__)


class Lookout:
    """Waits for the news of aircraft."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._looked_at: dict[int, float] = {}
        self._news: dict[int, Aircraft] = {}
        self._told = asyncio.Event()
        self._forgot_at = -math.inf

    def hear(self, aircraft: Aircraft) -> None:
        """Take a receiver's word. It is called by a link: it waits for nothing."""
        if not self._world.hear(aircraft):
            return
        now = self._world.clock.monotonic()
        if now - self._looked_at.get(aircraft.icao, -NEWS_S) >= NEWS_S:
            self._looked_at[aircraft.icao] = now
            self._news[aircraft.icao] = aircraft
            self._told.set()

    async def run(self) -> None:
        """Listen to every link, for ever."""
        stops = [link.hear_aircraft(self.hear) for link in self._world.links.values()]
        try:
            while True:
                self._forget()
                with suppress(TimeoutError):
                    async with asyncio.timeout(FORGET_EACH_S):
                        await self._told.wait()
                self._told.clear()
                await self._look()
        finally:
            for stop in stops:
                stop()

    def _forget(self) -> None:
        now = self._world.clock.monotonic()
        if now - self._forgot_at >= FORGET_EACH_S:
            self._forgot_at = now
            self._world.forget_traffic()
            for icao in self._looked_at.keys() - self._world.heard.keys():
                del self._looked_at[icao]

    async def _look(self) -> None:
        news, self._news = tuple(self._news.values()), {}
        began = time.monotonic()
        for drone in concerned(news, self._world.clock.now(), self._world.sky):
            try:
                self._world.keepers[drone].pulse()
            except Exception:  # one that cannot be looked at must not end the looking at others
                log.exception("fault in the lookout", drone=drone)
            if time.monotonic() - began > SLICE_S:
                await asyncio.sleep(0)
                began = time.monotonic()
