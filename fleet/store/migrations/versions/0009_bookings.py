"""The drones that orders count on in windows that lie ahead."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add what is new; no row that is there is changed."""
    op.create_table(
        "bookings",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("drone", sa.String(length=64), nullable=False),
        sa.Column("starts_at", TIME, nullable=False),
        sa.Column("home_at", TIME, nullable=False),
        sa.Column("ready_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("order_id", "drone", "starts_at", name=op.f("pk_bookings")),
    )
    op.create_index(op.f("ix_bookings_ready_at"), "bookings", ["ready_at"])
