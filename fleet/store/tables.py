"""The tables, as SQLAlchemy 2 declarative models; plain SQL types, so that PostgreSQL can follow.

Times are stored in UTC and come back aware. The migrations under ``migrations/`` make these tables;
a test holds that both agree.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, kept in UTC whatever the database does about zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Bring a time to UTC.

        Raises
        ------
        ValueError
            If the time has no zone.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"time without a zone: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give a time its zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Serial = BigInteger().with_variant(Integer, "sqlite")
"""A key that counts up; SQLite counts only plain INTEGER keys."""


class Base(DeclarativeBase):
    """Base of the tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: UtcDateTime(), dict[str, Any]: JSON(), UUID: Uuid()}  # noqa: RUF012


class DroneRow(Base):
    """Last decided state of a drone."""

    __tablename__ = "drones"

    drone: Mapped[str] = mapped_column(String(64), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text)
    sortie: Mapped[str | None] = mapped_column(String(64))
    at: Mapped[datetime]
    berth: Mapped[str | None] = mapped_column(String(64))
    holder: Mapped[str | None] = mapped_column(String(100))
    held_since: Mapped[datetime | None]
    level_m: Mapped[float | None]


class SortieRow(Base):
    """A sortie, its whole plan and how far it is."""

    __tablename__ = "sorties"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    order: Mapped[str] = mapped_column("order_id", String(64), index=True)
    drone: Mapped[str] = mapped_column(String(64))
    dock: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16), index=True)
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    plan: Mapped[dict[str, Any]]


class OrderRow(Base):
    """A patrol order."""

    __tablename__ = "orders"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    request: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(String(16), index=True)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime | None]
    reshaped_at: Mapped[datetime | None]


class BookingRow(Base):
    """A drone that an open order counts on; ``ready`` is when it can be sent for another."""

    __tablename__ = "bookings"

    order: Mapped[UUID] = mapped_column("order_id", primary_key=True)
    drone: Mapped[str] = mapped_column(String(64), primary_key=True)
    start: Mapped[datetime] = mapped_column("starts_at", primary_key=True)
    home: Mapped[datetime] = mapped_column("home_at")
    ready: Mapped[datetime] = mapped_column("ready_at", index=True)


class OccurrenceRow(Base):
    """What became of one occurrence of an order; by when it began, so none is there twice."""

    __tablename__ = "occurrences"

    order: Mapped[UUID] = mapped_column("order_id", primary_key=True)
    start: Mapped[datetime] = mapped_column("starts_at", primary_key=True)
    end: Mapped[datetime] = mapped_column("ends_at")
    status: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[datetime]


class ClosureRow(Base):
    """A closure, or a zone that was read in; kept when it has ended."""

    __tablename__ = "closures"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    zone: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))
    until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    ended_by: Mapped[str | None] = mapped_column(String(100))


class PolicyRow(Base):
    """A version of standing policy that was put; rows are only added."""

    __tablename__ = "policies"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(Text)
    body: Mapped[dict[str, Any]]


class FlagRow(Base):
    """A flag that rules of policy ask for, as it was last set."""

    __tablename__ = "policy_flags"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    on: Mapped[bool]
    until: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(100))


class VisitRow(Base):
    """A cell that was seen."""

    __tablename__ = "visits"
    __table_args__ = (Index(None, "cell", "at"),)

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    cell: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    drone: Mapped[str] = mapped_column(String(64))


class TrackRow(Base):
    """A point of a drone's 1 Hz track."""

    __tablename__ = "tracks"
    __table_args__ = (Index(None, "drone", "at"),)

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    drone: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(index=True)
    lon: Mapped[float]
    lat: Mapped[float]
    altitude_m: Mapped[float]
    battery_percent: Mapped[float | None]
    state: Mapped[str] = mapped_column(String(16))


class CommandRow(Base):
    """A pilot's command and its answer; the id is the pilot's, and is used once."""

    __tablename__ = "commands"
    __table_args__ = (Index(None, "drone", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    drone: Mapped[str] = mapped_column(String(64))
    actor: Mapped[str] = mapped_column(String(100))
    demand: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16), index=True)
    answer: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    answered_at: Mapped[datetime | None]


class FlightRow(Base):
    """One time in the air. Kept for ever: hours are summed over it."""

    __tablename__ = "flights"
    __table_args__ = (Index(None, "drone", "took_off_at"), Index(None, "took_off_at"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    drone: Mapped[str] = mapped_column(String(64))
    dock: Mapped[str] = mapped_column(String(64))
    sortie: Mapped[str | None] = mapped_column(String(64))
    took_off_at: Mapped[datetime]
    landed_at: Mapped[datetime | None]
    landed_dock: Mapped[str | None] = mapped_column(String(64))
    air_s: Mapped[float]
    """Seconds in the air, 0 while it flies: databases differ in how they subtract times."""
    distance_m: Mapped[float]
    highest_m: Mapped[float]
    battery_start_percent: Mapped[float | None]
    battery_end_percent: Mapped[float | None]
    tlog: Mapped[str | None] = mapped_column(String(200))


class FlightEventRow(Base):
    """One thing that happened to a drone, on a flight or around one."""

    __tablename__ = "flight_events"
    __table_args__ = (Index(None, "flight", "at"),)

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    drone: Mapped[str] = mapped_column(String(64))
    flight: Mapped[str | None] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    details: Mapped[dict[str, Any]]


class EvidenceRow(Base):
    """A picture in the evidence folder, by the SHA-256 of its bytes."""

    __tablename__ = "evidence"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    media_type: Mapped[str] = mapped_column(String(32))
    size_bytes: Mapped[int]
    width_px: Mapped[int]
    height_px: Mapped[int]
    stored_at: Mapped[datetime]


class IncidentRow(Base):
    """An incident."""

    __tablename__ = "incidents"
    __table_args__ = (Index(None, "site", "kind", "status"), Index(None, "opened_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16))
    level: Mapped[str] = mapped_column(String(16))
    value: Mapped[float]
    unit: Mapped[str] = mapped_column(String(16))
    threshold: Mapped[float]
    lon: Mapped[float]
    lat: Mapped[float]
    opened_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    captured_at: Mapped[datetime]
    image_sha256: Mapped[str] = mapped_column(String(64), ForeignKey("evidence.sha256"))
    detections: Mapped[int]
    version: Mapped[int]
    decided_by: Mapped[str | None] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(Text)
    last_detection_at: Mapped[datetime]


class DetectionRow(Base):
    """A detection as it was posted."""

    __tablename__ = "detections"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    incident: Mapped[UUID] = mapped_column("incident_id", ForeignKey("incidents.id"), index=True)
    received_at: Mapped[datetime]
    image_sha256: Mapped[str] = mapped_column(String(64), ForeignKey("evidence.sha256"))
    body: Mapped[dict[str, Any]]


class OutboxRow(Base):
    """A change of an incident that one CAD has to be told; kept when delivered."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("cad", "incident_id", "version"),
        Index(None, "cad", "delivered_at"),
    )

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    cad: Mapped[str] = mapped_column(String(64))
    incident: Mapped[UUID] = mapped_column("incident_id", ForeignKey("incidents.id"), index=True)
    version: Mapped[int]
    body: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    attempts: Mapped[int]
    last_error: Mapped[str] = mapped_column(Text)
    delivered_at: Mapped[datetime | None]


class TokenRow(Base):
    """A bearer token: only the SHA-256 of its 256 random bits is kept."""

    __tablename__ = "tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(16))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class CallRow(Base):
    """Somewhere that a drone is wanted at once."""

    __tablename__ = "calls"
    __table_args__ = (Index(None, "received_at"),)

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    source: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(40))
    priority: Mapped[int]
    want: Mapped[int]
    on_scene_s: Mapped[float]
    lon: Mapped[float]
    lat: Mapped[float]
    note: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16), index=True)
    reason: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime]
    received_by: Mapped[str] = mapped_column(String(100))
    there_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]


class AssignmentRow(Base):
    """A drone that was sent to a call, the first to be sent with number 0."""

    __tablename__ = "assignments"
    __table_args__ = (Index(None, "drone", "at"),)

    call: Mapped[str] = mapped_column("call_id", ForeignKey("calls.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    drone: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]
    there_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    details: Mapped[dict[str, Any]]


class HeardRow(Base):
    """A CAD's word that was taken, by its webhook-id: the same is taken once."""

    __tablename__ = "heard"

    cad: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)


class AuditRow(Base):
    """Who did what to what, and why. Rows are only ever added; triggers refuse the rest."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "subject"),)

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(Text)
    details: Mapped[dict[str, Any]]
