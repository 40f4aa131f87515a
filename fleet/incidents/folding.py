"""How detections fold into incidents, and what officers' decisions make of them. Pure."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fleet.errors import Conflict
from fleet.model.detection import AlarmLevel, Detection
from fleet.model.incident import Incident, IncidentStatus
from missions.city import Site

RANK: dict[AlarmLevel, int] = {"yellow": 1, "orange": 2, "red": 3}
POLICY = "policy:straight"
"""Who decided where a site's policy sends incidents on without an officer."""

_TO_CAD = (IncidentStatus.CONFIRMED, IncidentStatus.REPORTED)


def opened(detection: Detection, site: Site, incident_id: UUID, now: datetime) -> Incident:
    """Return the incident that a first detection opens, decided at once where policy says so."""
    straight = site.policy == "straight"
    return Incident(
        id=incident_id,
        site=detection.site,
        kind=detection.kind,
        status=IncidentStatus.CONFIRMED if straight else IncidentStatus.WAITING,
        level=detection.level,
        value=detection.value,
        unit=detection.unit,
        threshold=detection.threshold,
        lon=detection.lon,
        lat=detection.lat,
        opened_at=now,
        updated_at=now,
        captured_at=detection.captured_at,
        image_sha256=detection.image_sha256,
        detections=1,
        version=1,
        decided_by=POLICY if straight else None,
    )


def folded(incident: Incident, detection: Detection, now: datetime) -> tuple[Incident, bool]:
    """Return an open incident with one more detection, and whether CADs have to be told.

    Only a higher level changes what the incident says; a repetition is counted. CADs are told of
    an incident only once it is confirmed, so one that waits keeps its version.
    """
    counted = incident.model_copy(update={"detections": incident.detections + 1})
    if RANK[detection.level] <= RANK[incident.level]:
        return counted, False
    tell = incident.status in _TO_CAD
    raised = counted.model_copy(
        update={
            "level": detection.level,
            "value": detection.value,
            "unit": detection.unit,
            "threshold": detection.threshold,
            "lon": detection.lon,
            "lat": detection.lat,
            "captured_at": detection.captured_at,
            "image_sha256": detection.image_sha256,
            "updated_at": now,
            "version": incident.version + (1 if tell else 0),
            "status": IncidentStatus.CONFIRMED if tell else incident.status,
        }
    )
    return raised, tell


def confirmed(incident: Incident, actor: str, reason: str, now: datetime) -> Incident | None:
    """Return the incident confirmed, or None where it was confirmed before.

    Raises
    ------
    Conflict
        If it was rejected or is closed.
    """
    if incident.status in _TO_CAD:
        return None
    return _decided(incident, IncidentStatus.CONFIRMED, actor, reason, now)


def rejected(incident: Incident, actor: str, reason: str, now: datetime) -> Incident | None:
    """Return the incident rejected, or None where it was rejected before.

    Raises
    ------
    Conflict
        If it was confirmed or is closed.
    """
    if incident.status is IncidentStatus.REJECTED:
        return None
    return _decided(incident, IncidentStatus.REJECTED, actor, reason, now)


def _decided(
    incident: Incident, status: IncidentStatus, actor: str, reason: str, now: datetime
) -> Incident:
    if incident.status is not IncidentStatus.WAITING:
        by = f" by {incident.decided_by}" if incident.decided_by else ""
        raise Conflict(
            f"incident {incident.id} is {incident.status.value}{by}; it cannot be {status.value}"
        )
    return incident.model_copy(
        update={"status": status, "decided_by": actor, "reason": reason, "updated_at": now}
    )


def closed(incident: Incident, reason: str, now: datetime) -> Incident:
    """Return the incident closed; who decided it stays."""
    words = f"{incident.reason}; {reason}" if incident.reason else reason
    return incident.model_copy(
        update={"status": IncidentStatus.CLOSED, "reason": words, "updated_at": now}
    )
