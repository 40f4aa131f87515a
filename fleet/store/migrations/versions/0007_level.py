"""The height that a drone comes home at, where that is not its sortie's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what is new; no row that is there is changed."""
    op.add_column("drones", sa.Column("level_m", sa.Double(), nullable=True))
