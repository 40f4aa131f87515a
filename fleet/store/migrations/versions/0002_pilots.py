"""Berths, control, pilots' commands, flights and what happened on them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add what is new; no row that is there is changed."""
    op.add_column("drones", sa.Column("berth", sa.String(length=64), nullable=True))
    op.add_column("drones", sa.Column("holder", sa.String(length=100), nullable=True))
    op.add_column("drones", sa.Column("held_since", TIME, nullable=True))
    _commands()
    _flights()


def _commands() -> None:
    op.create_table(
        "commands",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("drone", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("demand", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("answered_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commands")),
    )
    op.create_index(op.f("ix_commands_drone_at"), "commands", ["drone", "at"], unique=False)
    op.create_index(op.f("ix_commands_status"), "commands", ["status"], unique=False)


def _flights() -> None:
    op.create_table(
        "flights",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("drone", sa.String(length=64), nullable=False),
        sa.Column("dock", sa.String(length=64), nullable=False),
        sa.Column("sortie", sa.String(length=64), nullable=True),
        sa.Column("took_off_at", TIME, nullable=False),
        sa.Column("landed_at", TIME, nullable=True),
        sa.Column("landed_dock", sa.String(length=64), nullable=True),
        sa.Column("air_s", sa.Double(), nullable=False),
        sa.Column("distance_m", sa.Double(), nullable=False),
        sa.Column("highest_m", sa.Double(), nullable=False),
        sa.Column("battery_start_percent", sa.Double(), nullable=True),
        sa.Column("battery_end_percent", sa.Double(), nullable=True),
        sa.Column("tlog", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flights")),
    )
    op.create_index(
        op.f("ix_flights_drone_took_off_at"), "flights", ["drone", "took_off_at"], unique=False
    )
    op.create_index(op.f("ix_flights_took_off_at"), "flights", ["took_off_at"], unique=False)
    op.create_table(
        "flight_events",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("drone", sa.String(length=64), nullable=False),
        sa.Column("flight", sa.String(length=64), nullable=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flight_events")),
    )
    op.create_index(op.f("ix_flight_events_at"), "flight_events", ["at"], unique=False)
    op.create_index(
        op.f("ix_flight_events_flight_at"), "flight_events", ["flight", "at"], unique=False
    )
