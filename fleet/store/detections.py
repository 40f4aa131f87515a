"""Repository of detections."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from fleet.model.detection import Detection, DetectionReceipt
from fleet.store.tables import DetectionRow


async def add(session: AsyncSession, detection: Detection, incident: UUID, at: datetime) -> None:
    """Insert a detection of an incident."""
    session.add(
        DetectionRow(
            id=detection.id,
            incident=incident,
            received_at=at,
            image_sha256=detection.image_sha256,
            body=detection.model_dump(mode="json"),
        )
    )


async def find(
    session: AsyncSession, detection_id: UUID
) -> tuple[Detection, DetectionReceipt] | None:
    """Return a detection and the receipt a repetition of it gets, or None."""
    row = await session.get(DetectionRow, detection_id)
    if row is None:
        return None
    receipt = DetectionReceipt(
        id=row.id, incident=row.incident, duplicate=True, received_at=row.received_at
    )
    return Detection.model_validate(row.body), receipt
