"""The desk: takes detections and officers' decisions, and queues what CADs have to be told.

Each change of an incident, its detection, its audit entry and its notices are one transaction.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from fleet.cad import notice
from fleet.errors import Conflict, DetectionError, NotFound
from fleet.incidents import folding
from fleet.incidents.picture import verify
from fleet.link.clock import Clock
from fleet.live import LiveHub
from fleet.model.detection import Detection, DetectionReceipt
from fleet.model.incident import Incident, IncidentStatus
from fleet.store import audit, detections, evidence, incidents, outbox
from fleet.store.audit import AuditEntry
from fleet.store.database import Transaction
from fleet.store.store import Store
from missions.city import City, Site

DECODERS = 2
"""Pictures verified at the same time; the others wait, so that a burst does not take every core."""

log = structlog.get_logger("desk")


class Activity(Protocol):
    """When a site was last measured above its normal, if it was."""

    def alarmed_at(self, site: str) -> datetime | None:
        """Return the time of the last report with a level above normal."""


class Desk:
    """Incidents, from the first detection to the CAD's queue.

    Parameters
    ----------
    city
        Sites, their policies, and the CADs.
    store, hub, clock
        Of the controller.
    wake_cads
        Called in the event loop after every commit that queued notices.
    activity
        What sites report: an incident is not quiet while its site is above normal.
    quiet
        An incident not heard of for so long is over; the next detection opens a new one.
    """

    def __init__(
        self,
        city: City,
        store: Store,
        hub: LiveHub,
        clock: Clock,
        *,
        wake_cads: Callable[[], None],
        activity: Activity,
        quiet: timedelta = timedelta(minutes=10),
    ) -> None:
        self._sites = {site.id: site for site in city.sites}
        self._cads = tuple(cad.id for cad in city.cad)
        self._store = store
        self._hub = hub
        self._clock = clock
        self._wake_cads = wake_cads
        self._activity = activity
        self._quiet = quiet
        self._decoders = asyncio.Semaphore(DECODERS)

    async def receive(self, detection: Detection, image: bytes) -> DetectionReceipt:
        """Take a detection with its picture; one that was taken before changes nothing.

        Raises
        ------
        DetectionError
            If the picture is not what the detection says, or the site is not watched for that.
        Conflict
            If its id was used for another detection.
        StoreError
            If it cannot be kept; the worker is to send it again.
        """
        site = self._site_of(detection)
        _check_fields(detection)
        async with self._store.read() as session:
            receipt = await _receipt_of(session, detection)
        if receipt is not None:
            return receipt
        async with self._decoders:
            picture = await asyncio.to_thread(verify, image, detection.image_sha256)
        await self._store.evidence.put(picture)
        async with self._store.write() as tx:
            receipt = await _receipt_of(tx.session, detection)
            if receipt is not None:
                return receipt
            now = self._clock.now()
            await evidence.save(tx.session, picture, now)
            incident = await self._fold(tx, detection, site, now)
            await detections.add(tx.session, detection, incident.id, now)
        return DetectionReceipt(
            id=detection.id, incident=incident.id, duplicate=False, received_at=now
        )

    async def confirm(self, incident_id: UUID, actor: str, reason: str) -> Incident:
        """Send an incident on to the CADs; confirming again changes nothing.

        Raises
        ------
        NotFound
            If there is no such incident.
        Conflict
            If it was rejected or is closed.
        """
        async with self._store.write() as tx:
            before = await _get(tx.session, incident_id)
            now = self._clock.now()
            after = folding.confirmed(before, actor, reason, now)
            if after is None:
                return before
            await incidents.save(tx.session, after)
            await self._tell(tx, "incident.created", after, now)
            await self._note(tx, after, actor, "incident.confirm", reason, now)
        return after

    async def reject(
        self, incident_id: UUID, actor: str, reason: str, *, seen: str | None = None
    ) -> Incident:
        """Put an incident aside; rejecting again changes nothing.

        Parameters
        ----------
        seen
            SHA-256 of the picture that the officer looked at, where it is known.

        Raises
        ------
        NotFound
            If there is no such incident.
        Conflict
            If it was confirmed or is closed, or has risen since the picture that was looked at.
        """
        async with self._store.write() as tx:
            before = await _get(tx.session, incident_id)
            waiting = before.status is IncidentStatus.WAITING
            if waiting and seen is not None and seen != before.image_sha256:
                raise Conflict(
                    f"incident {incident_id} has risen to {before.level} since the picture that "
                    "was looked at; look again"
                )
            now = self._clock.now()
            after = folding.rejected(before, actor, reason, now)
            if after is None:
                return before
            await incidents.save(tx.session, after)
            await self._note(tx, after, actor, "incident.reject", reason, now)
        return after

    async def get(self, incident_id: UUID) -> Incident:
        """Return one incident.

        Raises
        ------
        NotFound
            If there is no such incident.
        """
        async with self._store.read() as session:
            return await _get(session, incident_id)

    async def latest(self, limit: int) -> list[Incident]:
        """Return the newest incidents, newest first."""
        async with self._store.read() as session:
            return await incidents.latest(session, limit)

    async def close_quiet(self) -> int:
        """Close what every CAD knows of and is over; return how many were closed.

        One that waits for an officer, or whose notices wait, stays open however quiet it is.
        """
        now = self._clock.now()
        async with self._store.read() as session:
            told = await incidents.with_status(session, [IncidentStatus.REPORTED])
        quiet = [i.id for i, last in told if self._is_quiet(i.site, last, now)]
        for incident_id in quiet:
            async with self._store.write() as tx:
                incident = await _get(tx.session, incident_id)
                if incident.status is IncidentStatus.REPORTED:
                    words = f"quiet for {self._quiet.total_seconds() / 60:g} min"
                    after = folding.closed(incident, words, now)
                    await incidents.save(tx.session, after)
                    await self._note(tx, after, "controller", "incident.close", words, now)
        return len(quiet)

    def _site_of(self, detection: Detection) -> Site:
        site = self._sites.get(detection.site)
        if site is None:
            raise DetectionError(
                f"no site {detection.site!r} in the city; sites are {sorted(self._sites)}"
            )
        if site.detector.kind != detection.kind:
            raise DetectionError(
                f"site {site.id!r} is watched for {site.detector.kind!r}, not {detection.kind!r}"
            )
        return site

    def _is_quiet(self, site: str, last_detection_at: datetime, now: datetime) -> bool:
        alarmed_at = self._activity.alarmed_at(site)
        last = last_detection_at if alarmed_at is None else max(last_detection_at, alarmed_at)
        return now - last > self._quiet

    async def _fold(
        self, tx: Transaction, detection: Detection, site: Site, now: datetime
    ) -> Incident:
        found = await incidents.newest_open(tx.session, detection.site, detection.kind)
        if found is None or self._is_quiet(site.id, found[1], now):
            incident = folding.opened(detection, site, uuid4(), now)
            await incidents.add(tx.session, incident, now)
            if incident.status is IncidentStatus.CONFIRMED:
                await self._tell(tx, "incident.created", incident, now)
            words = f"{detection.level} {detection.value:g} {detection.unit}"
            await self._note(tx, incident, detection.detector, "incident.open", words, now)
            return incident
        incident, tell = folding.folded(found[0], detection, now)
        await incidents.save(tx.session, incident, now)
        if tell:
            await self._tell(tx, "incident.updated", incident, now)
        if incident.level != found[0].level:
            words = f"{found[0].level} -> {incident.level}"
            await self._note(tx, incident, detection.detector, "incident.raise", words, now)
        else:
            self._publish(tx, incident)
        return incident

    async def _tell(
        self, tx: Transaction, kind: notice.Kind, incident: Incident, now: datetime
    ) -> None:
        body = notice.body(kind, incident, self._sites[incident.site], now)
        await outbox.add(tx.session, self._cads, incident.id, incident.version, body, now)
        tx.after_commit(self._wake_cads)

    async def _note(
        self,
        tx: Transaction,
        incident: Incident,
        actor: str,
        action: str,
        reason: str,
        now: datetime,
    ) -> None:
        entry = AuditEntry(
            at=now,
            actor=actor,
            action=action,
            subject=f"incident:{incident.id}",
            reason=reason,
            details={"version": incident.version, "status": incident.status.value},
        )
        await audit.add(tx.session, entry)
        tx.after_commit(
            lambda: log.info(
                action, incident=str(incident.id), site=incident.site, by=actor, reason=reason
            )
        )
        self._publish(tx, incident)

    def _publish(self, tx: Transaction, incident: Incident) -> None:
        tx.after_commit(lambda: self._hub.publish("incident", str(incident.id), incident))


def _check_fields(detection: Detection) -> None:
    """Refuse what can be neither kept nor told: numbers that JSON has not, times outside of UTC.

    A refusal is for good, whereas a ``StoreError`` would have the worker send it again for ever.
    """
    for name in ("captured_at", "exceeded_at"):
        time: datetime = getattr(detection, name)
        try:
            time.astimezone(UTC)
        except OverflowError as error:
            raise DetectionError(f"{name} {time.isoformat()} is no time in UTC") from error
    for name in ("unit", "source", "detector"):
        if "\0" in getattr(detection, name):  # PostgreSQL keeps no such text
            raise DetectionError(f"{name} holds a NUL character")
    try:
        json.dumps(detection.model_dump(include={"value", "threshold", "details"}), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise DetectionError(f"value, threshold or details: {error}") from error


async def _get(session: AsyncSession, incident_id: UUID) -> Incident:
    incident = await incidents.get(session, incident_id)
    if incident is None:
        raise NotFound(f"no incident {incident_id}")
    return incident


async def _receipt_of(session: AsyncSession, detection: Detection) -> DetectionReceipt | None:
    """Return the receipt of a detection that was taken before, or None."""
    found = await detections.find(session, detection.id)
    if found is None:
        return None
    before, receipt = found
    if before != detection:
        raise Conflict(f"detection {detection.id} was taken before with other content")
    return receipt
