"""The closures of the city: taken, ended by a person or their time, kept over restarts.

What is in force is in ``Airways``. Whoever is in the air looks again at once when that changes,
and the failsafe matrix says what it does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog

from fleet.errors import NotFound, OrderError
from fleet.flight.airways import Airways
from fleet.link.clock import Clock
from fleet.model.closure import Closure
from missions.city import Zone
from missions.zones import polygon_of

ITS_TIME = "its time"
MOST = 2000
"""Closures and zones read in, together: each is looked at for every drone in the air."""
log = structlog.get_logger(__name__)


class ClosureStore(Protocol):
    """Durable memory of closures.

    Raises
    ------
    fleet.errors.StoreError
        By every method, where the database cannot be reached or refuses.
    """

    async def save(self, closures: Sequence[Closure]) -> None:
        """Insert or replace closures by their ids, all or none."""

    async def open_ones(self) -> Sequence[Closure]:
        """Return closures that have not ended, oldest first."""


class Unkept:
    """A memory of closures that keeps nothing."""

    async def save(self, closures: Sequence[Closure]) -> None:
        """Forget them."""

    async def open_ones(self) -> Sequence[Closure]:
        """Return none."""
        return ()


class Closures:
    """Every closure that has not ended.

    Parameters
    ----------
    airways
        What is in force; kept by this.
    store, clock
        Durable memory; time.
    changed
        Called whenever what is in force has changed.
    """

    def __init__(
        self, airways: Airways, store: ClosureStore, clock: Clock, changed: Callable[[], None]
    ) -> None:
        self._airways = airways
        self._store = store
        self._clock = clock
        self._changed = changed
        self._open: dict[UUID, Closure] = {}

    async def load(self) -> None:
        """Take what the store knows.

        Raises
        ------
        StoreError
            If it cannot be read.
        """
        self._open = {one.id: one for one in await self._store.open_ones()}
        self._airways.take(list(self._open.values()), self._clock.now())

    def all(self) -> list[Closure]:
        """Return every closure that has not ended, oldest first."""
        return list(self._open.values())

    @property
    def airways(self) -> Airways:
        """What of them is in force."""
        return self._airways

    async def add(self, closures: Sequence[Closure]) -> None:
        """Take closures: they are stored, then in force.

        Raises
        ------
        OrderError
            If there would be too many.
        StoreError
            If the store does not take them: then they are not in force.
        """
        if len(self._open) + len(closures) > MOST:
            raise OrderError(f"{len(self._open)} and {len(closures)} more zones; at most {MOST}")
        await self._store.save(closures)
        self._open |= {one.id: one for one in closures}
        self._take()
        for one in closures:
            log.info("closed", zone=one.zone.id, by=one.created_by, reason=one.reason)

    async def replace(
        self, zones: Collection[str], closures: Sequence[Closure], actor: str
    ) -> list[UUID]:
        """Take closures in place of those by the same zones' ids, all in one step.

        Raises
        ------
        OrderError, StoreError
            As ``add`` does: then nothing has changed.
        """
        now = self._clock.now()
        old = [one for one in self._open.values() if one.zone.id in zones]
        if len(self._open) - len(old) + len(closures) > MOST:
            raise OrderError(f"{len(self._open)} and {len(closures)} more zones; at most {MOST}")
        ended = [one.model_copy(update={"ended_at": now, "ended_by": actor}) for one in old]
        await self._store.save([*ended, *closures])
        for one in old:
            self._open.pop(one.id, None)
        self._open |= {one.id: one for one in closures}
        self._take()
        log.info("zones read in", zones=len(closures), replaced=len(old), by=actor)
        return [one.id for one in old]

    def check(self, zone: Zone) -> None:
        """See that a zone can be laid out in the city's frame.

        Raises
        ------
        missions.errors.GeometryError
            If it cannot.
        """
        polygon_of(zone, self._airways.known.frame)

    async def end(self, closure: UUID, actor: str) -> Closure:
        """End a closure.

        Raises
        ------
        NotFound
            If there is none that has not ended.
        StoreError
            If the store does not take it: then it stays in force.
        """
        one = self._open.get(closure)
        if one is None:
            raise NotFound(f"no closure {closure} is open")
        ended = one.model_copy(update={"ended_at": self._clock.now(), "ended_by": actor})
        await self._store.save([ended])
        self._open.pop(closure, None)
        self._take()
        log.info("opened", zone=one.zone.id, by=actor)
        return ended

    async def mind(self) -> None:
        """Look at the clock: hours begin and end, and closures are over at their time.

        Raises
        ------
        StoreError
            If the store does not take the end of one; it is over all the same.
        """
        now = self._clock.now()
        over = [one for one in self._open.values() if _is_over(one, now)]
        for one in over:
            del self._open[one.id]
        if over:
            self._take()
        elif self._airways.look(now):
            self._changed()
        if over:
            await self._store.save(
                [
                    one.model_copy(update={"ended_at": one.until, "ended_by": ITS_TIME})
                    for one in over
                ]
            )

    def _take(self) -> None:
        self._airways.take(list(self._open.values()), self._clock.now())
        self._changed()


def _is_over(one: Closure, now: datetime) -> bool:
    return one.until is not None and one.until <= now
