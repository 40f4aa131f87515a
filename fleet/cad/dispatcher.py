"""Empties the outbox: one lane a CAD, so that a slow one holds up no other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from prometheus_client import CollectorRegistry

from fleet.cad.backoff import Backoff
from fleet.cad.lane import Lane
from fleet.cad.metrics import CadMetrics
from fleet.cad.port import CadPort
from fleet.link.clock import Clock
from fleet.live import LiveHub
from fleet.store import outbox
from fleet.store.outbox import Waiting
from fleet.store.store import Store

log = structlog.get_logger("cad")


class Dispatcher:
    """Delivers every notice of the outbox, in order for each incident and CAD, until acknowledged.

    What was committed before the process died is found again at the next start and sent under the
    same webhook-id; the CAD tells repetitions by it.
    """

    def __init__(
        self,
        cads: Sequence[CadPort],
        store: Store,
        hub: LiveHub,
        clock: Clock,
        *,
        registry: CollectorRegistry | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._cads = tuple(cads)
        self._store = store
        self._clock = clock
        self._metrics = CadMetrics(registry or CollectorRegistry())
        retry = backoff or Backoff()
        self._lanes = [Lane(cad, store, hub, clock, self._metrics, retry) for cad in cads]

    def wake(self) -> None:
        """Say that something was committed to the outbox. Call it in the event loop."""
        for lane in self._lanes:
            lane.wake()

    async def run(self) -> None:
        """Deliver until cancelled."""
        for entry in await self.waiting():
            known = entry.cad in {cad.id for cad in self._cads}
            log.info(
                "notices wait" if known else "notices wait for a CAD that the city file lacks",
                cad=entry.cad,
                messages=entry.messages,
                oldest_at=entry.oldest_at.isoformat(),
            )
        try:
            async with asyncio.TaskGroup() as lanes:
                for lane in self._lanes:
                    lanes.create_task(lane.run())
        finally:
            for cad in self._cads:
                await cad.close()

    async def waiting(self) -> list[Waiting]:
        """Return what waits, by CAD, and set the gauges.

        Raises
        ------
        fleet.errors.StoreError
            If the outbox cannot be read.
        """
        async with self._store.read() as session:
            found = await outbox.waiting(session)
        by_cad = {entry.cad: entry for entry in found}
        now = self._clock.now()
        for cad in {c.id for c in self._cads} | set(by_cad):
            entry = by_cad.get(cad)
            age = 0.0 if entry is None else (now - entry.oldest_at).total_seconds()
            self._metrics.waiting.labels(cad).set(0 if entry is None else entry.messages)
            self._metrics.oldest.labels(cad).set(max(0.0, age))
        return found
