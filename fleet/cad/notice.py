"""The words of a notice: an incident as a CAD is told of it."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any, Literal

from fleet.cad.port import Notice
from fleet.model.incident import Incident
from fleet.store.outbox import Message
from missions.city import Site

Kind = Literal["incident.created", "incident.updated"]


def body(kind: Kind, incident: Incident, site: Site, at: datetime) -> dict[str, Any]:
    """Return what the outbox keeps: the whole notice but the picture's bytes.

    Parameters
    ----------
    kind
        Whether the CAD hears of the incident for the first time.
    incident
        The incident as it is after the change.
    site
        Where it is.
    at
        When the change was decided.
    """
    return {
        "type": kind,
        "timestamp": at.isoformat(),
        "data": {
            "incident": str(incident.id),
            "version": incident.version,
            "site": incident.site,
            "site_name": site.name,
            "kind": incident.kind,
            "level": incident.level,
            "value": incident.value,
            "unit": incident.unit,
            "threshold": incident.threshold,
            "lon": incident.lon,
            "lat": incident.lat,
            "captured_at": incident.captured_at.isoformat(),
            "opened_at": incident.opened_at.isoformat(),
            "decided_by": incident.decided_by,
            "image": {"media_type": "image/jpeg", "sha256": incident.image_sha256},
        },
    }


def complete(message: Message, image: bytes | None) -> Notice:
    """Return the notice with its picture.

    A picture that the disk has lost does not hold back the incident: ``base64`` is empty then.
    """
    data = message.body["data"]
    picture = {**data["image"], "base64": base64.b64encode(image or b"").decode("ascii")}
    whole = {**message.body, "data": {**data, "image": picture}}
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    return Notice(message.webhook_id, text.encode())
