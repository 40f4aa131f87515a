"""One CAD's lane: its undelivered notices, in order for each incident, a few at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from fleet.cad.backoff import Backoff
from fleet.cad.metrics import CadMetrics
from fleet.cad.notice import complete
from fleet.cad.port import CadPort
from fleet.errors import CadError, StoreError
from fleet.link.clock import Clock
from fleet.live import LiveHub
from fleet.model.incident import IncidentStatus
from fleet.store import incidents, outbox
from fleet.store.outbox import Message
from fleet.store.store import Store

IN_FLIGHT = 4
"""Incidents told to one CAD at the same time; each incident's notices go one after another."""

PICTURE_TRIES = 3
"""Failures in a row after which a picture that cannot be read no longer holds back its incident."""

log = structlog.get_logger("cad")


@dataclass(slots=True)
class _Trouble:
    """An incident whose next notice failed: how often in a row, and when to try again."""

    failures: int
    again_at: float


class Lane:
    """Delivers to one CAD for ever.

    Parameters
    ----------
    cad
        Where to.
    store, hub, clock
        Of the controller.
    metrics, backoff
        See their classes.
    """

    def __init__(
        self,
        cad: CadPort,
        store: Store,
        hub: LiveHub,
        clock: Clock,
        metrics: CadMetrics,
        backoff: Backoff,
    ) -> None:
        self._cad = cad
        self._store = store
        self._hub = hub
        self._clock = clock
        self._metrics = metrics
        self._backoff = backoff
        self._news = asyncio.Event()
        self._news.set()
        self._heads: dict[UUID, Message] = {}
        self._busy: set[UUID] = set()
        self._trouble: dict[UUID, _Trouble] = {}

    def wake(self) -> None:
        """Say that something was queued, or that a delivery ended."""
        self._news.set()

    async def run(self) -> None:
        """Deliver what is queued, now and later, until cancelled."""
        async with asyncio.TaskGroup() as deliveries:
            while True:
                # again where a delivery ended during the read: what was read may be old by then
                while self._news.is_set():
                    self._news.clear()
                    await self._reload()
                for message in self._due():
                    self._busy.add(message.incident)
                    deliveries.create_task(self._try(message))
                await self._wait()

    async def _reload(self) -> None:
        try:
            async with self._store.read() as session:
                self._heads = {m.incident: m for m in await outbox.heads(session, self._cad.id)}
        except StoreError as error:
            log.error("outbox not readable", cad=self._cad.id, error=str(error))
            asyncio.get_running_loop().call_later(self._backoff.cap_s, self.wake)
        self._trouble = {k: v for k, v in self._trouble.items() if k in self._heads}

    def _due(self) -> list[Message]:
        now = self._clock.monotonic()
        free = IN_FLIGHT - len(self._busy)
        due = [
            message
            for incident, message in self._heads.items()
            if incident not in self._busy
            and (incident not in self._trouble or self._trouble[incident].again_at <= now)
        ]
        return due[: max(free, 0)]

    async def _wait(self) -> None:
        """Wait for news or for the next time that something is due."""
        times = [t.again_at for k, t in self._trouble.items() if k not in self._busy]
        full = len(self._busy) >= IN_FLIGHT
        wait_s = max(0.0, min(times) - self._clock.monotonic()) if times and not full else None
        try:
            async with asyncio.timeout(wait_s):
                await self._news.wait()
        except TimeoutError:
            return

    async def _try(self, message: Message) -> None:
        try:
            image = await self._picture(message)
            # megabytes of base64 and JSON: not in the event loop
            notice = await asyncio.to_thread(complete, message, image)
            await self._cad.deliver(notice)
            await self._acknowledged(message)
        except (CadError, StoreError) as error:
            await self._failed(message, error)
        finally:
            self._busy.discard(message.incident)
            self.wake()

    async def _picture(self, message: Message) -> bytes | None:
        sha256 = message.body["data"]["image"]["sha256"]
        reason = "no such file"
        try:
            image = await self._store.evidence.get(sha256)
        except StoreError as error:
            trouble = self._trouble.get(message.incident)
            if trouble is None or trouble.failures < PICTURE_TRIES:
                raise
            image, reason = None, str(error)
        if image is None:
            log.error(
                "evidence is lost", sha256=sha256, incident=str(message.incident), reason=reason
            )
        return image

    async def _acknowledged(self, message: Message) -> None:
        now = self._clock.now()
        async with self._store.write() as tx:
            left = await outbox.delivered(tx.session, message.id, now)
            if left == 0:
                incident = await incidents.get(tx.session, message.incident)
                if incident is not None and incident.status is IncidentStatus.CONFIRMED:
                    told = incident.model_copy(
                        update={"status": IncidentStatus.REPORTED, "updated_at": now}
                    )
                    await incidents.save(tx.session, told)
                    tx.after_commit(lambda: self._hub.publish("incident", str(told.id), told))
        self._observe(message, now)
        self._cad_is_back(message)
        log.info("delivered", cad=self._cad.id, webhook_id=message.webhook_id)

    def _observe(self, message: Message, now: datetime) -> None:
        cad = self._cad.id
        self._metrics.attempts.labels(cad, "delivered").inc()
        waited = (now - message.created_at).total_seconds()
        self._metrics.commit_to_ack.labels(cad).observe(max(0.0, waited))
        captured = datetime.fromisoformat(message.body["data"]["captured_at"])
        age = (now - captured).total_seconds()
        self._metrics.capture_to_ack.labels(cad).observe(max(0.0, age))

    def _cad_is_back(self, message: Message) -> None:
        """Try what waits out a back-off at once: who took one notice will take the others."""
        self._trouble.pop(message.incident, None)
        for trouble in self._trouble.values():
            trouble.again_at = min(trouble.again_at, self._clock.monotonic())

    async def _failed(self, message: Message, error: Exception) -> None:
        cad, incident = self._cad.id, message.incident
        before = self._trouble.get(incident)
        failures = 1 if before is None else before.failures + 1
        delay_s = self._backoff.delay_s(failures)
        self._trouble[incident] = _Trouble(failures, self._clock.monotonic() + delay_s)
        self._metrics.attempts.labels(cad, "failed").inc()
        log.warning(
            "not delivered; waits in the outbox",
            cad=cad,
            webhook_id=message.webhook_id,
            failures=failures,
            again_in_s=round(delay_s, 1),
            error=str(error),
        )
        try:
            async with self._store.write() as tx:
                await outbox.failed(tx.session, message.id, str(error)[:500])
        except StoreError as trouble:
            log.error("attempt not noted", cad=cad, error=str(trouble))
