"""How long each cell has not been seen, and how often it is owed a visit; told where it changes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from fleet.link.clock import Clock
from fleet.live import LiveHub
from fleet.model.plan import CellSeen
from missions.cells import city_cells
from missions.city import City

OWED_EACH_S = 30.0

Owed = Callable[[datetime], Sequence[float]]
"""Seconds between two visits that each cell is owed at a time, in the order of ``city_cells``."""


class CellBoard:
    """Publishes every cell.

    Parameters
    ----------
    city, hub, clock
        The city; the live picture; time.
    owed
        How often a visit is owed; by the beats' own interval where nobody says more.
    """

    def __init__(self, city: City, hub: LiveHub, clock: Clock, owed: Owed | None = None) -> None:
        self._hub = hub
        self._clock = clock
        self._ids = tuple(cell.id for cell in city_cells(city))
        self._owed = owed or _by_beat(city)

    def load(self, visits: Mapping[str, datetime]) -> None:
        """Take the last visits that the store knows, and tell of every cell."""
        owed = self._owed(self._clock.now())
        for cell, seconds in zip(self._ids, owed, strict=True):
            self._tell(cell, visits.get(cell), _finite(seconds))

    def see(self, cell: str, at: datetime) -> None:
        """Take a visit. One of a cell that the city no longer has is left out."""
        known = self._hub.get("cell", cell)
        if isinstance(known, CellSeen) and (known.seen_at is None or known.seen_at < at):
            self._tell(cell, at, known.owed_s)

    async def run(self) -> None:
        """Tell what is owed as it changes with the hour, for ever."""
        while True:
            await asyncio.sleep(OWED_EACH_S)
            self.refresh()

    def refresh(self) -> None:
        """Tell of the cells that are owed more or less often than was told."""
        for cell, seconds in zip(self._ids, self._owed(self._clock.now()), strict=True):
            known = self._hub.get("cell", cell)
            seen_at = known.seen_at if isinstance(known, CellSeen) else None
            self._tell(cell, seen_at, _finite(seconds))

    def _tell(self, cell: str, seen_at: datetime | None, owed_s: float | None) -> None:
        self._hub.publish("cell", cell, CellSeen(id=cell, seen_at=seen_at, owed_s=owed_s))


def _by_beat(city: City) -> Owed:
    of = {beat.id: beat.revisit_s for beat in city.beats}
    owed = [of[cell.beat] for cell in city_cells(city)]
    return lambda _at: owed


def _finite(seconds: float) -> float | None:
    return float(seconds) if math.isfinite(seconds) else None
