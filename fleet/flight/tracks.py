"""The drones' 1 Hz tracks, written in batches beside the live stream."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

import structlog

from fleet.errors import StoreError
from fleet.flight.supervisor import Supervisor
from fleet.flight.world import World
from fleet.model.records import TrackPoint

EACH_S = 1.0
BATCH_S = 5
BUFFER = 20_000
"""Points kept while the store does not take them: 13 min of 24 drones; then the oldest go."""

log = structlog.get_logger(__name__)


class Tracks:
    """Notes where every drone in the air is, once a second."""

    def __init__(self, world: World, supervisors: Sequence[Supervisor]) -> None:
        self._world = world
        self._supervisors = supervisors
        self._points: deque[TrackPoint] = deque(maxlen=BUFFER)

    async def run(self) -> None:
        """Note and store, for ever."""
        while True:
            for _ in range(BATCH_S):
                self.note()
                await asyncio.sleep(EACH_S)
            try:
                await self.flush()
            except StoreError as error:
                log.error("tracks wait for the store", points=len(self._points), error=str(error))

    def note(self) -> None:
        """Take one point of every drone that is heard and in the air."""
        now = self._world.clock.now()
        for s in self._supervisors:
            t = s.t
            if t.connected and t.in_air and t.lon is not None and t.lat is not None:
                altitude = t.altitude_m or 0.0
                point = TrackPoint(
                    s.drone.id, now, t.lon, t.lat, altitude, t.battery_percent, s.state
                )
                self._points.append(point)

    async def flush(self) -> None:
        """Store what was noted; where the store does not take it, it is kept for the next time.

        Raises
        ------
        StoreError
            If the store does not take it.
        """
        points = tuple(self._points)
        if points:
            await self._world.store.add_track(points)
            for _ in points:
                self._points.popleft()
