"""Orders that recur and are changed: what became of each occurrence, and when an order changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add what is new; no row that is there is changed."""
    op.add_column("orders", sa.Column("changed_at", TIME, nullable=True))
    op.add_column("orders", sa.Column("reshaped_at", TIME, nullable=True))
    op.create_table(
        "occurrences",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("order_id", "starts_at", name=op.f("pk_occurrences")),
    )
